/** Where messages come in: commands and questions from the wire, and what an inbox stream holds. */
import type { Actor, RejectionShape, Sender } from "./actor.ts";
import { decodeUntrusted } from "./codec.ts";
import type { CommandMessage } from "./envelope.ts";
import { encodeAnswer, errorAnswer, readCommandMessage } from "./envelope.ts";
import { Fault } from "./faults.ts";
import type { History } from "./history.ts";
import type { HostPorts } from "./host-options.ts";
import { refusalOf } from "./kernel-state.ts";
import type { Batch } from "./mailbox.ts";
import { batchOf } from "./mailbox.ts";
import type { InboxMessage, WireMessage } from "./ports.ts";
import { senderOf, subjectsOf } from "./subjects.ts";
import { HOLD_MS } from "./take-over.ts";

interface DoorHandlers<State, Command, Event, Rejection extends RejectionShape> {
  receive(batch: Batch): "taken" | "overloaded";
  answerWhenStored(answer: () => void): void;
  /** Holds the next append for a moment. */
  hold(): void;
  host(): Readonly<Record<string, string | number | boolean>>;
  history(): History<State, Command, Event, Rejection>;
  now(): number;
}

/** How long a sender should wait before it asks an overloaded host again. */
const RETRY_IN_MS = 50;
const NOBODY: Sender = { role: "submit", principal: "unknown" };

export class Door<State, Command, Event, Rejection extends RejectionShape> {
  private readonly kind: Actor<State, Command, Event, Rejection>["kind"];
  private readonly place: { readonly cluster: string; readonly actor: string };
  private readonly ports: HostPorts;
  private readonly handlers: DoorHandlers<State, Command, Event, Rejection>;
  private readonly ownInbox: string;
  private stops: ((isLast?: boolean) => void)[] = [];

  constructor(kind: string, place: { readonly cluster: string; readonly actor: string }, ports: HostPorts, handlers: DoorHandlers<State, Command, Event, Rejection>) {
    this.kind = kind;
    this.place = place;
    this.ports = ports;
    this.handlers = handlers;
    this.ownInbox = subjectsOf(place.cluster).inboxes(kind, place.actor).slice(0, -1);
  }

  open(): void {
    const subjects = subjectsOf(this.place.cluster);
    const { wire } = this.ports;
    this.stops = [
      wire.subscribe(subjects.commands(this.kind, this.place.actor), (message) => this.command(message)),
      wire.subscribe(subjects.queries(this.kind, this.place.actor), (message) => this.question(message)),
    ];
  }

  /** `isLast`: no other host of this actor is known to have opened. */
  close(isLast = false): void {
    for (const stop of this.stops) stop(isLast);
    this.stops = [];
  }

  /** An inbox message as a batch; one that cannot be read becomes a batch that leaves a recorded rejection. */
  readInbox(stream: string, created: string, inbox: InboxMessage): Batch {
    const origin = { kind: "inbox", stream, created, sequence: inbox.sequence } as const;
    const sender = senderOf(inbox.subject);
    try {
      // A message for an actor that does not exist is read by whoever looks after strays: a typo must not be silence.
      if (!inbox.subject.startsWith(this.ownInbox)) throw new Fault("inbox/no-such-actor", `no actor reads ${inbox.subject}: check kind and name`, { retry: "never" });
      return batchOf(readCommandMessage(inbox.data, inbox.json, { ...this.outsider(inbox.subject), stored: true }, this.handlers.now()), origin, inbox.data.length);
    } catch (error) {
      const fault = error instanceof Fault ? error : new Fault("codec/refused", "the message cannot be read", { retry: "never", cause: error });
      const message: CommandMessage = { sender: sender ?? NOBODY, session: undefined, link: undefined, after: undefined, verbs: [""], items: [null] };
      return { ...batchOf(message, origin, inbox.data.length), unreadable: { code: fault.code, message: fault.message } };
    }
  }

  answer(batch: Batch, epoch: number, commit: number): void {
    const { origin } = batch;
    if (origin.kind === "inbox") return;
    const message = batch.sheet.toMessage(epoch, commit, batch.message.items.length);
    if (origin.kind === "inner") origin.done?.(message);
    else origin.reply?.(encodeAnswer(message, origin.json));
  }

  /** The message was not decided; its sender may ask again under the same numbers. */
  pushBack(batch: Batch): void {
    if (batch.origin.kind === "direct") batch.origin.reply?.(encodeAnswer({ overloaded: true, retryInMs: RETRY_IN_MS }, batch.origin.json));
  }

  private command(message: WireMessage): void {
    try {
      const sender = this.outsider(message.subject);
      const origin = { kind: "direct", json: message.json, reply: message.reply } as const;
      const batch = batchOf(readCommandMessage(message.data, message.json, sender), origin, message.data.length);
      if (this.handlers.receive(batch) === "overloaded") this.pushBack(batch);
    } catch (error) {
      this.refuse(message, error);
    }
  }

  private question(message: WireMessage): void {
    try {
      const sender = this.outsider(message.subject);
      const question = decodeUntrusted(message.data, message.json);
      if (typeof question !== "object" || question === null || Array.isArray(question)) {
        throw new Fault("query/malformed", "a question must be a map with `ask`", { retry: "never" });
      }
      const answer = this.answerTo(question as Record<string, unknown>, sender);
      this.handlers.answerWhenStored(() => message.reply?.(encodeAnswer(answer, message.json)));
    } catch (error) {
      this.refuse(message, error);
    }
  }

  /** The answer as of the state now; it leaves when that state is stored. */
  private answerTo(question: Readonly<Record<string, unknown>>, sender: Sender): Readonly<Record<string, unknown>> {
    const { actor, kernel, state } = this.handlers.history();
    const host = this.handlers.host();
    const head = { epoch: host["epoch"], commit: kernel.number };
    const atLeast = question["atLeast"];
    if (typeof atLeast === "number" && kernel.number < atLeast) return { ...head, behind: true };
    const ask = question["ask"];
    if (ask === "host") return { ...head, answer: host };
    if (ask === "hold" && sender.role === "actor") {
      this.handlers.hold();
      return { ...head, answer: { holdsMs: HOLD_MS } };
    }
    if (ask === "parked") return { ...head, answer: kernel.parked };
    if (ask === "refused") return { ...head, answer: refusalOf(kernel, Number(question["sequence"]), String(question["name"])) ?? null };
    if (ask === "links") return { ...head, answer: Object.fromEntries([...kernel.outbox].map(([to, box]) => [to, { owed: box.pending.length, acked: box.acked }])) };
    return { ...head, answer: actor.query(state, question, sender, this.handlers.now()) ?? null };
  }

  private refuse(message: WireMessage, error: unknown): void {
    if (!(error instanceof Fault)) this.ports.telemetry("door.failed", { actor: this.place.actor, reason: error instanceof Error ? error.name : "unknown" });
    message.reply?.(encodeAnswer(errorAnswer(error), message.json));
  }

  /** Who sent a message from outside. The role hello is the host's own where the actor does not hear instances itself. */
  private outsider(subject: string): Sender {
    const sender = senderOf(subject);
    const isKnown = sender !== undefined && (sender.role !== "hello" || this.handlers.history().actor.hearsInstances === true);
    if (!isKnown) throw new Fault("subject/unknown", "the subject names no role that may speak here", { retry: "never" });
    return sender;
  }
}
