/** Removes what guests have left behind in this cluster's store, some at a time. */
import type { BlobCarrier, HostContext } from "@longshore/kernel";
import type { MoverLimits } from "../limits.ts";
import type { OffloadState } from "../state.ts";
import { GUEST_BLOBS } from "../vocabulary.ts";

/** Under which the host tells its actor what became of bytes. */
export const CARRIER = { role: "hello", principal: "carrier" } as const;

/** As old the last stored commit may be that shows this host to hold the history. */
const PROVEN_MS = 5_000;

export class Removal {
  private readonly carrier: BlobCarrier;
  private readonly limits: Pick<MoverLimits, "removeMax" | "againMs" | "patienceMs">;
  private context: HostContext<OffloadState> | undefined;
  private isRunning = false;
  private cancel: () => void = () => undefined;

  constructor(carrier: BlobCarrier, limits: Pick<MoverLimits, "removeMax" | "againMs" | "patienceMs">) {
    this.carrier = carrier;
    this.limits = limits;
  }

  start(context: HostContext<OffloadState>): void {
    this.context = context;
    this.soon();
  }

  stop(): void {
    this.cancel();
    this.context = undefined;
    this.isRunning = false;
  }

  /** Something may be there to be removed. */
  soon(delayMs = 0): void {
    const { context } = this;
    if (context === undefined || this.isRunning) return;
    this.isRunning = true;
    this.cancel = context.clock.after(delayMs, () => this.begin(context));
  }

  private begin(context: HostContext<OffloadState>): void {
    const digests = [...take(context.state.removing, this.limits.removeMax)];
    if (digests.length === 0) return this.rest(undefined);
    // Another host may have taken over, and have given a digest to a guest anew: a commit of now says that none has.
    context.touch();
    context.whenStored(() => {
      if (this.context !== context) return;
      if (context.sinceStoredMs() > PROVEN_MS) return this.rest(this.limits.againMs);
      this.removeAll(context, digests.filter((digest) => context.state.removing.has(digest)), (gone) => this.report(context, gone, gone.length < digests.length));
    });
  }

  private removeAll(context: HostContext<OffloadState>, [digest, ...rest]: readonly string[], done: (gone: readonly string[]) => void, gone: readonly string[] = []): void {
    if (digest === undefined) return done(gone);
    let isAnswered = false;
    const answered = (ok: boolean): void => {
      if (isAnswered || this.context !== context) return;
      isAnswered = true;
      cancel();
      this.removeAll(context, rest, done, ok ? [...gone, digest] : gone);
    };
    const cancel = context.clock.after(this.limits.patienceMs, () => answered(false));
    this.carrier.remove({ principal: GUEST_BLOBS, digest }, answered);
  }

  private report(context: HostContext<OffloadState>, digests: readonly string[], isPartly: boolean): void {
    if (digests.length === 0) return this.rest(this.limits.againMs);
    context.command("removed", { digests }, CARRIER, () => {
      if (this.context === context) this.rest(isPartly ? this.limits.againMs : 0);
    });
  }

  /** Nothing is under way; undefined: until something is to be removed. */
  private rest(againMs: number | undefined): void {
    this.isRunning = false;
    if (againMs !== undefined) this.soon(againMs);
  }
}

function* take<Item>(items: Iterable<Item>, max: number): Generator<Item> {
  let left = max;
  for (const item of items) {
    if (left-- === 0) return;
    yield item;
  }
}
