/**
 * Virtual time for code with promises: what is due now happens by itself, soon; what is due later waits for `advance`.
 *
 * Between two instants, and between rounds of one instant, everything that hangs on promises gets its turn: a round
 * ends with `setImmediate`, which runs after all of them.
 */
import type { Clock } from "@longshore/kernel";
import { VirtualClock } from "@longshore/testkit";

export class SteppedClock implements Clock {
  private readonly virtual = new VirtualClock();
  private isPumping = false;
  private isClosed = false;

  monotonicMs(): number {
    return this.virtual.monotonicMs();
  }

  after(delayMs: number, run: () => void): () => void {
    const cancel = this.virtual.after(delayMs, run);
    if (delayMs <= 0) this.pumpSoon();
    return cancel;
  }

  /** Everything that is due now, and what follows from it at this instant. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 2;) {
      quiet = this.runDue() ? 0 : quiet + 1;
      await nextRound();
    }
  }

  async advance(ms: number): Promise<void> {
    const untilMs = this.monotonicMs() + ms;
    await this.settle();
    for (let nextMs = this.virtual.nextMs; nextMs !== undefined && nextMs <= untilMs; nextMs = this.virtual.nextMs) {
      this.virtual.advance(Math.max(0, nextMs - this.monotonicMs()));
      await this.settle();
    }
    this.virtual.advance(untilMs - this.monotonicMs());
  }

  close(): void {
    this.isClosed = true;
  }

  /** True when something ran. */
  private runDue(): boolean {
    const nowMs = this.monotonicMs();
    let hasRun = false;
    while (this.virtual.nextMs !== undefined && this.virtual.nextMs <= nowMs) {
      this.virtual.step();
      hasRun = true;
    }
    return hasRun;
  }

  private pumpSoon(): void {
    if (this.isPumping || this.isClosed) return;
    this.isPumping = true;
    setImmediate(() => {
      this.isPumping = false;
      this.runDue();
    });
  }
}

const nextRound = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
