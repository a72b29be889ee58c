/**
 * The host of one actor: opens its history, turns commands into commits, lets nothing out before it is stored.
 *
 *   closed ─open()─▶ opening ─▶ serving ─▶ closed
 *                      │  ▲        │
 *                      │  └─reopen─┤  (a poisoned state, a stepped clock)
 *                      ▼           ▼
 *                   fenced / stopped: the state is dropped, nothing more is sent
 *
 * Opening: server time; latest valid snapshot; the journal after it; the high-water mark; `Opened{epoch + 1}` appended
 * under the guard; the inbox drained to its end; only then are direct commands served.
 *
 * One append is in flight at a time, and while it is, commands pile up: the next append carries all of them. That is
 * the whole secret of the speed, and of the safety: answers, dispatches and query answers are held with the commit they
 * came from. Crash points and why each is harmless:
 *
 * - before the append is stored: nobody was told anything; senders ask again, the inbox is read again;
 * - stored, not yet told: session numbers, job ids and attempt numbers make the repeat known; dispatches are repeated
 *   until the worker has them; the outbox is sent again under the same numbers;
 * - told, host dead: the next host folds the same commit.
 *
 * There is no fence but the guard. A host that another has overtaken learns it at its next append and drops everything.
 */
import type { Actor, RejectionShape, Sender } from "./actor.ts";
import { Appender } from "./appender.ts";
import type { AppendResult } from "./appender.ts";
import { Committer, PoisonedState } from "./committer.ts";
import { COMMIT_FORMAT, sealCommit } from "./commit.ts";
import type { InboxPosition } from "./commit.ts";
import { Door } from "./door.ts";
import { Defect } from "./faults.ts";
import { History } from "./history.ts";
import { InboxReader } from "./inbox-reader.ts";
import { beginCommit } from "./kernel-state.ts";
import type { KernelState } from "./kernel-state.ts";
import type { CommandSource, KernelEvent } from "./kernel-event.ts";
import { KERNEL_LIMITS } from "./limits.ts";
import type { KernelLimits } from "./limits.ts";
import { batchOf, Mailbox } from "./mailbox.ts";
import type { Batch } from "./mailbox.ts";
import { MarkKeeper } from "./marks.ts";
import { Outgoing } from "./outgoing.ts";
import { OutboxSender } from "./outbox-sender.ts";
import { recover } from "./recovery.ts";
import type { Clock, Hash, HighWaterMarks, Inbox, Journal, ServerTime, Snapshots, Telemetry, Wire } from "./ports.ts";
import { ServerClock } from "./server-clock.ts";
import { subjectsOf } from "./subjects.ts";

export interface HostPorts {
  readonly journal: Journal;
  readonly inboxes: readonly Inbox[];
  readonly wire: Wire;
  readonly clock: Clock;
  readonly serverTime: ServerTime;
  readonly marks: HighWaterMarks;
  readonly snapshots: Snapshots;
  readonly hash: Hash;
  readonly telemetry: Telemetry;
}

/** Why a host stopped. `fenced`: another host has taken over. The rest need a person. */
export type StopReason =
  | { readonly kind: "closed" | "fenced" }
  | { readonly kind: "rewound"; readonly message: string }
  | { readonly kind: "broken"; readonly message: string }
  | { readonly kind: "refused"; readonly cause: "too-large" | "no-stream" | "denied"; readonly message: string }
  | { readonly kind: "defect"; readonly message: string };

/** What a part that lives beside an actor's host may see and do. Valid while the host serves. */
export interface HostContext<State> {
  readonly wire: Wire;
  readonly clock: Clock;
  readonly cluster: string;
  readonly epoch: number;
  readonly state: State;
  readonly kernel: KernelState;
  /** Server time. */
  now(): number;
  /** Gives the actor a command of the host's own; `done` gets its answer message once stored. */
  command(verb: string, item: unknown, sender: Sender, done?: (answer: Record<string, unknown>) => void): void;
  /** Tells an address something, with everything the state shows so far being stored first. */
  tell(address: string, item: unknown): void;
  /** Runs when everything the state shows so far is stored. */
  whenStored(run: () => void): void;
  /** How many items an address was told in this epoch; what a receiver must have seen. */
  toldCount(address: string): number;
  forget(address: string): void;
  /** Milliseconds since the last append was stored. */
  sinceStoredMs(): number;
  /** Writes a commit even if there is nothing to say: proof that this host still holds the history. */
  touch(): void;
}

/** A part of the host that is no part of the actor: presence, waiting results. It keeps no truth. */
export interface Attendant<State, Event> {
  /** The history is open and direct commands are served. */
  serving(context: HostContext<State>): void;
  /** An event was folded; its commit is not stored yet. */
  event?(event: Event, state: State): void;
  stopped(): void;
}

export interface HostOptions<State, Event> {
  readonly cluster: string;
  /** Name of the actor among its kind, for example the shard `main`. */
  readonly actor: string;
  readonly instance: string;
  /** Principal under which this host speaks to other actors. */
  readonly principal: string;
  /** Unique for this life of the process. */
  readonly incarnation: string;
  readonly software: string;
  readonly limits?: Partial<KernelLimits>;
  readonly attendants?: readonly Attendant<State, Event>[];
  /** An operator has looked at a rewound journal and accepts it as it is. */
  readonly acceptRewind?: string;
  readonly onServing?: () => void;
  /** A commit was stored. Called on the hot path: do next to nothing. */
  readonly onStored?: () => void;
  readonly onStopped?: (reason: StopReason) => void;
}

/** Messages that wait for the inbox to be read up to where their sender has written. */
const HELD_MAX = 1_000;
const CLOSE_WITHIN_MS = 5_000;

export class Host<State, Command, Event, Rejection extends RejectionShape> {
  readonly options: HostOptions<State, Event>;
  private readonly actor: Actor<State, Command, Event, Rejection>;
  private readonly ports: HostPorts;
  private readonly limits: KernelLimits;
  private readonly mailbox: Mailbox;
  private readonly time: ServerClock;
  private readonly outgoing: Outgoing;
  private readonly marks: MarkKeeper;
  private readonly door: Door<State, Command, Event, Rejection>;
  private readonly outbox: OutboxSender;
  private readonly suspects: { readonly source: CommandSource; readonly reason: string }[] = [];
  private readonly readers = new Map<string, InboxReader>();
  private readonly undrained = new Set<string>();
  private readonly positions = new Map<string, InboxPosition>();
  private readonly openingEvents: KernelEvent[] = [];
  private life: "closed" | "opening" | "serving" = "closed";
  private history: History<State, Command, Event, Rejection>;
  private committer: Committer<State, Command, Event, Rejection>;
  private appender: Appender;
  private epoch = 0;
  private inFlight = false;
  private touched = false;
  private held: Batch[] = [];
  private storedMs = 0;
  private cancelWake: () => void = () => undefined;
  /** Why new commands are pushed back although there is room: the journal cannot take them now. */
  private blocked: string | undefined;

  constructor(actor: Actor<State, Command, Event, Rejection>, ports: HostPorts, options: HostOptions<State, Event>) {
    this.actor = actor;
    this.ports = ports;
    this.options = options;
    this.limits = { ...KERNEL_LIMITS, ...options.limits };
    this.mailbox = new Mailbox(this.limits);
    this.time = new ServerClock(ports.clock, ports.serverTime);
    this.outgoing = new Outgoing(ports.wire, subjectsOf(options.cluster).prefix, () => this.history.kernel);
    this.marks = new MarkKeeper(ports.marks, ports.clock);
    this.outbox = new OutboxSender(ports.wire, ports.clock, options, () => this.history.kernel, () => this.step());
    this.door = new Door(actor.kind, options, ports, {
      receive: (batch) => this.receive(batch),
      answerWhenStored: (answer) => this.answerWhenStored(answer),
      host: () => this.description(),
      history: () => this.history,
      now: () => this.time.now(),
    });
    this.history = new History(actor, ports.hash);
    this.committer = this.newCommitter();
    this.appender = this.newAppender();
  }

  get isServing(): boolean {
    return this.life === "serving";
  }

  /** State as folded so far; for tests and for parts of this process that only look. */
  get current(): History<State, Command, Event, Rejection> {
    return this.history;
  }

  open(): void {
    if (this.life !== "closed") throw new Defect("a host is opened once at a time");
    this.life = "opening";
    this.history = new History(this.actor, this.ports.hash);
    this.committer = this.newCommitter();
    this.appender = this.newAppender();
    for (const { source, reason } of this.suspects) this.committer.suspect(source, reason);
    recover(this.history, this.ports, this.options, (result) => {
      if (this.life !== "opening") return;
      if (result.kind !== "recovered") return this.stop(result);
      if (result.rewindAccepted !== undefined) this.openingEvents.push({ type: "RewindAccepted", number: this.history.kernel.number, reason: result.rewindAccepted });
      this.time.start(this.history.kernel.at, () => this.appendOpened(), (from, to) => this.reopen({ type: "TimeStepped", from, to }));
    });
  }

  /** Finishes the append in flight, then stops; no snapshot on the way out. */
  close(): void {
    if (this.life === "closed") return;
    this.door.close();
    const finish = (): void => this.stop({ kind: "closed" });
    if (!this.inFlight) return finish();
    this.outgoing.whenStored(finish);
    // A server that is away must not keep a process from ending; the successor finds out what became of the append.
    this.ports.clock.after(CLOSE_WITHIN_MS, finish);
  }

  private newCommitter(): Committer<State, Command, Event, Rejection> {
    return new Committer(this.history, this.outgoing, this.limits, {
      onDone: (batch) => this.batchDone(batch),
      onEvent: (event, state) => {
        for (const attendant of this.options.attendants ?? []) attendant.event?.(event, state);
      },
    });
  }

  private newAppender(): Appender {
    return new Appender(this.ports.journal, this.ports.clock, (cause) => {
      if (cause !== undefined && cause !== this.blocked) this.ports.telemetry("append.blocked", { actor: this.options.actor, cause });
      this.blocked = cause;
    });
  }

  private appendOpened(): void {
    this.epoch = this.history.kernel.epoch + 1;
    const { instance, software } = this.options;
    this.openingEvents.unshift({ type: "Opened", instance, view: 0, software });
    for (const { source, reason } of this.suspects) if (source.kind === "session") this.openingEvents.push({ type: "CommandParked", source, reason });
    this.step();
  }

  /** The inbox is read to the end it had after `Opened`, before direct commands are served. */
  private drain(): void {
    for (const inbox of this.ports.inboxes) {
      this.undrained.add(inbox.stream);
      const reader = new InboxReader(inbox, this.ports.clock, this.limits.inboxReadMax, this.history.kernel.inbox.get(inbox.stream), {
        take: (stream, created, message, firstIndex) => this.takeInbox(stream, created, message, firstIndex),
        drained: (stream) => this.inboxDrained(stream),
      });
      this.readers.set(inbox.stream, reader);
    }
    if (this.ports.inboxes.length === 0) this.serve();
  }

  private takeInbox(stream: string, created: string, message: Parameters<Door<State, Command, Event, Rejection>["readInbox"]>[2], firstIndex: number): boolean {
    const batch = this.door.readInbox(stream, created, message);
    batch.next = firstIndex;
    if (!this.mailbox.hasRoomFor(batch.message.items.length, batch.bytes) && !this.mailbox.isEmpty) return false;
    this.mailbox.push(batch);
    this.step();
    return true;
  }

  private inboxDrained(stream: string): void {
    if (!this.undrained.delete(stream) || this.undrained.size > 0) return;
    // What was read is in the mailbox before any direct command can be, and the mailbox keeps the order.
    this.serve();
  }

  private serve(): void {
    if (this.life !== "opening") return;
    this.life = "serving";
    this.door.open();
    this.outbox.start();
    for (const attendant of this.options.attendants ?? []) attendant.serving(this.context());
    this.options.onServing?.();
    this.step();
  }

  /** Takes a message or says why not; nothing of a refused one is recorded. */
  private receive(batch: Batch): "taken" | "overloaded" {
    if (batch.origin.kind !== "inner" && (this.blocked === "full" || !this.mailbox.hasRoomFor(batch.message.items.length, batch.bytes))) return "overloaded";
    if (this.mustWaitForInbox(batch)) {
      if (this.held.length >= HELD_MAX) return "overloaded";
      this.held.push(batch);
      return "taken";
    }
    this.mailbox.push(batch);
    this.step();
    return "taken";
  }

  private mustWaitForInbox(batch: Batch): boolean {
    const { after } = batch.message;
    const first = this.ports.inboxes[0];
    if (after === undefined || first === undefined) return false;
    const position = this.positions.get(first.stream) ?? this.history.kernel.inbox.get(first.stream);
    if ((position?.sequence ?? 0) >= after) return false;
    this.readers.get(first.stream)?.read();
    return true;
  }

  /** Makes and appends the next commit, if there is anything to write and no append in flight. */
  private step(): void {
    if (this.inFlight || this.life === "closed" || this.epoch === 0) return;
    const { kernel } = this.history;
    const atBefore = kernel.at;
    const at = this.time.now();
    const number = kernel.number + 1;
    const previous = kernel.hash;
    const outboxAcked = this.outbox.takeAcked();
    beginCommit(kernel, { epoch: this.epoch, number, at, inbox: [], outboxAcked });
    try {
      for (const event of this.openingEvents.splice(0)) this.committer.record(event);
      this.committer.fill(this.mailbox, this.epoch, number, at);
    } catch (error) {
      return this.failed(error);
    }
    const inbox = this.takePositions();
    const { events } = this.committer;
    if (events.count === 0 && inbox.length === 0 && outboxAcked.length === 0 && !this.touched) {
      kernel.number = number - 1;
      kernel.at = atBefore;
      this.outgoing.flush(this.epoch);
      return this.afterCommit();
    }
    this.touched = false;
    const header = { format: COMMIT_FORMAT, host: this.options.incarnation, epoch: this.epoch, number, at, previous, inbox, outboxAcked };
    const bytes = sealCommit(header, events);
    this.inFlight = true;
    this.appender.append(bytes, this.history.version, (result) => this.appended(result, bytes));
  }

  /** Positions reached by this commit; the state must show them too. */
  private takePositions(): readonly InboxPosition[] {
    const inbox = [...this.positions.values()];
    for (const position of inbox) this.history.kernel.inbox.set(position.stream, position);
    this.positions.clear();
    const batch = this.mailbox.peek();
    if (batch?.origin.kind !== "inbox" || batch.next === 0) return inbox;
    // The message at hand is decided in part: the position says how many of its items.
    const partial = { stream: batch.origin.stream, created: batch.origin.created, sequence: batch.origin.sequence - 1, index: batch.next };
    this.history.kernel.inbox.set(partial.stream, partial);
    return [...inbox.filter((position) => position.stream !== partial.stream), partial];
  }

  private appended(result: AppendResult, bytes: Uint8Array): void {
    this.inFlight = false;
    if (this.life === "closed") return;
    switch (result.kind) {
      case "stored": {
        this.history.finish(bytes, result.version);
        this.storedMs = this.ports.clock.monotonicMs();
        this.options.onStored?.();
        this.marks.reached({ number: this.history.kernel.number, hash: this.history.kernel.hash });
        for (const [stream, reader] of this.readers) reader.cover(this.history.kernel.inbox.get(stream)?.sequence ?? 0);
        if (this.readers.size === 0 && this.life === "opening") this.drain();
        this.outgoing.flush(this.epoch);
        this.outbox.send();
        return this.afterCommit();
      }
      case "fenced":
        return this.stop({ kind: "fenced" });
      case "rewound":
        return this.stop({ kind: "rewound", message: "the journal ends below this host's last commit: the server lost what it had confirmed" });
      case "stopped":
        return this.stop({ kind: "refused", cause: result.cause, message: STOP_MESSAGES[result.cause] });
    }
  }

  private afterCommit(): void {
    if (this.life === "closed") return;
    if (this.held.length > 0) {
      const { held } = this;
      this.held = [];
      for (const batch of held) if (this.receive(batch) === "overloaded") this.door.pushBack(batch);
    }
    if (!this.mailbox.isEmpty) return this.step();
    this.cancelWake();
    const due = this.actor.due(this.history.state);
    if (due === undefined) return;
    this.cancelWake = this.ports.clock.after(Math.max(0, due - this.time.now()), () => this.step());
  }

  private batchDone(batch: Batch): void {
    const { origin } = batch;
    if (origin.kind === "inbox") {
      this.positions.set(origin.stream, { stream: origin.stream, created: origin.created, sequence: origin.sequence, index: 0 });
      return;
    }
    this.outgoing.whenStored(() => this.door.answer(batch, this.epoch, this.history.kernel.number));
  }

  private answerWhenStored(answer: () => void): void {
    if (this.inFlight) this.outgoing.whenStored(answer);
    else answer();
  }

  private failed(error: unknown): void {
    if (error instanceof PoisonedState) {
      this.ports.telemetry("command.parked", { actor: this.options.actor, epoch: this.epoch });
      this.suspects.push({ source: error.source, reason: error.message });
      return this.reopen(undefined);
    }
    this.stop({ kind: "defect", message: error instanceof Error ? error.message : String(error) });
  }

  /** Drops the state and folds the history again; what was not stored is asked for or read again. */
  private reopen(event: KernelEvent | undefined): void {
    this.dropEverything();
    if (event !== undefined) this.openingEvents.push(event);
    this.open();
  }

  private stop(reason: StopReason): void {
    if (this.life === "closed") return;
    this.dropEverything();
    this.options.onStopped?.(reason);
  }

  private dropEverything(): void {
    this.life = "closed";
    this.inFlight = false;
    this.epoch = 0;
    this.door.close();
    this.appender.close();
    this.outbox.stop();
    this.time.close();
    this.marks.close();
    this.cancelWake();
    for (const reader of this.readers.values()) reader.close();
    this.readers.clear();
    this.undrained.clear();
    this.positions.clear();
    this.openingEvents.length = 0;
    for (const batch of [...this.mailbox.clear(), ...this.held]) this.door.pushBack(batch);
    this.held = [];
    this.outgoing.drop();
    for (const attendant of this.options.attendants ?? []) attendant.stopped();
  }

  private description(): Readonly<Record<string, string | number | boolean>> {
    const { kernel } = this.history;
    const { instance, incarnation, software } = this.options;
    return { instance, incarnation, software, epoch: this.epoch, commit: kernel.number, at: this.time.now(), blocked: this.blocked ?? false };
  }

  private context(): HostContext<State> {
    const host = this;
    const { wire, clock } = this.ports;
    return {
      wire, clock, cluster: this.options.cluster, epoch: this.epoch,
      get state() { return host.history.state; },
      get kernel() { return host.history.kernel; },
      now: () => this.time.now(),
      command: (verb, item, sender, done) => {
        const message = { sender, session: undefined, link: undefined, after: undefined, verbs: [verb], items: [item] };
        this.receive(batchOf(message, { kind: "inner", done }, 0));
      },
      tell: (address, item) => {
        this.outgoing.tell(address, item);
        if (!this.inFlight) this.outgoing.flush(this.epoch);
      },
      whenStored: (run) => this.answerWhenStored(run),
      toldCount: (address) => this.outgoing.toldCount(address),
      forget: (address) => this.outgoing.forget(address),
      sinceStoredMs: () => this.ports.clock.monotonicMs() - this.storedMs,
      touch: () => {
        this.touched = true;
        this.step();
      },
    };
  }
}

const STOP_MESSAGES = {
  "too-large": "the server refused a commit as too large: its max_payload is smaller than this host's limits; raise it",
  "no-stream": "the journal's stream is not there: run `longshore setup`",
  denied: "the server does not allow this user to write the journal: use the host role of nats.conf",
} as const;
