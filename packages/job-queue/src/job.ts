/** One job: a handle on a record of the table, made when asked for, good until the job leaves the table. */
import type { JobTable } from "./job-table.ts";
import type { Queue } from "./queue.ts";
import type { Page } from "./records.ts";
import {
  ATTEMPT, CREATED_AT, DIGEST, FAILURES, FLAGS, INPUT, INSTANCE, MEMBER, NARROW_FIELDS, NONE, NUMBER, ORDER, PAGE_MASK, PAGE_ROWS, PRINCIPAL, QUEUE,
  RESULT, RETRIES, RETRY_DELAY_MS, SINCE, STARTED_AT, STATE, TIMEOUT_MS, TOPIC, UNTIL, WIDE_FIELDS,
} from "./records.ts";
import type { EndState, ErrorInfo, JobState, NamedBlobWire, Payload, Scalar } from "./vocabulary.ts";
import { END_STATES } from "./vocabulary.ts";

/** What few jobs have. */
export interface JobExtra {
  properties?: Record<string, Scalar> | undefined;
  cause?: readonly [number: number, id: string] | undefined;
  key?: string | undefined;
  /** The instance that added it. */
  creator?: string | undefined;
  guest?: number | undefined;
  inputs?: readonly NamedBlobWire[] | undefined;
  outputs?: readonly NamedBlobWire[] | undefined;
  stopReason?: string | undefined;
  progress?: { readonly fraction: number | null; readonly message: string | null; readonly at: number } | undefined;
  log?: string[] | undefined;
  logTruncated?: boolean | undefined;
  /** Of the last failed attempt, or of the end. */
  error?: ErrorInfo | undefined;
  /** Why it ended as it did. */
  reason?: string | undefined;
}

/** Why a job sleeps until an instant. */
export type DelayReason = "not-before" | "retry";

export interface JobEnd {
  readonly result: Payload | undefined;
  readonly reason: string | undefined;
  readonly error: ErrorInfo | undefined;
  readonly outputs: readonly NamedBlobWire[] | undefined;
}

const STATES: readonly JobState[] = ["queued", "active", ...END_STATES];
const QUEUED = 0;
const ACTIVE = 1;

const SLEEPS = 1;
const SLEEPS_FOR_RETRY = 2;
/** A bulk retry has made another job of this ended one. */
const RETRIED = 4;

/** Not said by the job: its queue decides. */
export const UNSAID: number = -2;

/** What a job is made of when it is accepted. */
export interface NewJob {
  readonly number: number;
  readonly id: string;
  readonly topic: string;
  readonly queue: Queue;
  readonly principal: string;
  readonly createdAt: number;
  readonly input: Payload;
  readonly retries: number | undefined;
  readonly retryDelayMs: number | undefined;
  readonly timeoutMs: number | undefined;
  /** Of the input, where a user gave the id. */
  readonly digest: number | undefined;
  readonly extra: JobExtra | undefined;
}

export class Job {
  readonly row: number;
  private readonly table: JobTable;
  private readonly page: Page;
  /** Its record: fields `w + …` of one array and `n + …` of the other. */
  private readonly wide: Float64Array;
  private readonly narrow: Int32Array;
  private readonly w: number;
  private readonly n: number;

  constructor(table: JobTable, page: Page, row: number) {
    this.table = table;
    this.page = page;
    this.row = row;
    this.wide = page.wide;
    this.narrow = page.narrow;
    this.w = (row & PAGE_MASK) * WIDE_FIELDS;
    this.n = (row & PAGE_MASK) * NARROW_FIELDS;
  }

  get number(): number { return this.wide[this.w + NUMBER]!; }
  /** Without the shard. */
  get id(): string { return this.table.payloads.idOf(this.wide[this.w + INPUT]!); }
  get topic(): string { return this.table.topics.get(this.narrow[this.n + TOPIC]!); }
  get queue(): Queue { return this.table.queues[this.narrow[this.n + QUEUE]!]!; }
  get principal(): string { return this.table.principals.get(this.narrow[this.n + PRINCIPAL]!); }
  get createdAt(): number { return this.wide[this.w + CREATED_AT]!; }
  get input(): Payload { return this.table.payloads.read(this.wide[this.w + INPUT]!); }
  get attempt(): number { return this.narrow[this.n + ATTEMPT]!; }
  get failures(): number { return this.narrow[this.n + FAILURES]!; }
  /** Place among the ready: lower is earlier. A job that is tried again goes to the back. */
  get order(): number { return this.wide[this.w + ORDER]!; }
  /** When it became ready or fell asleep, was started, or ended. */
  get since(): number { return this.wide[this.w + SINCE]!; }
  get timeoutMs(): number { return this.wide[this.w + TIMEOUT_MS]!; }
  get extra(): JobExtra | undefined { return this.page.extras?.[this.row & PAGE_MASK]; }
  get state(): JobState { return STATES[this.narrow[this.n + STATE]!]!; }
  get isQueued(): boolean { return this.narrow[this.n + STATE] === QUEUED; }
  get isActive(): boolean { return this.narrow[this.n + STATE] === ACTIVE; }
  get isEnded(): boolean { return this.narrow[this.n + STATE]! > ACTIVE; }
  get isAsleep(): boolean { return (this.narrow[this.n + FLAGS]! & SLEEPS) !== 0; }
  /** Queued and waiting for nothing but a free slot, or for those before it. */
  get isReady(): boolean { return this.narrow[this.n + STATE] === QUEUED && (this.narrow[this.n + FLAGS]! & SLEEPS) === 0; }
  get isRetried(): boolean { return (this.narrow[this.n + FLAGS]! & RETRIED) !== 0; }
  get sleepsFor(): DelayReason { return (this.narrow[this.n + FLAGS]! & SLEEPS_FOR_RETRY) === 0 ? "not-before" : "retry"; }
  /** Asleep: until when. Active: when its timeout is over, 0 if it has none. */
  get until(): number { return this.wide[this.w + UNTIL]!; }
  /** Number of the member that runs it; of the last one when none does. */
  get member(): number { return this.narrow[this.n + MEMBER]!; }
  get stopRequested(): boolean { return this.extra?.stopReason !== undefined; }

  get digest(): number | undefined { return said(this.wide[this.w + DIGEST]!); }
  /** The job's own; undefined where its queue decides. */
  get ownRetries(): number | undefined { return said(this.narrow[this.n + RETRIES]!); }
  get ownRetryDelayMs(): number | undefined { return said(this.wide[this.w + RETRY_DELAY_MS]!); }

  /** Instance that runs it, or ran it last. */
  get instance(): string | undefined {
    const index = this.narrow[this.n + INSTANCE]!;
    return index === NONE ? undefined : this.table.instances.get(index);
  }

  /** Of the attempt that runs, or that the job ended with. */
  get startedAt(): number | undefined {
    const at = this.wide[this.w + STARTED_AT]!;
    return at === NONE ? undefined : at;
  }

  get result(): Payload | undefined {
    const ref = this.wide[this.w + RESULT]!;
    return ref === NONE ? undefined : this.table.payloads.read(ref);
  }

  /** How it ended; undefined while it is unfinished. */
  get end(): JobEnd | undefined {
    return this.isEnded ? { result: this.result, reason: this.extra?.reason, error: this.extra?.error, outputs: this.extra?.outputs } : undefined;
  }

  /** Bytes of its input and result. */
  get payloadBytes(): number {
    const result = this.wide[this.w + RESULT]!;
    return this.table.payloads.lengthOf(this.wide[this.w + INPUT]!) + (result === NONE ? 0 : this.table.payloads.lengthOf(result));
  }

  /** For the fold from here on. */
  get ensuredExtra(): JobExtra {
    const { page, row } = this;
    page.extras ??= new Array<JobExtra | undefined>(PAGE_ROWS).fill(undefined);
    return (page.extras[row & PAGE_MASK] ??= {});
  }

  setExtra(extra: JobExtra | undefined): void {
    if (extra !== undefined) Object.assign(this.ensuredExtra, extra);
  }

  leaveOutputs(outputs: readonly NamedBlobWire[]): void {
    this.ensuredExtra.outputs = outputs;
    this.table.payloads.nameAll(outputs, 1);
  }

  becomeReady(order: number, at: number): void {
    const { wide, narrow, w, n } = this;
    narrow[n + FLAGS] = 0;
    narrow[n + STATE] = QUEUED;
    wide[w + ORDER] = order;
    wide[w + SINCE] = at;
    wide[w + STARTED_AT] = NONE;
  }

  fallAsleep(until: number, reason: DelayReason, at: number): void {
    const { wide, narrow, w, n } = this;
    narrow[n + FLAGS] = SLEEPS | (reason === "retry" ? SLEEPS_FOR_RETRY : 0);
    narrow[n + STATE] = QUEUED;
    wide[w + UNTIL] = until;
    wide[w + SINCE] = at;
    wide[w + STARTED_AT] = NONE;
  }

  start(attempt: number, member: number, instance: string, at: number): void {
    const { wide, narrow, w, n, table } = this;
    const index = table.instances.acquire(instance);
    if (narrow[n + INSTANCE] !== NONE) table.instances.release(narrow[n + INSTANCE]!);
    narrow[n + INSTANCE] = index;
    narrow[n + MEMBER] = member;
    narrow[n + STATE] = ACTIVE;
    narrow[n + ATTEMPT] = attempt;
    wide[w + SINCE] = at;
    wide[w + STARTED_AT] = at;
    wide[w + UNTIL] = wide[w + TIMEOUT_MS]! > 0 ? at + wide[w + TIMEOUT_MS]! : 0;
  }

  extendUntil(until: number): void {
    this.wide[this.w + UNTIL] = until;
  }

  addFailure(): void {
    this.narrow[this.n + FAILURES]!++;
  }

  markRetried(): void {
    this.narrow[this.n + FLAGS]! |= RETRIED;
  }

  finish(state: EndState, result: Payload | undefined, at: number): void {
    const { wide, narrow, w, n, table } = this;
    if (narrow[n + STATE] !== ACTIVE) wide[w + STARTED_AT] = NONE;
    narrow[n + FLAGS] = 0;
    narrow[n + STATE] = STATES.indexOf(state);
    wide[w + SINCE] = at;
    if (result !== undefined) wide[w + RESULT] = table.payloads.storeResult(this.row, result);
  }

  /** What `restore` takes: all that events have made of it. */
  get progress(): JobProgress {
    const { wide, narrow, w, n } = this;
    return [
      narrow[n + STATE]!, narrow[n + FLAGS]!, narrow[n + ATTEMPT]!, narrow[n + FAILURES]!, narrow[n + MEMBER]!,
      wide[w + ORDER]!, wide[w + SINCE]!, wide[w + STARTED_AT]!, wide[w + UNTIL]!,
    ];
  }

  /** Everything at once, for a job that was just added. */
  restore(progress: JobProgress, instance: string | undefined, result: Payload | undefined): void {
    const { wide, narrow, w, n, table } = this;
    const [state, flags, attempt, failures, member, order, since, startedAt, until] = progress;
    narrow[n + STATE] = state;
    narrow[n + FLAGS] = flags;
    narrow[n + ATTEMPT] = attempt;
    narrow[n + FAILURES] = failures;
    narrow[n + MEMBER] = member;
    wide[w + ORDER] = order;
    wide[w + SINCE] = since;
    wide[w + STARTED_AT] = startedAt;
    wide[w + UNTIL] = until;
    if (instance !== undefined) narrow[n + INSTANCE] = table.instances.acquire(instance);
    if (result !== undefined) wide[w + RESULT] = table.payloads.storeResult(this.row, result);
  }
}

/** A job's changing fields, in this order in snapshots. */
export type JobProgress = readonly [
  state: number, flags: number, attempt: number, failures: number, member: number, order: number, since: number, startedAt: number, until: number,
];

const said = (value: number): number | undefined => (value === UNSAID ? undefined : value);
