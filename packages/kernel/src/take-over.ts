/**
 * Opening a history that another host writes without a pause.
 *
 * Whoever appends all the time wins every race for the guard: between another's look at the last commit and its append,
 * there is a new one. So a host that is told to take over asks the one that serves to hold its next append for a
 * moment. That is for progress, not for safety: the guard decides as ever. Afterwards the host that has held appends
 * in any case, and so learns that it was overtaken, or goes on because nobody came.
 */
import { encode } from "./codec.ts";
import type { Clock, Wire } from "./ports.ts";

/** How long a host holds its next append, milliseconds. A hold is not prolonged by another. */
export const HOLD_MS = 2_000;
const ANSWER_WITHIN_MS = 1_000;

/** Calls `done` once the serving host holds, or there is none that answers. */
export function askToHold(wire: Wire, querySubject: string, done: () => void): void {
  wire.request(querySubject, encode({ ask: "hold" }), ANSWER_WITHIN_MS, () => done());
}

/** Of the host that was asked: while it is on, nothing is appended. */
export class Hold {
  private readonly clock: Clock;
  private readonly over: () => void;
  private cancel: (() => void) | undefined;

  constructor(clock: Clock, over: () => void) {
    this.clock = clock;
    this.over = over;
  }

  get isOn(): boolean {
    return this.cancel !== undefined;
  }

  begin(): void {
    this.cancel ??= this.clock.after(HOLD_MS, () => {
      this.cancel = undefined;
      this.over();
    });
  }

  end(): void {
    this.cancel?.();
    this.cancel = undefined;
  }
}
