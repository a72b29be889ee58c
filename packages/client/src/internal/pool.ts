/** The attempts of one `work()`: so many at a time, the others wait their turn. */
import type { Attempt } from "./attempt.ts";

export interface PoolSpec {
  /** Worker patterns: `a/b`, `a/*` (children), `a/**` (all below). */
  readonly topics: readonly string[];
  readonly slots: number;
  /** Runs the attempt; `attempt.end` is called when it is done, sooner or later. */
  start(attempt: Attempt): void;
}

export class Pool {
  private offered: PoolSpec;
  private readonly waiting: Attempt[] = [];
  private busy = 0;

  constructor(spec: PoolSpec) {
    this.offered = spec;
  }

  get spec(): PoolSpec {
    return this.offered;
  }

  get isIdle(): boolean {
    return this.busy === 0 && this.waiting.length === 0;
  }

  /** Attempts that hold a slot. */
  get running(): number {
    return this.busy;
  }

  take(attempt: Attempt): void {
    if (this.busy < this.spec.slots) this.start(attempt);
    else this.waiting.push(attempt);
  }

  /** The attempt has let go of its slot. */
  free(attempt: Attempt): void {
    if (attempt.holdsSlot) {
      attempt.holdsSlot = false;
      this.busy--;
    } else {
      const index = this.waiting.indexOf(attempt);
      if (index >= 0) this.waiting.splice(index, 1);
    }
    this.fill();
  }

  /** With fewer slots than attempts that hold one, those go on and nothing new begins. */
  resize(slots: number): void {
    this.offered = { ...this.offered, slots };
    this.fill();
  }

  private fill(): void {
    while (this.busy < this.spec.slots && this.waiting.length > 0) this.start(this.waiting.shift()!);
  }

  private start(attempt: Attempt): void {
    attempt.holdsSlot = true;
    this.busy++;
    this.spec.start(attempt);
  }
}
