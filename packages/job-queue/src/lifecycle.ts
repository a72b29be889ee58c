/** The steps of a job's life that several events share. Called by the fold only. */
import { invariant } from "@longshore/kernel";
import type { DelayReason, Job } from "./job.ts";
import { TOPIC_STATISTICS_MAX } from "./limits.ts";
import type { QueueState } from "./state.ts";
import { Statistics } from "./statistics.ts";

/** The job sleeps until an instant. */
export function sleepUntil(state: QueueState, job: Job, until: number, reason: DelayReason, at: number): void {
  job.fallAsleep(until, reason, at);
  state.delays.push(job.row, until);
  if (job.queue.isOrdered) refreshLane(state, job);
}

/** The job stands behind all that are ready now; in an ordered queue it keeps its place. */
export function makeReady(state: QueueState, job: Job, at: number): void {
  job.becomeReady(state.next.order++, at);
  const { queue } = job;
  const lane = queue.lane(job);
  if (!queue.isOrdered) lane.push(job);
  if (lane.isFirst(job)) state.liveBoard?.refresh(lane);
}

/** A ready job leaves its lane. In an ordered queue only an ended one does. */
export function leaveLane(state: QueueState, job: Job): void {
  const { queue } = job;
  const lane = queue.lane(job);
  lane.remove(job);
  state.liveBoard?.refresh(lane);
  queue.dropIfIdle(lane);
}

export const refreshLane = (state: QueueState, job: Job): void => state.liveBoard?.refresh(job.queue.lane(job));

/** The live attempt is over; its slot is free. */
export function endRun(state: QueueState, job: Job): void {
  invariant(job.isActive, `attempt ${job.attempt} of job ${job.number} ends although none is live`);
  const member = state.member(job.member);
  state.deadlines.remove(job.row);
  member.end(job);
  state.liveBoard?.freed(member);
  if (member.leftBecause !== undefined && member.running.size === 0) {
    state.lost.delete(member);
    state.members.delete(member.number);
  }
}

/** After an attempt that was not the last. */
export function requeue(state: QueueState, job: Job, retryAt: number, reason: DelayReason, at: number): void {
  endRun(state, job);
  countWaiting(state, job, 1);
  countActive(state, job, -1);
  if (retryAt > at) sleepUntil(state, job, retryAt, reason, at);
  else makeReady(state, job, at);
}

export function countWaiting(state: QueueState, job: Job, change: 1 | -1): void {
  state.queued += change;
  job.queue.statistics.queued += change;
}

export function countActive(state: QueueState, job: Job, change: 1 | -1): void {
  state.active += change;
  job.queue.statistics.active += change;
}

/** Statistics of a topic; undefined when there are too many topics to count each. */
export function topicStatistics(state: QueueState, topic: string, at: number): Statistics | undefined {
  let statistics = state.topics.get(topic);
  if (statistics === undefined && state.topics.size < TOPIC_STATISTICS_MAX) {
    statistics = new Statistics(at);
    state.topics.set(topic, statistics);
  }
  return statistics;
}
