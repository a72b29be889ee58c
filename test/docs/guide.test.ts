/** The samples of `docs/guide.md`: what stands between `#region` and `#endregion` is shown there, and runs here. */
import { AttemptAborted, Cancel, connect, defineJob, JobFailed, type Longshore, Rejected, RetryLater, Snooze } from "longshore";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { greeting } from "./guide/greeting.ts";
import { booking, ledger, thumbnail } from "./guide/jobs.ts";
import { startWorld, until, type World } from "./world.ts";

let world: World;
let ls: Longshore;

beforeAll(async () => {
  world = await startWorld();
  ls = await connect({ servers: world.url });
});

afterAll(async () => {
  await ls?.close();
  await world?.stop();
});

const makeThumbnail = (path: string, width: number): Promise<{ path: string; bytes: number }> =>
  Promise.resolve({ path: path.replace(".jpg", `-${width}.jpg`), bytes: 1_234 });

it("connects, works, adds, and has the result", async () => {
  vi.stubEnv("NATS_URL", world.url);
  // #region first
  const ls = await connect();
  const worker = await ls.work(thumbnail, ({ path, width }) => makeThumbnail(path, width), { concurrency: 8 });

  const job = await ls.add(thumbnail, { path: "a.jpg", width: 320 });
  const { path, bytes } = await job.result();
  // #endregion
  expect([path, bytes]).toEqual(["a-320.jpg", 1_234]);

  // #region close
  await worker.close();
  await ls.close();
  // #endregion
});

it("refuses an input that is not what the schema wants", async () => {
  // @ts-expect-error: the compiler says so, too.
  await expect(ls.add(thumbnail, { path: "a.jpg", width: "wide" })).rejects.toMatchObject({ code: "input/invalid", path: "input.width" });
});

it("tells the handler what it runs, and takes what it says", async () => {
  const worker = await ls.work(
    thumbnail,
    // #region context
    async ({ path, width }, ctx) => {
      ctx.progress(0.1, "decoding");
      ctx.log("attempt", ctx.attempt, "of", ctx.jobId);
      ctx.setProperty("camera", "X100");
      const made = await makeThumbnail(path, width);
      ctx.heartbeat(); // alive: the timeout counts from here
      return made;
    },
    // #endregion
  );
  const job = await ls.add(thumbnail, { path: "b.jpg", width: 64 });
  await job.result();
  const info = await ls.jobs.get(job.id);
  expect(info).toMatchObject({ state: "succeeded", properties: { camera: "X100" }, progress: { fraction: 0.1, message: "decoding" } });
  expect(info?.log).toEqual([`attempt 1 of ${job.id}`]);
  await worker.close();
});

it("says why a job failed", async () => {
  const worker = await ls.work(thumbnail, () => Promise.reject(new Error("the disk is full")));
  const job = await ls.add(thumbnail, { path: "c.jpg", width: 320 }, { retries: 1 });
  const told: unknown[] = [];
  // #region failed
  try {
    await job.result();
  } catch (error) {
    if (!(error instanceof JobFailed)) throw error;
    const { state, attempts, reason } = error; // "given-up", 2, "the disk is full"
    told.push(state, attempts, reason ?? error.error?.message);
  }
  // #endregion
  expect(told).toEqual(["given-up", 2, expect.stringContaining("the disk is full")]);
  await worker.close();
});

it("ends, repeats and sleeps as the handler says", async () => {
  const order = defineJob("shop/order", { retries: 5 });
  const reached: string[] = [];
  const shop = { isClosed: false, isBusy: true, isKnown: false };
  const worker = await ls.work(
    order,
    // #region throw
    (_input, ctx) => {
      if (shop.isClosed) throw new Cancel("the shop is closed for good"); // ends the job, no retry
      if (shop.isBusy) throw new RetryLater(50, "busy"); // a failure, retried after 50 ms
      if (!shop.isKnown) throw new Snooze(50); // no failure, starts again after 50 ms
      return `done in attempt ${ctx.attempt}`;
    },
    // #endregion
  );
  const job = await ls.add(order, null);
  await until("the first failure", async () => (await ls.jobs.get(job.id))?.failures === 1 || undefined);
  shop.isBusy = false;
  await until("the snooze", async () => ((await ls.jobs.get(job.id))?.attempt ?? 0) >= 3 || undefined);
  shop.isKnown = true;
  reached.push(String(await job.result()));
  expect(reached[0]).toMatch(/^done in attempt \d+$/);
  expect((await ls.jobs.get(job.id))?.failures).toBeGreaterThanOrEqual(1);

  shop.isClosed = true;
  await expect((await ls.add(order, null)).result()).rejects.toMatchObject({ state: "error", reason: "the shop is closed for good" });
  await worker.close();
});

it("knows an id again", async () => {
  // #region id
  const first = await ls.add(thumbnail, { path: "d.jpg", width: 320 }, { id: "d.jpg@320" });
  const again = await ls.add(thumbnail, { path: "d.jpg", width: 320 }, { id: "d.jpg@320" });
  // first.id === again.id, first.outcome === "created", again.outcome === "deduplicated"
  // #endregion
  expect([again.id, first.outcome, again.outcome]).toEqual([first.id, "created", "deduplicated"]);
  await expect(ls.add(thumbnail, { path: "other.jpg", width: 320 }, { id: "d.jpg@320" })).rejects.toThrow(Rejected);
  await expect(ls.add(thumbnail, { path: "other.jpg", width: 320 }, { id: "d.jpg@320" })).rejects.toMatchObject({ code: "job/id-reused" });
  await first.stop();
});

it("adds for later", async () => {
  // #region later
  const soon = await ls.add(thumbnail, { path: "e.jpg", width: 320 }, { delayMs: 60_000 });
  const night = await ls.add(thumbnail, { path: "e.jpg", width: 640 }, { notBefore: new Date("2090-01-01T02:00:00Z") });
  // #endregion
  expect(await ls.jobs.get(soon.id)).toMatchObject({ state: "queued", waits: "not-before" });
  expect((await ls.jobs.get(night.id))?.notBefore).toBe(Date.parse("2090-01-01T02:00:00Z"));
  await soon.stop();
  await night.stop();
});

it("adds many", async () => {
  const paths = Array.from({ length: 500 }, (_, i) => `${i}.jpg`);
  const worker = await ls.work(thumbnail, ({ path, width }) => makeThumbnail(path, width), { concurrency: 100 });
  const seen: number[] = [];
  // #region many
  const jobs = await ls.addAll(thumbnail, paths.map((path) => ({ path, width: 320 })), {
    id: ({ path, width }) => `many/${path}@${width}`,
    progress: ({ done, total }) => seen.push(done / (total ?? 1)),
  });
  const results = await Promise.all(jobs.map((job) => job.result()));
  // #endregion
  expect(results).toHaveLength(500);
  expect(seen.at(-1)).toBe(1);
  await worker.close();
});

it("stops a waiting job, and a running one through its signal", async () => {
  const watch = defineJob("watch");
  const reasons: unknown[] = [];
  const worker = await ls.work(
    watch,
    // #region signal
    (_input, ctx) =>
      new Promise((_, reject) => {
        ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason));
      }),
    // #endregion
  );
  const job = await ls.add(watch, null);
  await until("the start", async () => (await job.state()) === "active" || undefined);
  // #region stop
  await job.stop("nobody watches any more");
  // #endregion
  await job.result().catch((error: unknown) => reasons.push((error as JobFailed).state));
  expect(reasons).toEqual(["stopped"]);
  expect(new AttemptAborted("stop", "").name).toBe("AbortError");
  await worker.close();
});

it("works with the handler that a definition brings", async () => {
  const worker = await ls.work(greeting);
  expect(await (await ls.add(greeting, { name: "you" })).result()).toBe("Hello, you");
  await worker.close();
});

it("keeps the order of an ordered queue", async () => {
  // #region configure
  await ls.queues.configure(ledger);
  // #endregion
  const booked: number[] = [];
  const worker = await ls.work(booking, ({ amount }) => void booked.push(amount), { concurrency: 10 });
  const jobs = await ls.addAll(booking, [10, -3, 5, 7].map((amount) => ({ amount })));
  await Promise.all(jobs.map((job) => job.result()));
  expect(booked).toEqual([10, -3, 5, 7]);
  expect(await ls.jobs.get(jobs[0]!.id)).toMatchObject({ queue: "ledger" });
  await worker.close();
});

it("suspends a queue, says why its jobs wait, and goes on", async () => {
  const worker = await ls.work(booking, () => undefined);
  const said: string[] = [];
  // #region suspend
  await ls.queues.suspend("ledger");
  const job = await ls.add(booking, { amount: 1 });
  const why = await ls.jobs.why(job.id);
  said.push(why?.text ?? ""); // a sentence, for people; `waits` and `detail` are for programs
  await ls.queues.resume("ledger");
  // #endregion
  expect(why?.waits).toBe("suspended");
  expect(said[0]).toMatch(/suspended/);
  await job.result();
  await worker.close();
});

it("finds jobs by what they are", async () => {
  await ls.add(thumbnail, { path: "f.jpg", width: 1 }, { properties: { tenant: "blue", weight: 5 }, delayMs: 3_600_000 });
  // #region find
  const { jobs, next } = await ls.jobs.find({
    state: "queued",
    topic: "media/thumbnail",
    where: [{ tenant: "blue", ">weight": 3 }],
    limit: 100,
  });
  // #endregion
  expect(jobs).toHaveLength(1);
  expect(next).toBeUndefined();

  // #region bulk
  const would = await ls.jobs.stop({ topic: "media/thumbnail", state: "queued" }, { dryRun: true });
  const stopping = await ls.jobs.stop({ topic: "media/thumbnail", state: "queued" });
  await stopping.done();
  // #endregion
  expect(would.matched).toBeGreaterThan(0);
  expect((await ls.jobs.find({ state: "queued", topic: "media/thumbnail" })).jobs).toEqual([]);
});

it("shows what happened, and what was", async () => {
  const worker = await ls.work(thumbnail, ({ path, width }) => makeThumbnail(path, width));
  const job = await ls.add(thumbnail, { path: "g.jpg", width: 320 });
  await job.result();
  // #region history
  const events = await ls.jobs.history(job.id); // JobAccepted, AttemptStarted, JobEnded

  const [accepted] = events;
  const before = await ls.history.stateAt("job-queue", accepted!.commit);
  const then = await before.job(job.id); // as it was in that commit
  // #endregion
  expect(events.map(({ type }) => type)).toEqual(["JobAccepted", "AttemptStarted", "JobEnded"]);
  expect(["queued", "active"]).toContain(then?.state);
  expect(before.hash).toMatch(/^[0-9a-f]{64}$/);

  // #region read
  const ends: string[] = [];
  for await (const commit of ls.history.read("job-queue", { from: accepted!.commit })) {
    for (const event of commit.events) if (event.type === "JobEnded") ends.push(`${event.id} ${String(event["state"])}`);
  }
  // #endregion
  expect(ends).toContain(`${job.id} succeeded`);
  await worker.close();
});

it("follows events as they come", async () => {
  const worker = await ls.work(thumbnail, ({ path, width }) => makeThumbnail(path, width));
  const types: string[] = [];
  const job = await ls.add(thumbnail, { path: "h.jpg", width: 320 });
  // #region follow
  for await (const event of job.follow()) types.push(event.type); // ends with the job
  // #endregion
  expect(types).toEqual(["JobAccepted", "AttemptStarted", "JobEnded"]);
  await worker.close();
});
