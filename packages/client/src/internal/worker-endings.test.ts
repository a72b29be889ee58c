import { OUTCOME } from "@longshore/job-queue";
import { describe, expect, it } from "vitest";
import { workerWorld as setup } from "./testing/worker-world.ts";

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

  it("not when it was told since the host took the worker in again, even if it came before the host's answer", () => {
    const { clock, greet, run, started } = setup();
    greet({ member: 1 });
    run(1);
    clock.advance(1_000);
    run(2);
    greet({ member: 2, told: 1 });
    expect(started.map(({ abortCause }) => abortCause)).toEqual(["superseded", undefined]);
  });

  it("not when the host that has taken the worker in again names it, whatever it was told before its answer; a repeat does not begin it anew", () => {
    const { clock, greet, run, started, wire } = setup();
    greet({ member: 1 });
    run(1);
    clock.advance(1_000);
    run(2);
    expect(wire.last(".hi.").message).toMatchObject({ member: 1 });
    greet({ member: 2, told: 2, again: true, running: [[2, 1]] });
    run(2);
    expect(started.map(({ job, abortCause }) => [job, abortCause])).toEqual([[1, "superseded"], [2, undefined]]);
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
    greet();
    expect(isClosed).toBe(true);
    started[0]!.end({ kind: "succeeded", result: null });
  });

  it("says that it leaves even when nothing runs", () => {
    const { greet, limits, loop, wire } = setup();
    greet();
    let isClosed = false;
    loop.close(limits.drainMs, () => { isClosed = true; });
    greet();
    expect([isClosed, wire.last(".hi.").message["leaving"]]).toEqual([false, true]);
    greet();
    expect(isClosed).toBe(true);
  });

  it("hands back at once what has not begun, and begins it no more", () => {
    const { greet, limits, loop, report, run, started, taken } = setup({ slots: 1 });
    for (const job of [1, 2, 3]) run(job);
    loop.close(limits.drainMs, () => undefined);
    greet();
    expect(report().message["outcome"]).toEqual([[2, 1, OUTCOME.released], [3, 1, OUTCOME.released]]);
    taken();
    started[0]!.end({ kind: "succeeded", result: null });
    expect(started).toHaveLength(1);
  });

  it("begins nothing when it is killed", () => {
    const { loop, run, started } = setup({ slots: 1 });
    for (const job of [1, 2, 3]) run(job);
    loop.kill();
    expect(started).toHaveLength(1);
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
    while (wire.open(".hi.").length > 0) wire.open(".hi.")[0]!.fail("no-responders");
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
