import type { RunOptions } from "@longshore/job-queue";
import { ABORT, OUTCOME, RUN } from "@longshore/job-queue";
import { encode } from "@longshore/kernel";
import { describe, expect, it } from "vitest";
import type { Attempt } from "./attempt.ts";
import { Epochs } from "./epochs.ts";
import type { FakeRequest } from "./testing/fake-wire.ts";
import { fakeWorld } from "./testing/fake-wire.ts";
import { WorkerLoop } from "./worker-loop.ts";

const WORK = "ls.c.wk.alice.i1";
const PING = "ls.c.ping.alice.i1";

function setup({ slots = 2, topics = ["t/a"] }: { readonly slots?: number; readonly topics?: readonly string[] } = {}) {
  const world = fakeWorld();
  const { wire, clock } = world;
  const epochs = new Epochs();
  const faults: string[] = [];
  const loop = new WorkerLoop(world.ports, world.place, { instance: "i1", incarnation: "inc-1", processors: 4 }, world.limits, epochs, { fault: (code) => faults.push(code) });
  const started: Attempt[] = [];
  const pool = loop.addPool({ topics, slots, start: (attempt) => started.push(attempt) });
  let told = 0;
  const run = (job: number, attempt = 1, options: Partial<RunOptions> = {}, epoch = 1, topic = "t/a"): void => {
    wire.tell(WORK, [epoch, ++told, [[RUN, job, attempt, `main.${job}`, topic, encode({ job }), { failures: 0, retries: 1, ...options }]]]);
  };
  const abort = (job: number, attempt: number, reason: string): void => {
    wire.tell(WORK, [1, ++told, [[ABORT, job, attempt, reason]]]);
  };
  const greet = (fields: object = {}): void => {
    for (const hello of wire.open(".hi.")) hello.answer({ epoch: 1, told, at: 0, member: 1, proven: true, ...fields });
  };
  const report = (): FakeRequest => wire.open(".cm.")[0]!;
  const taken = (epoch = 1): void => report().answer({ epoch, commit: 5, count: 1 });
  return { ...world, clock, epochs, loop, pool, started, faults, run, abort, greet, report, taken, skip: () => ++told };
}

const succeeded = (job: number, attempt = 1): unknown => [job, attempt, OUTCOME.succeeded, null];

describe("a worker says hello", () => {
  it("at its start, with what it takes", () => {
    const { wire } = setup();
    expect(wire.last(".hi.").subject).toBe("ls.c.hi.alice.i1");
    expect(wire.last(".hi.").message).toEqual({ incarnation: "inc-1", processors: 4, pools: [{ topics: ["t/a"], slots: 2 }], epoch: 0, received: 0 });
  });

  it("every second, with what it has seen", () => {
    const { clock, greet, run, wire } = setup();
    greet();
    run(1);
    clock.advance(1_000);
    expect(wire.open(".hi.")).toHaveLength(1);
    expect(wire.last(".hi.").message).toMatchObject({ epoch: 1, received: 1 });
  });

  it("soon again when nobody was there", () => {
    const { clock, limits, wire } = setup();
    wire.last(".hi.").fail("no-responders");
    clock.advance(limits.helloRetryMs);
    expect(wire.open(".hi.")).toHaveLength(1);
  });

  it("at once when a number is missing, and until then does not claim to have seen what follows", () => {
    const { clock, greet, run, skip, wire } = setup();
    greet();
    run(1);
    skip();
    run(3);
    expect(wire.open(".hi.")).toHaveLength(1);
    expect(wire.last(".hi.").message).toMatchObject({ received: 1, gap: true });
    greet({ told: 3, again: true });
    clock.advance(1_000);
    expect(wire.last(".hi.").message).toMatchObject({ received: 3 });
    expect(wire.last(".hi.").message["gap"]).toBeUndefined();
  });

  it("when it hears of a newer epoch, and after a reconnection", () => {
    const { epochs, greet, wire } = setup();
    greet();
    epochs.heard(4);
    expect(wire.open(".hi.")).toHaveLength(1);
    greet({ epoch: 4 });
    wire.reconnect();
    expect(wire.open(".hi.")).toHaveLength(1);
  });

  it("and answers a probe with its incarnation", () => {
    const { wire } = setup();
    expect(wire.tell(PING, {})).toEqual({ incarnation: "inc-1" });
  });

  it("and passes on why a host refuses it", () => {
    const { faults, wire } = setup();
    wire.last(".hi.").answer({ error: { code: "instance/not-yours", message: "no" } });
    expect(faults).toEqual(["instance/not-yours"]);
  });
});

describe("a worker runs", () => {
  it("what it is told, as many at a time as it has slots", () => {
    const { run, started } = setup({ slots: 2 });
    for (const job of [1, 2, 3]) run(job);
    expect(started.map(({ job }) => job)).toEqual([1, 2]);
    started[0]!.end({ kind: "released" });
    expect(started.map(({ job }) => job)).toEqual([1, 2, 3]);
  });

  it("each attempt once, however often it is told", () => {
    const { run, started, taken } = setup();
    run(1);
    run(1);
    started[0]!.end({ kind: "succeeded", result: null });
    run(1);
    taken();
    run(1);
    expect(started).toHaveLength(1);
  });

  it("the next attempt of a job, and lets go of the one before", () => {
    const { run, started, wire } = setup();
    run(1, 1);
    run(1, 2);
    expect(started.map(({ number }) => number)).toEqual([1, 2]);
    expect(started[0]!.abortCause).toBe("superseded");
    started[0]!.end({ kind: "succeeded", result: null });
    expect(wire.open(".cm.")).toHaveLength(0);
    run(1, 1);
    expect(started).toHaveLength(2);
  });

  it("nothing that a host of an older epoch says", () => {
    const { run, started } = setup();
    run(1, 1, {}, 5);
    run(2, 1, {}, 4);
    expect(started.map(({ job }) => job)).toEqual([1]);
  });

  it("the handler with the most specific pattern", () => {
    const { loop, run, started } = setup({ topics: ["t/**"] });
    const exact: Attempt[] = [];
    loop.addPool({ topics: ["t/a"], slots: 1, start: (attempt) => exact.push(attempt) });
    run(1, 1, {}, 1, "t/a");
    run(2, 1, {}, 1, "t/b/c");
    expect([exact.length, started.length]).toEqual([1, 1]);
  });

  it("nothing it has no handler for: that goes back at once", () => {
    const { report, run, started } = setup();
    run(1, 1, {}, 1, "other/topic");
    expect(started).toHaveLength(0);
    expect(report().message["outcome"]).toEqual([[1, 1, OUTCOME.released]]);
  });
});

describe("a worker reports", () => {
  it("the first outcome at once, and those that come meanwhile together", () => {
    const { report, run, started, taken } = setup({ slots: 3 });
    for (const job of [1, 2, 3]) run(job);
    for (const attempt of started) attempt.end({ kind: "succeeded", result: null });
    expect(report().subject).toBe("ls.c.cm.job-queue.main.outcome.alice");
    expect(report().message["outcome"]).toEqual([succeeded(1)]);
    taken();
    expect(report().message["outcome"]).toEqual([succeeded(2), succeeded(3)]);
  });

  it("an outcome until a host has taken it", () => {
    const { clock, report, run, started, taken, wire } = setup();
    run(1);
    started[0]!.end({ kind: "succeeded", result: null });
    const { bytes } = report();
    report().fail("timeout");
    clock.advance(1_000);
    expect(report().bytes).toEqual(bytes);
    report().fail("no-responders");
    clock.advance(1_000);
    expect(report().bytes).toEqual(bytes);
    taken();
    clock.advance(900);
    expect(wire.open(".cm.")).toHaveLength(0);
  });

  it("an open outcome to a newer host at once", () => {
    const { epochs, run, started, wire } = setup();
    run(1);
    started[0]!.end({ kind: "succeeded", result: null });
    epochs.heard(2);
    expect(wire.open(".cm.")).toHaveLength(2);
  });

  it("every kind of end", () => {
    const { report, run, started, taken } = setup({ slots: 6 });
    for (const job of [1, 2, 3, 4, 5, 6]) run(job);
    started[0]!.end({ kind: "succeeded", result: encode(7) });
    taken();
    started[1]!.end({ kind: "failed", error: { name: "E", message: "m" } });
    taken();
    started[2]!.end({ kind: "failed", error: { name: "E", message: "m" }, retryInMs: 5 });
    started[3]!.end({ kind: "canceled", reason: "r" });
    started[4]!.end({ kind: "snoozed", delayMs: 9 });
    started[5]!.end({ kind: "succeeded", result: ["alice", "ff", 100_000] });
    taken();
    expect(report().message["outcome"]).toEqual([[4, 1, OUTCOME.canceled, "r"], [5, 1, OUTCOME.snoozed, 9], [6, 1, OUTCOME.succeeded, ["alice", "ff", 100_000]]]);
  });

  it("what a message does not take as a failure, so that the job does not wait for ever", () => {
    const { faults, report, run, started, wire } = setup();
    run(1);
    started[0]!.end({ kind: "succeeded", result: null });
    report().answer({ error: { code: "codec/refused", message: "no" } });
    expect(report().message["outcome"]).toMatchObject([[1, 1, OUTCOME.failed, { name: "OutcomeRefused" }]]);
    report().answer({ error: { code: "codec/refused", message: "no" } });
    expect(wire.open(".cm.")).toHaveLength(0);
    expect(faults).toEqual(["codec/refused"]);
  });

  it("one by one when a message with several is refused as a whole", () => {
    const { report, run, started, taken } = setup({ slots: 3 });
    for (const job of [1, 2, 3]) run(job);
    for (const attempt of started) attempt.end({ kind: "succeeded", result: null });
    taken();
    report().answer({ error: { code: "codec/refused", message: "no" } });
    expect(report().message["outcome"]).toEqual([succeeded(2)]);
    taken();
    expect(report().message["outcome"]).toEqual([succeeded(3)]);
  });

  it("progress and log together with the outcome, the newest progress only", () => {
    const { report, run, started, taken } = setup();
    run(1);
    const attempt = started[0]!;
    attempt.progress(0.1, null);
    expect(report().message).toEqual({ progress: [[1, 1, 0.1, null]] });
    attempt.progress(0.2, "b");
    attempt.progress(0.3, "c");
    attempt.log("x");
    attempt.log("y");
    attempt.setProperty("n", 1);
    attempt.end({ kind: "succeeded", result: null });
    taken();
    expect(report().message).toEqual({ progress: [[1, 1, 0.3, "c"]], log: [[1, 1, ["x", "y"]]], property: [[1, 1, "n", 1]], outcome: [succeeded(1)] });
  });

  it("progress at most every so often", () => {
    const { clock, limits, report, run, started, taken, wire } = setup();
    run(1);
    started[0]!.progress(0.1, null);
    taken();
    started[0]!.progress(0.2, null);
    expect(wire.open(".cm.")).toHaveLength(0);
    clock.advance(limits.notesEveryMs);
    expect(report().message).toEqual({ progress: [[1, 1, 0.2, null]] });
  });

  it("how many lines of a log came too fast to be sent", () => {
    const { report, run, started, taken } = setup();
    run(1);
    started[0]!.log("first");
    for (let i = 0; i < 500; i++) started[0]!.log(`line ${i}`);
    started[0]!.end({ kind: "released" });
    taken();
    const [[, , lines]] = report().message["log"] as [[number, number, string[]]];
    expect(lines).toHaveLength(100);
    expect(lines.at(-1)).toContain("401 lines left out");
  });
});

describe("an attempt is aborted", () => {
  it("when somebody asks the job to stop; how it ends is for its handler to say", () => {
    const { abort, report, run, started } = setup();
    run(1);
    let isTold = false;
    started[0]!.onAbort = () => { isTold = true; };
    abort(1, 1, "stop");
    expect([isTold, started[0]!.abortCause]).toEqual([true, "stop"]);
    started[0]!.end({ kind: "canceled", reason: "stop" });
    expect(report().message["outcome"]).toEqual([[1, 1, OUTCOME.canceled, "stop"]]);
  });

  it("when it is asked to stop before it has begun, and then never begins", () => {
    const { abort, report, run, started } = setup({ slots: 1 });
    run(1);
    run(2);
    abort(2, 1, "stop");
    expect(report().message["outcome"]).toEqual([[2, 1, OUTCOME.canceled, "stopped before it began"]]);
    started[0]!.end({ kind: "released" });
    expect(started).toHaveLength(1);
  });

  it("when its time is over, and its slot is free whatever its handler does", () => {
    const { clock, report, run, started } = setup({ slots: 1 });
    run(1, 1, { timeoutMs: 500 });
    run(2);
    clock.advance(499);
    expect(started).toHaveLength(1);
    clock.advance(1);
    expect(started[0]!.abortCause).toBe("timeout");
    expect(report().message["outcome"]).toEqual([[1, 1, OUTCOME.timedOut]]);
    expect(started.map(({ job }) => job)).toEqual([1, 2]);
  });

  it("later when it says that it is alive", () => {
    const { clock, run, started } = setup();
    run(1, 1, { timeoutMs: 500 });
    clock.advance(400);
    started[0]!.extend();
    clock.advance(400);
    expect(started[0]!.abortCause).toBeUndefined();
    clock.advance(100);
    expect(started[0]!.abortCause).toBe("timeout");
  });

  it("when it is exclusive and no host has proven itself for T", () => {
    const { clock, greet, limits, run, started, wire } = setup();
    greet();
    run(1, 1, { exclusive: true });
    run(2);
    const unproven = (): void => {
      for (const hello of wire.open(".hi.")) hello.answer({ epoch: 1, told: 2, at: 0, member: 1, proven: false });
    };
    while (clock.monotonicMs() < limits.hostSilenceMs) {
      expect(started[0]!.abortCause).toBeUndefined();
      clock.advance(1_000);
      unproven();
    }
    expect(started.map(({ abortCause }) => abortCause)).toEqual(["host-silent", undefined]);
  });

  it("not as long as the host proves itself", () => {
    const { clock, greet, run, started } = setup();
    greet();
    run(1, 1, { exclusive: true });
    for (let second = 0; second < 60; second++) {
      clock.advance(1_000);
      greet();
    }
    expect(started[0]!.abortCause).toBeUndefined();
  });

  it("when the host had given this worker up and knows it under another number now", () => {
    const { clock, greet, run, started, wire } = setup();
    greet({ member: 1 });
    run(1);
    clock.advance(1_000);
    greet({ member: 2 });
    expect(started[0]!.abortCause).toBe("superseded");
    started[0]!.end({ kind: "succeeded", result: null });
    expect(wire.open(".cm.")).toHaveLength(0);
  });
});

describe("a worker that closes", () => {
  it("says so, waits for what runs, sees its outcome taken, and leaves", () => {
    const { greet, limits, loop, run, started, taken, wire } = setup();
    greet();
    run(1);
    let isClosed = false;
    loop.close(limits.drainMs, () => { isClosed = true; });
    expect(wire.last(".hi.").message).toMatchObject({ draining: true });
    greet();
    started[0]!.end({ kind: "succeeded", result: null });
    expect(wire.open(".hi.")).toHaveLength(0);
    taken();
    expect(wire.last(".hi.").message).toMatchObject({ leaving: true });
    expect(isClosed).toBe(false);
    greet();
    expect(isClosed).toBe(true);
  });

  it("hands back what is not done in time", () => {
    const { clock, greet, limits, loop, report, run, started, taken } = setup();
    greet();
    run(1);
    let isClosed = false;
    loop.close(limits.drainMs, () => { isClosed = true; });
    greet();
    clock.advance(limits.drainMs);
    expect(started[0]!.abortCause).toBe("drain");
    expect(report().message["outcome"]).toEqual([[1, 1, OUTCOME.released]]);
    taken();
    greet();
    expect(isClosed).toBe(true);
    started[0]!.end({ kind: "succeeded", result: null });
  });

  it("hands back at once what it is still told", () => {
    const { greet, limits, loop, report, run, started } = setup();
    greet();
    loop.close(limits.drainMs, () => undefined);
    // Nothing runs, so it leaves; what is told meanwhile goes back all the same.
    run(1);
    expect(started).toHaveLength(0);
    expect(report().message["outcome"]).toEqual([[1, 1, OUTCOME.released]]);
  });

  it("leaves its outcomes in the inbox when no host takes them", () => {
    const { clock, greet, limits, loop, run, started, wire } = setup();
    greet();
    run(1);
    started[0]!.end({ kind: "succeeded", result: null });
    let isClosed = false;
    loop.close(limits.drainMs, () => { isClosed = true; });
    while (wire.stores.length === 0 && clock.monotonicMs() < 60_000) {
      for (const request of wire.open("")) request.fail("no-responders");
      clock.advance(250);
    }
    expect(wire.stores[0]!.subject).toBe("ls.c.in.job-queue.main.outcome.alice");
    wire.stores[0]!.done({ kind: "stored", sequence: 1 });
    for (const request of wire.open(".hi.")) request.fail("no-responders");
    expect(isClosed).toBe(true);
  });

  it("stops at once, without a word, when it is killed", () => {
    const { clock, greet, loop, run, started, wire } = setup();
    greet();
    run(1);
    loop.kill();
    const before = wire.requests.length;
    started[0]!.end({ kind: "succeeded", result: null });
    clock.advance(60_000);
    expect(wire.requests).toHaveLength(before);
  });
});

describe("a pool that is removed", () => {
  it("is no longer offered, and gone when what it runs has ended", () => {
    const { greet, limits, loop, pool, run, started, wire } = setup();
    loop.addPool({ topics: ["t/b"], slots: 1, start: () => undefined });
    greet();
    greet();
    run(1);
    let isGone = false;
    loop.removePool(pool, limits.drainMs, () => { isGone = true; });
    expect(wire.last(".hi.").message["pools"]).toEqual([{ topics: ["t/b"], slots: 1 }]);
    expect(isGone).toBe(false);
    started[0]!.end({ kind: "succeeded", result: null });
    expect(isGone).toBe(true);
  });
});
