/** All jobs: by number, by id, by row. */
import { hashOf } from "./id-map.ts";
import type { JobExtra, NewJob } from "./job.ts";
import { Job, UNSAID } from "./job.ts";
import { NumberIndex } from "./number-index.ts";
import { Payloads } from "./payloads.ts";
import type { Queue } from "./queue.ts";
import {
  CREATED_AT, DIGEST, ID_HASH, INPUT, INSTANCE, MEMBER, NARROW_FIELDS, NEXT, NONE, NUMBER, PAGE_BITS, PAGE_MASK, Page, PLACE, PREVIOUS, PRINCIPAL, QUEUE,
  RESULT, RETRIES, RETRY_DELAY_MS, STARTED_AT, TIMEOUT_MS, TOPIC, WIDE_FIELDS,
} from "./records.ts";
import { RowIndex } from "./row-index.ts";
import { Texts } from "./texts.ts";

export class JobTable {
  readonly payloads: Payloads;
  readonly topics: Texts = new Texts();
  readonly principals: Texts = new Texts();
  readonly instances: Texts = new Texts();
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
      this.pages[row >> PAGE_BITS]!.wide[(row & PAGE_MASK) * WIDE_FIELDS + (use === "input" ? INPUT : RESULT)] = ref;
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

  /** By the id without its shard. */
  withId(id: string): Job | undefined {
    const row = this.byId.find(hashOf(id), (candidate) => this.payloads.idEquals(this.wideAt(candidate, INPUT), id));
    return row === NONE ? undefined : this.at(row);
  }

  add(job: NewJob): Job {
    const row = this.newRow();
    const page = this.pages[row >> PAGE_BITS]!;
    const hash = hashOf(job.id);
    this.fillWide(page.wide, row, job);
    this.fillNarrow(page.narrow, row, job, hash);
    const added = new Job(this, page, row);
    added.setExtra(job.extra);
    if (job.extra !== undefined) this.nameBlobs(job.extra, 1);
    this.byNumber.add(job.number, row);
    this.byId.add(hash, row);
    this.count++;
    return added;
  }

  /** Every field, because the row may have been another job's. */
  private fillWide(wide: Float64Array, row: number, job: NewJob): void {
    const w = (row & PAGE_MASK) * WIDE_FIELDS;
    for (let field = 0; field < WIDE_FIELDS; field++) wide[w + field] = 0;
    wide[w + NUMBER] = job.number;
    wide[w + CREATED_AT] = job.createdAt;
    wide[w + STARTED_AT] = NONE;
    wide[w + INPUT] = this.payloads.storeInput(row, job.id, job.input);
    wide[w + RESULT] = NONE;
    wide[w + DIGEST] = job.digest ?? UNSAID;
    wide[w + RETRY_DELAY_MS] = job.retryDelayMs ?? UNSAID;
    wide[w + TIMEOUT_MS] = job.timeoutMs ?? 0;
  }

  private fillNarrow(narrow: Int32Array, row: number, job: NewJob, hash: number): void {
    const n = (row & PAGE_MASK) * NARROW_FIELDS;
    for (let field = 0; field < NARROW_FIELDS; field++) narrow[n + field] = 0;
    narrow[n + PLACE] = NONE;
    narrow[n + ID_HASH] = hash;
    narrow[n + RETRIES] = job.retries ?? UNSAID;
    narrow[n + QUEUE] = job.queue.index;
    narrow[n + TOPIC] = this.topics.acquire(job.topic);
    narrow[n + PRINCIPAL] = this.principals.acquire(job.principal);
    narrow[n + INSTANCE] = NONE;
    narrow[n + MEMBER] = NONE;
  }

  private newRow(): number {
    const free = this.freeRows.pop();
    if (free !== undefined) return free;
    if (this.rows >> PAGE_BITS === this.pages.length) this.pages.push(new Page());
    return this.rows++;
  }

  remove({ row, number }: Job): void {
    const { extras } = this.pages[row >> PAGE_BITS]!;
    this.byNumber.remove(number);
    this.byId.remove(this.narrowAt(row, ID_HASH), row);
    this.payloads.free(this.wideAt(row, INPUT));
    if (this.wideAt(row, RESULT) !== NONE) this.payloads.free(this.wideAt(row, RESULT));
    this.topics.release(this.narrowAt(row, TOPIC));
    this.principals.release(this.narrowAt(row, PRINCIPAL));
    if (this.narrowAt(row, INSTANCE) !== NONE) this.instances.release(this.narrowAt(row, INSTANCE));
    const extra = extras?.[row & PAGE_MASK];
    if (extra !== undefined) this.nameBlobs(extra, -1);
    if (extras !== undefined) extras[row & PAGE_MASK] = undefined;
    this.freeRows.push(row);
    this.count--;
  }

  private nameBlobs({ inputs, outputs }: JobExtra, by: 1 | -1): void {
    if (inputs !== undefined) this.payloads.nameAll(inputs, by);
    if (outputs !== undefined) this.payloads.nameAll(outputs, by);
  }

  /** Ascending by number, from a number on. */
  *from(number: number): Generator<Job> {
    for (const row of this.byNumber.from(number)) yield this.at(row);
  }

  numberOf(row: number): number {
    return this.wideAt(row, NUMBER);
  }

  /** Place in a heap by instant. */
  placeOf(row: number): number {
    return this.narrowAt(row, PLACE);
  }

  setPlace(row: number, place: number): void {
    this.setNarrow(row, PLACE, place);
  }

  /** Neighbors in the one list a job stands in: a lane while it waits, the history when it has ended. */
  previousOf(row: number): number {
    return this.narrowAt(row, PREVIOUS);
  }

  nextOf(row: number): number {
    return this.narrowAt(row, NEXT);
  }

  setPrevious(row: number, previous: number): void {
    this.setNarrow(row, PREVIOUS, previous);
  }

  setNext(row: number, next: number): void {
    this.setNarrow(row, NEXT, next);
  }

  private wideAt(row: number, field: number): number {
    return this.pages[row >> PAGE_BITS]!.wide[(row & PAGE_MASK) * WIDE_FIELDS + field]!;
  }

  private narrowAt(row: number, field: number): number {
    return this.pages[row >> PAGE_BITS]!.narrow[(row & PAGE_MASK) * NARROW_FIELDS + field]!;
  }

  private setNarrow(row: number, field: number, value: number): void {
    this.pages[row >> PAGE_BITS]!.narrow[(row & PAGE_MASK) * NARROW_FIELDS + field] = value;
  }
}
