/** Steps that wait for their time, with one timer for all of them. */
import type { HostContext } from "@longshore/kernel";
import type { OffloadState } from "../state.ts";
import type { Step } from "../work.ts";

/** Instants are rounded up to this, milliseconds: ten thousand that wait need not be looked through at each of theirs. */
const GRID_MS = 250;

interface Parked {
  readonly step: Step;
  readonly until: number;
}

export class Parking {
  private readonly due: (step: Step) => void;
  private readonly parked = new Map<string, Parked>();
  private context: HostContext<OffloadState> | undefined;
  private wakeAt = Number.POSITIVE_INFINITY;
  private cancel: () => void = () => undefined;

  constructor(due: (step: Step) => void) {
    this.due = due;
  }

  start(context: HostContext<OffloadState>): void {
    this.context = context;
  }

  stop(): void {
    this.cancel();
    this.context = undefined;
    this.parked.clear();
    this.wakeAt = Number.POSITIVE_INFINITY;
  }

  /** `until`: server time. */
  park(key: string, step: Step, until: number): void {
    const at = Math.ceil(until / GRID_MS) * GRID_MS;
    this.parked.set(key, { step, until: at });
    this.wakeBy(at);
  }

  private wakeBy(at: number): void {
    const { context } = this;
    if (context === undefined || at >= this.wakeAt) return;
    this.cancel();
    this.wakeAt = at;
    this.cancel = context.clock.after(Math.max(0, at - context.now()), () => this.wake(context));
  }

  private wake(context: HostContext<OffloadState>): void {
    this.wakeAt = Number.POSITIVE_INFINITY;
    const now = context.now();
    let next = Number.POSITIVE_INFINITY;
    for (const [key, { step, until }] of [...this.parked]) {
      if (until > now) next = Math.min(next, until);
      else {
        this.parked.delete(key);
        this.due(step);
      }
    }
    if (this.context === context && Number.isFinite(next)) this.wakeBy(next);
  }
}
