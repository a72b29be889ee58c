import { describe, expect, test } from "vitest";
import type { Clock } from "./ports.ts";
import { ServerClock } from "./server-clock.ts";

/** A machine of which only the monotonic time moves, and a server whose clock was set back by two minutes. */
function setup(serverMs: number): { readonly time: ServerClock; readonly pass: (ms: number) => void } {
  let monotonicMs = 500;
  const clock: Clock = { monotonicMs: () => monotonicMs, after: () => () => undefined };
  const time = new ServerClock(clock, { sample: (done) => done(serverMs + monotonicMs) });
  return { time, pass: (ms) => { monotonicMs += ms; } };
}

describe("the time of a history", () => {
  test("goes on from where it was when the server's clock has been set back", () => {
    const { time, pass } = setup(1_000_000);
    time.start(1_120_000, () => undefined, () => undefined);
    pass(3_000);
    expect(time.now()).toBe(1_123_000);
  });

  test("goes on also from what is read after the server was asked, as a host does that takes over", () => {
    const { time, pass } = setup(1_000_000);
    time.start(0, () => undefined, () => undefined);
    time.advanceTo(1_120_000);
    pass(3_000);
    expect(time.now()).toBe(1_123_000);
  });

  test("waits for the server where it is only a little ahead", () => {
    const { time, pass } = setup(1_000_000);
    time.start(1_003_000, () => undefined, () => undefined);
    pass(1_000);
    expect(time.now()).toBe(1_003_000);
    pass(10_000);
    expect(time.now()).toBe(1_011_500);
  });
});
