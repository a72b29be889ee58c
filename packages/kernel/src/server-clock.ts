/**
 * The host's `at`: server time that never goes back and never waits for a message.
 *
 * A sample of server time is carried forward by the process's own monotonic clock, so a wrong or jumping wall clock of
 * this machine changes nothing. When samples show that server and monotonic time have moved apart by more than
 * `STEP_MS`, one of them was stepped: the host reopens and records it.
 */
import type { Clock, ServerTime } from "./ports.ts";

const STEP_MS = 5_000;
const REFRESH_MS = 5_000;
const RETRY_MS = 250;

export class ServerClock {
  private readonly clock: Clock;
  private readonly source: ServerTime;
  private offsetMs: number | undefined;
  /** How far this history is ahead of the server for good: what was written cannot be taken back, and time must go on. */
  private leadMs = 0;
  private last = 0;
  private stop: () => void = () => undefined;

  constructor(clock: Clock, source: ServerTime) {
    this.clock = clock;
    this.source = source;
  }

  /** Asks until the server has told its time, then keeps following it. */
  start(notBefore: number, ready: () => void, stepped: (from: number, to: number) => void): void {
    this.last = Math.max(this.last, notBefore);
    this.offsetMs = undefined;
    this.leadMs = 0;
    this.sample(ready, stepped);
  }

  close(): void {
    this.stop();
    this.stop = () => undefined;
  }

  /** Milliseconds of server time, at least the last value given. */
  now(): number {
    this.last = Math.max(this.last, Math.floor(this.clock.monotonicMs() + (this.offsetMs ?? 0) + this.leadMs));
    return this.last;
  }

  /** Nothing before this instant will be given any more; time goes on from it. */
  advanceTo(at: number): void {
    this.last = Math.max(this.last, at);
    if (this.offsetMs !== undefined) this.lead(this.clock.monotonicMs() + this.offsetMs);
  }

  private sample(ready: () => void, stepped: (from: number, to: number) => void): void {
    let closed = false;
    this.stop = () => { closed = true; };
    this.source.sample((serverMs) => {
      if (closed) return;
      const known = this.offsetMs !== undefined;
      if (serverMs !== undefined && !this.take(serverMs, stepped)) return;
      this.stop = this.clock.after(this.offsetMs === undefined ? RETRY_MS : REFRESH_MS, () => this.sample(ready, stepped));
      if (!known && this.offsetMs !== undefined) ready();
    });
  }

  /** False when the sample shows a step. */
  private take(serverMs: number, stepped: (from: number, to: number) => void): boolean {
    const offsetMs = serverMs - this.clock.monotonicMs();
    if (this.offsetMs !== undefined && Math.abs(offsetMs - this.offsetMs) > STEP_MS) {
      stepped(Math.floor(this.clock.monotonicMs() + this.offsetMs), serverMs);
      return false;
    }
    if (this.offsetMs === undefined) this.lead(serverMs);
    this.offsetMs = offsetMs;
    return true;
  }

  /** A little ahead, the history waits for the server; after a step back that would be for too long. */
  private lead(serverMs: number): void {
    if (this.last - serverMs - this.leadMs > STEP_MS) this.leadMs = this.last - serverMs;
  }
}
