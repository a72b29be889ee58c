/**
 * An actor with the kernel's contract and nothing of its machinery: commits that are stored or never were, an inbox that is read
 * exactly once, and the kernel's own outbox with one publish in flight. The rest of the kernel is simulated elsewhere.
 *
 * A crash loses everything but the journal and the inbox. What is in them when a commit fails is decided again.
 */
import type { Actor, ActorAddress, Droppable, Outbox, OutboxLimits, RejectionShape, Role } from "@longshore/kernel";
import { acknowledge, addressKey, decodeTrusted, encode, encodeCanonical, owe } from "@longshore/kernel";

/** A publish into an inbox: numbers from `first` on. */
export interface Parcel {
  readonly from: ActorAddress;
  readonly first: number;
  readonly bodies: readonly Uint8Array[];
}

interface StoredCommit {
  readonly at: number;
  readonly events: readonly Uint8Array[];
  readonly read: number;
  readonly received: readonly (readonly [sender: string, number: number])[];
  readonly acked: readonly (readonly [receiver: string, number: number])[];
}

export interface SimActorHooks {
  alarm(text: string): void;
  mark(text: string): void;
  told(address: string, item: unknown): void;
}

export class SimActor<State, Command, Event, Rejection extends RejectionShape> {
  readonly address: ActorAddress;
  readonly actor: Actor<State, Command, Event, Rejection>;
  readonly inbox: Parcel[] = [];
  isUp = true;
  state: State;
  private readonly hooks: SimActorHooks;
  private readonly limits: OutboxLimits;
  /** Everybody it has ever owed something. */
  private readonly known = new Map<string, ActorAddress>();
  private readonly journal: StoredCommit[] = [];
  private snapshot: { readonly commits: number; readonly values: readonly Uint8Array[]; readonly outboxes: ReadonlyMap<string, Outbox>; readonly received: ReadonlyMap<string, number> } | undefined;
  private outboxes = new Map<string, Outbox>();
  private received = new Map<string, number>();
  private newlyReceived = new Map<string, number>();
  /** What receivers have acknowledged, to be recorded with the next commit. */
  private acks = new Map<string, number>();
  private read = 0;
  private events: Uint8Array[] = [];
  private at = 0;

  constructor(address: ActorAddress, actor: Actor<State, Command, Event, Rejection>, hooks: SimActorHooks, limits: OutboxLimits) {
    this.limits = limits;
    this.address = address;
    this.actor = actor;
    this.hooks = hooks;
    this.state = actor.initial();
  }

  /** Every event of the journal, with its instant. */
  *history(): Generator<readonly [event: Event, at: number]> {
    for (const { at, events } of this.journal) for (const bytes of events) yield [this.eventOf(bytes), at];
  }

  get hash(): string {
    return this.hashOf(this.state);
  }

  private hashOf(state: State): string {
    return [...this.actor.snapshot(state)].map((value) => Buffer.from(encodeCanonical(value)).toString("base64")).join("|");
  }

  /** Nothing to read, nothing to send, nothing due. */
  isQuiet(at: number): boolean {
    const due = this.actor.due(this.state);
    return this.isUp && this.read === this.inbox.length && this.acks.size === 0 && [...this.outboxes.values()].every(({ pending }) => pending.length === 0) && (due === undefined || due > at);
  }

  /** Up to `count` inbox messages, then what follows by itself with room for so many events. `fails`: the host dies before it is stored. */
  commit(at: number, count: number, room: number, fails: boolean): void {
    if (!this.isUp) return;
    this.begin(at);
    for (let left = count; left > 0 && this.read < this.inbox.length; left--) this.readParcel(this.inbox[this.read++]!);
    this.finish(room, fails);
  }

  /** A command that its sender waits for: stored when this returns, unless the host dies on the way. */
  direct(verb: string, item: unknown, role: Role, principal: string, at: number, fails = false): "accepted" | "refused" | "lost" {
    if (!this.isUp) return "lost";
    this.begin(at);
    const outcome = this.decide(verb, decodeTrusted(encode(item)), role, principal);
    this.finish(1_000, fails);
    return fails ? "lost" : outcome;
  }

  private begin(at: number): void {
    this.at = at;
    this.release(this.acks);
  }

  private release(acks: Iterable<readonly [receiver: string, number: number]>): void {
    for (const [receiver, number] of acks) {
      const outbox = this.outboxes.get(receiver);
      if (outbox === undefined) continue;
      const kept = outbox.withheld.size;
      acknowledge(outbox, number, this.limits);
      if (outbox.withheld.size < kept) this.hooks.mark("what was kept aside follows");
    }
  }

  private finish(room: number, fails: boolean): void {
    let left = room;
    this.actor.settle(this.state, this.at, (event) => {
      this.apply(event);
      return --left > 0;
    });
    if (fails) return this.crash();
    if (this.events.length === 0 && this.newlyReceived.size === 0 && this.acks.size === 0) return;
    this.journal.push({ at: this.at, events: this.events, read: this.read, received: [...this.newlyReceived], acked: [...this.acks] });
    this.events = [];
    this.newlyReceived = new Map();
    this.acks = new Map();
  }

  private readParcel({ from, first, bodies }: Parcel): void {
    const sender = addressKey(from);
    bodies.forEach((body, i) => {
      const number = first + i;
      const last = this.received.get(sender) ?? 0;
      if (number <= last) return this.hooks.mark("a message comes a second time");
      if (number > last + 1) return this.hooks.alarm(`${addressKey(this.address)} misses messages of ${sender}: ${number} after ${last}`);
      this.received.set(sender, number);
      this.newlyReceived.set(sender, number);
      const [verb, item] = decodeTrusted(body) as [string, unknown];
      const isPeer = from.cluster !== this.address.cluster;
      this.decide(verb, item, isPeer ? "peer" : "actor", isPeer ? from.cluster : "host");
    });
  }

  /** `item`: as it came out of its bytes. */
  private decide(verb: string, item: unknown, role: Role, principal: string): "accepted" | "refused" {
    const parsed = this.actor.parse(verb, item, { role, principal }, () => `fallback${this.journal.length}`);
    if (parsed.kind === "malformed") {
      this.hooks.alarm(`${addressKey(this.address)} cannot read ${verb}: ${parsed.malformed.field} ${parsed.malformed.remedy}`);
      return "refused";
    }
    const decision = this.actor.decide(this.state, parsed.command, this.at);
    for (const event of decision.events ?? []) this.apply(event);
    if (decision.kind === "rejected") this.hooks.mark(`refused: ${decision.rejection.code}`);
    return decision.kind === "accepted" ? "accepted" : "refused";
  }

  private apply(event: Event): void {
    const bytes = encode(this.actor.events.encode(event));
    this.fold(bytes, this.at, true);
    this.events.push(bytes);
  }

  private eventOf(bytes: Uint8Array): Event {
    return this.actor.events.decode(decodeTrusted(bytes) as unknown[], 1);
  }

  /** Whoever folds the journal again is heard by nobody, and owes the same. */
  private fold(bytes: Uint8Array, at: number, isHeard: boolean): void {
    const event = this.eventOf(bytes);
    this.actor.evolve(this.state, event, at);
    this.actor.react(this.state, event, { ...(!isHeard && { isUnheard: true as const }), tell: (address, item) => this.hooks.told(address, item), send: (to, body, how) => this.owe(to, encode(body), how) });
  }

  private owe(to: ActorAddress, body: Uint8Array, how: Droppable | undefined): void {
    const key = addressKey(to);
    this.known.set(key, to);
    const before = this.outboxes.get(key);
    const [next, kept] = [before?.next ?? 1, before?.withheld.size ?? 0];
    owe(this.outboxes, key, body, how, this.limits);
    const outbox = this.outboxes.get(key)!;
    if (outbox.next === next) this.hooks.mark(outbox.withheld.size > kept ? "a report is kept aside" : "a report is left out");
    if (outbox.withheld.size > this.limits.messagesMax || outbox.withheldBytes > this.limits.bytesMax) this.hooks.alarm(`${addressKey(this.address)} keeps more aside than it may`);
    if (how !== undefined && outbox.next > next && outbox.pending.length > this.limits.messagesMax) this.hooks.alarm(`${addressKey(this.address)} owes what it should have left out`);
  }

  /** What is owed to one receiver and not yet acknowledged, as one publish; undefined when nothing is. */
  parcelFor(receiver: string, max: number): Parcel | undefined {
    const outbox = this.isUp ? this.outboxes.get(receiver) : undefined;
    if (outbox === undefined) return undefined;
    const acked = this.acks.get(receiver) ?? outbox.acked;
    const bodies = outbox.pending.slice(acked - outbox.acked, acked - outbox.acked + max).map(({ body }) => body as Uint8Array);
    return bodies.length === 0 ? undefined : { from: this.address, first: acked + 1, bodies };
  }

  get receivers(): readonly ActorAddress[] {
    const receivers: ActorAddress[] = [];
    for (const [key, { pending }] of this.outboxes) if (pending.length > 0) receivers.push(this.known.get(key)!);
    return receivers;
  }

  /** Recorded with the next commit: until then a crash sends it again. */
  acknowledged(receiver: string, upTo: number): void {
    if (this.isUp) this.acks.set(receiver, upTo);
  }

  takeSnapshot(): void {
    if (!this.isUp || this.events.length > 0 || this.acks.size > 0 || this.newlyReceived.size > 0) return;
    this.snapshot = { commits: this.journal.length, values: [...this.actor.snapshot(this.state)].map((value) => encodeCanonical(value)), outboxes: copied(this.outboxes), received: new Map(this.received) };
  }

  crash(): void {
    this.isUp = false;
    this.events = [];
    this.newlyReceived = new Map();
    this.acks = new Map();
  }

  /** Folds the journal again, half of the time from a snapshot; both must lead to the same state (P8). */
  recover(fromSnapshot: boolean): void {
    const given = fromSnapshot ? this.snapshot : undefined;
    this.replay(given);
    if (given !== undefined) {
      const { hash } = this;
      const { owed } = this;
      this.replay(undefined);
      if (hash !== this.hash) this.hooks.alarm(`P8 ${addressKey(this.address)} has another state from its snapshot`);
      if (owed !== this.owed) this.hooks.alarm(`P8 ${addressKey(this.address)} owes something else from its snapshot`);
    }
    this.isUp = true;
  }

  private get owed(): string {
    return [...this.outboxes].map(([key, { next, pending, withheld, droppableBytes }]) => `${key} ${next} ${pending.length} ${droppableBytes} ${[...withheld.keys()].join("/")}`).join();
  }

  private replay(given: SimActor<State, Command, Event, Rejection>["snapshot"]): void {
    this.state = given === undefined ? this.actor.initial() : this.actor.restore(given.values.map((bytes) => decodeTrusted(bytes)));
    this.outboxes = copied(given?.outboxes ?? new Map());
    this.received = new Map(given?.received ?? []);
    this.read = given === undefined ? 0 : (this.journal[given.commits - 1]?.read ?? 0);
    for (const { at, events, read, received, acked } of this.journal.slice(given?.commits ?? 0)) {
      this.release(acked);
      for (const bytes of events) this.fold(bytes, at, false);
      for (const [sender, number] of received) this.received.set(sender, number);
      this.read = read;
    }
  }
}

const copied = (outboxes: ReadonlyMap<string, Outbox>): Map<string, Outbox> =>
  new Map([...outboxes].map(([key, outbox]) => [key, { ...outbox, pending: [...outbox.pending], withheld: new Map(outbox.withheld) }]));
