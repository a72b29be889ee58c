import { expect, it } from "vitest";
import { Rejected, ResultGone } from "./index.ts";
import { createTestLongshore } from "./testing.ts";

const errorOf = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => undefined, (error: unknown) => error);

it("P1 what was stored while no host was up is settled when one is back: done, or rejected with the recorded reason", async () => {
  const { ls, killHost, startHost, clock, close } = await createTestLongshore();
  await ls.work("a/b", (input) => input);
  killHost();
  const [taken, refused, second] = [await ls.add("a/b", 1), await ls.add("a/b", 2, { queue: "nowhere" }), await ls.add("a/b", 3, { queue: "nowhere" })];
  expect([taken.outcome, refused.outcome]).toEqual(["stored", "stored"]);
  const results = [taken.result(), errorOf(refused.result())];
  await clock.advance(5_000);
  await startHost();
  await clock.advance(20_000);
  const [result, rejection] = await Promise.all(results);
  expect(result).toBe(1);
  expect(rejection).toBeInstanceOf(Rejected);
  expect(rejection).toMatchObject({ code: "queue/not-found", message: expect.stringContaining("nowhere") });
  expect(await errorOf(second.state())).toMatchObject({ code: "queue/not-found" });
  expect(await taken.state()).toBe("succeeded");
  await close();
});

it("P1 the reason survives the host that recorded it", async () => {
  const { ls, killHost, startHost, clock, close } = await createTestLongshore();
  killHost();
  const refused = await ls.add("a/b", 2, { id: "mine", queue: "nowhere" });
  await startHost();
  await clock.advance(5_000);
  killHost();
  await startHost();
  const rejection = errorOf(refused.result());
  await clock.advance(20_000);
  expect(await rejection).toMatchObject({ name: "Rejected", code: "queue/not-found" });
  // A job of that id which came later is another matter.
  await ls.work("a/b", (input) => input);
  const added = await ls.add("a/b", 2, { id: "mine" });
  expect([added.id, added.outcome]).toEqual([refused.id, "created"]);
  expect(await added.result()).toBe(2);
  expect(await errorOf(refused.result())).toMatchObject({ code: "queue/not-found" });
  await close();
});

it("P1 a job that was never added is gone", async () => {
  const { ls, clock, close } = await createTestLongshore();
  const missing = errorOf(ls.jobs.handle("main.01M82M0MBNHVVJMAK20KJ056NS").result());
  await clock.advance(1_000);
  expect(await missing).toBeInstanceOf(ResultGone);
  await close();
});
