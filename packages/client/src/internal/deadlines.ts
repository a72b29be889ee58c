/** The timeouts of running attempts, with one timer for all of them. */
import type { Clock } from "@longshore/kernel";
import type { Attempt } from "./attempt.ts";

export class Deadlines {
  private readonly clock: Clock;
  private readonly onPassed: (attempt: Attempt) => void;
  private readonly timed = new Set<Attempt>();
  private nextMs = Number.POSITIVE_INFINITY;
  private cancelTimer: () => void = () => undefined;

  constructor(clock: Clock, onPassed: (attempt: Attempt) => void) {
    this.clock = clock;
    this.onPassed = onPassed;
  }

  /** The attempt times out that long from now, whatever was set before. */
  set(attempt: Attempt, timeoutMs: number): void {
    attempt.deadlineMs = this.clock.monotonicMs() + timeoutMs;
    this.timed.add(attempt);
    if (attempt.deadlineMs < this.nextMs) this.wake(attempt.deadlineMs);
  }

  remove(attempt: Attempt): void {
    if (attempt.deadlineMs !== Number.POSITIVE_INFINITY) this.timed.delete(attempt);
  }

  close(): void {
    this.cancelTimer();
    this.timed.clear();
  }

  private wake(atMs: number): void {
    this.cancelTimer();
    this.nextMs = atMs;
    this.cancelTimer = this.clock.after(Math.max(0, atMs - this.clock.monotonicMs()), () => this.look());
  }

  private look(): void {
    const nowMs = this.clock.monotonicMs();
    this.nextMs = Number.POSITIVE_INFINITY;
    const passed = [...this.timed].filter((attempt) => attempt.deadlineMs <= nowMs);
    for (const attempt of passed) {
      this.timed.delete(attempt);
      this.onPassed(attempt);
    }
    let next = Number.POSITIVE_INFINITY;
    for (const attempt of this.timed) next = Math.min(next, attempt.deadlineMs);
    if (next < this.nextMs) this.wake(next);
  }
}
