/** One execution of a job, as its worker holds it. */
import type { AbortReason, NamedBlobWire, Payload, RunOptions, Scalar } from "@longshore/job-queue";
import type { Pool } from "./pool.ts";

/** `host-silent`: an exclusive attempt whose host has not proven itself; `drain`: the worker's time is over. */
export type AbortCause = AbortReason | "host-silent" | "drain";

/** Files it has stored, where there are any. */
interface Left {
  readonly outputs?: readonly NamedBlobWire[];
}

/** How an attempt ended, before it is encoded. */
export type AttemptEnd =
  | ({ readonly kind: "succeeded"; readonly result: PayloadForm | null } & Left)
  | ({ readonly kind: "failed"; readonly error: ErrorForm; readonly retryInMs?: number | undefined } & Left)
  | ({ readonly kind: "canceled"; readonly reason: string } & Left)
  | { readonly kind: "snoozed"; readonly delayMs: number }
  | { readonly kind: "released" | "timed-out" };

/** Encoded msgpack, or `[principal, digest, bytes]`. */
export type PayloadForm = Uint8Array | readonly [string, string, number];

export interface ErrorForm {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
}

/** What of an attempt is to be told beside its end; empty fields have nothing new. */
export interface Notes {
  progress: readonly [fraction: number | null, message: string | null] | undefined;
  log: string[];
  logChars: number;
  droppedLines: number;
  properties: Map<string, Scalar> | undefined;
  extend: boolean;
}

/** Where an attempt reports to. */
export interface AttemptKeeper {
  ended(attempt: Attempt, end: AttemptEnd): void;
  noted(attempt: Attempt): void;
  extended(attempt: Attempt): void;
}

/** Bounds of what one message takes of one attempt's log, as the host's. */
const LINES_MAX = 100;
const LINE_CHARS_MAX = 4_096;
const LOG_CHARS_MAX = 32_768;

export class Attempt {
  readonly job: number;
  readonly number: number;
  /** The whole id of the job. */
  readonly id: string;
  readonly topic: string;
  readonly input: Payload;
  readonly options: RunOptions;
  /** Why it should end; its handler is told through `onAbort`. */
  abortCause: AbortCause | undefined = undefined;
  abortMessage = "";
  onAbort: (() => void) | undefined = undefined;
  /** What its end will be reported as, whatever its handler says: it was decided before the handler let go. */
  endsAs: AttemptEnd | undefined = undefined;
  /** Its end is reported, or nobody wants to hear of it. */
  isOver = false;
  /** Where it runs, or waits to. */
  pool: Pool | undefined = undefined;
  /** Under which number it was told last, and in which epoch. */
  told = 0;
  epoch = 0;
  /** It has taken a slot of its pool. */
  holdsSlot = false;
  notes: Notes | undefined = undefined;
  /** Monotonic time at which it times out. */
  deadlineMs: number;
  private readonly keeper: AttemptKeeper;

  constructor(keeper: AttemptKeeper, item: { readonly job: number; readonly attempt: number; readonly id: string; readonly topic: string; readonly input: Payload; readonly options: RunOptions }) {
    this.keeper = keeper;
    this.job = item.job;
    this.number = item.attempt;
    this.id = item.id;
    this.topic = item.topic;
    this.input = item.input;
    this.options = item.options;
    this.deadlineMs = Number.POSITIVE_INFINITY;
  }

  get isExclusive(): boolean {
    return this.options.exclusive === true;
  }

  /** Reports its end. The first report counts. */
  end(end: AttemptEnd): void {
    this.keeper.ended(this, end);
  }

  progress(fraction: number | null, message: string | null): void {
    this.ensureNotes().progress = [fraction, message];
    this.keeper.noted(this);
  }

  /** Lines that come faster than they are sent are counted instead. */
  log(line: string): void {
    const notes = this.ensureNotes();
    const kept = line.length > LINE_CHARS_MAX ? `${line.slice(0, LINE_CHARS_MAX - 1)}…` : line;
    if (notes.log.length < LINES_MAX - 1 && notes.logChars + kept.length <= LOG_CHARS_MAX) {
      notes.log.push(kept);
      notes.logChars += kept.length;
    } else notes.droppedLines++;
    this.keeper.noted(this);
  }

  setProperty(name: string, value: Scalar): void {
    const notes = this.ensureNotes();
    notes.properties ??= new Map();
    notes.properties.set(name, value);
    this.keeper.noted(this);
  }

  /** Says that it is alive: its timeout counts from now. */
  extend(): void {
    this.ensureNotes().extend = true;
    this.keeper.extended(this);
    this.keeper.noted(this);
  }

  abort(cause: AbortCause, message: string): void {
    if (this.abortCause !== undefined || this.isOver) return;
    this.abortCause = cause;
    this.abortMessage = message;
    this.onAbort?.();
  }

  private ensureNotes(): Notes {
    this.notes ??= { progress: undefined, log: [], logChars: 0, droppedLines: 0, properties: undefined, extend: false };
    return this.notes;
  }
}
