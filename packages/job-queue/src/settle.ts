/**
 * What follows by itself after a commit's commands, in the same commit: due jobs, attempts taken back, bulk work,
 * expiries, and last the claims, so that a job may be accepted and started by one write.
 *
 * Each kind of work is bounded per commit, so that a million due timers or ten thousand lost attempts pause the loop no
 * longer than a full commit does, and claims go on between the slices. Whatever is left makes `due` answer "now".
 */
import type { Emit } from "@longshore/kernel";
import type { JobQueueEvent } from "./events.ts";
import type { JobQueueLimits } from "./limits.ts";
import { SLICE_MAX } from "./limits.ts";
import { claimForRoutes, departuresDue } from "./offload.ts";
import { advanceOperations } from "./operations.ts";
import { failure } from "./outcomes.ts";
import type { Queue } from "./queue.ts";
import type { QueueState } from "./state.ts";
import { TAKEN_AWAY } from "./vocabulary.ts";

/** Slices of due or expired jobs, and attempts taken back, per commit. */
const SLICES_PER_COMMIT = 4;
const TAKEN_BACK_PER_COMMIT = 2_000;
/** Expiries by age come in batches, so that an idle host does not wake for each. */
const EXPIRY_SLACK_MS = 5_000;

const NOW = 0;

export function settle(state: QueueState, at: number, emit: Emit<JobQueueEvent>, limits: JobQueueLimits): void {
  state.liveBoard?.moveTo(at);
  void (
    wakeDelayed(state, at, emit) &&
    takeBackLost(state, at, emit) &&
    takeBackOverdue(state, at, emit, limits) &&
    advanceOperations(state, at, emit, limits) &&
    expireEnded(state, at, emit, limits) &&
    expireIds(state, at, emit, limits) &&
    claimForRoutes(state, at, emit, true) &&
    claim(state, at, emit) &&
    claimForRoutes(state, at, emit, false)
  );
}

/** When there is something to settle: exact, or the host would spin. */
export function due(state: QueueState, limits: JobQueueLimits): number | undefined {
  if (state.operations.size > 0 || state.lost.size > 0 || excessEnded(state, limits) > 0) return NOW;
  const board = state.ensureBoard(0);
  if (board.next() !== undefined) return NOW;
  let next = Math.min(board.nextRelease(), state.routes.size === 0 ? Number.POSITIVE_INFINITY : departuresDue(state, board.clock));
  next = Math.min(next, state.delays.firstKey ?? next, deadlineOf(state, limits) ?? next);
  const oldest = state.ended.first;
  if (oldest !== undefined) next = Math.min(next, oldest.since + limits.endedKeepMs + EXPIRY_SLACK_MS);
  for (const queue of state.queues.values()) next = Math.min(next, idsDue(queue, limits));
  return Number.isFinite(next) ? next : undefined;
}

function wakeDelayed(state: QueueState, at: number, emit: Emit<JobQueueEvent>): boolean {
  for (let slice = 0; slice < SLICES_PER_COMMIT; slice++) {
    const count = state.delays.countUpTo(at, SLICE_MAX);
    if (count === 0) return true;
    if (!emit({ type: "JobsDue", count })) return false;
  }
  return true;
}

/** Attempts of members that are gone, lowest job number first. They count as failures, so that a poison job gives up. */
function takeBackLost(state: QueueState, at: number, emit: Emit<JobQueueEvent>): boolean {
  let left = TAKEN_BACK_PER_COMMIT;
  for (const member of state.lost) {
    const jobs = [...member.running].sort((a, b) => a.number - b.number);
    const error = { name: "AttemptLost", message: `instance ${member.instance} is gone: ${member.leftBecause}` };
    for (const job of jobs) {
      if (left-- === 0) return true;
      if (!emit(failure(job, { kind: "lost", error, takenAway: TAKEN_AWAY.lost }, at))) return false;
    }
  }
  return true;
}

/** Attempts whose worker did not keep its own timeout. */
function takeBackOverdue(state: QueueState, at: number, emit: Emit<JobQueueEvent>, limits: JobQueueLimits): boolean {
  for (let left = TAKEN_BACK_PER_COMMIT; left > 0; left--) {
    const overdue = state.deadlines.firstKey;
    if (overdue === undefined || overdue + limits.timeoutGraceMs > at) return true;
    const job = state.jobs.at(state.deadlines.firstRow);
    const error = { name: "AttemptTimedOut", message: `the worker said nothing within ${job.timeoutMs} ms` };
    if (!emit(failure(job, { kind: "timed-out", error, takenAway: TAKEN_AWAY.overdue }, at))) return false;
  }
  return true;
}

const deadlineOf = (state: QueueState, limits: JobQueueLimits): number | undefined =>
  state.deadlines.firstKey === undefined ? undefined : state.deadlines.firstKey + limits.timeoutGraceMs;

function excessEnded(state: QueueState, limits: JobQueueLimits): number {
  const excess = state.ended.size - limits.endedMax;
  return excess <= 0 && state.endedBytes > limits.endedBytesMax ? 1 : excess;
}

function expireEnded(state: QueueState, at: number, emit: Emit<JobQueueEvent>, limits: JobQueueLimits): boolean {
  for (let slice = 0; slice < SLICES_PER_COMMIT; slice++) {
    const count = expiredEnded(state, at, limits);
    if (count === 0) return true;
    if (!emit({ type: "EndedExpired", count })) return false;
  }
  return true;
}

function expiredEnded(state: QueueState, at: number, limits: JobQueueLimits): number {
  const excess = state.ended.size - limits.endedMax;
  const oldest = state.ended.first;
  const tooOld = oldest !== undefined && oldest.since + limits.endedKeepMs + EXPIRY_SLACK_MS <= at;
  if (excess <= 0 && !tooOld && state.endedBytes <= limits.endedBytesMax) return 0;
  let count = 0;
  let bytes = state.endedBytes;
  for (const job of state.ended) {
    const expires = count < excess || bytes > limits.endedBytesMax || (tooOld && job.since + limits.endedKeepMs <= at);
    if (!expires || count === SLICE_MAX) break;
    bytes -= job.payloadBytes;
    count++;
  }
  return count;
}

function idsDue(queue: Queue, limits: JobQueueLimits): number {
  const oldest = queue.rememberedIds.peek();
  if (oldest === undefined) return Number.POSITIVE_INFINITY;
  if (queue.rememberedIds.size > (queue.config.keepIds?.count ?? limits.keepIdsMax)) return NOW;
  return oldest.at + (queue.config.keepIds?.ms ?? limits.keepIdsMs) + EXPIRY_SLACK_MS;
}

function expireIds(state: QueueState, at: number, emit: Emit<JobQueueEvent>, limits: JobQueueLimits): boolean {
  for (const queue of state.queues.values()) {
    if (idsDue(queue, limits) > at) continue;
    const excess = queue.rememberedIds.size - (queue.config.keepIds?.count ?? limits.keepIdsMax);
    const oldest = at - (queue.config.keepIds?.ms ?? limits.keepIdsMs);
    let count = 0;
    for (const remembered of queue.rememberedIds) {
      if (count >= SLICE_MAX || (count >= excess && remembered.at > oldest)) break;
      count++;
    }
    if (count > 0 && !emit({ type: "IdsExpired", count, queue: queue.name })) return false;
  }
  return true;
}

function claim(state: QueueState, at: number, emit: Emit<JobQueueEvent>): boolean {
  const board = state.ensureBoard(at);
  for (let claim = board.next(); claim !== undefined; claim = board.next()) {
    const { job, seat } = claim;
    const { member, pool } = seat;
    if (!emit({ type: "AttemptStarted", job: job.number, attempt: job.attempt + 1, member: member.number, pool: pool.index })) return false;
  }
  return true;
}
