/**
 * The decider: which commands are accepted, and what they mean.
 *
 *                        AttemptReleased, AttemptFailed
 *             ┌───────────────(retryAt)──────────────┐
 *             ▼                                      │
 *   JobAccepted ─▶ queued ────AttemptStarted────▶ active ──JobEnded──▶ succeeded
 *                    │                               │ ──JobEnded──▶ given-up   failures used up
 *                    │                               │ ──JobEnded──▶ error      the handler says: never again
 *                    ├───────────JobEnded────────────┼──────────────▶ stopped   somebody asked
 *                    └───────────JobEnded────────────┴──────────────▶ dropped   somebody removed it, or its cluster has it back
 *
 *   ended ──JobRemoved, EndedExpired──▶ gone        ended ──retry──▶ another job, with this one as its cause
 *
 * A job has one end. A queued job is ready, or sleeps until an instant (`Delay`), or waits behind others; what it waits
 * for can always be named (`why.ts`). `AttemptStarted` is emitted by `settle` alone, when a slot is free: no command
 * starts anything, so limits and order are judged in one place.
 *
 * An attempt is named by job and number, and the number grows with every start, whatever ended the one before: so a late
 * word about an older attempt is known for what it is and changes nothing. How often a job may fail is another counter.
 *
 * Repeats are harmless: a job id that is there, a stop that was asked for, an instance that has joined are "already so"
 * (accepted, no events). A user's id is remembered with a digest of its input for as long as the queue says, however
 * long ago the job has left the history.
 */
import { accepted } from "@longshore/kernel";
import type { JobQueueCommand } from "./commands.ts";
import { decideMember } from "./decide-members.ts";
import { decideQueue } from "./decide-queues.ts";
import type { QueueDecision } from "./decision.ts";
import { no } from "./decision.ts";
import { digestOf } from "./digest.ts";
import type { AcceptedOptions, JobQueueEvent } from "./events.ts";
import type { Job } from "./job.ts";
import type { JobQueueLimits } from "./limits.ts";
import { DEFAULT_QUEUE, INPUT_LIMITS } from "./limits.ts";
import { isHeadAway } from "./offload.ts";
import { ended, outcomeEvent } from "./outcomes.ts";
import type { Queue } from "./queue.ts";
import { shardFor } from "./routing.ts";
import type { QueueState } from "./state.ts";
import { HANDED_BACK } from "./vocabulary.ts";

type CommandOf<Type extends JobQueueCommand["type"]> = Extract<JobQueueCommand, { type: Type }>;
type ByWorker = CommandOf<"ReportOutcome" | "ReportProgress" | "ReportLog" | "SetProperty" | "ExtendAttempt">;

/** What a decision needs to know beside the state. */
export interface Setting {
  readonly cluster: string;
  readonly shard: string;
  readonly limits: JobQueueLimits;
}

export function decide(state: QueueState, command: JobQueueCommand, at: number, setting: Setting): QueueDecision {
  switch (command.type) {
    case "SubmitJob": return command.guest === undefined ? submit(state, command, at, setting) : takeIn(state, command, command.guest.guest, at, setting);
    case "RefuseSubmit": return accepted({ type: "SubmitRefused", guest: command.guest, code: command.code, message: command.message });
    case "ReportOutcome": case "ReportProgress": case "ReportLog": case "SetProperty": case "ExtendAttempt":
      return report(state, command, at);
    case "StopJob": return stop(state, command);
    case "HandBackJob": return handBack(state, command, at);
    case "RetryJob": return retry(state, command, setting);
    case "RemoveJob": return remove(state, command);
    case "OperateJobs": case "ConfigureQueue": case "WantQueue": case "SuspendQueue": case "ResumeQueue":
      return decideQueue(state, command, setting.limits);
    case "JoinInstance": case "ChangeTopics": case "DrainInstance": case "LeaveInstance": case "RankInstances":
      return decideMember(state, command, setting.limits);
  }
}

function submit(state: QueueState, command: CommandOf<"SubmitJob">, at: number, setting: Setting): QueueDecision {
  const { shard } = setting;
  const { id, topic, input, principal, options } = command;
  const digest = command.idGiven ? digestOf(input, options?.inputs) : undefined;
  const existing = state.jobs.withId(id);
  const answer = command.unnamed === true ? { created: `${shard}.${id}` } : undefined;
  if (digest === undefined && existing !== undefined) return { kind: "accepted", events: [], answer };
  if (digest !== undefined) {
    const known = existing?.digest ?? state.rememberedIds.get(id)?.digest;
    if (known === digest) return { kind: "accepted", events: [], answer: { deduplicated: `${shard}.${id}` } };
    if (known !== undefined) return no("job/id-reused", `the id "${id}" was given before with another input: choose another id, or send the same input`);
  }
  const behind = whyBehind(state, command);
  if (behind !== undefined) return behind;
  const queue = options?.queue === undefined ? state.queueFor(topic) : state.queues.get(options.queue);
  if (queue === undefined) return no("queue/not-found", `there is no queue "${options?.queue}": configure it first`);
  const refusal = whyElsewhere(state, queue, command, shard) ?? whyNotNow(state, queue, command, setting);
  if (refusal !== undefined) return refusal;
  const taken = options === undefined && digest === undefined && command.guest === undefined ? undefined : takenOptions(command, queue, digest, at);
  const event: JobQueueEvent = { type: "JobAccepted", job: state.next.job, id, topic, queue: queue.name, input, principal, options: taken };
  return { kind: "accepted", events: [event], answer };
}

/** A job of another cluster: its router must hear of a refusal too, so that it is an event. It waited in the inbox, but belongs where its queue lives. */
function takeIn(state: QueueState, command: CommandOf<"SubmitJob">, guest: number, at: number, setting: Setting): QueueDecision {
  const { stored: _, ...direct } = command;
  const decision = submit(state, direct, at, setting);
  if (decision.kind === "accepted") return decision;
  const { code, message, detail } = decision.rejection;
  const shard = detail?.["shard"];
  return accepted({ type: "SubmitRefused", guest, code, message, shard: typeof shard === "string" ? shard : undefined });
}

/**
 * What runs is finished here, and what somebody here takes will run; only this history knows. What has ended has told its end. The
 * router asks again for as long as it sees nobody.
 */
function handBack(state: QueueState, { guest, id }: CommandOf<"HandBackJob">, at: number): QueueDecision {
  const job = state.jobs.withId(id);
  const isWaiting = job?.isQueued === true && job.extra?.guest === guest;
  return isWaiting && state.ensureBoard(at).capable(job).length === 0 ? accepted(ended(job, "dropped", { reason: HANDED_BACK })) : accepted();
}

/** The sender knows of a configuration that this shard has yet to hear of: by the one it knows it might choose wrongly. */
function whyBehind({ configuredUpTo }: QueueState, { options, stored }: CommandOf<"SubmitJob">): QueueDecision | undefined {
  if (stored === true || (options?.revision ?? 0) <= configuredUpTo) return undefined;
  return no("queue/behind", `this shard has read the wanted configuration up to revision ${configuredUpTo}: send it again in a moment`, { revision: configuredUpTo });
}

/**
 * A job of a queue that lives elsewhere is refused, with its place. What was stored in this shard's inbox is taken all the
 * same: it has been durable here, nobody waits who could send it on, and this shard can see it through.
 */
function whyElsewhere(state: QueueState, { name, config, revision = 0 }: Queue, { id, options, stored }: CommandOf<"SubmitJob">, shard: string): QueueDecision | undefined {
  if (stored === true || name === DEFAULT_QUEUE || (config.shard === undefined && config.partitions === undefined && revision === 0)) return undefined;
  const place = shardFor(config, options?.key ?? id);
  if (place === shard) return undefined;
  return no("queue/moved", `queue "${name}" lives in shard ${place} since revision ${revision}: send it there`, { queue: name, shard: place, revision: state.configuredUpTo });
}

function whyNotNow(state: QueueState, queue: Queue, { guest }: CommandOf<"SubmitJob">, { cluster, limits }: Setting): QueueDecision | undefined {
  const full = whyFull(state, limits);
  if (full !== undefined) return no("queue/backlog-full", full);
  if (guest === undefined || guest.origin < cluster || !isHeadAway(state, queue)) return undefined;
  return no("queue/away", `queue "${queue.name}" is ordered, and its head is in another cluster itself`);
}

function whyFull(state: QueueState, limits: JobQueueLimits): string | undefined {
  if (state.queued >= limits.backlogMax) return `${state.queued} jobs are waiting, and no more than ${limits.backlogMax} may: add workers, or add later`;
  if (state.jobs.payloads.bytes < limits.payloadBytesMax) return undefined;
  return `waiting payloads fill ${limits.payloadBytesMax} bytes: add workers, or send large payloads by reference`;
}

/** What the event keeps of the options; undefined when nothing. */
function takenOptions({ options = {}, guest }: CommandOf<"SubmitJob">, queue: Queue, digest: number | undefined, at: number): AcceptedOptions | undefined {
  const { retries, retryDelayMs, timeoutMs, notBefore, delayMs, key, properties, creator, inputs } = options;
  const startsAt = Math.max(notBefore ?? 0, delayMs === undefined ? 0 : at + delayMs);
  const taken: AcceptedOptions = {
    ...(retries === undefined ? {} : { retries }), ...(retryDelayMs === undefined ? {} : { retryDelayMs }),
    ...(timeoutMs === undefined || timeoutMs === 0 ? {} : { timeoutMs }), ...(startsAt > at ? { notBefore: startsAt } : {}),
    ...(properties === undefined ? {} : { properties }), ...(digest === undefined ? {} : { digest }), ...(key === undefined ? {} : { key }),
    ...(creator === undefined || queue.config.placement !== "creator" ? {} : { creator }),
    ...(guest === undefined ? {} : { guest: guest.guest }), ...(inputs === undefined ? {} : { inputs }),
  };
  return Object.keys(taken).length === 0 ? undefined : taken;
}

/** A worker's word about its live attempt. */
function report(state: QueueState, command: ByWorker, at: number): QueueDecision {
  const job = state.jobs.get(command.job);
  if (job === undefined || !job.isActive || job.attempt !== command.attempt) {
    return no("job/stale-attempt", `attempt ${command.attempt} of job ${command.job} is not live: it has ended or was taken back, drop it`);
  }
  if (state.member(job.member).principal !== command.principal) return no("job/not-yours", `attempt ${command.attempt} of job ${command.job} runs for another principal`);
  switch (command.type) {
    case "ReportOutcome": return accepted(outcomeEvent(job, command.outcome, at));
    case "ReportProgress": {
      const { attempt, fraction, message } = command;
      return accepted({ type: "JobProgressed", job: job.number, attempt, fraction, message });
    }
    case "ReportLog": return accepted({ type: "JobLogged", job: job.number, attempt: command.attempt, lines: command.lines });
    case "SetProperty": return setProperty(job, command);
    case "ExtendAttempt":
      return job.timeoutMs === 0 ? accepted() : accepted({ type: "AttemptExtended", job: job.number, attempt: command.attempt });
  }
}

function setProperty(job: Job, { attempt, name, value }: CommandOf<"SetProperty">): QueueDecision {
  const properties = job.extra?.properties;
  const isNew = properties === undefined || !Object.hasOwn(properties, name);
  if (isNew && value === null) return accepted();
  if (isNew && properties !== undefined && Object.keys(properties).length >= INPUT_LIMITS.propertiesMax) {
    return no("job/too-many-properties", `job ${job.number} has ${INPUT_LIMITS.propertiesMax} properties, and no more are kept`);
  }
  return accepted({ type: "JobPropertySet", job: job.number, attempt, name, value });
}

type Found = { readonly job: Job } | { readonly refusal: QueueDecision };

function find(state: QueueState, { id, owner }: { readonly id: string; readonly owner: string | undefined }): Found {
  const job = state.jobs.withId(id);
  if (job === undefined) return { refusal: no("job/not-found", `there is no job "${id}" here: it never was, was removed, or has left the history`) };
  if (owner !== undefined && job.principal !== owner) return { refusal: no("job/not-yours", `job "${id}" was added by another principal`) };
  return { job };
}

function stop(state: QueueState, command: CommandOf<"StopJob">): QueueDecision {
  const found = find(state, command);
  if ("refusal" in found) return found.refusal;
  const event = stopEvent(found.job, command.reason);
  if (event !== undefined) return accepted(event);
  const { job } = found;
  return job.isEnded && job.state !== "stopped" ? no("job/ended", `job "${job.id}" has ended: ${job.state}`) : accepted();
}

/** A queued job ends at once, an active one is told; undefined when there is nothing to do. */
export function stopEvent(job: Job, reason: string): JobQueueEvent | undefined {
  if (job.isEnded || job.stopRequested) return undefined;
  return job.isQueued ? ended(job, "stopped", { reason }) : { type: "JobStopRequested", job: job.number, reason };
}

function remove(state: QueueState, command: CommandOf<"RemoveJob">): QueueDecision {
  const found = find(state, command);
  return "refusal" in found ? found.refusal : accepted(removeEvent(found.job));
}

/** A live job is dropped, an ended one leaves the history. */
export const removeEvent = (job: Job): JobQueueEvent =>
  job.isEnded ? { type: "JobRemoved", job: job.number } : ended(job, "dropped", {});

function retry(state: QueueState, command: CommandOf<"RetryJob">, { shard, limits }: Setting): QueueDecision {
  const found = find(state, command);
  if ("refusal" in found) return found.refusal;
  const { job } = found;
  const answer = { created: `${shard}.${command.newId}` };
  if (state.jobs.withId(command.newId) !== undefined) return { kind: "accepted", events: [], answer };
  if (!job.isEnded) return no("job/not-ended", `job "${job.id}" is ${job.state}: only an ended job is repeated`);
  const full = whyFull(state, limits);
  if (full !== undefined) return no("queue/backlog-full", full);
  return { kind: "accepted", events: [retryEvent(state, job, command.newId, command.principal)], answer };
}

/** The same work as another job. */
export function retryEvent(state: QueueState, job: Job, id: string, principal: string): JobQueueEvent {
  const { ownRetries: retries, ownRetryDelayMs: retryDelayMs, timeoutMs, extra } = job;
  const { properties, key, creator, inputs } = extra ?? {};
  const options: AcceptedOptions = {
    ...(retries === undefined ? {} : { retries }), ...(retryDelayMs === undefined ? {} : { retryDelayMs }),
    ...(timeoutMs === 0 ? {} : { timeoutMs }), ...(properties === undefined ? {} : { properties }), ...(key === undefined ? {} : { key }),
    ...(creator === undefined ? {} : { creator }), ...(inputs === undefined ? {} : { inputs }), cause: [job.number, job.id],
  };
  return { type: "JobAccepted", job: state.next.job, id, topic: job.topic, queue: job.queue.name, input: job.input, principal, options };
}
