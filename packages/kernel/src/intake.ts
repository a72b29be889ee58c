/** What waits for the commit loop: direct messages, what is read from the inboxes, and how far those are accounted for. */
import type { InboxPosition } from "./commit.ts";
import { InboxReader } from "./inbox-reader.ts";
import type { KernelState } from "./kernel-state.ts";
import type { KernelLimits } from "./limits.ts";
import type { Batch } from "./mailbox.ts";
import { Mailbox } from "./mailbox.ts";
import type { Clock, Inbox, InboxMessage } from "./ports.ts";

export interface IntakeHandlers {
  kernel(): KernelState;
  /** An inbox message as a batch. */
  read(stream: string, created: string, message: InboxMessage): Batch;
  /** Something waits. */
  arrived(): void;
  /** Every inbox has been read to the end it had when it was asked. */
  drained(): void;
  pushBack(batch: Batch): void;
}

/** Messages that wait for the inbox to be read up to where their sender has written. */
const HELD_MAX = 1_000;

export class Intake {
  readonly mailbox: Mailbox;
  private readonly inboxes: readonly Inbox[];
  private readonly clock: Clock;
  private readonly limits: KernelLimits;
  private readonly handlers: IntakeHandlers;
  private readonly readers = new Map<string, InboxReader>();
  private readonly undrained = new Set<string>();
  private readonly positions = new Map<string, InboxPosition>();
  private held: Batch[] = [];

  constructor(inboxes: readonly Inbox[], clock: Clock, limits: KernelLimits, handlers: IntakeHandlers) {
    this.inboxes = inboxes;
    this.clock = clock;
    this.limits = limits;
    this.handlers = handlers;
    this.mailbox = new Mailbox(limits);
  }

  /** Reads the inboxes from where the journal says, to their end and then on. */
  drain(): void {
    for (const inbox of this.inboxes) {
      this.undrained.add(inbox.stream);
      this.readers.set(inbox.stream, new InboxReader(inbox, this.clock, this.limits.inboxReadMax, this.handlers.kernel().inbox.get(inbox.stream), {
        take: (stream, created, message, firstIndex) => this.takeInbox(stream, created, message, firstIndex),
        drained: (stream) => this.inboxDrained(stream),
      }));
    }
    if (this.inboxes.length === 0) this.handlers.drained();
  }

  get isReading(): boolean {
    return this.readers.size > 0;
  }

  /** Takes a message or says that there is no room; nothing of a refused one is recorded. Where none waits, any has room: it would never have more. */
  receive(batch: Batch): "taken" | "overloaded" {
    if (batch.origin.kind !== "inner" && !this.mailbox.isEmpty && !this.mailbox.hasRoomFor(batch.message.items.length, batch.bytes)) return "overloaded";
    if (this.mustWaitForInbox(batch)) {
      if (this.held.length >= HELD_MAX) return "overloaded";
      this.held.push(batch);
      return "taken";
    }
    this.mailbox.push(batch);
    this.handlers.arrived();
    return "taken";
  }

  /** A commit was stored: some inbox may have been read as far as a held message asks. */
  releaseHeld(): void {
    if (this.held.length === 0) return;
    const { held } = this;
    this.held = [];
    for (const batch of held) if (this.receive(batch) === "overloaded") this.handlers.pushBack(batch);
  }

  /** An inbox message is decided to its end. */
  inboxDone(stream: string, created: string, sequence: number): void {
    this.positions.set(stream, { stream, created, sequence, index: 0 });
  }

  /** Positions reached by this commit; the state must show them too. */
  takePositions(): readonly InboxPosition[] {
    const { inbox: known } = this.handlers.kernel();
    const reached = [...this.positions.values()];
    this.positions.clear();
    const batch = this.mailbox.peek();
    if (batch?.origin.kind === "inbox" && batch.next > 0) {
      // The message at hand is decided in part: the position says how many of its items.
      const { stream, created, sequence } = batch.origin;
      const others = reached.filter((position) => position.stream !== stream);
      reached.splice(0, reached.length, ...others, { stream, created, sequence: sequence - 1, index: batch.next });
    }
    for (const position of reached) known.set(position.stream, position);
    return reached;
  }

  /** What the stored commits account for may be purged. */
  cover(): void {
    for (const [stream, reader] of this.readers) reader.cover(this.handlers.kernel().inbox.get(stream));
  }

  /** Stops reading and forgets what waits; nothing of it was decided. */
  clear(): readonly Batch[] {
    for (const reader of this.readers.values()) reader.close();
    this.readers.clear();
    this.undrained.clear();
    this.positions.clear();
    const left = [...this.mailbox.clear(), ...this.held];
    this.held = [];
    return left;
  }

  private takeInbox(stream: string, created: string, message: InboxMessage, firstIndex: number): boolean {
    const batch = this.handlers.read(stream, created, message);
    batch.next = firstIndex;
    if (!this.mailbox.hasRoomFor(batch.message.items.length, batch.bytes) && !this.mailbox.isEmpty) return false;
    this.mailbox.push(batch);
    this.handlers.arrived();
    return true;
  }

  private inboxDrained(stream: string): void {
    if (!this.undrained.delete(stream) || this.undrained.size > 0) return;
    // What was read is in the mailbox before any direct command can be, and the mailbox keeps the order.
    this.handlers.drained();
  }

  private mustWaitForInbox(batch: Batch): boolean {
    const { after } = batch.message;
    const first = this.inboxes[0];
    if (after === undefined || first === undefined) return false;
    const position = this.positions.get(first.stream) ?? this.handlers.kernel().inbox.get(first.stream);
    if ((position?.sequence ?? 0) >= after) return false;
    this.readers.get(first.stream)?.read();
    return true;
  }
}
