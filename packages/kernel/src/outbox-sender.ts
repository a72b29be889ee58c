/**
 * Sends what an actor owes to other actors: numbered per receiver, many messages per publish, one publish in flight.
 *
 * The next goes only after the far acknowledgement. Pipelining would let a later message arrive while an earlier one is
 * lost, and the receiver would have to stop the link. What is acknowledged is recorded with the next commit; a crash in
 * between sends it again under the same numbers, and the receiver knows the repeat.
 */
import { encode } from "./codec.ts";
import type { KernelState, Outbox } from "./kernel-state.ts";
import type { Clock, Wire } from "./ports.ts";
import { subjectsOf } from "./subjects.ts";

interface Place {
  readonly cluster: string;
  readonly actor: string;
  readonly principal: string;
}

interface OutboxHost {
  /** The state, and so what is owed, is in a stored commit. */
  isStored(): boolean;
  /** An acknowledgement should be recorded. */
  acked(): void;
}

const RETRY_MS = 500;
/** Messages per publish; bodies are small (payloads travel as blobs). */
const SEND_MAX = 256;

export class OutboxSender {
  private readonly wire: Wire;
  private readonly clock: Clock;
  private readonly place: Place;
  private readonly kernel: () => KernelState;
  private readonly host: OutboxHost;
  private readonly inFlight = new Set<string>();
  private readonly acked = new Map<string, number>();
  private readonly timers = new Set<() => void>();
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
    for (const cancel of this.timers) cancel();
    this.timers.clear();
  }

  /** Sends to every receiver that is owed something and has nothing in flight; what is owed but not stored waits. */
  send(): void {
    if (!this.running || !this.host.isStored()) return;
    for (const [receiver, outbox] of this.kernel().outbox) {
      if (outbox.pending.length > 0 && !this.inFlight.has(receiver)) this.sendTo(receiver, outbox);
    }
  }

  /** Acknowledgements that the next commit should record. */
  takeAcked(): readonly (readonly [string, number])[] {
    if (this.acked.size === 0) return [];
    const acked = [...this.acked];
    this.acked.clear();
    return acked;
  }

  private sendTo(receiver: string, outbox: Outbox): void {
    const [cluster, kind, actor] = receiver.split(".") as [string, string, string];
    const batch = outbox.pending.slice(0, SEND_MAX);
    const last = batch.at(-1)!.number;
    const message: Record<string, unknown> = { from: `${this.place.cluster}.${this.place.actor}`, first: batch[0]!.number };
    for (const { body } of batch) {
      const [verb, item] = body as [string, unknown];
      // Numbers follow the order of the items, so a message holds the items of one verb only up to the first other.
      const list = message[verb] as unknown[] | undefined;
      if (list === undefined && Object.keys(message).length > 2) break;
      if (list === undefined) message[verb] = [item];
      else list.push(item);
    }
    const sent = Object.values(message).filter(Array.isArray)[0] as unknown[];
    const through = Math.min(last, batch[0]!.number + sent.length - 1);
    this.inFlight.add(receiver);
    this.wire.store(subjectsOf(cluster).inbox(kind, actor, "actor", this.place.principal), encode(message), (answer) => {
      if (!this.running) return;
      if (answer.kind !== "stored") return this.later(receiver);
      this.inFlight.delete(receiver);
      this.acked.set(receiver, through);
      this.host.acked();
    });
  }

  private later(receiver: string): void {
    const cancel = this.clock.after(RETRY_MS, () => {
      this.timers.delete(cancel);
      this.inFlight.delete(receiver);
      this.send();
    });
    this.timers.add(cancel);
  }
}
