/**
 * Finding jobs by a filter: unfinished ones ascending by creation, ended ones by their end, the latest first.
 *
 * One call looks at a bounded number of jobs. When it stops before the end it answers with `next`, to be sent as
 * `after`: unfinished `n<number>`, ended `h<endedAt>.<number>`. So a find over a million jobs never holds up the host.
 */

import { Unreadable } from "@longshore/kernel/reading";
import { matcher } from "./filter.ts";
import type { Job } from "./job.ts";
import type { JobQueueLimits } from "./limits.ts";
import type { QueueState } from "./state.ts";
import type { JobFilter } from "./vocabulary.ts";

export interface Found {
  readonly jobs: readonly Job[];
  /** Undefined when everything has been looked at. */
  readonly next: string | undefined;
}

export interface Page {
  /** 0 or less: as many as one call may answer. */
  readonly limit: number;
  readonly after: string | undefined;
}

export function findJobs(state: QueueState, filter: JobFilter, page: Page, limits: JobQueueLimits, at: number): Found {
  const wanted: JobFilter = filter.state === undefined ? { ...filter, state: "all" } : filter;
  const isHistory = !["all", "queued", "active"].includes(wanted.state!);
  const source = isHistory ? endedAfter(state, page.after) : state.jobs.from(numberAfter(page.after));
  const max = page.limit <= 0 ? limits.findLimitMax : Math.min(page.limit, limits.findLimitMax);
  return collect(source, matcher(wanted, state, at), max, limits.findScanMax, isHistory ? historyCursor : numberCursor);
}

function collect(source: Iterable<Job>, matches: (job: Job) => boolean, max: number, scanMax: number, cursor: (job: Job) => string): Found {
  const jobs: Job[] = [];
  let last: Job | undefined;
  let scansLeft = scanMax;
  for (const job of source) {
    if (last !== undefined && (jobs.length === max || scansLeft === 0)) return { jobs, next: cursor(last) };
    scansLeft--;
    last = job;
    if (matches(job)) jobs.push(job);
  }
  return { jobs, next: undefined };
}

const numberCursor = (job: Job): string => `n${job.number}`;
const historyCursor = (job: Job): string => `h${job.since}.${job.number}`;

function numberAfter(after: string | undefined): number {
  if (after === undefined) return 0;
  const match = /^n(\d+)$/.exec(after);
  if (match === null) throw new Unreadable("after", "must be the `next` of an earlier answer to the same question");
  return Number(match[1]) + 1;
}

/** The place may be gone: then whatever ended no later goes on the list. */
function endedAfter(state: QueueState, after: string | undefined): Iterable<Job> {
  if (after === undefined) return state.ended.backwards();
  const match = /^h(\d+)\.(\d+)$/.exec(after);
  if (match === null) throw new Unreadable("after", "must be the `next` of an earlier answer to the same question");
  const place = state.jobs.get(Number(match[2]));
  return place?.isEnded === true ? state.ended.backwards(place) : endedBefore(state, Number(match[1]));
}

function* endedBefore(state: QueueState, endedAt: number): Generator<Job> {
  for (const job of state.ended.backwards()) if (job.since < endedAt) yield job;
}
