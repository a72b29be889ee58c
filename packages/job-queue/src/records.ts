/**
 * Where jobs are kept: fixed records in pages of two typed arrays, no object per job.
 *
 * A million waiting jobs as objects make every full garbage collection pause the host for as long as it takes to look at
 * each of them. As records they cost the collector nothing, and about 150 bytes each. A record's fields lie together,
 * because an event touches many fields of one job, and with a million jobs every other place is a cache miss. Rows are
 * reused, so the memory follows the jobs that are there, however sparse their numbers have become.
 */
import type { JobExtra } from "./job.ts";

export const PAGE_BITS = 10;
export const PAGE_ROWS: number = 1 << PAGE_BITS;
export const PAGE_MASK: number = PAGE_ROWS - 1;

/** No row, no text, no payload. */
export const NONE = -1;

/** Fields that need more than 32 bits: instants, numbers, places of payloads. */
export const NUMBER = 0;
export const CREATED_AT = 1;
export const SINCE = 2;
export const STARTED_AT = 3;
export const ORDER = 4;
export const UNTIL = 5;
export const INPUT = 6;
export const RESULT = 7;
export const DIGEST = 8;
export const RETRY_DELAY_MS = 9;
export const TIMEOUT_MS = 10;
export const WIDE_FIELDS = 11;

/** Fields of 32 bits: rows, indexes, counters. */
export const PREVIOUS = 0;
export const NEXT = 1;
export const PLACE = 2;
export const ID_HASH = 3;
export const ATTEMPT = 4;
export const FAILURES = 5;
export const RETRIES = 6;
export const QUEUE = 7;
export const TOPIC = 8;
export const PRINCIPAL = 9;
export const INSTANCE = 10;
export const MEMBER = 11;
export const STATE = 12;
export const FLAGS = 13;
export const NARROW_FIELDS = 14;

export class Page {
  readonly wide: Float64Array = new Float64Array(PAGE_ROWS * WIDE_FIELDS);
  readonly narrow: Int32Array = new Int32Array(PAGE_ROWS * NARROW_FIELDS);
  /** Made when the first job of the page needs it. */
  extras: (JobExtra | undefined)[] | undefined = undefined;
}
