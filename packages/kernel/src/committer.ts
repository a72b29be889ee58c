/**
 * Turns waiting commands into the events of one commit.
 *
 * Each command is decided on the state that the ones before it left; its events are folded and encoded at once, so the
 * size of the commit is known at every step. Afterwards `settle` adds what follows by itself, in the same commit:
 * accepting a job and starting it share one write. Room is kept for `settle`, or a flood of new jobs would
 * keep the waiting ones from starting.
 *
 * What a command leaves behind, beside its events: in a session its number (a range per run of numbers), and an event
 * for any outcome that is more than "accepted"; in an inbox the position. A command that makes `decide` throw is parked.
 * One that makes the fold throw has spoiled the state: `PoisonedState` tells the host to drop it and reopen.
 */
import type { RejectionShape } from "./actor.ts";
import { encodeCanonical } from "./codec.ts";
import type { SessionUse } from "./envelope.ts";
import { Defect } from "./faults.ts";
import type { History } from "./history.ts";
import type { CommandSource, KernelEvent, StoredAs } from "./kernel-event.ts";
import { encodeKernelEvent } from "./kernel-event.ts";
import { evolveKernel } from "./kernel-state.ts";
import type { KernelLimits } from "./limits.ts";
import type { Batch, Mailbox } from "./mailbox.ts";
import type { Outgoing } from "./outgoing.ts";
import type { RecordedOutcome } from "./sessions.ts";
import { lookUp } from "./sessions.ts";
import { ulidOf } from "./ulid.ts";
import { ValueRun } from "./value-run.ts";

/** A command that must never be decided again. */
export interface Suspect {
  readonly source: CommandSource;
  /** What it is known by: its place; or, where it has none, what it says. */
  readonly key: string;
  readonly reason: string;
}

/** A command made the fold fail: the state can no longer be trusted, the command must never be tried again. */
export class PoisonedState extends Error {
  readonly suspect: Suspect;
  constructor(source: CommandSource, key: string, cause: unknown) {
    super(`an event could not be folded: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.name = "PoisonedState";
    this.suspect = { source, key, reason: this.message };
  }
}

export class Committer<State, Command, Event, Rejection extends RejectionShape> {
  readonly events: ValueRun = new ValueRun();
  private readonly history: History<State, Command, Event, Rejection>;
  private readonly outgoing: Outgoing;
  private readonly limits: KernelLimits;
  private readonly onDone: (batch: Batch) => void;
  private readonly onEvent: (event: Event, state: State) => void;
  /** Commands that spoiled the state of an earlier life of this host. */
  private readonly suspects = new Map<string, string>();
  private at = 0;
  private number = 0;
  private epoch = 0;
  /** Fallback ids given in this commit. */
  private fallbacks = 0;

  constructor(
    history: History<State, Command, Event, Rejection>, outgoing: Outgoing, limits: KernelLimits,
    handlers: { readonly onDone: (batch: Batch) => void; readonly onEvent: (event: Event, state: State) => void },
  ) {
    this.history = history;
    this.outgoing = outgoing;
    this.limits = limits;
    this.onDone = handlers.onDone;
    this.onEvent = handlers.onEvent;
  }

  /** This command is parked instead of decided. */
  suspect({ key, reason }: Suspect): void {
    this.suspects.set(key, reason);
  }

  /** Before anything is recorded or decided: which commit it is for, and its instant. */
  begin(epoch: number, number: number, at: number): void {
    this.epoch = epoch;
    this.number = number;
    this.at = at;
    this.fallbacks = 0;
  }

  /** Decides waiting commands and settles; leaves the events in `events`. */
  fill(mailbox: Mailbox): void {
    for (let batch = mailbox.peek(); batch !== undefined && this.hasRoomForCommand(); batch = mailbox.peek()) {
      if (!this.decideBatch(batch)) break;
      mailbox.shift();
      this.onDone(batch);
    }
    this.settle();
  }

  /** Adds an event of the kernel. */
  record(event: KernelEvent): void {
    evolveKernel(this.history.kernel, event, this.at);
    this.events.push(encodeKernelEvent(event));
  }

  private settle(): void {
    try {
      this.history.actor.settle(this.history.state, this.at, (event) => {
        this.apply(event);
        return this.hasRoom();
      });
    } catch (cause) {
      throw new Defect(`settle failed: ${cause instanceof Error ? cause.message : String(cause)}`);
    }
  }

  private hasRoom(): boolean {
    return this.events.bytes < this.limits.commitBytesMax && this.events.count < this.limits.commitEventsMax;
  }

  /** Events of `settle` are many and small: of the count it is left half, of the bytes an eighth. */
  private hasRoomForCommand(): boolean {
    return this.events.bytes < this.limits.commitBytesMax * 0.875 && this.events.count < this.limits.commitEventsMax / 2;
  }

  private apply(event: Event): void {
    const { history } = this;
    history.apply(event, this.at, this.outgoing);
    this.events.push(history.actor.events.encode(event));
    this.onEvent(event, history.state);
  }

  /** False when the commit is full before the batch is done. */
  private decideBatch(batch: Batch): boolean {
    const { message } = batch;
    if (batch.unreadable !== undefined) {
      this.leave(batch, 0, { kind: "rejected", ...batch.unreadable });
      return true;
    }
    if (message.session !== undefined && this.at > message.session.notAfter) {
      let isRefused = false;
      for (; batch.next < message.items.length; batch.next++) isRefused = this.answerLate(batch, message.session, batch.next, !isRefused) || isRefused;
      return true;
    }
    const refusal = this.whyRefused(batch);
    if (refusal !== undefined) {
      this.recordRefusal(batch, refusal);
      for (; batch.next < message.items.length; batch.next++) batch.sheet.note(batch.next, refusal);
      return true;
    }
    const from = batch.next;
    while (batch.next < message.items.length && this.hasRoomForCommand()) this.decideItem(batch, batch.next++);
    this.closeRun(batch, from);
    return batch.next === message.items.length;
  }

  /** Marks the numbers decided in this commit. */
  private closeRun(batch: Batch, from: number): void {
    const { session } = batch.message;
    if (session === undefined || batch.next === from) return;
    const { key, first, firstUnanswered, notAfter } = session;
    this.record({ type: "SessionAdvanced", session: key, from: first + from, to: first + batch.next - 1, firstUnanswered, notAfter });
  }

  /**
   * Too late to be decided. An earlier copy may have been: its recorded outcome is given, where there is one. True when
   * the item is refused; the first refusal of a message is recorded.
   */
  private answerLate(batch: Batch, session: SessionUse, index: number, isFirst: boolean): boolean {
    const { sessions } = this.history.kernel;
    const known = lookUp(sessions, session.key, session.birth, session.first + index, this.at, this.limits);
    if (known.kind === "dropped") return false;
    if (known.kind === "recorded") {
      batch.sheet.note(index, known.outcome);
      return false;
    }
    const refusal = sessions.has(session.key) ? EXPIRED : UNKNOWN_SESSION;
    if (isFirst) this.recordRefusal(batch, refusal);
    batch.sheet.note(index, refusal);
    return true;
  }

  /** A direct sender hears of a refusal; what was durable in an inbox must not vanish without a trace. One event per message. */
  private recordRefusal(batch: Batch, refusal: Extract<RecordedOutcome, { kind: "rejected" }>): void {
    const { origin, next, message } = batch;
    if (origin.kind !== "inbox") return;
    const source = { kind: "inbox", stream: origin.stream, sequence: origin.sequence, index: next } as const;
    const left = message.items.length - next;
    this.record({ type: "CommandRejected", source, code: refusal.code, message: refusal.message, detail: left > 1 ? { commands: left } : undefined, ...this.storedAs(batch, next, message.items.length) });
  }

  /** Whole messages refused before any of their items reaches `decide`. */
  private whyRefused(batch: Batch): Extract<RecordedOutcome, { kind: "rejected" }> | undefined {
    const { session, link, items } = batch.message;
    if (link !== undefined && this.history.kernel.brokenLinks.has(link.sender)) return refuse("link/broken", "this link skipped a number and is stopped");
    if (session === undefined) return undefined;
    const last = session.first + items.length - 1;
    if (last >= session.firstUnanswered + this.limits.sessionWindow) {
      return refuse("session/window", `a session has at most ${this.limits.sessionWindow} commands in flight`);
    }
    switch (lookUp(this.history.kernel.sessions, session.key, session.birth, last, this.at, this.limits).kind) {
      case "unknown-session": return UNKNOWN_SESSION;
      case "too-many-sessions": return refuse("session/too-many", "the host keeps no further session now: try again later");
      case "new": case "recorded": case "dropped": return undefined;
    }
  }

  private decideItem(batch: Batch, index: number): void {
    const source = this.sourceOf(batch, index);
    if (source.kind === "session" && this.isRepeat(batch, index)) return;
    if (batch.message.link !== undefined && !this.isNextOfLink(batch, index)) return;
    const reason = this.suspects.size === 0 ? undefined : this.suspects.get(keyOf(batch, index, source));
    if (reason !== undefined) return this.park(batch, index, source, reason);
    let parsed: ReturnType<typeof this.parse>;
    try {
      parsed = this.parse(batch, index);
    } catch (cause) {
      return this.park(batch, index, source, messageOf(cause));
    }
    if (parsed.kind === "malformed") {
      const { code, field, remedy } = parsed.malformed;
      return this.leave(batch, index, { kind: "rejected", code, message: `${field} ${remedy}`, detail: { field, remedy } });
    }
    this.decide(batch, index, source, parsed.command);
  }

  private parse(batch: Batch, index: number): ReturnType<History<State, Command, Event, Rejection>["actor"]["parse"]> {
    const { verbs, items, sender } = batch.message;
    return this.history.actor.parse(verbs[index]!, items[index], sender, () => this.fallbackId(batch, index));
  }

  private decide(batch: Batch, index: number, source: CommandSource, command: Command): void {
    const { actor, state } = this.history;
    let decision: ReturnType<typeof actor.decide>;
    try {
      decision = actor.decide(state, command, this.at);
    } catch (cause) {
      return this.park(batch, index, source, messageOf(cause));
    }
    try {
      for (const event of decision.events ?? []) this.apply(event);
    } catch (cause) {
      throw new PoisonedState(source, keyOf(batch, index, source), cause);
    }
    if (decision.kind === "rejected") {
      const { code, message, ...rest } = decision.rejection as RejectionShape & { readonly detail?: unknown };
      return this.leave(batch, index, { kind: "rejected", code, message, detail: rest.detail });
    }
    if (decision.answer !== undefined) this.leave(batch, index, { kind: "accepted", answer: decision.answer });
  }

  private isRepeat(batch: Batch, index: number): boolean {
    const session = batch.message.session!;
    const known = lookUp(this.history.kernel.sessions, session.key, session.birth, session.first + index, this.at, this.limits);
    if (known.kind === "recorded") batch.sheet.note(index, known.outcome);
    return known.kind !== "new";
  }

  /** Applies exactly last + 1 of a link; lower is a repeat, higher stops the link. */
  private isNextOfLink(batch: Batch, index: number): boolean {
    const { sender, first } = batch.message.link!;
    const { kernel } = this.history;
    const expected = (kernel.received.get(sender) ?? 0) + 1;
    const got = first + index;
    if (got < expected || kernel.brokenLinks.has(sender)) return false;
    if (got > expected) this.record({ type: "LinkBroken", sender, expected, got });
    else this.record({ type: "MessageReceived", sender, number: got });
    return got === expected;
  }

  private park(batch: Batch, index: number, source: CommandSource, reason: string): void {
    batch.sheet.note(index, { kind: "rejected", code: "kernel/parked", message: reason });
    this.record({ type: "CommandParked", source, reason: reason.slice(0, 500), ...this.storedAs(batch, index, index + 1) });
  }

  /** Notes an outcome for the sender and, where a repeat or an operator must find it, in the history. */
  private leave(batch: Batch, index: number, outcome: RecordedOutcome): void {
    batch.sheet.note(index, outcome);
    if (batch.origin.kind !== "inbox" && batch.message.session === undefined) return;
    const source = this.sourceOf(batch, index);
    if (outcome.kind === "accepted") this.record({ type: "CommandAnswered", source, answer: outcome.answer });
    else this.record({ type: "CommandRejected", source, code: outcome.code, message: outcome.message, detail: outcome.detail, ...this.storedAs(batch, index, index + 1) });
  }

  /** What whoever stored these items knows of them, to find their refusal by. */
  private storedAs({ origin, message }: Batch, from: number, to: number): { readonly stored?: StoredAs } {
    const { actor } = this.history;
    if (origin.kind !== "inbox" || actor.nameOf === undefined) return {};
    const names: string[] = [];
    for (let index = from; index < to; index++) {
      const name = actor.nameOf(message.verbs[index]!, message.items[index]);
      if (name !== undefined) names.push(name);
    }
    return names.length === 0 ? {} : { stored: { sequence: origin.sequence, names } };
  }

  private sourceOf(batch: Batch, index: number): CommandSource {
    const { session, sender } = batch.message;
    if (session !== undefined) return { kind: "session", session: session.key, number: session.first + index };
    const { origin } = batch;
    return origin.kind === "inbox"
      ? { kind: "inbox", stream: origin.stream, sequence: origin.sequence, index }
      : { kind: "direct", principal: sender.principal };
  }

  /** Unique and, for an inbox message, the same whoever reads it. */
  private fallbackId(batch: Batch, index: number): string {
    const { origin } = batch;
    return origin.kind === "inbox"
      ? ulidOf(this.at, [origin.sequence, index, 1])
      : ulidOf(this.at, [this.number, this.fallbacks++, 2 + this.epoch]);
  }
}

/** A direct command has no place that its repeat would share: it is known by its words. */
function keyOf(batch: Batch, index: number, source: CommandSource): string {
  if (source.kind !== "direct") return JSON.stringify(source);
  return `${source.principal} ${batch.message.verbs[index]} ${encodeCanonical(batch.message.items[index]).join(",")}`;
}

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

const refuse = (code: string, message: string): Extract<RecordedOutcome, { kind: "rejected" }> => ({ kind: "rejected", code, message });
const EXPIRED = refuse("session/expired", "the command reached the host after its notAfter, and no outcome of it is recorded: if it was sent for the first time, it has not been decided");
const UNKNOWN_SESSION = refuse("session/unknown", "the host no longer knows this session: the outcome of its commands is unknown");
