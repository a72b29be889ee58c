/** The fold of what happens to attempts. */
import { invariant } from "@longshore/kernel";
import type { EventOf } from "./events.ts";
import type { Job, JobExtra } from "./job.ts";
import { countActive, countWaiting, leaveLane, refreshLane, requeue, topicStatistics } from "./lifecycle.ts";
import { HANDOVER_MS, LOG_LINES_MAX } from "./limits.ts";
import type { QueueState } from "./state.ts";

export function attemptStarted(state: QueueState, event: EventOf<"AttemptStarted">, at: number): void {
  const job = state.job(event.job);
  const member = state.member(event.member);
  const pool = member.pools[event.pool];
  invariant(job.isReady && pool !== undefined && event.attempt === job.attempt + 1, `attempt ${event.attempt} of job ${event.job} cannot start: the job is ${job.state} after attempt ${job.attempt}`);
  const { queue, extra } = job;
  const waitedMs = at - job.since;
  queue.statistics.activated(at, waitedMs);
  topicStatistics(state, job.topic, at)?.activated(at, waitedMs);
  job.start(event.attempt, member.number, member.instance, at);
  pool.lastStart = state.next.turn++;
  member.start(job, pool);
  countWaiting(state, job, -1);
  countActive(state, job, 1);
  if (extra !== undefined) forgetLastAttempt(extra);
  // Another cluster keeps the timeout of its own attempts; the whole trip may take longer.
  if (job.timeoutMs > 0 && !member.isRoute) state.deadlines.push(job.row, job.until);
  if (queue.isOrdered) refreshLane(state, job);
  else leaveLane(state, job);
}

/** Progress and log tell of one attempt only. */
function forgetLastAttempt(extra: JobExtra): void {
  extra.progress = undefined;
  extra.log = undefined;
  extra.logTruncated = undefined;
  extra.error = undefined;
}

export function attemptFailed(state: QueueState, event: EventOf<"AttemptFailed">, at: number): void {
  const job = liveJob(state, event);
  job.addFailure();
  job.queue.statistics.failed++;
  const topic = topicStatistics(state, job.topic, at);
  if (topic !== undefined) topic.failed++;
  if (event.error !== undefined) job.ensuredExtra.error = event.error;
  // The wait after an attempt was taken away is the queue's, not the job's: somebody may stop the job meanwhile.
  if (job.queue.isOrdered && event.kind !== "failed" && event.retryAt - at >= HANDOVER_MS) job.queue.heldUntil = at + HANDOVER_MS;
  requeue(state, job, event.retryAt, "retry", at);
}

export function attemptReleased(state: QueueState, event: EventOf<"AttemptReleased">, at: number): void {
  requeue(state, liveJob(state, event), event.retryAt, event.kind === "snoozed" ? "not-before" : "retry", at);
}

export function attemptExtended(state: QueueState, event: EventOf<"AttemptExtended">, at: number): void {
  const job = liveJob(state, event);
  if (job.timeoutMs === 0) return;
  job.extendUntil(at + job.timeoutMs);
  state.deadlines.update(job.row, job.until);
}

function liveJob(state: QueueState, event: { readonly job: number; readonly attempt: number; readonly type: string }): Job {
  const job = state.job(event.job);
  invariant(job.isActive && job.attempt === event.attempt, `${event.type} of attempt ${event.attempt} of job ${event.job}, which is not live`);
  return job;
}

export function jobLogged(state: QueueState, event: EventOf<"JobLogged">): void {
  const extra = state.job(event.job).ensuredExtra;
  const lines = [...(extra.log ?? []), ...event.lines];
  extra.log = lines.slice(-LOG_LINES_MAX);
  if (lines.length > LOG_LINES_MAX) extra.logTruncated = true;
}

/** A null value takes the property away. */
export function jobPropertySet(state: QueueState, event: EventOf<"JobPropertySet">): void {
  const extra = state.job(event.job).ensuredExtra;
  const properties = { ...extra.properties };
  if (event.value === null) delete properties[event.name];
  else properties[event.name] = event.value;
  extra.properties = properties;
}
