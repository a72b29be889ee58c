/** Events as arrays for the journal, `[code, …fields]` in the order of `events.ts`, and back. */

import type { EventCodec } from "@longshore/kernel";
import { Defect } from "@longshore/kernel";
import type { AcceptedOptions, FailureKind, JobQueueEvent, OperationKind, PayloadWire, ReleaseKind } from "./events.ts";
import { EVENT_CODES as CODE, payloadFromWire, payloadToWire } from "./events.ts";
import type { EndState, ErrorInfo, JobFilter, NamedBlobWire, QueueConfig, Scalar, WorkerPool } from "./vocabulary.ts";
import { END_STATES } from "./vocabulary.ts";

const FAILURE_KINDS: readonly FailureKind[] = ["failed", "timed-out", "lost"];
const RELEASE_KINDS: readonly ReleaseKind[] = ["handed-back", "snoozed"];
const OPERATION_KINDS: readonly OperationKind[] = ["stop", "retry", "remove"];

/** Leaves out what is undefined at the end; in between it becomes null. */
function trimmed(...fields: unknown[]): readonly unknown[] {
  let length = fields.length;
  while (fields[length - 1] === undefined) length--;
  fields.length = length;
  return fields;
}

function encode(event: JobQueueEvent): readonly unknown[] {
  switch (event.type) {
    case "JobAccepted": return jobAcceptedToWire(event);
    case "SubmitRefused": return trimmed(CODE.SubmitRefused, event.guest, event.code, event.message, event.shard);
    case "AttemptStarted": return [CODE.AttemptStarted, event.job, event.attempt, event.member, event.pool];
    case "AttemptFailed":
      return trimmed(CODE.AttemptFailed, event.job, event.attempt, FAILURE_KINDS.indexOf(event.kind), event.retryAt, errorToWire(event.error));
    case "AttemptReleased": return [CODE.AttemptReleased, event.job, event.attempt, RELEASE_KINDS.indexOf(event.kind), event.retryAt];
    case "AttemptExtended": return [CODE.AttemptExtended, event.job, event.attempt];
    case "JobEnded": return jobEndedToWire(event);
    case "JobStopRequested": return [CODE.JobStopRequested, event.job, event.reason];
    case "JobProgressed": return [CODE.JobProgressed, event.job, event.attempt, event.fraction, event.message];
    case "JobLogged": return [CODE.JobLogged, event.job, event.attempt, event.lines];
    case "JobPropertySet": return [CODE.JobPropertySet, event.job, event.attempt, event.name, event.value];
    case "JobRemoved": return [CODE.JobRemoved, event.job];
    case "JobsDue": case "EndedExpired": return [CODE[event.type], event.count];
    case "IdsExpired": return [CODE.IdsExpired, event.count, event.queue];
    case "QueueConfigured": return trimmed(CODE.QueueConfigured, event.queue, event.config, event.revision, event.since);
    case "ConfigurationRefused": return [CODE.ConfigurationRefused, event.queue, event.revision, event.code, event.message];
    case "QueueSuspended": case "QueueResumed": return [CODE[event.type], event.queue];
    case "InstanceJoined":
      return [CODE.InstanceJoined, event.member, event.instance, event.incarnation, event.principal, event.processors, poolsToWire(event.pools)];
    case "TopicsChanged": return [CODE.TopicsChanged, event.member, poolsToWire(event.pools)];
    case "InstanceDraining": return [CODE.InstanceDraining, event.member];
    case "InstanceLeft": return [CODE.InstanceLeft, event.member, event.reason];
    case "InstancesRanked": return [CODE.InstancesRanked, event.instances];
    case "OperationStarted":
      return [CODE.OperationStarted, event.operation, OPERATION_KINDS.indexOf(event.kind), event.filter, event.upTo, event.principal];
    case "OperationAdvanced": return [CODE.OperationAdvanced, event.operation, event.cursor];
    case "OperationEnded": return [CODE.OperationEnded, event.operation];
  }
}

function jobAcceptedToWire(event: Extract<JobQueueEvent, { type: "JobAccepted" }>): readonly unknown[] {
  const { job, id, topic, queue, input, principal, options } = event;
  const wire: unknown[] = [CODE.JobAccepted, job, id, topic, queue, payloadToWire(input), principal];
  if (options !== undefined) wire.push(options);
  return wire;
}

function jobEndedToWire(event: Extract<JobQueueEvent, { type: "JobEnded" }>): readonly unknown[] {
  const { job, state, attempt, result, reason, error, outputs } = event;
  return trimmed(CODE.JobEnded, job, END_STATES.indexOf(state), attempt, result === undefined ? undefined : payloadToWire(result), reason, errorToWire(error), outputs);
}

const errorToWire = (error: ErrorInfo | undefined): readonly string[] | undefined =>
  error === undefined ? undefined : error.stack === undefined ? [error.name, error.message] : [error.name, error.message, error.stack];

function errorFromWire(wire: unknown): ErrorInfo | undefined {
  if (!Array.isArray(wire)) return undefined;
  const [name, message, stack] = wire as [string, string, string?];
  return stack === undefined ? { name, message } : { name, message, stack };
}

const poolsToWire = (pools: readonly WorkerPool[]): readonly unknown[] => pools.map(({ topics, slots, labels }) => (labels === undefined ? [topics, slots] : [topics, slots, labels]));
const poolsFromWire = (wire: unknown): readonly WorkerPool[] =>
  (wire as readonly [readonly string[], number, WorkerPool["labels"]?][]).map(([topics, slots, labels]) => (labels === undefined ? { topics, slots } : { topics, slots, labels }));

/** Fields of a wire event, each as its type says: it was written by `encode`, behind a hash. */
type Fields = readonly [code: number, ...rest: never[]];

function decode(wire: readonly unknown[]): JobQueueEvent {
  const [code, ...fields] = wire as Fields;
  const read = READERS[code];
  if (read === undefined) throw new Defect(`the journal has an event with code ${code}, which this program does not know`);
  return read(...fields);
}

type Reader = (...fields: never[]) => JobQueueEvent;

const READERS: Readonly<Record<number, Reader>> = {
  [CODE.JobAccepted]: (job: number, id: string, topic: string, queue: string, input: PayloadWire, principal: string, options?: AcceptedOptions) =>
    ({ type: "JobAccepted", job, id, topic, queue, input: payloadFromWire(input), principal, options }),
  [CODE.SubmitRefused]: (guest: number, code: string, message: string, shard?: string) => ({ type: "SubmitRefused", guest, code, message, shard }),
  [CODE.AttemptStarted]: (job: number, attempt: number, member: number, pool: number) => ({ type: "AttemptStarted", job, attempt, member, pool }),
  [CODE.AttemptFailed]: (job: number, attempt: number, kind: number, retryAt: number, error?: unknown) =>
    ({ type: "AttemptFailed", job, attempt, kind: FAILURE_KINDS[kind]!, retryAt, error: errorFromWire(error) }),
  [CODE.AttemptReleased]: (job: number, attempt: number, kind: number, retryAt: number) =>
    ({ type: "AttemptReleased", job, attempt, kind: RELEASE_KINDS[kind]!, retryAt }),
  [CODE.AttemptExtended]: (job: number, attempt: number) => ({ type: "AttemptExtended", job, attempt }),
  [CODE.JobEnded]: (job: number, state: number, attempt: number, result?: PayloadWire | null, reason?: string | null, error?: unknown, outputs?: readonly NamedBlobWire[]) => ({
    type: "JobEnded", job, state: END_STATES[state] as EndState, attempt,
    result: result === undefined || result === null ? undefined : payloadFromWire(result), reason: reason ?? undefined, error: errorFromWire(error),
    ...(outputs === undefined ? {} : { outputs }),
  }),
  [CODE.JobStopRequested]: (job: number, reason: string) => ({ type: "JobStopRequested", job, reason }),
  [CODE.JobProgressed]: (job: number, attempt: number, fraction: number | null, message: string | null) =>
    ({ type: "JobProgressed", job, attempt, fraction, message }),
  [CODE.JobLogged]: (job: number, attempt: number, lines: readonly string[]) => ({ type: "JobLogged", job, attempt, lines }),
  [CODE.JobPropertySet]: (job: number, attempt: number, name: string, value: Scalar) => ({ type: "JobPropertySet", job, attempt, name, value }),
  [CODE.JobRemoved]: (job: number) => ({ type: "JobRemoved", job }),
  [CODE.JobsDue]: (count: number) => ({ type: "JobsDue", count }),
  [CODE.EndedExpired]: (count: number) => ({ type: "EndedExpired", count }),
  [CODE.IdsExpired]: (count: number, queue: string) => ({ type: "IdsExpired", count, queue }),
  [CODE.QueueConfigured]: (queue: string, config: QueueConfig, revision?: number | null, since?: number | null) =>
    ({ type: "QueueConfigured", queue, config, revision: revision ?? undefined, since: since ?? undefined }),
  [CODE.ConfigurationRefused]: (queue: string, revision: number, code: string, message: string) => ({ type: "ConfigurationRefused", queue, revision, code, message }),
  [CODE.QueueSuspended]: (queue: string) => ({ type: "QueueSuspended", queue }),
  [CODE.QueueResumed]: (queue: string) => ({ type: "QueueResumed", queue }),
  [CODE.InstanceJoined]: (member: number, instance: string, incarnation: string, principal: string, processors: number, pools: unknown) =>
    ({ type: "InstanceJoined", member, instance, incarnation, principal, processors, pools: poolsFromWire(pools) }),
  [CODE.TopicsChanged]: (member: number, pools: unknown) => ({ type: "TopicsChanged", member, pools: poolsFromWire(pools) }),
  [CODE.InstanceDraining]: (member: number) => ({ type: "InstanceDraining", member }),
  [CODE.InstanceLeft]: (member: number, reason: string) => ({ type: "InstanceLeft", member, reason }),
  [CODE.InstancesRanked]: (instances: readonly string[]) => ({ type: "InstancesRanked", instances }),
  [CODE.OperationStarted]: (operation: number, kind: number, filter: JobFilter, upTo: number, principal: string) =>
    ({ type: "OperationStarted", operation, kind: OPERATION_KINDS[kind]!, filter, upTo, principal }),
  [CODE.OperationAdvanced]: (operation: number, cursor: number) => ({ type: "OperationAdvanced", operation, cursor }),
  [CODE.OperationEnded]: (operation: number) => ({ type: "OperationEnded", operation }),
};

export const eventCodec: EventCodec<JobQueueEvent> = { encode, decode };
