/** The sample of `docs/guide.md` about tests. */
// #region testing
import { createTestLongshore } from "longshore/testing";
import { expect, it } from "vitest";
import { thumbnail } from "./guide/jobs.ts";

it("makes the thumbnail again after a failure", async () => {
  const test = await createTestLongshore();
  let failures = 0;
  await test.ls.work(thumbnail, ({ path }) => {
    if (failures++ === 0) throw new Error("the disk was full");
    return { path, bytes: 1 };
  });

  const job = await test.ls.add(thumbnail, { path: "a.jpg", width: 320 }, { delayMs: 86_400_000 });
  await test.clock.advance(86_400_000); // a day: nobody waits for it
  await test.drain();

  expect(await job.result()).toEqual({ path: "a.jpg", bytes: 1 });
  expect(failures).toBe(2);
  await test.close();
});
// #endregion

it("goes on after its host has died", async () => {
  const test = await createTestLongshore();
  await test.ls.work(thumbnail, ({ path }) => ({ path, bytes: 1 }));
  test.killHost();
  const adding = test.ls.add(thumbnail, { path: "a.jpg", width: 320 });
  await test.clock.advance(1_000);
  await test.startHost();
  const job = await adding;
  await test.clock.advance(5_000);
  await test.drain();
  expect(await job.result()).toEqual({ path: "a.jpg", bytes: 1 });
  await test.close();
});
