/**
 * Reads one inbox stream into the mailbox, in order, from the position the journal holds.
 *
 * Nothing is acknowledged one by one: the position travels in each commit, and a recovery reads on from there. What the
 * commits have covered is purged now and then.
 */
import type { InboxPosition } from "./commit.ts";
import type { Clock, Inbox, InboxMessage } from "./ports.ts";

export interface InboxSink {
  /** False when the mailbox is full: the reader waits and offers again. */
  take(stream: string, created: string, message: InboxMessage, firstIndex: number): boolean;
  /** Everything that was in the stream when it was asked has been taken. */
  drained(stream: string): void;
}

const POLL_MS = 2_000;
const RETRY_MS = 100;
const PURGE_EVERY_MS = 1_000;

export class InboxReader {
  private readonly inbox: Inbox;
  private readonly clock: Clock;
  private readonly sink: InboxSink;
  private readonly readMax: number;
  private after = 0;
  private index = 0;
  private created: string | undefined;
  private reading = false;
  private again = false;
  private closed = false;
  private cancelTimer: () => void = () => undefined;
  private cancelPurge: (() => void) | undefined;
  private readonly stopHints: () => void;
  private covered = 0;
  /** The stream has said which one it is. */
  private hasAnswered = false;

  constructor(inbox: Inbox, clock: Clock, readMax: number, position: InboxPosition | undefined, sink: InboxSink) {
    this.inbox = inbox;
    this.clock = clock;
    this.sink = sink;
    this.readMax = readMax;
    if (position !== undefined) {
      this.after = position.sequence;
      this.index = position.index;
      this.created = position.created;
    }
    this.stopHints = inbox.onArrival(() => this.read());
    this.read();
  }

  close(): void {
    this.closed = true;
    this.stopHints();
    this.cancelTimer();
    this.cancelPurge?.();
  }

  /** Reads on, unless it is reading already; then once more afterwards. */
  read(): void {
    if (this.closed) return;
    if (this.reading) {
      this.again = true;
      return;
    }
    this.reading = true;
    this.again = false;
    this.cancelTimer();
    this.inbox.read(this.after, this.readMax, (answer) => {
      if (this.closed) return;
      if (answer.kind === "unavailable") return this.later(RETRY_MS);
      if (this.created !== undefined && this.created !== answer.created) {
        // The stream was deleted and made anew: its sequences start again.
        this.created = answer.created;
        this.after = this.index = this.covered = 0;
        return this.readAgain();
      }
      this.hasAnswered = true;
      this.created = answer.created;
      this.offer(answer.messages, answer.last);
    });
  }

  /** Up to where commits have covered the stream; what lies below may be purged. */
  cover(position: InboxPosition | undefined): void {
    // A position in a stream that was deleted and made anew says nothing about the one that is there.
    if (position === undefined || !this.hasAnswered || position.created !== this.created || position.sequence <= this.covered) return;
    this.covered = position.sequence;
    this.cancelPurge ??= this.clock.after(PURGE_EVERY_MS, () => {
      this.cancelPurge = undefined;
      if (this.covered > 0) this.inbox.purge(this.covered);
    });
  }

  private offer(messages: readonly InboxMessage[], last: number): void {
    for (const message of messages) {
      if (!this.sink.take(this.inbox.stream, this.created ?? "", message, this.index)) return this.later(RETRY_MS);
      if (this.closed) return; // The message has made the host reopen; it will be read again.
      this.after = message.sequence;
      this.index = 0;
    }
    if (messages.length === this.readMax || this.again) return this.readAgain();
    this.after = Math.max(this.after, messages.length === 0 ? last : this.after);
    this.sink.drained(this.inbox.stream);
    this.later(POLL_MS);
  }

  private readAgain(): void {
    this.reading = false;
    this.read();
  }

  private later(delayMs: number): void {
    this.reading = false;
    this.cancelTimer = this.clock.after(delayMs, () => this.read());
  }
}
