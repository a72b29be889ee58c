/** One signal given to many calls. */
import { getEventListeners } from "node:events";
import { expect, it, onTestFinished } from "vitest";
import { onAbort } from "./internal/on-abort.ts";
import { createTestLongshore } from "./testing.ts";

it("a signal given to many adds is listened to once, and stops what is on its way", async () => {
  const test = await createTestLongshore();
  onTestFinished(() => test.close());
  const { signal } = new AbortController();
  const warnings: string[] = [];
  const warned = ({ name }: Error): void => void warnings.push(name);
  process.on("warning", warned);
  onTestFinished(() => void process.off("warning", warned));
  const adding = test.ls.addAll("t", Array.from({ length: 100 }, (_, n) => n), { signal });
  await test.clock.advance(1_000);
  const handles = await adding;
  const results = Promise.allSettled(handles.map((handle) => handle.result({ signal })));
  expect(getEventListeners(signal, "abort")).toHaveLength(1);
  await test.ls.work("t", () => null);
  await test.drain();
  expect((await results).every(({ status }) => status === "fulfilled")).toBe(true);
  // Warnings come a turn later.
  await new Promise((next) => setImmediate(next));
  expect(warnings).toEqual([]);
});

it("each is told once when it aborts, and not when it has stopped listening", () => {
  const controller = new AbortController();
  const told: string[] = [];
  const [first, second] = ["first", "second"].map((name) => onAbort(controller.signal, () => void told.push(name)));
  const same = (): void => void told.push("same");
  onAbort(controller.signal, same);
  onAbort(controller.signal, same);
  second!();
  controller.abort();
  controller.abort();
  expect(told).toEqual(["first", "same", "same"]);
  first!();
});
