/** The samples of "Two clusters" in `docs/guide.md`, on two servers that a leaf node joins. */
import { defineQueue, Rejected } from "longshore";
import { expect, it } from "vitest";
import { HUB, WEST } from "../integration/nats/leaf.ts";
import { offloadWorld, routed } from "../integration/offload-world.ts";

const WITHIN_MS = 120_000;

it("a job leaves its cluster, is looked at on its way, called back, and comes home", async () => {
  const world = await offloadWorld();
  await Promise.all([world.node(HUB, "h1"), world.node(WEST, "w1")]);
  const worker = await world.worker(WEST, ["media/thumbnail"]);
  const ls = await world.client(HUB, "operator");
  await routed(ls, WEST, "media/thumbnail");
  const ends: (() => void)[] = [];
  await worker.work("media/thumbnail", async (_input, ctx) => {
    ctx.progress(0.5, "half of it");
    await new Promise<void>((end) => ends.push(end));
    await ctx.outputs.put("small.jpg", new TextEncoder().encode("small"));
  });
  const until = async (fact: () => Promise<boolean> | boolean): Promise<void> => {
    for (const deadlineMs = performance.now() + 30_000; !(await fact()); await new Promise((next) => setTimeout(next, 50))) expect(performance.now()).toBeLessThan(deadlineMs);
  };

  // #region offload-queue
  await ls.queues.configure(defineQueue("media", {
    topics: ["media/*"],
    offload: { when: "behind", backlog: 100, waitMs: 60_000, prefer: ["west"] },
  }));
  // #endregion
  const photo = new TextEncoder().encode("a photo");
  const submitter = await world.client(HUB, "submitter");
  const job = await submitter.add("media/thumbnail", { width: 320 }, { inputs: { "photo.jpg": photo } });
  await until(() => ends.length === 1);
  await until(async () => (await ls.offload.show(job.id)).report.progress !== undefined);

  // #region offload-look
  const trips = await ls.offload.list({ cluster: "west" }); // those on their way; { all: true }: the last ended ones, too
  const { phase, report, heardAgoMs, trouble } = await ls.offload.show(job.id);
  report.state; // "fetching", "queued" or "active" there; with it attempt, instance, progress, the last error
  trouble?.message; // why its files could not be carried, and when that is tried again
  const [west] = await ls.offload.clusters(); // what it takes, and how many jobs are leaving, waiting, running, returning there
  // #endregion
  expect([trips.length, phase, report.state, report.progress, trouble, west?.cluster]).toEqual([1, "accepted", "active", [0.5, "half of it"], null, "west"]);
  expect(heardAgoMs).toBeGreaterThanOrEqual(0);

  // #region offload-steer
  await ls.offload.reclaim(job.id, "it takes too long"); // the job is its queue's again, and goes away anew as another attempt
  await ls.offload.drain("west"); // nothing new is sent there; with { wait: true }: resolves when nothing of ours is left there
  await ls.offload.resume("west");
  // #endregion
  await until(() => ends.length === 2);
  for (const end of ends) end();
  await job.result();
  expect(new TextDecoder().decode(await (await job.outputs()).get("small.jpg")!.read())).toBe("small");
  expect(await ls.offload.show(job.id)).toMatchObject({ trip: 2, how: "returned" });
  await expect(ls.offload.drain("east")).rejects.toThrow(Rejected);
}, WITHIN_MS);
