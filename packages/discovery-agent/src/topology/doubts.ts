/** What an instance knows of itself that forbids it to trust its view: cut off, behind the history, or unrenewed. */
import type { Clock } from "@longshore/kernel";

/**
 * - `disconnected`: the connection to the servers is lost.
 * - `behind`: the history is known to reach further than it was read.
 * - `unrenewed`: this instance's own sign of life was not stored in time, so others may be counting it out.
 */
export type LocalDoubt = "disconnected" | "behind" | "unrenewed";

/** How long each may last before it counts, milliseconds from its first sign. */
export type DoubtGraces = Readonly<Record<LocalDoubt, number>>;

export const DOUBT_GRACES: DoubtGraces = { disconnected: 2_000, behind: 1_000, unrenewed: 0 };

export class LocalDoubts {
  private readonly clock: Clock;
  private readonly graces: DoubtGraces;
  private readonly changed: () => void;
  private readonly counting = new Set<LocalDoubt>();
  private readonly timers = new Map<LocalDoubt, () => void>();

  /** `changed` is called after each change of `list`. */
  constructor(clock: Clock, graces: DoubtGraces, changed: () => void) {
    this.clock = clock;
    this.graces = graces;
    this.changed = changed;
  }

  /** Those that count now. */
  get list(): readonly LocalDoubt[] {
    return [...this.counting];
  }

  /** There is a sign of it; a repeat does not start the grace again. */
  raise(doubt: LocalDoubt): void {
    if (this.counting.has(doubt) || this.timers.has(doubt)) return;
    if (this.graces[doubt] <= 0) return this.count(doubt);
    this.timers.set(doubt, this.clock.after(this.graces[doubt], () => this.count(doubt)));
  }

  /** It is over. */
  clear(doubt: LocalDoubt): void {
    this.timers.get(doubt)?.();
    this.timers.delete(doubt);
    if (this.counting.delete(doubt)) this.changed();
  }

  /** Stops all timers; what they were for counts from now on. */
  hurry(): void {
    for (const [doubt, cancel] of [...this.timers]) {
      cancel();
      this.count(doubt);
    }
  }

  private count(doubt: LocalDoubt): void {
    this.timers.delete(doubt);
    this.counting.add(doubt);
    this.changed();
  }
}
