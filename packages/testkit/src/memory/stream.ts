/**
 * A stream as JetStream keeps it: messages of many subjects under one growing sequence.
 *
 * Sequences of one subject have gaps, because other subjects' messages and refused appends come between; a version is
 * therefore opaque. Full means refused (`discard: new`), and what was refused leaves nothing.
 */
import { matcher } from "./subject-match.ts";

export interface StreamMessage {
  readonly sequence: number;
  readonly subject: string;
  readonly data: Uint8Array;
  readonly json: boolean;
}

export interface StreamLimits {
  readonly bytesMax: number;
  readonly messageBytesMax: number;
  /** Messages held per subject; beyond it new ones are refused. */
  readonly perSubjectMax: number;
  readonly messagesMax: number;
}

export type StreamAnswer =
  | { readonly kind: "stored"; readonly sequence: number }
  | { readonly kind: "refused"; readonly cause: "full" | "too-large" | "conflict" };

const UNLIMITED: StreamLimits = { bytesMax: Infinity, messageBytesMax: 1024 * 1024, perSubjectMax: Infinity, messagesMax: Infinity };

export class MemoryStream {
  readonly name: string;
  /** Tells a stream from one that was deleted and made anew under its name. */
  readonly created: string;
  private readonly captures: readonly ((subject: string) => boolean)[];
  private readonly limits: StreamLimits;
  private readonly listeners = new Set<(message: StreamMessage) => void>();
  private messages: StreamMessage[] = [];
  private readonly lastOf = new Map<string, StreamMessage>();
  private readonly countOf = new Map<string, number>();
  private sequence = 0;
  private held = 0;
  private isFullNow = false;

  constructor(name: string, subjects: readonly string[], options: { readonly limits?: Partial<StreamLimits>; readonly created?: string } = {}) {
    this.name = name;
    this.created = options.created ?? `${name}@1`;
    this.captures = subjects.map(matcher);
    this.limits = { ...UNLIMITED, ...options.limits };
  }

  get last(): number {
    return this.sequence;
  }

  /** Of the first message held; 0 when there is none. */
  get firstSequence(): number {
    return this.messages[0]?.sequence ?? 0;
  }

  get bytes(): number {
    return this.held;
  }

  takes(subject: string): boolean {
    return this.captures.some((isTaken) => isTaken(subject));
  }

  /** Nothing more fits until it is set back. */
  setFull(isFull: boolean): void {
    this.isFullNow = isFull;
  }

  /** Moves the sequence on, as messages of other subjects would. */
  skip(count: number): void {
    this.sequence += count;
  }

  /** Stores a copy of `data`; with `expected`, only if the subject's last message sits there (0: it has none). */
  store(subject: string, data: Uint8Array, options: { readonly json?: boolean; readonly expected?: number } = {}): StreamAnswer {
    if (options.expected !== undefined && this.lastSequence(subject) !== options.expected) return { kind: "refused", cause: "conflict" };
    if (data.length > this.limits.messageBytesMax) return { kind: "refused", cause: "too-large" };
    const isFull = this.isFullNow || this.held + data.length > this.limits.bytesMax || this.messages.length >= this.limits.messagesMax
      || (this.countOf.get(subject) ?? 0) >= this.limits.perSubjectMax;
    if (isFull) return { kind: "refused", cause: "full" };
    const message = { sequence: ++this.sequence, subject, data: data.slice(), json: options.json === true };
    this.messages.push(message);
    this.held += data.length;
    this.lastOf.set(subject, message);
    this.countOf.set(subject, (this.countOf.get(subject) ?? 0) + 1);
    for (const listener of this.listeners) listener(message);
    return { kind: "stored", sequence: message.sequence };
  }

  /** Those that have a message. */
  get subjects(): readonly string[] {
    return [...this.countOf].flatMap(([subject, count]) => (count > 0 ? [subject] : []));
  }

  lastSequence(subject: string): number {
    return this.lastOf.get(subject)?.sequence ?? 0;
  }

  lastMessage(subject: string): StreamMessage | undefined {
    return this.lastOf.get(subject);
  }

  /** Up to `max` messages after a sequence whose subject the test takes. */
  read(after: number, isWanted: (subject: string) => boolean, max: number = Infinity): StreamMessage[] {
    const found: StreamMessage[] = [];
    for (let at = this.indexAfter(after); at < this.messages.length && found.length < max; at++) {
      const message = this.messages[at]!;
      if (isWanted(message.subject)) found.push(message);
    }
    return found;
  }

  /** Forgets messages up to and including a sequence. */
  purge(upTo: number, isWanted: (subject: string) => boolean): void {
    this.keep((message) => message.sequence > upTo || !isWanted(message.subject));
  }

  /** What a damaged store does: messages are gone, and sequences from `sequence` on are handed out again. */
  rewindTo(sequence: number): void {
    this.keep((message) => message.sequence <= sequence);
    this.sequence = sequence;
  }

  /** Puts other bytes where a message was: what a flipped bit does. */
  damage(sequence: number, data: Uint8Array): void {
    const at = this.indexAfter(sequence - 1);
    const message = this.messages[at];
    if (message?.sequence !== sequence) return;
    this.messages[at] = { ...message, data: data.slice() };
    if (this.lastOf.get(message.subject) === message) this.lastOf.set(message.subject, this.messages[at]);
  }

  onStored(listener: (message: StreamMessage) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private keep(isKept: (message: StreamMessage) => boolean): void {
    this.messages = this.messages.filter(isKept);
    this.held = 0;
    this.lastOf.clear();
    this.countOf.clear();
    for (const message of this.messages) {
      this.held += message.data.length;
      this.lastOf.set(message.subject, message);
      this.countOf.set(message.subject, (this.countOf.get(message.subject) ?? 0) + 1);
    }
  }

  /** Index of the first message beyond a sequence. */
  private indexAfter(sequence: number): number {
    let low = 0;
    let high = this.messages.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.messages[middle]!.sequence <= sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
