/** One job, and the table of all. A `Job` is a handle on a row: made when asked for, good until the job leaves the table. */
import { NONE, PAGE_BITS, PAGE_MASK, PAGE_ROWS, Page } from "./columns.ts";
import { hashOf } from "./id-map.ts";
import { NumberIndex } from "./number-index.ts";
import { Payloads } from "./payloads.ts";
import type { Queue } from "./queue.ts";
import { RowIndex } from "./row-index.ts";
import { Texts } from "./texts.ts";
import type { EndState, ErrorInfo, JobState, Payload, Scalar } from "./vocabulary.ts";
import { END_STATES } from "./vocabulary.ts";

/** What few jobs have. */
export interface JobExtra {
  properties?: Record<string, Scalar> | undefined;
  cause?: readonly [number: number, id: string] | undefined;
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
}

const STATES: readonly JobState[] = ["queued", "active", ...END_STATES];
const QUEUED = 0;
const ACTIVE = 1;

const SLEEPS = 1;
const SLEEPS_FOR_RETRY = 2;
/** A bulk retry has made another job of this ended one. */
const RETRIED = 4;

/** Not said by the job: its queue decides. */
const UNSAID = -2;

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
  private readonly i: number;

  constructor(table: JobTable, page: Page, row: number) {
    this.table = table;
    this.page = page;
    this.row = row;
    this.i = row & PAGE_MASK;
  }

  get number(): number { return this.page.number[this.i]!; }
  /** Without the shard. */
  get id(): string { return this.table.payloads.idOf(this.page.input[this.i]!); }
  get topic(): string { return this.table.texts.get(this.page.topic[this.i]!); }
  get queue(): Queue { return this.table.queues[this.page.queue[this.i]!]!; }
  get principal(): string { return this.table.texts.get(this.page.principal[this.i]!); }
  get createdAt(): number { return this.page.createdAt[this.i]!; }
  get input(): Payload { return this.table.payloads.read(this.page.input[this.i]!); }
  get attempt(): number { return this.page.attempt[this.i]!; }
  get failures(): number { return this.page.failures[this.i]!; }
  /** Place among the ready: lower is earlier. A job that is tried again goes to the back. */
  get order(): number { return this.page.order[this.i]!; }
  /** When it became ready or fell asleep, was started, or ended. */
  get since(): number { return this.page.since[this.i]!; }
  get timeoutMs(): number { return this.page.timeoutMs[this.i]!; }
  get extra(): JobExtra | undefined { return this.page.extras?.[this.i]; }
  get state(): JobState { return STATES[this.page.state[this.i]!]!; }
  get isQueued(): boolean { return this.page.state[this.i] === QUEUED; }
  get isActive(): boolean { return this.page.state[this.i] === ACTIVE; }
  get isEnded(): boolean { return this.page.state[this.i]! > ACTIVE; }
  get isAsleep(): boolean { return (this.page.flags[this.i]! & SLEEPS) !== 0; }
  /** Queued and waiting for nothing but a free slot, or for those before it. */
  get isReady(): boolean { return this.page.state[this.i] === QUEUED && (this.page.flags[this.i]! & SLEEPS) === 0; }
  get isRetried(): boolean { return (this.page.flags[this.i]! & RETRIED) !== 0; }
  get sleepsFor(): DelayReason { return (this.page.flags[this.i]! & SLEEPS_FOR_RETRY) === 0 ? "not-before" : "retry"; }
  /** Asleep: until when. Active: when its timeout is over, 0 if it has none. */
  get until(): number { return this.page.until[this.i]!; }
  /** Number of the member that runs it; of the last one when none does. */
  get member(): number { return this.page.member[this.i]!; }
  get stopRequested(): boolean { return this.extra?.stopReason !== undefined; }

  get digest(): number | undefined { return said(this.page.digest[this.i]!); }
  /** The job's own; undefined where its queue decides. */
  get ownRetries(): number | undefined { return said(this.page.retries[this.i]!); }
  get ownRetryDelayMs(): number | undefined { return said(this.page.retryDelayMs[this.i]!); }

  /** Instance that runs it, or ran it last. */
  get instance(): string | undefined {
    const index = this.page.instance[this.i]!;
    return index === NONE ? undefined : this.table.texts.get(index);
  }

  /** Of the attempt that runs, or that the job ended with. */
  get startedAt(): number | undefined {
    const at = this.page.startedAt[this.i]!;
    return at === NONE ? undefined : at;
  }

  get result(): Payload | undefined {
    const ref = this.page.result[this.i]!;
    return ref === NONE ? undefined : this.table.payloads.read(ref);
  }

  /** How it ended; undefined while it is unfinished. */
  get end(): JobEnd | undefined {
    return this.isEnded ? { result: this.result, reason: this.extra?.reason, error: this.extra?.error } : undefined;
  }

  /** Bytes of its input and result. */
  get payloadBytes(): number {
    const result = this.page.result[this.i]!;
    return this.table.payloads.lengthOf(this.page.input[this.i]!) + (result === NONE ? 0 : this.table.payloads.lengthOf(result));
  }

  /** For the fold from here on. */
  get ensuredExtra(): JobExtra {
    const { page, i } = this;
    page.extras ??= new Array<JobExtra | undefined>(PAGE_ROWS).fill(undefined);
    return (page.extras[i] ??= {});
  }

  setExtra(extra: JobExtra | undefined): void {
    if (extra !== undefined) Object.assign(this.ensuredExtra, extra);
  }

  becomeReady(order: number, at: number): void {
    const { page, i } = this;
    page.flags[i]! &= ~SLEEPS;
    page.state[i] = QUEUED;
    page.order[i] = order;
    page.since[i] = at;
    page.startedAt[i] = NONE;
  }

  fallAsleep(until: number, reason: DelayReason, at: number): void {
    const { page, i } = this;
    page.flags[i] = (page.flags[i]! & RETRIED) | SLEEPS | (reason === "retry" ? SLEEPS_FOR_RETRY : 0);
    page.state[i] = QUEUED;
    page.until[i] = until;
    page.since[i] = at;
    page.startedAt[i] = NONE;
  }

  start(attempt: number, member: number, instance: string, at: number): void {
    const { page, i, table } = this;
    const index = table.texts.acquire(instance);
    if (page.instance[i] !== NONE) table.texts.release(page.instance[i]!);
    page.instance[i] = index;
    page.member[i] = member;
    page.state[i] = ACTIVE;
    page.attempt[i] = attempt;
    page.since[i] = at;
    page.startedAt[i] = at;
    page.until[i] = page.timeoutMs[i]! > 0 ? at + page.timeoutMs[i]! : 0;
  }

  extendUntil(until: number): void {
    this.page.until[this.i] = until;
  }

  addFailure(): void {
    this.page.failures[this.i]!++;
  }

  markRetried(): void {
    this.page.flags[this.i]! |= RETRIED;
  }

  finish(state: EndState, result: Payload | undefined, at: number): void {
    const { page, i, table } = this;
    if (page.state[i] !== ACTIVE) page.startedAt[i] = NONE;
    page.flags[i]! &= ~SLEEPS;
    page.state[i] = STATES.indexOf(state);
    page.since[i] = at;
    if (result !== undefined) page.result[i] = table.payloads.storeResult(this.row, result);
  }

  /** Everything at once, at restore. */
  restore(fields: RestoredJob): void {
    const { page, i, table } = this;
    page.state[i] = fields.state;
    page.flags[i] = fields.flags;
    page.attempt[i] = fields.attempt;
    page.failures[i] = fields.failures;
    page.order[i] = fields.order;
    page.since[i] = fields.since;
    page.startedAt[i] = fields.startedAt;
    page.until[i] = fields.until;
    page.member[i] = fields.member;
    if (fields.instance !== null) page.instance[i] = table.texts.acquire(fields.instance);
    if (fields.result !== undefined) page.result[i] = table.payloads.storeResult(this.row, fields.result);
  }

  /** What `restore` takes, except result and instance. */
  get columns(): readonly number[] {
    const { page, i } = this;
    return [
      page.state[i]!, page.flags[i]!, page.attempt[i]!, page.failures[i]!, page.order[i]!, page.since[i]!, page.startedAt[i]!, page.until[i]!,
      page.member[i]!,
    ];
  }
}

const said = (value: number): number | undefined => (value === UNSAID ? undefined : value);

export interface RestoredJob {
  readonly state: number;
  readonly flags: number;
  readonly attempt: number;
  readonly failures: number;
  readonly order: number;
  readonly since: number;
  readonly startedAt: number;
  readonly until: number;
  readonly member: number;
  readonly instance: string | null;
  readonly result: Payload | undefined;
}

export class JobTable {
  readonly payloads: Payloads;
  readonly texts: Texts = new Texts();
  /** By their index; queues are never taken away. */
  readonly queues: readonly Queue[];
  private readonly pages: Page[] = [];
  private readonly freeRows: number[] = [];
  private readonly byNumber = new NumberIndex();
  private readonly byId = new RowIndex();
  private rows = 0;
  private count = 0;

  constructor(queues: readonly Queue[]) {
    this.queues = queues;
    this.payloads = new Payloads((row, use, ref) => {
      const page = this.pages[row >> PAGE_BITS]!;
      if (use === "input") page.input[row & PAGE_MASK] = ref;
      else page.result[row & PAGE_MASK] = ref;
    });
  }

  get size(): number {
    return this.count;
  }

  at(row: number): Job {
    return new Job(this, this.pages[row >> PAGE_BITS]!, row);
  }

  get(number: number): Job | undefined {
    const row = this.byNumber.get(number);
    return row === NONE ? undefined : this.at(row);
  }

  byIdOf(id: string): Job | undefined {
    const row = this.byId.find(hashOf(id), (candidate) => this.payloads.idEquals(this.pages[candidate >> PAGE_BITS]!.input[candidate & PAGE_MASK]!, id));
    return row === NONE ? undefined : this.at(row);
  }

  add(job: NewJob): Job {
    const row = this.newRow();
    const page = this.pages[row >> PAGE_BITS]!;
    const i = row & PAGE_MASK;
    page.number[i] = job.number;
    page.createdAt[i] = job.createdAt;
    page.startedAt[i] = NONE;
    page.until[i] = 0;
    page.input[i] = this.payloads.storeInput(row, job.id, job.input);
    page.result[i] = NONE;
    page.digest[i] = job.digest ?? UNSAID;
    page.retryDelayMs[i] = job.retryDelayMs ?? UNSAID;
    page.timeoutMs[i] = job.timeoutMs ?? 0;
    page.place[i] = NONE;
    page.idHash[i] = hashOf(job.id);
    page.attempt[i] = 0;
    page.failures[i] = 0;
    page.retries[i] = job.retries ?? UNSAID;
    page.queue[i] = job.queue.index;
    page.topic[i] = this.texts.acquire(job.topic);
    page.principal[i] = this.texts.acquire(job.principal);
    page.instance[i] = NONE;
    page.member[i] = NONE;
    page.state[i] = QUEUED;
    page.flags[i] = 0;
    const added = new Job(this, page, row);
    added.setExtra(job.extra);
    this.byNumber.add(job.number, row);
    this.byId.add(page.idHash[i]!, row);
    this.count++;
    return added;
  }

  private newRow(): number {
    const free = this.freeRows.pop();
    if (free !== undefined) return free;
    if (this.rows >> PAGE_BITS === this.pages.length) this.pages.push(new Page());
    return this.rows++;
  }

  remove({ row, number }: Job): void {
    const page = this.pages[row >> PAGE_BITS]!;
    const i = row & PAGE_MASK;
    this.byNumber.remove(number);
    this.byId.remove(page.idHash[i]!, row);
    this.payloads.free(page.input[i]!);
    if (page.result[i] !== NONE) this.payloads.free(page.result[i]!);
    this.texts.release(page.topic[i]!);
    this.texts.release(page.principal[i]!);
    if (page.instance[i] !== NONE) this.texts.release(page.instance[i]!);
    if (page.extras !== undefined) page.extras[i] = undefined;
    this.freeRows.push(row);
    this.count--;
  }

  /** Ascending by number, from a number on. */
  *from(number: number): Generator<Job> {
    for (const row of this.byNumber.from(number)) yield this.at(row);
  }

  numberOf(row: number): number { return this.pages[row >> PAGE_BITS]!.number[row & PAGE_MASK]!; }
  placeOf(row: number): number { return this.pages[row >> PAGE_BITS]!.place[row & PAGE_MASK]!; }
  setPlace(row: number, place: number): void { this.pages[row >> PAGE_BITS]!.place[row & PAGE_MASK] = place; }
  previousOf(row: number): number { return this.pages[row >> PAGE_BITS]!.previous[row & PAGE_MASK]!; }
  setPrevious(row: number, previous: number): void { this.pages[row >> PAGE_BITS]!.previous[row & PAGE_MASK] = previous; }
  nextOf(row: number): number { return this.pages[row >> PAGE_BITS]!.next[row & PAGE_MASK]!; }
  setNext(row: number, next: number): void { this.pages[row >> PAGE_BITS]!.next[row & PAGE_MASK] = next; }
}
