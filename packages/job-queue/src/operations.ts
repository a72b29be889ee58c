/**
 * Bulk work in slices: each commit looks at some more jobs, in the order of their numbers, up to the newest there was
 * when it was asked for.
 *
 * A slice that finds no more room leaves the cursor where it was and is looked at again: what it did shows in the jobs
 * (ended, asked to stop, repeated), so nothing is done twice.
 */
import type { Emit } from "@longshore/kernel";
import { removeEvent, retryEvent, stopEvent } from "./decider.ts";
import type { JobQueueEvent } from "./events.ts";
import { matcher } from "./filter.ts";
import type { Job } from "./job.ts";
import type { JobQueueLimits } from "./limits.ts";
import type { Operation, QueueState } from "./state.ts";
import type { JobFilter } from "./vocabulary.ts";

const ACTIONS_PER_COMMIT = 1_000;

/** Goes on with the oldest operation. */
export function advanceOperations(state: QueueState, at: number, emit: Emit<JobQueueEvent>, limits: JobQueueLimits): boolean {
  for (const operation of state.operations.values()) return advance(state, operation, at, emit, limits);
  return true;
}

function advance(state: QueueState, operation: Operation, at: number, emit: Emit<JobQueueEvent>, limits: JobQueueLimits): boolean {
  const { number, upTo } = operation;
  const matches = matcher(withDefaultState(operation), state, at);
  let scansLeft = limits.operationScanMax;
  let actionsLeft = ACTIONS_PER_COMMIT;
  let cursor = operation.cursor;
  for (const job of state.jobs.from(cursor + 1)) {
    if (job.number > upTo) break;
    if (scansLeft-- === 0 || actionsLeft === 0) return emit({ type: "OperationAdvanced", operation: number, cursor });
    cursor = job.number;
    const event = matches(job) ? actionOn(state, job, operation) : undefined;
    if (event === undefined) continue;
    actionsLeft--;
    if (!emit(event)) return false;
  }
  return emit({ type: "OperationEnded", operation: number });
}

/** Without a state, `retry` takes what ended without success, the others what is unfinished. */
const withDefaultState = ({ kind, filter }: Operation): JobFilter =>
  filter.state === undefined ? { ...filter, state: kind === "retry" ? "canceled" : "all" } : filter;

function actionOn(state: QueueState, job: Job, operation: Operation): JobQueueEvent | undefined {
  switch (operation.kind) {
    case "stop": return stopEvent(job, "stopped in bulk");
    case "remove": return removeEvent(job);
    case "retry":
      if (!job.isEnded || job.isRetried) return undefined;
      return retryEvent(state, job, `retry-${operation.number}-${job.number}`, operation.principal);
  }
}
