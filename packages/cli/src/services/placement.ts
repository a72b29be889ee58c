/**
 * Where actors are hosted that the views place (shards of JobQueue, OffloadRouter): on the member of the activated view that
 * placement chooses, one at a time.
 *
 *              chosen, and warm
 *   waiting ─────────────────────▶ asking ──▶ serving ──▶ waiting
 *      ▲                             │           │ asked to hand over, by the one its own view chooses
 *      │ fenced by another           │           │ or fenced
 *      └─────────────────────────────┴───────────┘
 *
 * Whoever is chosen opens the actor
 *  - when nobody answers for it;
 *  - when its host hands it over: a living host that agrees closes in order and says so, so the pause is that of one opening;
 *  - when its host has left the topology, without being asked twice: the guard of the journal is the fence, this is for peace.
 * Without any view, as without a host of the topology, who finds nobody opens, as it was before there were views; and who is not
 * chosen opens after 10 s in which nobody has answered, so that a topology that stands still stops no jobs.
 *
 * The successor folds the history before it asks (a warm follower), so that what is left to read is its tail. An instance that is
 * told to stand by does so for the actors of others, too.
 */
import type { TopologyAnswer } from "@longshore/discovery-agent";
import { hostsFor } from "@longshore/discovery-agent";
import type { Clock, Wire, WireAnswer } from "@longshore/kernel";
import { decodeUntrusted, encode, subjectsOf } from "@longshore/kernel";
import type { InstanceService } from "./instance/instance.ts";

/** Timings, milliseconds. */
const PLACEMENT = {
  lookEveryMs: 200,
  answerWithinMs: 1_000,
  handOverWithinMs: 5_000,
  /** How long nobody answers before somebody opens who is not chosen, and how much longer for each place further back. */
  unchosenAfterMs: 10_000,
  rankMs: 500,
  silentMs: 10_000,
  /** How long a host that ends waits for its successor to ask. */
  farewellMs: 3_000,
} as const;

/** An actor of this cluster: its kind, and its name among its kind. */
export interface ActorName {
  readonly kind: string;
  readonly actor: string;
}

export const showActor = ({ kind, actor }: ActorName): string => `${kind}.${actor}`;

/** The door beside a host's own: `{ ask: "hand-over", incarnation }`. */
const doorKind = ({ kind }: ActorName): string => `${kind}-host`;

export interface PlacementOptions {
  readonly cluster: string;
  readonly principal: string;
  readonly instance: InstanceService;
}

/** `prepare`: the actor is to be hosted here, and its history must be folded before its host is asked for it. */
export type Permission = { readonly kind: "open"; readonly takeOver: boolean } | { readonly kind: "prepare" };

interface Waiter {
  /** The history is folded already. */
  readonly isPrepared: boolean;
  readonly signal: AbortSignal;
  /** Called once if somebody else hosts it. */
  readonly standingBy: () => void;
}

/** What this instance knows of where actors belong. */
export class Placement {
  private readonly wire: Wire;
  private readonly clock: Clock;
  private readonly options: PlacementOptions;
  /** By actor: the incarnation that last said that it hosts it. */
  private readonly hosts = new Map<string, string>();

  constructor({ wire, clock }: { readonly wire: Wire; readonly clock: Clock }, options: PlacementOptions) {
    this.wire = wire;
    this.clock = clock;
    this.options = options;
  }

  /** This instance's place among those that can host the actor: 0 is chosen; undefined while no view has it. */
  rankOf(name: ActorName): number | undefined {
    const { instance } = this.options;
    const rank = membersOf(instance.answer, name).findIndex(({ incarnation }) => incarnation === instance.incarnation);
    return rank < 0 ? undefined : rank;
  }

  /** Another member would host the actor if this instance were gone. */
  hasSuccessor(name: ActorName): boolean {
    const { instance } = this.options;
    return membersOf(instance.answer, name).some(({ incarnation }) => incarnation !== instance.incarnation);
  }

  /** Resolves when this instance may open the actor, or should prepare for that. */
  mayOpen(name: ActorName, { isPrepared, signal, standingBy }: Waiter): Promise<Permission> {
    return new Promise((resolve, reject) => {
      const wait = new Waiting(this.wire, this.clock, { ...this.options, hosts: this.hosts, name, isPrepared, rank: () => this.rankOf(name), standingBy }, (permission) => {
        signal.removeEventListener("abort", stop);
        resolve(permission);
      });
      const stop = (): void => {
        wait.stop();
        reject(signal.reason);
      };
      if (signal.aborted) return stop();
      signal.addEventListener("abort", stop, { once: true });
      wait.start();
    });
  }

  /**
   * Listens for the successor of an actor that is hosted here. `close` ends the host and calls back when it appends no more.
   * Returns a way to stop.
   */
  handsOver(name: ActorName, isLeaving: () => boolean, close: (closed: () => void) => void): () => void {
    const { cluster, instance } = this.options;
    return this.wire.subscribe(subjectsOf(cluster).queries(doorKind(name), name.actor), ({ data, subject, reply }) => {
      const asker = fieldOf(data, "incarnation");
      const [first, ...others] = membersOf(instance.answer, name);
      const isActor = subject.split(".")[5] === "actor";
      const isMeant = asker !== instance.incarnation && (first?.incarnation === asker || (isLeaving() && others.some(({ incarnation }) => incarnation === asker)));
      if (!isActor || !isMeant) return reply?.(encode({ handedOver: false }));
      close(() => reply?.(encode({ handedOver: true })));
    });
  }

  /** This instance leaves the topology: its actors are placed anew. */
  leave(): Promise<void> {
    return this.options.instance.leave();
  }

  /** Waits for somebody to ask for the actor, for as long as a farewell takes. */
  farewell(asked: Promise<unknown>): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.clock.after(PLACEMENT.farewellMs, resolve);
      void asked.then(() => {
        cancel();
        resolve();
      });
    });
  }
}

const membersOf = (answer: TopologyAnswer | undefined, { kind, actor }: ActorName): ReturnType<typeof hostsFor> => hostsFor(answer?.view?.members ?? [], kind, actor);

interface WaitingOptions extends PlacementOptions {
  readonly name: ActorName;
  /** Kept from one wait to the next: a host that is stuck by now does not say who it is. */
  readonly hosts: Map<string, string>;
  readonly isPrepared: boolean;
  readonly rank: () => number | undefined;
  readonly standingBy: () => void;
}

/** One actor that this instance would host. */
class Waiting {
  private readonly wire: Wire;
  private readonly clock: Clock;
  private readonly options: WaitingOptions;
  private readonly done: (permission: Permission) => void;
  private readonly subjects: { readonly host: string; readonly door: string };
  private isOver = false;
  private isAsking = false;
  /** Answers to earlier questions are not waited for. */
  private question = 0;
  /** It was asked whether it hands over after it had left: it is not asked again. */
  private isTakingOver = false;
  private isToldOf = false;
  private heardMs: number;
  private nobodySinceMs: number | undefined;
  private cancel: () => void = () => undefined;
  private stopWatching: () => void = () => undefined;

  constructor(wire: Wire, clock: Clock, options: WaitingOptions, done: (permission: Permission) => void) {
    this.wire = wire;
    this.clock = clock;
    this.options = options;
    this.done = done;
    this.heardMs = clock.monotonicMs();
    const { query } = subjectsOf(options.cluster);
    const { name, principal } = options;
    this.subjects = { host: query(name.kind, name.actor, "actor", principal), door: query(doorKind(name), name.actor, "actor", principal) };
  }

  start(): void {
    this.stopWatching = this.options.instance.watch(() => this.changed());
    this.changed();
    // It may have been decided at once.
    if (this.isOver) this.stopWatching();
  }

  /** A newer picture: one that answers nothing, or was to hand over, is waited for no longer when it is gone. */
  private changed(): void {
    if (!this.isOver && !this.isTakingOver && this.isChosen && this.isHostGone) return this.askForIt();
    this.soon();
  }

  stop(): void {
    this.isOver = true;
    this.cancel();
    this.stopWatching();
  }

  private get isChosen(): boolean {
    return this.options.rank() === 0;
  }

  private end(permission: Permission): void {
    this.stop();
    this.done(permission);
  }

  private open(takeOver: boolean): void {
    this.end({ kind: "open", takeOver });
  }

  private soon(delayMs = 0): void {
    this.cancel();
    if (!this.isOver && !this.isAsking) this.cancel = this.clock.after(delayMs, () => this.look());
  }

  private look(): void {
    if (this.isAsking || this.isOver) return;
    const question = ++this.question;
    this.isAsking = true;
    this.wire.request(this.subjects.host, encode({ ask: "host" }), PLACEMENT.answerWithinMs, (answer) => {
      if (question !== this.question) return;
      this.isAsking = false;
      if (!this.isOver) this.heard(answer);
    });
  }

  private heard(answer: WireAnswer): void {
    const nowMs = this.clock.monotonicMs();
    if (answer.kind === "no-responders") return this.nobody(nowMs);
    this.nobodySinceMs = undefined;
    if (!this.wire.connected || answer.kind === "denied") this.heardMs = nowMs;
    if (answer.kind === "answer") {
      this.heardMs = nowMs;
      const incarnation = incarnationOfHost(answer.data);
      if (incarnation !== undefined) this.options.hosts.set(showActor(this.options.name), incarnation);
      this.tellStandby();
    }
    if (this.isChosen && (answer.kind === "answer" || this.isHostGone)) return this.askForIt();
    if (answer.kind === "timeout" && nowMs - this.heardMs >= PLACEMENT.silentMs) return this.open(true);
    this.soon(PLACEMENT.lookEveryMs);
  }

  private tellStandby(): void {
    if (this.isToldOf) return;
    this.isToldOf = true;
    this.options.standingBy();
  }

  private nobody(nowMs: number): void {
    const rank = this.options.rank();
    const hasNoView = (this.options.instance.answer?.view ?? null) === null;
    if (rank === 0 || hasNoView) return this.open(false);
    this.nobodySinceMs ??= nowMs;
    const waitMs = PLACEMENT.unchosenAfterMs + (rank ?? membersOf(this.options.instance.answer, this.options.name).length) * PLACEMENT.rankMs;
    if (nowMs - this.nobodySinceMs >= waitMs) return this.open(false);
    this.soon(PLACEMENT.lookEveryMs);
  }

  private get isHostGone(): boolean {
    const { hosts, name, instance } = this.options;
    const incarnation = hosts.get(showActor(name));
    return incarnation !== undefined && instance.hasLeft(incarnation);
  }

  private askForIt(): void {
    if (!this.options.isPrepared) return this.end({ kind: "prepare" });
    this.cancel();
    const question = ++this.question;
    this.isAsking = true;
    this.isTakingOver = this.isHostGone;
    const { incarnation } = this.options.instance;
    // Nobody waits long for one that the others have given up.
    const withinMs = this.isHostGone ? PLACEMENT.lookEveryMs : PLACEMENT.handOverWithinMs;
    this.wire.request(this.subjects.door, encode({ ask: "hand-over", incarnation }), withinMs, (answer) => {
      if (this.isOver || question !== this.question) return;
      this.isAsking = this.isTakingOver = false;
      if (answer.kind === "answer" && fieldOf(answer.data, "handedOver") === true) return this.open(false);
      if (this.isHostGone) return this.open(true);
      this.soon(PLACEMENT.lookEveryMs);
    });
  }
}

function fieldOf(data: Uint8Array, field: string): unknown {
  try {
    return (decodeUntrusted(data) as Readonly<Record<string, unknown>> | null)?.[field];
  } catch {
    return undefined;
  }
}

function incarnationOfHost(data: Uint8Array): string | undefined {
  const host = fieldOf(data, "answer");
  const incarnation = typeof host === "object" && host !== null ? (host as { readonly incarnation?: unknown }).incarnation : undefined;
  return typeof incarnation === "string" ? incarnation : undefined;
}
