/**
 * Everything that can happen to jobs, queues and instances, each a recorded fact.
 *
 * A job is named by its number (it grows by one per history, and stands in `JobAccepted` beside the id), an instance's
 * incarnation by its member number: that keeps a transition at a dozen bytes. Codes and field order are the wire form:
 * a field is only ever added at the end, a changed meaning is a new code. `?` fields are left out from the end on, or null.
 */
import type { BlobRef, EndState, ErrorInfo, JobFilter, NamedBlobWire, Payload, QueueConfig, Scalar, WorkerPool } from "./vocabulary.ts";

/** What an accepted job carries beyond id, topic, queue and input; all of it optional. Names reserved for later: priority, unique, startWithinMs, needs, dependsOn, parent. */
export interface AcceptedOptions {
  readonly retries?: number;
  readonly retryDelayMs?: number;
  readonly timeoutMs?: number;
  readonly notBefore?: number;
  readonly properties?: Readonly<Record<string, Scalar>>;
  /** Number and id of the ended job this one repeats. */
  readonly cause?: readonly [number: number, id: string];
  /** The id was given by the user, and this is the digest of its input: kept to answer repeats. */
  readonly digest?: number;
  readonly key?: string;
  /** The instance that added it. */
  readonly creator?: string;
  /** It is the job of another cluster: what the router of this one calls it. */
  readonly guest?: number;
  readonly inputs?: readonly NamedBlobWire[];
}

export type FailureKind = "failed" | "timed-out" | "lost";
export type ReleaseKind = "handed-back" | "snoozed";
export type OperationKind = "stop" | "retry" | "remove";

export type JobQueueEvent =
  | { readonly type: "JobAccepted"; readonly job: number; readonly id: string; readonly topic: string; readonly queue: string; readonly input: Payload; readonly principal: string; readonly options: AcceptedOptions | undefined }
  /** A job of another cluster that this shard does not take. `shard`: where its queue lives, if that is why. */
  | { readonly type: "SubmitRefused"; readonly guest: number; readonly code: string; readonly message: string; readonly shard?: string | undefined }
  /** The only way a job becomes active. Attempt numbers of a job grow by one. */
  | { readonly type: "AttemptStarted"; readonly job: number; readonly attempt: number; readonly member: number; readonly pool: number }
  /** The attempt failed and the job will be tried again, not before `retryAt`. */
  | { readonly type: "AttemptFailed"; readonly job: number; readonly attempt: number; readonly kind: FailureKind; readonly retryAt: number; readonly error: ErrorInfo | undefined }
  /** The attempt ended without counting as a failure. */
  | { readonly type: "AttemptReleased"; readonly job: number; readonly attempt: number; readonly kind: ReleaseKind; readonly retryAt: number }
  /** The attempt said it is alive: its timeout counts from here. */
  | { readonly type: "AttemptExtended"; readonly job: number; readonly attempt: number }
  /** The one terminal event of a job. `attempt` is 0 when none ran. `outputs`: what that attempt has left, also one that failed. */
  | { readonly type: "JobEnded"; readonly job: number; readonly state: EndState; readonly attempt: number; readonly result: Payload | undefined; readonly reason: string | undefined; readonly error: ErrorInfo | undefined; readonly outputs?: readonly NamedBlobWire[] | undefined }
  | { readonly type: "JobStopRequested"; readonly job: number; readonly reason: string }
  | { readonly type: "JobProgressed"; readonly job: number; readonly attempt: number; readonly fraction: number | null; readonly message: string | null }
  | { readonly type: "JobLogged"; readonly job: number; readonly attempt: number; readonly lines: readonly string[] }
  | { readonly type: "JobPropertySet"; readonly job: number; readonly attempt: number; readonly name: string; readonly value: Scalar }
  /** An ended job was taken out of the history by a user. */
  | { readonly type: "JobRemoved"; readonly job: number }
  /** That many delayed jobs, earliest first, are due now. */
  | { readonly type: "JobsDue"; readonly count: number }
  /** The oldest ended jobs and remembered ids, by count, leave the state. */
  | { readonly type: "EndedExpired"; readonly count: number }
  | { readonly type: "IdsExpired"; readonly count: number; readonly queue: string }
  /** `revision`: of the wanted configuration that says so, absent when a command did; `since`: when the queue was first wanted. */
  | { readonly type: "QueueConfigured"; readonly queue: string; readonly config: QueueConfig; readonly revision?: number | undefined; readonly since?: number | undefined }
  /** A revision of the wanted configuration that the queue does not follow: it goes on as it is. */
  | { readonly type: "ConfigurationRefused"; readonly queue: string; readonly revision: number; readonly code: string; readonly message: string }
  | { readonly type: "QueueSuspended"; readonly queue: string }
  | { readonly type: "QueueResumed"; readonly queue: string }
  | { readonly type: "InstanceJoined"; readonly member: number; readonly instance: string; readonly incarnation: string; readonly principal: string; readonly processors: number; readonly pools: readonly WorkerPool[] }
  | { readonly type: "TopicsChanged"; readonly member: number; readonly pools: readonly WorkerPool[] }
  /** It takes nothing new; what it runs it finishes or hands back. */
  | { readonly type: "InstanceDraining"; readonly member: number }
  /** It is gone; its attempts are taken back in slices by `settle`. */
  | { readonly type: "InstanceLeft"; readonly member: number; readonly reason: string }
  /** The members of the view in its order, the leader first. */
  | { readonly type: "InstancesRanked"; readonly instances: readonly string[] }
  /** Bulk work, continued in slices: the jobs are those that matched at `upTo` and below. */
  | { readonly type: "OperationStarted"; readonly operation: number; readonly kind: OperationKind; readonly filter: JobFilter; readonly upTo: number; readonly principal: string }
  /** The operation has looked at all jobs up to this number. */
  | { readonly type: "OperationAdvanced"; readonly operation: number; readonly cursor: number }
  | { readonly type: "OperationEnded"; readonly operation: number };

export type JobQueueEventType = JobQueueEvent["type"];
export type EventOf<Type extends JobQueueEventType> = Extract<JobQueueEvent, { type: Type }>;

export const EVENT_CODES: Readonly<Record<JobQueueEventType, number>> = {
  JobAccepted: 16, AttemptStarted: 17, AttemptFailed: 18, AttemptReleased: 19, AttemptExtended: 20, JobEnded: 21,
  JobStopRequested: 22, JobProgressed: 23, JobLogged: 24, JobPropertySet: 25, JobRemoved: 26, JobsDue: 27,
  EndedExpired: 28, IdsExpired: 29, QueueConfigured: 30, QueueSuspended: 31, QueueResumed: 32,
  InstanceJoined: 33, TopicsChanged: 34, InstanceDraining: 35, InstanceLeft: 36,
  OperationStarted: 37, OperationAdvanced: 38, OperationEnded: 39, ConfigurationRefused: 40, InstancesRanked: 41,
  SubmitRefused: 42,
};

/** The wire form of a payload: its bytes, or `[principal, digest, bytes]`. */
export type PayloadWire = Uint8Array | readonly [string, string, number];
export const payloadToWire = (payload: Payload): PayloadWire =>
  payload instanceof Uint8Array ? payload : [payload.principal, payload.digest, payload.bytes];
export function payloadFromWire(wire: PayloadWire): Payload {
  if (wire instanceof Uint8Array) return wire;
  const ref: BlobRef = { principal: wire[0], digest: wire[1], bytes: wire[2] };
  return ref;
}
