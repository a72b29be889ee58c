/** Keeps the high-water mark: once a second of activity, never per commit. */
import type { Clock, HighWater, HighWaterMarks } from "./ports.ts";

const EVERY_MS = 1_000;

export class MarkKeeper {
  private readonly marks: HighWaterMarks;
  private readonly clock: Clock;
  private latest: HighWater | undefined;
  private cancel: (() => void) | undefined;

  constructor(marks: HighWaterMarks, clock: Clock) {
    this.marks = marks;
    this.clock = clock;
  }

  reached(mark: HighWater): void {
    this.latest = mark;
    this.cancel ??= this.clock.after(EVERY_MS, () => {
      this.cancel = undefined;
      if (this.latest !== undefined) this.marks.write(this.latest);
      this.latest = undefined;
    });
  }

  /** What was reached and not yet written is left: it can only make the next check more lenient, never wrong. */
  close(): void {
    this.cancel?.();
    this.cancel = undefined;
    this.latest = undefined;
  }
}
