import { OUTCOME } from "@longshore/job-queue";
import { encode } from "@longshore/kernel";
import { describe, expect, it } from "vitest";
import type { Attempt } from "./attempt.ts";
import { workerWorld as setup, succeeded } from "./testing/worker-world.ts";

const PING = "ls.c.ping.alice.i1.main";

describe("a worker says hello", () => {
  it("at its start, with what it takes", () => {
    const { wire } = setup();
    expect(wire.last(".hi.").subject).toBe("ls.c.hi.alice.i1.main");
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

  it("nothing that the host has taken back, when its dispatch comes late or again", () => {
    const { abort, run, started } = setup();
    run(1);
    abort(1, 1, "superseded");
    run(1);
    abort(2, 3, "superseded");
    abort(2, 2, "superseded");
    run(2, 3);
    run(2, 4);
    expect(started.map(({ job, number }) => [job, number])).toEqual([[1, 1], [2, 4]]);
  });

  it("nothing that was told before it was taken in: that was for an earlier incarnation", () => {
    const { run, started, wire } = setup();
    wire.last(".hi.").answer({ epoch: 1, told: 2, at: 0, member: 5, proven: true, again: true });
    for (const job of [1, 2, 3]) run(job);
    expect(started.map(({ job }) => job)).toEqual([3]);
  });

  it("nothing that a host of an older epoch says", () => {
    const { run, started } = setup();
    run(1, 1, {}, 5);
    run(2, 1, {}, 4);
    expect(started.map(({ job }) => job)).toEqual([1]);
  });

  it("OFF-ENB-31 the handler with the most specific pattern", () => {
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
  it("the outcomes of one turn together, and those that come while they are on their way", () => {
    const { report, run, started, taken } = setup({ slots: 4 });
    for (const job of [1, 2, 3, 4]) run(job);
    for (const attempt of started.slice(0, 2)) attempt.end({ kind: "succeeded", result: null });
    expect(report().subject).toBe("ls.c.cm.job-queue.main.outcome.alice");
    expect(report().message["outcome"]).toEqual([succeeded(1), succeeded(2)]);
    for (const attempt of started.slice(2)) attempt.end({ kind: "succeeded", result: null });
    taken();
    expect(report().message["outcome"]).toEqual([succeeded(3), succeeded(4)]);
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
    const { epochs, report, run, started, wire } = setup();
    run(1);
    started[0]!.end({ kind: "succeeded", result: null });
    report();
    epochs.heard(2);
    expect(wire.open(".cm.")).toHaveLength(2);
  });

  it("every kind of end", () => {
    const { report, run, started } = setup({ slots: 6 });
    for (const job of [1, 2, 3, 4, 5, 6]) run(job);
    started[0]!.end({ kind: "succeeded", result: encode(7) });
    started[1]!.end({ kind: "failed", error: { name: "E", message: "m" } });
    started[2]!.end({ kind: "failed", error: { name: "E", message: "m" }, retryInMs: 5 });
    started[3]!.end({ kind: "canceled", reason: "r" });
    started[4]!.end({ kind: "snoozed", delayMs: 9 });
    started[5]!.end({ kind: "succeeded", result: ["alice", "ff", 100_000] });
    expect(report().message["outcome"]).toEqual([
      [1, 1, OUTCOME.succeeded, encode(7)], [2, 1, OUTCOME.failed, { name: "E", message: "m" }], [3, 1, OUTCOME.failed, { name: "E", message: "m" }, 5],
      [4, 1, OUTCOME.canceled, "r"], [5, 1, OUTCOME.snoozed, 9], [6, 1, OUTCOME.succeeded, ["alice", "ff", 100_000]],
    ]);
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
    const { report, run, started, taken } = setup({ slots: 2 });
    for (const job of [1, 2]) run(job);
    for (const attempt of started) attempt.end({ kind: "succeeded", result: null });
    report().answer({ error: { code: "codec/refused", message: "no" } });
    expect(report().message["outcome"]).toEqual([succeeded(1)]);
    taken();
    expect(report().message["outcome"]).toEqual([succeeded(2)]);
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
