/** Time that a test moves. */
import type { Clock } from "@longshore/kernel";

export class TestClock implements Clock {
  private readonly timers = new Set<{ readonly atMs: number; readonly run: () => void }>();
  private nowMs = 0;
  /** The most timers that were ever pending at once. */
  pendingMost = 0;

  monotonicMs(): number {
    return this.nowMs;
  }

  get pending(): number {
    return this.timers.size;
  }

  after(delayMs: number, run: () => void): () => void {
    const timer = { atMs: this.nowMs + delayMs, run };
    this.timers.add(timer);
    this.pendingMost = Math.max(this.pendingMost, this.timers.size);
    return () => void this.timers.delete(timer);
  }

  advance(ms: number): void {
    const untilMs = this.nowMs + ms;
    for (let due = this.nextBefore(untilMs); due !== undefined; due = this.nextBefore(untilMs)) {
      this.timers.delete(due);
      this.nowMs = Math.max(this.nowMs, due.atMs);
      due.run();
    }
    this.nowMs = untilMs;
  }

  /** Time goes on, and nothing runs: as in a process that is stopped. */
  standStill(ms: number): void {
    this.nowMs += ms;
  }

  private nextBefore(untilMs: number): { readonly atMs: number; readonly run: () => void } | undefined {
    return [...this.timers].filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
  }
}
