import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { HistoryCommit, JobContext } from "./index.ts";
import {
  Cancel, defineJob, defineQueue, InvalidInput, JobFailed, Rejected, ResultGone, RetryLater, Snooze, Unavailable,
} from "./index.ts";
import type { TestLongshore } from "./testing.ts";
import { createTestLongshore } from "./testing.ts";

const double = defineJob<{ n: number }, { n: number }>("math/double");

async function inWorld(run: (test: TestLongshore) => Promise<void>): Promise<void> {
  const test = await createTestLongshore();
  try {
    await run(test);
  } finally {
    await test.close();
  }
}

/** The error a promise rejects with. */
const errorOf = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => undefined, (error: unknown) => error);

describe("adding", () => {
  it("a job that is added runs, and its result comes back", () => inWorld(async ({ ls }) => {
    await ls.work(double, ({ n }) => ({ n: n * 2 }));
    const job = await ls.add(double, { n: 21 });
    expect(job.outcome).toBe("created");
    expect(job.id).toMatch(/^main\.[0-9A-Z]{26}$/);
    expect(await job.result()).toEqual({ n: 42 });
    expect(await job.state()).toBe("succeeded");
  }));

  it("many at once are added and done in order", () => inWorld(async ({ ls }) => {
    const seen: number[] = [];
    await ls.queues.configure("line", { topics: ["math/*"], type: "ordered" });
    await ls.work(double, ({ n }) => {
      seen.push(n);
      return { n };
    }, { concurrency: 100 });
    const jobs = await Promise.all(Array.from({ length: 50 }, (_, n) => ls.add(double, { n })));
    await Promise.all(jobs.map((job) => job.result()));
    expect(seen).toEqual(Array.from({ length: 50 }, (_, n) => n));
  }));

  it("the same id with the same input is the same job, with another input it is refused", () => inWorld(async ({ ls }) => {
    const first = await ls.add(double, { n: 1 }, { id: "one" });
    expect(first.id).toBe("main.math~double.one");
    const second = await ls.add(double, { n: 1 }, { id: "one" });
    expect([second.id, second.outcome]).toEqual([first.id, "deduplicated"]);
    const error = await errorOf(ls.add(double, { n: 2 }, { id: "one" }));
    expect(error).toBeInstanceOf(Rejected);
    expect(error).toMatchObject({ code: "job/id-reused" });
  }));

  it("a job for later starts when its time has come", () => inWorld(async ({ ls, clock }) => {
    await ls.work(double, ({ n }) => ({ n }));
    const delayed = await ls.add(double, { n: 1 }, { delayMs: 60_000 });
    const dated = await ls.add(double, { n: 2 }, { notBefore: new Date(clock.now().getTime() + 120_000) });
    await clock.advance(59_000);
    expect([await delayed.state(), await dated.state()]).toEqual(["queued", "queued"]);
    await clock.advance(1_000);
    expect([await delayed.state(), await dated.state()]).toEqual(["succeeded", "queued"]);
    await clock.advance(60_000);
    expect(await dated.state()).toBe("succeeded");
  }));

  it("what is not known to be a job is refused before anything is sent", () => inWorld(async ({ ls }) => {
    for (const [input, path] of [[() => 1, "input"], [{ a: { b: Number.NaN } }, "input.a.b"], [[1, undefined], "input[1]"], [{ m: new Map() }, "input.m"]] as const) {
      const error = await errorOf(ls.add("any/topic", input));
      expect(error).toBeInstanceOf(InvalidInput);
      expect(error).toMatchObject({ path });
    }
    expect((await ls.jobs.find()).jobs).toEqual([]);
  }));

  it("an aborted add is not sent", () => inWorld(async ({ ls }) => {
    const reason = new Error("enough");
    expect(await errorOf(ls.add(double, { n: 1 }, { signal: AbortSignal.abort(reason) }))).toBe(reason);
    const stop = new AbortController();
    const [aborted, added] = [errorOf(ls.add(double, { n: 2 }, { signal: stop.signal })), ls.add(double, { n: 3 })];
    stop.abort(reason);
    expect(await aborted).toBe(reason);
    await added;
    expect((await ls.jobs.find({ payloads: true })).jobs.map(({ input }) => input)).toEqual([{ n: 3 }]);
  }));

  it("a list is added in order, counted on the way, and stopped by a signal", () => inWorld(async ({ ls }) => {
    const progress: number[] = [];
    const inputs = Array.from({ length: 10_000 }, (_, n) => ({ n }));
    const jobs = await ls.addAll(double, inputs, { id: ({ n }) => `n${n}`, progress: ({ done, total }) => progress.push(done, total ?? -1) });
    expect([jobs.length, jobs[7]!.id]).toEqual([10_000, "main.math~double.n7"]);
    expect(progress.slice(-2)).toEqual([10_000, 10_000]);
    const stop = new AbortController();
    async function* endless(): AsyncGenerator<{ n: number }> {
      for (let n = 0; ; n++) {
        if (n === 100) stop.abort(new Error("enough"));
        yield { n };
      }
    }
    expect(await errorOf(ls.addAll(double, endless(), { signal: stop.signal }))).toMatchObject({ code: "add-all/failed" });
  }));
});

describe("working", () => {
  const end = async (handler: (input: { n: number }, ctx: JobContext) => unknown, options = {}): Promise<{ readonly state: string | undefined; readonly calls: number; readonly error: unknown }> => {
    let calls = 0;
    let outcome: { readonly state: string | undefined; readonly error: unknown } = { state: undefined, error: undefined };
    await inWorld(async ({ ls, drain }) => {
      await ls.work(double, (input, ctx) => {
        calls++;
        return handler(input, ctx) as { n: number };
      });
      const job = await ls.add(double, { n: 1 }, { retries: 2, retryDelayMs: 100, ...options });
      const error = errorOf(job.result());
      await drain();
      outcome = { state: await job.state(), error: await error };
    });
    return { ...outcome, calls };
  };

  it("a handler that throws is tried again, and given up when its retries are used up", async () => {
    const { state, calls, error } = await end(() => { throw new TypeError("broken"); });
    expect([state, calls]).toEqual(["given-up", 3]);
    expect(error).toBeInstanceOf(JobFailed);
    expect(error).toMatchObject({ state: "given-up", attempts: 3, error: { name: "TypeError", message: "broken" } });
  });

  it("Cancel ends the job at once", async () => {
    const { state, calls, error } = await end(() => { throw new Cancel("no use"); });
    expect([state, calls]).toEqual(["error", 1]);
    expect(error).toMatchObject({ reason: "no use" });
  });

  it("RetryLater names its own pause, Snooze uses no failure", async () => {
    expect(await end((_, { attempt }) => {
      if (attempt <= 2) throw new RetryLater(50_000);
      return { n: 1 };
    })).toMatchObject({ state: "succeeded", calls: 3 });
    expect(await end((_, { attempt, failures }) => {
      expect(failures).toBe(0);
      if (attempt <= 5) throw new Snooze(1_000);
      return { n: 1 };
    })).toMatchObject({ state: "succeeded", calls: 6 });
  });

  it("a running job is told to stop through its signal, and ends as stopped", () => inWorld(async ({ ls, clock }) => {
    await ls.work(double, (_, { signal }) => new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error))));
    const job = await ls.add(double, { n: 1 });
    await clock.advance(1_000);
    expect(await job.state()).toBe("active");
    await job.stop("not needed");
    await clock.advance(10);
    expect(await job.state()).toBe("stopped");
  }));

  it("an attempt that takes too long is timed out and tried again", () => inWorld(async ({ ls, clock }) => {
    const attempts: number[] = [];
    await ls.work(double, (_, { attempt }) => {
      attempts.push(attempt);
      return attempt === 1 ? new Promise<{ n: number }>(() => undefined) : { n: 9 };
    });
    const job = await ls.add(double, { n: 1 }, { timeoutMs: 5_000, retryDelayMs: 0 });
    await clock.advance(6_000);
    expect(await job.result()).toEqual({ n: 9 });
    expect(attempts).toEqual([1, 2]);
  }));

  it("what a handler says on the way is kept with the job", () => inWorld(async ({ ls }) => {
    await ls.work(double, async (_, ctx) => {
      ctx.progress(0.5, "half");
      ctx.log("a line", { with: "values" });
      ctx.setProperty("stage", "two");
      return { n: 1 };
    });
    const job = await ls.add(double, { n: 1 }, { properties: { stage: "one" } });
    await job.result();
    expect(await ls.jobs.get(job.id)).toMatchObject({
      input: { n: 1 }, result: { n: 1 }, log: ['a line {"with":"values"}'], progress: { fraction: 0.5, message: "half" }, properties: { stage: "two" },
    });
  }));

  it("a closing worker lets what runs finish, and hands back what does not", () => inWorld(async ({ ls, clock, another }) => {
    const other = another();
    let finish: () => void = () => undefined;
    const worker = await ls.work(double, ({ n }) => n === 1 ? new Promise((resolve) => { finish = () => resolve({ n: 1 }); }) : new Promise(() => undefined));
    const [quick, slow] = [await ls.add(double, { n: 1 }), await ls.add(double, { n: 2 })];
    await clock.advance(10);
    const closing = worker.close({ drainMs: 5_000 });
    finish();
    expect(await quick.result()).toEqual({ n: 1 });
    await other.work(double, ({ n }) => ({ n: n * 100 }));
    await clock.advance(6_000);
    await closing;
    expect(await slow.result()).toEqual({ n: 200 });
  }));

  it("the attempts of a worker that dies are run again elsewhere", () => inWorld(async ({ ls, clock, another, killWorkers }) => {
    await ls.work(double, () => new Promise(() => undefined));
    const job = await ls.add(double, { n: 3 }, { retryDelayMs: 0 });
    await clock.advance(15_000);
    killWorkers();
    await another().work(double, ({ n }) => ({ n }));
    await clock.advance(20_000);
    expect(await job.result()).toEqual({ n: 3 });
  }));

  it("topics and patterns take handlers, too", () => inWorld(async ({ ls }) => {
    await ls.work("math/*", (input) => input);
    const job = await ls.add("math/anything", { any: "thing" });
    expect(await job.result()).toEqual({ any: "thing" });
  }));

  it("a large payload travels beside the message, and back", () => inWorld(async ({ ls }) => {
    const text = "x".repeat(300_000);
    await ls.work("big/one", (input) => ({ back: (input as { readonly text: string }).text }));
    const job = await ls.add("big/one", { text });
    expect(await job.result()).toEqual({ back: text });
    expect((await ls.jobs.get(job.id))?.input).toEqual({ text });
  }));
});

describe("schemas", () => {
  const order = defineJob("shop/order", {
    input: z.object({ sku: z.string(), count: z.number().int().positive().default(1) }),
    output: z.object({ total: z.string().transform(Number) }),
  });

  it("check the input before it is sent, naming the place", () => inWorld(async ({ ls }) => {
    const error = await errorOf(ls.add(order, { sku: "a", count: -1 }));
    expect(error).toBeInstanceOf(InvalidInput);
    expect(error).toMatchObject({ path: "input.count" });
    expect((await ls.jobs.find()).jobs).toEqual([]);
  }));

  it("make the handler's input and the caller's result", () => inWorld(async ({ ls }) => {
    await ls.work(order, ({ sku, count }) => ({ total: `${sku.length * count}` }));
    expect(await (await ls.add(order, { sku: "abc" })).result()).toEqual({ total: 3 });
  }));

  it("end a job whose old input no longer fits, without a loop of crashes", () => inWorld(async ({ ls }) => {
    let calls = 0;
    await ls.work(order, () => {
      calls++;
      return { total: "1" };
    });
    const job = await ls.add("shop/order", { sku: 7 });
    expect(await errorOf(job.result())).toMatchObject({ state: "error", reason: expect.stringContaining("input.sku") });
    expect(calls).toBe(0);
  }));

  it("make a wrong output a failed attempt", () => inWorld(async ({ ls, drain }) => {
    await ls.work(order, () => ({ total: 5 }) as unknown as { total: string });
    const job = await ls.add(order, { sku: "a" }, { retries: 0 });
    await drain();
    expect(await errorOf(job.result())).toMatchObject({ state: "given-up", error: { name: "InvalidInput" } });
  }));
});

describe("jobs and queues", () => {
  it("are found, looked at, and acted on in bulk with a dry run", () => inWorld(async ({ ls, drain }) => {
    for (let n = 0; n < 30; n++) await ls.add(double, { n }, { properties: { n } });
    const found = await ls.jobs.find({ where: [{ "<n": 10 }], limit: 5 });
    expect([found.jobs.length, found.next === undefined]).toEqual([5, false]);
    const rest = await ls.jobs.find({ where: [{ "<n": 10 }], limit: 50, ...(found.next === undefined ? {} : { after: found.next }) });
    expect(rest.jobs).toHaveLength(5);
    expect(await ls.jobs.stop({ topic: "math/double", where: [{ "<n": 10 }] }, { dryRun: true })).toMatchObject({ matched: 10, operation: undefined });
    const bulk = await ls.jobs.stop({ topic: "math/double", where: [{ "<n": 10 }] });
    await bulk.done();
    expect((await ls.jobs.find({ state: "stopped" })).jobs).toHaveLength(10);
    await ls.work(double, ({ n }) => ({ n }));
    await drain();
    expect((await ls.queues.statistics()).all).toMatchObject({ finished: 20, canceled: 10, queued: 0 });
    await (await ls.jobs.remove({ state: "history" })).done();
    expect((await ls.jobs.find({ state: "history" })).jobs).toEqual([]);
  }));

  it("an ended job is repeated as a new one, and explained while it waits", () => inWorld(async ({ ls }) => {
    const worker = await ls.work(double, () => { throw new Cancel("not today"); });
    const job = await ls.add(double, { n: 1 });
    await errorOf(job.result());
    await worker.close();
    const again = await ls.jobs.retry(job.id);
    expect(again.id).not.toBe(job.id);
    expect(await ls.jobs.why(again.id)).toMatchObject({ waits: "no-capable-instance" });
    await ls.work(double, ({ n }) => ({ n }));
    expect(await again.result()).toEqual({ n: 1 });
    expect((await ls.jobs.get(again.id))?.cause).toBe(job.id);
  }));

  it("a suspended queue starts nothing until it is resumed", () => inWorld(async ({ ls, clock }) => {
    await ls.queues.configure(defineQueue("sums", { topics: ["math/*"], maxParallel: 2 }));
    await ls.queues.suspend("sums");
    await ls.work(double, ({ n }) => ({ n }));
    const job = await ls.add(double, { n: 1 });
    await clock.advance(60_000);
    expect([await job.state(), (await ls.queues.get("sums"))?.suspended]).toEqual(["queued", true]);
    await ls.queues.resume("sums");
    expect(await job.result()).toEqual({ n: 1 });
    expect((await ls.queues.list()).map(({ name }) => name)).toContain("sums");
  }));

  it("what is not known is said to be not known", () => inWorld(async ({ ls }) => {
    expect(await ls.jobs.get("main.NOBODY")).toBeUndefined();
    expect(await ls.jobs.why("main.NOBODY")).toBeUndefined();
    expect(await errorOf(ls.jobs.handle("main.NOBODY").result())).toBeInstanceOf(ResultGone);
    expect(await errorOf(ls.jobs.stop("main.NOBODY"))).toMatchObject({ code: "job/not-found" });
    expect(await errorOf(ls.queues.suspend("nobody"))).toMatchObject({ code: "queue/not-found" });
  }));
});

describe("without a host", () => {
  it("jobs are stored, and done when a host comes", () => inWorld(async ({ ls, killHost, startHost, clock }) => {
    killHost();
    const job = await ls.add(double, { n: 4 });
    expect(job.outcome).toBe("stored");
    const result = job.result();
    await startHost();
    await ls.work(double, ({ n }) => ({ n: n * 2 }));
    await clock.advance(1_000);
    expect(await result).toEqual({ n: 8 });
  }));

  it("a job stored a day ago is done, too", () => inWorld(async ({ ls, killHost, startHost, clock }) => {
    await ls.add(double, { n: 0 });
    killHost();
    const job = await ls.add(double, { n: 4 });
    await clock.advance(24 * 3_600_000);
    await startHost();
    await ls.work(double, ({ n }) => ({ n: n * 2 }));
    await clock.advance(20_000);
    expect(await job.result()).toEqual({ n: 8 });
  }));

  it("nothing that was added is lost or done twice over a change of hosts", () => inWorld(async ({ ls, killHost, startHost, clock, drain }) => {
    const done: number[] = [];
    await ls.work(double, async ({ n }) => {
      await Promise.resolve();
      done.push(n);
      return { n };
    }, { concurrency: 3 });
    const adding = Promise.all(Array.from({ length: 200 }, (_, n) => ls.add(double, { n })));
    killHost();
    await startHost();
    for (let i = 0; i < 20; i++) await clock.advance(1_000);
    const jobs = await adding;
    await drain();
    expect(await Promise.all(jobs.map((job) => job.result()))).toEqual(Array.from({ length: 200 }, (_, n) => ({ n })));
    expect(new Set(done).size).toBe(200);
  }));

  it("questions say that nobody answers", () => inWorld(async ({ ls, killHost, clock }) => {
    killHost();
    const asked = errorOf(ls.queues.list());
    await clock.advance(11_000);
    expect(await asked).toBeInstanceOf(Unavailable);
  }));
});

describe("the past", () => {
  it("a job's events are told, and followed to its end", () => inWorld(async ({ ls, clock }) => {
    const job = await ls.add(double, { n: 1 });
    const followed: string[] = [];
    const following = (async () => {
      for await (const { type } of job.follow()) followed.push(type);
    })();
    await ls.work(double, ({ n }) => ({ n }));
    await job.result();
    await clock.advance(2_000);
    await following;
    expect(followed).toEqual(["JobAccepted", "AttemptStarted", "JobEnded"]);
    expect((await ls.jobs.history(job.id)).map(({ type, id }) => [type, id])).toEqual(followed.map((type) => [type, job.id]));
  }));

  it("a history is read, and its state shown at any commit", () => inWorld(async ({ ls }) => {
    await ls.work(double, ({ n }) => ({ n }));
    const job = await ls.add(double, { n: 5 });
    await job.result();
    const commits: HistoryCommit[] = [];
    for await (const commit of ls.history.read("job-queue.main")) commits.push(commit);
    const accepted = commits.find(({ events }) => events.some(({ type }) => type === "JobAccepted"))!;
    const before = await ls.history.stateAt("job-queue", accepted.number - 1);
    const then = await ls.history.stateAt("job-queue", commits.at(-1)!.number);
    expect([await before.job(job.id), (await then.job(job.id))?.state]).toEqual([undefined, "succeeded"]);
    expect(then.hash).toMatch(/^[0-9a-f]{64}$/);
    expect(await ls.history.audit("job-queue.main")).toMatchObject({ violationCount: 0, commits: commits.length, judged: expect.arrayContaining(["P2", "P3", "P7"]) });
  }));
});
