import { describe, expect, it } from "vitest";
import { HANDOVER_MS } from "./limits.ts";
import { MiniHost } from "./testing/mini-host.ts";

const setup = (limits = {}): MiniHost => {
  const host = new MiniHost(limits);
  host.join("i1", [{ topics: ["a", "o/*"], slots: 10 }]);
  return host;
};

describe("jobs that sleep", () => {
  it("a job starts at its instant and not before, after a restart too", () => {
    const host = setup();
    const [delayed, dated] = [host.submit("a", { delayMs: 1_000 }), host.submit("a", { notBefore: host.at + 500 })];
    host.advance(499);
    host.restart();
    expect(host.running()).toEqual([]);
    host.advance(1);
    expect(host.running()).toEqual([dated]);
    host.advance(500);
    expect(host.running()).toEqual([delayed, dated].sort());
  });

  it("an instant that has passed is now", () => {
    const host = setup();
    expect(host.stateOf(host.submit("a", { notBefore: host.at - 1, delayMs: 0 }))).toBe("active");
  });

  it("many that are due together wake in slices, the earliest first", () => {
    const host = new MiniHost();
    for (let i = 0; i < 2_500; i++) host.submit("a", { delayMs: 1_000 - (i % 10) });
    host.advance(1_000);
    const slices = host.events.flatMap((event) => (event.type === "JobsDue" ? [event.count] : []));
    expect(slices.reduce((a, b) => a + b)).toBe(2_500);
    expect(Math.max(...slices)).toBeLessThanOrEqual(1_000);
    expect(host.state.delays.size).toBe(0);
    const ready = [...host.state.queue("main").lanes.get("a")!].map((job) => job.number);
    expect(ready.slice(0, 3)).toEqual([10, 20, 30]);
  });

  it("a sleeping job that is stopped does not wake", () => {
    const host = setup();
    const job = host.submit("a", { delayMs: 1_000 });
    host.send("stop", { id: `main.${host.state.job(job).id}` });
    host.advance(2_000);
    expect(host.count("JobsDue")).toBe(0);
    expect(host.stateOf(job)).toBe("stopped");
  });
});

describe("timeouts", () => {
  it("an attempt whose worker keeps silent is taken back five seconds after its timeout, and told so", () => {
    const host = setup();
    const job = host.submit("a", { timeoutMs: 1_000 });
    host.advance(5_999);
    expect(host.stateOf(job)).toBe("active");
    host.advance(1);
    expect(host.state.job(job)).toMatchObject({ state: "queued", failures: 1 });
    expect(host.events.at(-1)).toMatchObject({ type: "AttemptFailed", kind: "timed-out", retryAt: host.at + 2_000 });
    expect(host.told.at(-1)).toEqual({ address: "wk.wendy.i1.main", item: [1, job, 1, "timeout"] });
  });

  it("a job without a timeout runs as long as it likes", () => {
    const host = setup();
    const job = host.submit("a", { timeoutMs: 0 });
    host.advance(7 * 24 * 3_600_000);
    expect(host.stateOf(job)).toBe("active");
    expect(host.send("extend", [job, 1], "outcome", "wendy")).toMatchObject({ kind: "accepted", events: [] });
  });

  it("an attempt that says it is alive counts from then", () => {
    const host = setup();
    const job = host.submit("a", { timeoutMs: 1_000 });
    host.advance(900);
    host.send("extend", [job, 1], "outcome", "wendy");
    host.advance(5_999);
    expect(host.stateOf(job)).toBe("active");
    host.restart();
    host.advance(1);
    expect(host.stateOf(job)).toBe("queued");
  });

  it("a worker that keeps its own timeout is believed at once", () => {
    const host = setup();
    const job = host.submit("a", { timeoutMs: 1_000, retries: 0 });
    host.advance(1_000);
    host.outcome(job, "timedOut");
    expect(host.state.job(job)).toMatchObject({ state: "given-up", end: { error: { name: "AttemptTimedOut" } } });
    host.advance(10_000);
    expect(host.count("JobEnded")).toBe(1);
  });

  it("the last attempt to be overdue ends the job, and the worker is told", () => {
    const host = setup();
    const job = host.submit("a", { timeoutMs: 1_000, retries: 0 });
    host.advance(6_000);
    expect(host.state.job(job)).toMatchObject({ state: "given-up", end: { reason: "overdue" } });
    expect(host.told.at(-1)!.item).toEqual([1, job, 1, "timeout"]);
  });

  it("P5 in an ordered queue an overdue attempt holds the queue until its worker has surely let go", () => {
    const host = setup();
    host.configure("o", { topics: ["o/*"], type: "ordered", retryDelayMs: 10 });
    const job = host.submit("o/1", { timeoutMs: 1_000 });
    host.advance(6_000);
    host.advance(HANDOVER_MS - 1);
    expect(host.stateOf(job)).toBe("queued");
    host.advance(1);
    expect(host.stateOf(job)).toBe("active");
  });
});

describe("the history", () => {
  it("keeps so many ended jobs and no more", () => {
    const host = setup({ endedMax: 3 });
    for (let i = 0; i < 5; i++) host.succeed(host.submit("a"));
    expect(host.state.ended.size).toBe(3);
    expect(host.stateOf(2)).toBeUndefined();
    expect(host.stateOf(3)).toBe("succeeded");
  });

  it("keeps them so long and not much longer", () => {
    const host = setup({ endedKeepMs: 60_000 });
    host.succeed(host.submit("a"));
    host.advance(60_000);
    expect(host.state.ended.size).toBe(1);
    host.advance(5_000);
    expect(host.state.ended.size).toBe(0);
    expect(host.due()).toBeUndefined();
  });

  it("keeps so many bytes", () => {
    const host = setup({ endedBytesMax: 2_500 });
    for (let i = 0; i < 3; i++) host.succeed(host.submit("a", { input: "x".repeat(1_000) }));
    expect(host.state.ended.size).toBe(2);
    expect(host.state.endedBytes).toBeLessThanOrEqual(2_500);
  });

  it("many that expire together go in slices, ids too", () => {
    const host = setup({ endedKeepMs: 1_000, keepIdsMs: 1_000 });
    host.send("suspend", { queue: "main" });
    for (let i = 0; i < 2_300; i++) host.submit("a", { id: `x${i}` });
    host.send("stopAll", {});
    host.advance(10_000);
    const counts = (type: string): readonly number[] => host.events.flatMap((event) => (event.type === type && "count" in event ? [event.count] : []));
    expect(counts("EndedExpired")).toEqual([1_000, 1_000, 300]);
    expect(counts("IdsExpired")).toEqual([1_000, 1_000, 300]);
    expect(host.state.jobs.size).toBe(0);
  });

  it("a job taken out by hand is gone from every count", () => {
    const host = setup();
    const jobs = [host.submit("a"), host.submit("a"), host.submit("a")];
    for (const job of jobs) host.succeed(job);
    host.send("remove", { id: `main.${host.state.job(jobs[1]!).id}` });
    expect([...host.state.ended].map((job) => job.number)).toEqual([jobs[0], jobs[2]]);
    expect([...host.state.ended.backwards()].map((job) => job.number)).toEqual([jobs[2], jobs[0]]);
  });
});
