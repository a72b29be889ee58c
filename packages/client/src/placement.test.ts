/** A queue that says on which instance its jobs run, as programs see it. */
import { expect, it, onTestFinished } from "vitest";
import { defineQueue, InvalidOption, type Longshore } from "./index.ts";
import { createTestLongshore, type TestLongshore } from "./testing.ts";

const started = async (): Promise<TestLongshore> => {
  const test = await createTestLongshore();
  onTestFinished(() => test.close());
  return test;
};

/** Works on everything of the queue, and says who has run it. */
const workOn = (ls: Longshore, name: string): Promise<unknown> => ls.work("up/load", () => name, { concurrency: 1 });

it("10.2.4 each program's jobs run on its own worker, and without a worker there on any", async () => {
  const { ls, another, clock } = await started();
  const [other, outside] = [another(), another()];
  await ls.queues.configure(defineQueue("uploads", { topics: ["up/*"], placement: "creator" }));
  await clock.advance(1_000);
  await workOn(ls, "one");
  await workOn(other, "two");
  await clock.advance(1_000);
  const jobs = [await other.add("up/load"), await other.add("up/load"), await ls.add("up/load"), await other.add("up/load"), await ls.add("up/load")];
  await clock.advance(1_000);
  expect(await Promise.all(jobs.map((job) => job.result()))).toEqual(["two", "two", "one", "two", "one"]);
  const stray = await outside.add("up/load");
  await clock.advance(1_000);
  expect(["one", "two"]).toContain(await stray.result());
});

it("10.2.3 a queue for the leader runs on one program alone, and on the next when that is gone", async () => {
  const { ls, another, clock, killWorkers } = await started();
  const other = another();
  await ls.queues.configure("cleanup", { topics: ["up/*"], placement: "leader" });
  await workOn(ls, "one");
  await clock.advance(1_000);
  await workOn(other, "two");
  const first = await Promise.all(Array.from({ length: 6 }, () => other.add("up/load")));
  await clock.advance(1_000);
  expect(new Set(await Promise.all(first.map((job) => job.result())))).toEqual(new Set(["one"]));
  killWorkers();
  await clock.advance(60_000);
  const then = await other.add("up/load");
  await clock.advance(1_000);
  expect(await then.result()).toBe("two");
});

it("another word for a place is refused by name", () => {
  expect(() => defineQueue("q", { topics: ["*"], placement: "nowhere" as never })).toThrow(InvalidOption);
});
