/**
 * What each event means for the state: the fold. In place, total, and the only code that changes the state.
 *
 * Payload bytes of an event may be a view of a message or a commit: they are copied here and nowhere else.
 */
import { invariant } from "@longshore/kernel";
import type { AcceptedOptions, EventOf, JobQueueEvent } from "./events.ts";
import { attemptExtended, attemptFailed, attemptReleased, attemptStarted, jobLogged, jobPropertySet } from "./evolve-attempts.ts";
import { evolveMembers } from "./evolve-members.ts";
import { evolveQueues } from "./evolve-queues.ts";
import type { Job, JobExtra } from "./job.ts";
import { countActive, countWaiting, endRun, leaveLane, makeReady, sleepUntil, topicStatistics } from "./lifecycle.ts";
import { HANDOVER_MS } from "./limits.ts";
import { NONE } from "./records.ts";
import type { QueueState } from "./state.ts";
import { TAKEN_AWAY } from "./vocabulary.ts";

export function evolve(state: QueueState, event: JobQueueEvent, at: number): void {
  if (!state.hasBegun) state.begin(at);
  switch (event.type) {
    case "JobAccepted": return jobAccepted(state, event, at);
    case "SubmitRefused": return;
    case "AttemptStarted": return attemptStarted(state, event, at);
    case "AttemptFailed": return attemptFailed(state, event, at);
    case "AttemptReleased": return attemptReleased(state, event, at);
    case "AttemptExtended": return attemptExtended(state, event, at);
    case "JobEnded": return jobEnded(state, event, at);
    case "JobStopRequested":
      state.job(event.job).ensuredExtra.stopReason = event.reason;
      return;
    case "JobProgressed":
      state.job(event.job).ensuredExtra.progress = { fraction: event.fraction, message: event.message, at };
      return;
    case "JobLogged": return jobLogged(state, event);
    case "JobPropertySet": return jobPropertySet(state, event);
    case "JobRemoved": return forget(state, state.job(event.job));
    case "JobsDue": return jobsDue(state, event.count, at);
    case "EndedExpired": return endedExpired(state, event.count);
    case "IdsExpired": case "QueueConfigured": case "ConfigurationRefused": case "QueueSuspended": case "QueueResumed":
    case "OperationStarted": case "OperationAdvanced": case "OperationEnded":
      return evolveQueues(state, event, at);
    case "InstanceJoined": case "TopicsChanged": case "InstanceDraining": case "InstanceLeft": case "InstancesRanked":
      return evolveMembers(state, event, at);
  }
}

function jobAccepted(state: QueueState, event: EventOf<"JobAccepted">, at: number): void {
  const { job: number, id, topic, input, principal, options } = event;
  invariant(number === state.next.job, `job ${number} is accepted where ${state.next.job} would be next`);
  state.next.job++;
  const queue = state.queue(event.queue);
  const job = state.jobs.add({
    number, id, topic, queue, principal, createdAt: at, input,
    retries: options?.retries, retryDelayMs: options?.retryDelayMs, timeoutMs: options?.timeoutMs, digest: options?.digest, extra: extraOf(options),
  });
  countWaiting(state, job, 1);
  if (options?.guest !== undefined) {
    state.guests.add(number);
    queue.guests++;
  }
  if (options?.digest !== undefined) rememberId(state, event, options.digest, at);
  if (options?.cause !== undefined) state.jobs.get(options.cause[0])?.markRetried();
  if (queue.isOrdered) queue.lane(job).push(job);
  const notBefore = options?.notBefore;
  if (notBefore !== undefined && notBefore > at) sleepUntil(state, job, notBefore, "not-before", at);
  else makeReady(state, job, at);
}

function extraOf(options: AcceptedOptions | undefined): JobExtra | undefined {
  const { properties, cause, key, creator, guest, inputs } = options ?? {};
  if (properties === undefined && cause === undefined && key === undefined && creator === undefined && guest === undefined && inputs === undefined) return undefined;
  return {
    ...(properties === undefined ? {} : { properties: { ...properties } }), ...(cause === undefined ? {} : { cause }),
    ...(key === undefined ? {} : { key }), ...(creator === undefined ? {} : { creator }), ...(guest === undefined ? {} : { guest }),
    ...(inputs === undefined ? {} : { inputs }),
  };
}

function rememberId(state: QueueState, { id, queue }: EventOf<"JobAccepted">, digest: number, at: number): void {
  const remembered = { id, digest, at };
  state.rememberedIds.set(id, remembered);
  state.queue(queue).rememberedIds.push(remembered);
}

function jobEnded(state: QueueState, event: EventOf<"JobEnded">, at: number): void {
  const job = state.job(event.job);
  invariant(!job.isEnded, `job ${event.job} ends a second time`);
  const startedAt = job.isActive ? job.since : at;
  if (job.isActive) stopRunning(state, job, event, at);
  else stopWaiting(state, job);
  countEnd(state, job, event, at, startedAt);
  if (job.extra?.guest !== undefined) job.queue.guests--;
  job.finish(event.state, event.result, at);
  if (event.outputs !== undefined) job.leaveOutputs(event.outputs);
  if (event.reason !== undefined || job.extra !== undefined) job.ensuredExtra.reason = event.reason;
  if (event.error !== undefined || job.extra !== undefined) job.ensuredExtra.error = event.error;
  state.ended.push(job);
  state.endedBytes += job.payloadBytes;
}

function stopRunning(state: QueueState, job: Job, event: EventOf<"JobEnded">, at: number): void {
  const { queue } = job;
  endRun(state, job);
  countActive(state, job, -1);
  if (!queue.isOrdered) return;
  if (event.state === "dropped" || event.reason === TAKEN_AWAY.lost || event.reason === TAKEN_AWAY.overdue) queue.heldUntil = at + HANDOVER_MS;
  leaveLane(state, job);
}

function stopWaiting(state: QueueState, job: Job): void {
  const { isAsleep } = job;
  if (isAsleep) state.delays.remove(job.row);
  countWaiting(state, job, -1);
  if (!isAsleep || job.queue.isOrdered) leaveLane(state, job);
}

function countEnd(state: QueueState, job: Job, event: EventOf<"JobEnded">, at: number, startedAt: number): void {
  const topic = topicStatistics(state, job.topic, at);
  if (event.state === "succeeded") {
    job.queue.statistics.succeeded(at, at - startedAt);
    topic?.succeeded(at, at - startedAt);
    return;
  }
  job.queue.statistics.canceled++;
  if (topic !== undefined) topic.canceled++;
  if (event.state === "given-up") job.addFailure();
}

/** An ended job leaves the state. */
function forget(state: QueueState, job: Job): void {
  invariant(job.isEnded, `job ${job.number} leaves the history although it has not ended`);
  state.ended.remove(job);
  state.endedBytes -= job.payloadBytes;
  if (state.guests.size > 0) state.guests.delete(job.number);
  state.jobs.remove(job);
}

function jobsDue(state: QueueState, count: number, at: number): void {
  for (let i = 0; i < count; i++) {
    const row = state.delays.firstRow;
    invariant(row !== NONE, "more jobs are due than sleep");
    state.delays.remove(row);
    makeReady(state, state.jobs.at(row), at);
  }
}

function endedExpired(state: QueueState, count: number): void {
  for (let i = 0; i < count; i++) {
    const oldest = state.ended.first;
    invariant(oldest !== undefined, "more ended jobs expire than there are");
    forget(state, oldest);
  }
}
