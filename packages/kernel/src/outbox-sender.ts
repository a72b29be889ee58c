/**
 * Sends what an actor owes to other actors: numbered per receiver, many messages per publish, one publish in flight.
 *
 * The next goes only after the far acknowledgement. Pipelining would let a later message arrive while an earlier one is
 * lost, and the receiver would have to stop the link. What is acknowledged is recorded with the next commit; a crash in
 * between sends it again under the same numbers, and the receiver knows the repeat.
 *
 * An actor of another cluster is reached through that cluster's inbox, over a link that may be down for hours: the message is
 * tried again, ever less often, until the far server says that it is stored. There this cluster speaks as a peer, and
 * its name is the principal.
 */
import { encode } from "./codec.ts";
import type { KernelState } from "./kernel-state.ts";
import type { Outbox } from "./outbox.ts";
import type { Clock, Wire } from "./ports.ts";
import { subjectsOf } from "./subjects.ts";

interface Place {
  readonly cluster: string;
  readonly kind: string;
  readonly actor: string;
  readonly principal: string;
}

interface OutboxHost {
  /** The state, and so what is owed, is in a stored commit. */
  isStored(): boolean;
  /** An acknowledgement should be recorded. */
  acked(): void;
}

/** The first wait after a publish that was not acknowledged; each further one doubles it up to the longest. */
const RETRY_FIRST_MS = 500;
const RETRY_LONGEST_MS = 8_000;
/** Messages per publish, and bytes of their bodies: half of what an inbox takes. One body may be larger than that. */
const SEND_MAX = 256;
const SEND_BYTES_MAX = 256 * 1024;

export class OutboxSender {
  private readonly wire: Wire;
  private readonly clock: Clock;
  private readonly place: Place;
  private readonly kernel: () => KernelState;
  private readonly host: OutboxHost;
  private readonly inFlight = new Set<string>();
  private readonly acked = new Map<string, number>();
  private readonly timers = new Set<() => void>();
  /** Receivers that did not acknowledge the last time, and how long each then waits, milliseconds. */
  private readonly waits = new Map<string, number>();
  private running = false;

  constructor(wire: Wire, clock: Clock, place: Place, kernel: () => KernelState, host: OutboxHost) {
    this.wire = wire;
    this.clock = clock;
    this.place = place;
    this.kernel = kernel;
    this.host = host;
  }

  start(): void {
    this.running = true;
    this.send();
  }

  stop(): void {
    this.running = false;
    this.inFlight.clear();
    this.acked.clear();
    this.waits.clear();
    for (const cancel of this.timers) cancel();
    this.timers.clear();
  }

  /**
   * Sends to every receiver that is owed something and has nothing in flight; what is owed but not stored waits. What was acknowledged
   * is still owed until that is recorded, and not sent again.
   */
  send(): void {
    if (!this.running || !this.host.isStored()) return;
    for (const [receiver, { pending }] of this.kernel().outbox) {
      if (this.inFlight.has(receiver)) continue;
      const acked = this.acked.get(receiver);
      const from = acked === undefined ? 0 : pending.findIndex(({ number }) => number > acked);
      if (from >= 0 && from < pending.length) this.sendTo(receiver, pending, from);
    }
  }

  /** Something was acknowledged that no commit has recorded. */
  get hasAcked(): boolean {
    return this.acked.size > 0;
  }

  /** Acknowledgements that the next commit should record. */
  takeAcked(): readonly (readonly [string, number])[] {
    if (this.acked.size === 0) return [];
    const acked = [...this.acked];
    this.acked.clear();
    return acked;
  }

  private sendTo(receiver: string, pending: Outbox["pending"], from: number): void {
    const { bytes, through } = messageOf(this.place, pending, from);
    this.inFlight.add(receiver);
    this.wire.store(this.subjectOf(receiver), bytes, (answer) => {
      if (!this.running) return;
      if (answer.kind !== "stored") return this.later(receiver);
      this.inFlight.delete(receiver);
      this.waits.delete(receiver);
      this.acked.set(receiver, through);
      // The next goes before the commit that records this: it need not wait for it.
      this.send();
      this.host.acked();
    });
  }

  private subjectOf(receiver: string): string {
    const [cluster, kind, actor] = receiver.split(".") as [string, string, string];
    const { cluster: own, principal } = this.place;
    const inbox = subjectsOf(cluster).inbox;
    return cluster === own ? inbox(kind, actor, "actor", principal) : inbox(kind, actor, "peer", own);
  }

  private later(receiver: string): void {
    const waitMs = this.waits.get(receiver) ?? RETRY_FIRST_MS;
    this.waits.set(receiver, Math.min(RETRY_LONGEST_MS, waitMs * 2));
    const cancel = this.clock.after(waitMs, () => {
      this.timers.delete(cancel);
      this.inFlight.delete(receiver);
      this.send();
    });
    this.timers.add(cancel);
  }
}

/**
 * The next message to a receiver, and the number of the last body in it. Numbers follow the order of the items, so a message
 * holds the items of one verb only, up to the first other.
 */
function messageOf({ cluster, kind, actor }: Place, pending: Outbox["pending"], from: number): { readonly bytes: Uint8Array; readonly through: number } {
  const first = pending[from]!;
  const [verb] = first.body as [string, unknown];
  const items: unknown[] = [];
  let bytes = 0;
  for (let i = from; i < pending.length; i++) {
    const [itsVerb, item] = pending[i]!.body as [string, unknown];
    bytes += encode(item).length;
    if (itsVerb !== verb || items.length === SEND_MAX || (bytes > SEND_BYTES_MAX && items.length > 0)) break;
    items.push(item);
  }
  return { bytes: encode({ from: `${cluster}.${kind}.${actor}`, first: first.number, [verb]: items }), through: first.number + items.length - 1 };
}
