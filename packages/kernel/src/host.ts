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
import type { Actor, RejectionShape } from "./actor.ts";
import type { AppendResult } from "./appender.ts";
import { Appender } from "./appender.ts";
import { COMMIT_FORMAT, sealCommit } from "./commit.ts";
import type { Suspect } from "./committer.ts";
import { Committer, PoisonedState } from "./committer.ts";
import { Door } from "./door.ts";
import { Defect } from "./faults.ts";
import { History } from "./history.ts";
import type { HostContext, HostOptions, HostPorts, StopReason } from "./host-options.ts";
import { STOP_MESSAGES } from "./host-options.ts";
import { Intake } from "./intake.ts";
import type { KernelEvent } from "./kernel-event.ts";
import { beginCommit } from "./kernel-state.ts";
import type { KernelLimits } from "./limits.ts";
import { KERNEL_LIMITS } from "./limits.ts";
import type { Batch } from "./mailbox.ts";
import { batchOf } from "./mailbox.ts";
import { MarkKeeper } from "./marks.ts";
import { OutboxSender } from "./outbox-sender.ts";
import { Outgoing } from "./outgoing.ts";
import { recover } from "./recovery.ts";
import { ServerClock } from "./server-clock.ts";
import { subjectsOf } from "./subjects.ts";
import { askToHold, Hold } from "./take-over.ts";

const CLOSE_WITHIN_MS = 5_000;

export class Host<State, Command, Event, Rejection extends RejectionShape> {
  readonly options: HostOptions<State, Event>;
  private readonly actor: Actor<State, Command, Event, Rejection>;
  private readonly ports: HostPorts;
  private readonly limits: KernelLimits;
  private readonly intake: Intake;
  private readonly time: ServerClock;
  private readonly outgoing: Outgoing;
  private readonly marks: MarkKeeper;
  private readonly door: Door<State, Command, Event, Rejection>;
  private readonly outbox: OutboxSender;
  private readonly hold: Hold;
  /** Commands that spoiled the state, and whether a stored commit says so. */
  private readonly suspects: { readonly suspect: Suspect; isParked: boolean }[] = [];
  private readonly openingEvents: KernelEvent[] = [];
  private life: "closed" | "opening" | "serving" = "closed";
  private history: History<State, Command, Event, Rejection>;
  private committer: Committer<State, Command, Event, Rejection>;
  private appender: Appender;
  private epoch = 0;
  private inFlight = false;
  /**
   * `making`: events are being folded, so the state shows what is not stored yet. `releasing`: a commit was stored and
   * what it held goes out. In both, whatever wants a commit gets the next one.
   */
  private phase: "idle" | "making" | "releasing" = "idle";
  private wanted = false;
  private touched = false;
  private closing = false;
  private reopening: KernelEvent | undefined;
  private sentMs = 0;
  private storedMs = 0;
  private cancelWake: () => void = () => undefined;
  /** Why new commands are pushed back although there is room: the journal cannot take them now. */
  private blocked: string | undefined;

  constructor(actor: Actor<State, Command, Event, Rejection>, ports: HostPorts, options: HostOptions<State, Event>) {
    this.actor = actor;
    this.ports = ports;
    this.options = options;
    this.limits = { ...KERNEL_LIMITS, ...options.limits };
    this.time = new ServerClock(ports.clock, ports.serverTime);
    this.outgoing = new Outgoing(ports.wire, subjectsOf(options.cluster).prefix, () => this.history.kernel);
    this.hold = new Hold(ports.clock, () => this.touch());
    this.marks = new MarkKeeper(ports.marks, ports.clock);
    this.outbox = new OutboxSender(ports.wire, ports.clock, { ...options, kind: actor.kind }, () => this.history.kernel, {
      isStored: () => this.isStored, acked: () => this.step(),
    });
    this.intake = new Intake(ports.inboxes, ports.clock, this.limits, {
      kernel: () => this.history.kernel,
      read: (stream, created, message) => this.door.readInbox(stream, created, message),
      arrived: () => this.step(), drained: () => this.serve(), pushBack: (batch) => this.door.pushBack(batch),
    });
    this.door = new Door(actor.kind, options, ports, {
      receive: (batch) => this.receive(batch),
      answerWhenStored: (answer) => this.answerWhenStored(answer),
      hold: () => this.hold.begin(),
      host: () => this.description(),
      history: () => this.history,
      now: () => this.time.now(),
    });
    this.history = new History(actor, ports.hash);
    this.committer = this.newCommitter();
    this.appender = this.newAppender();
  }

  get isServing(): boolean { return this.life === "serving"; }

  /** State as folded so far; for tests and for parts of this process that only look. */
  get current(): History<State, Command, Event, Rejection> { return this.history; }

  /** `warm`: the history as a follower has it, which follows no more; only what was written since is read. */
  open(warm?: History<State, Command, Event, Rejection>): void {
    if (this.life !== "closed") throw new Defect("a host is opened once at a time");
    this.life = "opening";
    this.history = warm ?? new History(this.actor, this.ports.hash);
    this.committer = this.newCommitter();
    this.appender = this.newAppender();
    this.closing = false;
    for (const { suspect } of this.suspects) this.committer.suspect(suspect);
    recover(this.history, this.ports, { ...this.options, isWarm: warm !== undefined, isWanted: this.whileOpening() }, (result) => {
      if (result.kind !== "recovered") return this.stop(result);
      if (result.rewindAccepted !== undefined) this.openingEvents.push({ type: "RewindAccepted", number: this.history.kernel.number, reason: result.rewindAccepted });
      this.time.start(this.history.kernel.at, () => this.takeOver(), (from, to) => this.reopen({ type: "TimeStepped", from, to }));
    });
  }

  /** True as long as this very opening goes on. */
  private whileOpening(): () => boolean {
    const { history } = this;
    return () => this.life === "opening" && this.history === history;
  }

  /** Everything is ready but the history's tail, which a living host may be writing. */
  private takeOver(): void {
    const { history, ports, options } = this;
    if (options.takeOver !== true) return this.appendOpened();
    const subject = subjectsOf(options.cluster).query(this.actor.kind, options.actor, "actor", options.principal);
    const isWanted = this.whileOpening();
    askToHold(ports.wire, subject, () => isWanted() && recover(history, ports, { ...options, isWanted }, (result) => {
      if (result.kind !== "recovered") return this.stop(result);
      this.time.advanceTo(history.kernel.at);
      this.appendOpened();
    }));
  }

  /** Finishes the append in flight, then stops; no snapshot on the way out. */
  close(): void {
    if (this.life === "closed") return;
    this.door.close(true);
    if (!this.inFlight) return this.stop({ kind: "closed" });
    this.closing = true;
    const { history } = this;
    // A server that is away must not keep a process from ending; the successor finds out what became of the append.
    this.ports.clock.after(CLOSE_WITHIN_MS, () => {
      if (this.closing && this.history === history) this.stop({ kind: "closed" });
    });
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
    const { instance, software, attendants = [] } = this.options;
    this.openingEvents.unshift({ type: "Opened", instance, view: 0, software });
    for (const { suspect: { source, reason }, isParked } of this.suspects) {
      // One from an inbox is parked when it is read again, so that its place counts as done.
      if (!isParked && source.kind !== "inbox") this.openingEvents.push({ type: "CommandParked", source, reason });
    }
    for (const attendant of attendants) attendant.opening?.(this.context());
    this.step();
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
    return batch.origin.kind !== "inner" && this.blocked === "full" ? "overloaded" : this.intake.receive(batch);
  }

  private touch(): void {
    this.touched = true;
    this.step();
  }

  /** Makes and appends the next commit, if there is anything to write and no append in flight. */
  private step(): void {
    if (this.phase !== "idle" || this.hold.isOn) {
      this.wanted = true;
      return;
    }
    if (this.inFlight || this.life === "closed" || this.epoch === 0) return;
    const { history, history: { kernel } } = this;
    const { at: atBefore, hash: previous } = kernel;
    const at = this.time.now();
    const number = kernel.number + 1;
    const outboxAcked = this.outbox.takeAcked();
    this.phase = "making";
    for (const attendant of this.options.attendants ?? []) attendant.committing?.();
    beginCommit(kernel, { epoch: this.epoch, number, at, inbox: [], outboxAcked });
    try {
      this.committer.begin(this.epoch, number, at);
      for (const event of this.openingEvents.splice(0)) this.committer.record(event);
      this.committer.fill(this.intake.mailbox);
    } catch (error) {
      return this.failed(error);
    }
    if (this.history !== history || !this.isOpen) return; // Somebody beside the actor has stopped the host.
    this.phase = "idle";
    const inbox = this.intake.takePositions();
    const { events } = this.committer;
    if (events.count === 0 && inbox.length === 0 && outboxAcked.length === 0 && !this.touched) {
      kernel.number = number - 1;
      kernel.at = atBefore;
      return this.release();
    }
    this.touched = false;
    const header = { format: COMMIT_FORMAT, host: this.options.incarnation, epoch: this.epoch, number, at, previous, inbox, outboxAcked };
    const bytes = sealCommit(header, events);
    this.inFlight = true;
    // That this host held the history is proven for when it sent the append, not for when it heard of it.
    this.sentMs = this.ports.clock.monotonicMs();
    this.appender.append(bytes, this.history.version, (result) => this.appended(result, bytes));
  }

  private appended(result: AppendResult, bytes: Uint8Array): void {
    if (this.life === "closed") return;
    this.inFlight = false;
    switch (result.kind) {
      case "stored": {
        this.history.finish(bytes, result.version);
        this.storedMs = this.sentMs;
        this.options.onStored?.();
        this.marks.reached({ number: this.history.kernel.number, hash: this.history.kernel.hash });
        this.intake.cover();
        for (const entry of this.suspects) if (entry.suspect.source.kind !== "inbox") entry.isParked = true;
        return this.release();
      }
      case "fenced":
        return this.stop({ kind: "fenced" });
      case "rewound":
        return this.stop({ kind: "rewound", message: "the journal ends below this host's last commit: the server lost what it had confirmed" });
      case "stopped":
        return this.stop({ kind: "refused", cause: result.cause, message: STOP_MESSAGES[result.cause] });
    }
  }

  /** Everything the state shows is stored: lets out what waited for that, and goes on. */
  private release(): void {
    const { history } = this;
    this.phase = "releasing";
    this.outgoing.flush(this.epoch);
    if (this.history !== history || !this.isOpen) return;
    this.phase = "idle";
    this.outbox.send();
    if (this.closing) return this.stop({ kind: "closed" });
    if (this.reopening !== undefined) return this.reopen(this.reopening);
    if (this.life === "opening" && !this.intake.isReading) this.intake.drain();
    this.afterCommit();
  }

  private afterCommit(): void {
    if (this.life === "closed") return;
    this.intake.releaseHeld();
    if (!this.intake.mailbox.isEmpty || this.wanted || this.outbox.hasAcked) {
      this.wanted = false;
      return this.step();
    }
    this.cancelWake();
    const due = this.actor.due(this.history.state);
    if (due === undefined) return;
    this.cancelWake = this.ports.clock.after(Math.max(0, due - this.time.now()), () => this.step());
  }

  private batchDone(batch: Batch): void {
    const { origin } = batch;
    if (origin.kind === "inbox") return this.intake.inboxDone(origin.stream, origin.created, origin.sequence);
    // Only a stored commit proves that this host still holds the history; without it a refusal may be another's to give.
    if (origin.kind === "direct") this.touched = true;
    this.outgoing.whenStored(() => this.door.answer(batch, this.epoch, this.history.kernel.number));
  }

  private answerWhenStored(answer: () => void): void {
    if (this.isStored) answer();
    else this.outgoing.whenStored(answer);
  }

  private get isOpen(): boolean { return this.life !== "closed"; }

  /** Everything the state shows is in a stored commit. */
  private get isStored(): boolean { return !this.inFlight && this.phase !== "making"; }

  private failed(error: unknown): void {
    if (error instanceof PoisonedState) {
      this.ports.telemetry("command.parked", { actor: this.options.actor, epoch: this.epoch });
      this.suspects.push({ suspect: error.suspect, isParked: false });
      return this.reopen(undefined);
    }
    this.stop({ kind: "defect", message: error instanceof Error ? error.message : String(error) });
  }

  /** Drops the state and folds the history again; what was not stored is asked for or read again. */
  private reopen(event: KernelEvent | undefined): void {
    if (this.inFlight) {
      // An append left behind could arrive after the journal was read again, and fence this very host.
      this.reopening = event;
      return;
    }
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
    this.inFlight = this.wanted = this.touched = this.closing = false;
    this.phase = "idle";
    this.reopening = undefined;
    this.epoch = 0;
    this.door.close();
    this.appender.close();
    this.outbox.stop();
    this.time.close();
    this.marks.close();
    this.cancelWake();
    this.hold.end();
    this.openingEvents.length = 0;
    for (const batch of this.intake.clear()) this.door.pushBack(batch);
    this.outgoing.drop();
    for (const attendant of this.options.attendants ?? []) attendant.stopped();
  }

  private description(): Readonly<Record<string, string | number | boolean>> {
    const { instance, incarnation, software } = this.options;
    return { instance, incarnation, software, epoch: this.epoch, commit: this.history.kernel.number, at: this.time.now(), blocked: this.blocked ?? false };
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
        if (this.isStored && this.phase === "idle") this.outgoing.flush(this.epoch);
      },
      whenStored: (run) => this.answerWhenStored(run),
      toldCount: (address) => this.outgoing.toldCount(address),
      forget: (address) => this.outgoing.forget(address),
      sinceStoredMs: () => this.ports.clock.monotonicMs() - this.storedMs,
      touch: () => this.touch(),
    };
  }
}
