/**
 * Where jobs are kept: rows in pages of typed columns, no object per job.
 *
 * A million waiting jobs as objects make every full garbage collection pause the host for as long as it takes to look at
 * each of them. As columns they cost the collector nothing, and about 140 bytes each. Rows are reused, so the memory
 * follows the jobs that are there, however sparse their numbers have become.
 */
import type { JobExtra } from "./job.ts";

export const PAGE_BITS = 10;
export const PAGE_ROWS: number = 1 << PAGE_BITS;
export const PAGE_MASK: number = PAGE_ROWS - 1;

/** No row, no text, no payload. */
export const NONE = -1;

export class Page {
  readonly number: Float64Array = new Float64Array(PAGE_ROWS);
  readonly createdAt: Float64Array = new Float64Array(PAGE_ROWS);
  readonly since: Float64Array = new Float64Array(PAGE_ROWS);
  readonly startedAt: Float64Array = new Float64Array(PAGE_ROWS);
  readonly order: Float64Array = new Float64Array(PAGE_ROWS);
  readonly until: Float64Array = new Float64Array(PAGE_ROWS);
  readonly input: Float64Array = new Float64Array(PAGE_ROWS);
  readonly result: Float64Array = new Float64Array(PAGE_ROWS);
  readonly digest: Float64Array = new Float64Array(PAGE_ROWS);
  readonly retryDelayMs: Float64Array = new Float64Array(PAGE_ROWS);
  readonly timeoutMs: Float64Array = new Float64Array(PAGE_ROWS);
  readonly previous: Int32Array = new Int32Array(PAGE_ROWS);
  readonly next: Int32Array = new Int32Array(PAGE_ROWS);
  readonly place: Int32Array = new Int32Array(PAGE_ROWS);
  readonly idHash: Int32Array = new Int32Array(PAGE_ROWS);
  readonly attempt: Int32Array = new Int32Array(PAGE_ROWS);
  readonly failures: Int32Array = new Int32Array(PAGE_ROWS);
  readonly retries: Int32Array = new Int32Array(PAGE_ROWS);
  readonly queue: Int32Array = new Int32Array(PAGE_ROWS);
  readonly topic: Int32Array = new Int32Array(PAGE_ROWS);
  readonly principal: Int32Array = new Int32Array(PAGE_ROWS);
  readonly instance: Int32Array = new Int32Array(PAGE_ROWS);
  readonly member: Int32Array = new Int32Array(PAGE_ROWS);
  readonly state: Uint8Array = new Uint8Array(PAGE_ROWS);
  readonly flags: Uint8Array = new Uint8Array(PAGE_ROWS);
  /** Made when the first job of the page needs it. */
  extras: (JobExtra | undefined)[] | undefined = undefined;
}
