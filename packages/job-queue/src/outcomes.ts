/** How an attempt may end, as events. */
import type { Outcome } from "./commands.ts";
import type { FailureKind, JobQueueEvent } from "./events.ts";
import type { Job } from "./job.ts";
import { HANDOVER_MS } from "./limits.ts";
import type { EndState, ErrorInfo, NamedBlobWire, Payload } from "./vocabulary.ts";
import { TAKEN_AWAY } from "./vocabulary.ts";

/** An attempt that ended without a result. */
interface Failure {
  readonly kind: FailureKind;
  readonly error: ErrorInfo | undefined;
  /** The worker's own wish, which goes before the job's and the queue's. */
  readonly retryInMs?: number | undefined;
  /** Set when the host ended it, so that the worker may still be running it. */
  readonly takenAway?: (typeof TAKEN_AWAY)["lost" | "overdue"];
  /** Kept where the job ends with it; another attempt leaves its own. */
  readonly outputs?: readonly NamedBlobWire[] | undefined;
}

/** What a worker's word about its live attempt makes of the job. */
export function outcomeEvent(job: Job, outcome: Outcome, at: number): JobQueueEvent {
  switch (outcome.kind) {
    case "succeeded":
      return ended(job, "succeeded", { result: outcome.result, reason: outcome.message, outputs: outcome.outputs });
    case "failed":
      return failure(job, outcome, at);
    case "timed-out":
      return failure(job, { kind: "timed-out", error: { name: "AttemptTimedOut", message: `no outcome within ${job.timeoutMs} ms` } }, at);
    case "canceled":
      return ended(job, job.stopRequested ? "stopped" : "error", { reason: outcome.reason, outputs: outcome.outputs });
    case "snoozed":
      return release(job, "snoozed", at + outcome.delayMs);
    case "ended":
      return ended(job, outcome.state, outcome);
    case "released":
      return release(job, "handed-back", at);
  }
}

/** Another try, unless a stop was asked for or the failures are used up. */
export function failure(job: Job, { kind, error, retryInMs, takenAway, outputs }: Failure, at: number): JobQueueEvent {
  const { queue } = job;
  if (job.stopRequested) return ended(job, "stopped", { reason: takenAway ?? job.extra?.stopReason, error, outputs });
  const retries = queue.retriesOf(job);
  if (retries >= 0 && job.failures + 1 > retries) return ended(job, "given-up", { reason: takenAway, error, outputs });
  let delayMs = takenAway === TAKEN_AWAY.lost ? 0 : (retryInMs ?? queue.retryDelayOf(job));
  if (takenAway !== undefined && queue.isOrdered) delayMs = Math.max(delayMs, HANDOVER_MS);
  return { type: "AttemptFailed", job: job.number, attempt: job.attempt, kind, retryAt: at + Math.max(0, delayMs), error };
}

function release(job: Job, kind: "snoozed" | "handed-back", retryAt: number): JobQueueEvent {
  if (job.stopRequested) return ended(job, "stopped", { reason: job.extra?.stopReason });
  return { type: "AttemptReleased", job: job.number, attempt: job.attempt, kind, retryAt };
}

interface EndDetails {
  readonly result?: Payload | undefined;
  readonly reason?: string | undefined;
  readonly error?: ErrorInfo | undefined;
  readonly outputs?: readonly NamedBlobWire[] | undefined;
}

export const ended = (job: Job, state: EndState, { result, reason, error, outputs }: EndDetails): JobQueueEvent =>
  ({ type: "JobEnded", job: job.number, state, attempt: job.attempt, result, reason, error, ...(outputs === undefined ? {} : { outputs }) });
