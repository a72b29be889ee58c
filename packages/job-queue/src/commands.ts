/**
 * What may be asked of JobQueue, and the reasons it may refuse.
 *
 * A message to it is a map of verbs to items, in msgpack or JSON:
 *
 * | verb | roles | item |
 * |---|---|---|
 * | `submit` | submit, operate, actor | `[id or null, topic, input, options or null]` or `{ topic, input, id?, …options }` |
 * | `outcome` | outcome, actor | `[job, attempt, kind, …]`: succeeded `result, message?, outputs?`; failed `error, retryInMs?, outputs?`; canceled `reason, outputs?`; snoozed `ms`; released; timed out; of the router also ended `state, result, reason, error, outputs?` |
 * | `progress` | outcome, actor | `[job, attempt, fraction, message]` |
 * | `log` | outcome, actor | `[job, attempt, lines]` |
 * | `property` | outcome | `[job, attempt, name, value]` |
 * | `extend` | outcome | `[job, attempt]` |
 * | `stop`, `retry`, `remove` | submit (own jobs), operate | `{ id, reason? }` |
 * | `stopAll`, `retryAll`, `removeAll` | operate | `JobFilter` |
 * | `configure` | operate | `{ queue, …QueueConfig }` |
 * | `suspend`, `resume` | operate | `{ queue }` |
 * | `want` | hello | `{ queue, revision, value }` |
 * | `join` | hello | `{ instance, incarnation, processors, pools }` |
 * | `topics` | hello | `{ instance, incarnation, pools }` |
 * | `drain` | hello | `{ instance, incarnation }` |
 * | `leave` | hello | `{ instance, incarnation, reason }` |
 * | `rank` | hello | `{ instances }`, the members of the view in its order |
 * | `route` | actor (the router) | `{ cluster, pools }`: what another cluster takes; it is a member like an instance |
 * | `guest` | actor | `{ guest, origin, id, topic, input, inputs?, options }`: a job of the cluster `origin` |
 * | `stopGuest` | actor | `{ id, reason }` |
 * | `handBack` | actor | `{ guest, id }`: so that it may be done elsewhere, unless an attempt runs or somebody here takes it |
 *
 * The role hello is spoken by the host itself (from hello, heartbeat and probe); a message from outside never has it.
 * In the array form of `submit` an id that is a ULID is one the sender has generated; any other, and every id in the map form, is a user's: it belongs
 * to its topic and is remembered. `job` is the job's number, and `input`/`result` in the array forms are encoded msgpack or `[principal, digest, bytes]`.
 * `inputs` among the options, and `outputs`, are lists of `[name, principal, digest, bytes]`: blobs that were put before.
 */
import type { OperationKind } from "./events.ts";
import type { EndState, ErrorInfo, JobFilter, JobOptions, NamedBlobWire, Payload, QueueConfig, Scalar, WorkerPool } from "./vocabulary.ts";

/** What the attempt has put for others to read; undefined when nothing. */
interface Left {
  readonly outputs?: readonly NamedBlobWire[] | undefined;
}

export type Outcome =
  | ({ readonly kind: "succeeded"; readonly result: Payload | undefined; readonly message: string | undefined } & Left)
  | ({ readonly kind: "failed"; readonly error: ErrorInfo; readonly retryInMs: number | undefined } & Left)
  | ({ readonly kind: "canceled"; readonly reason: string } & Left)
  | { readonly kind: "snoozed"; readonly delayMs: number }
  | { readonly kind: "released" }
  | { readonly kind: "timed-out" }
  /** It was done elsewhere, and this is its end. */
  | ({ readonly kind: "ended"; readonly state: EndState; readonly result: Payload | undefined; readonly reason: string | undefined; readonly error: ErrorInfo | undefined } & Left);

export type JobQueueCommand =
  /** `unnamed`: the sender gave no id and is told the one it got. `stored`: it was durable here before it was decided. */
  | { readonly type: "SubmitJob"; readonly id: string; readonly idGiven: boolean; readonly unnamed?: true; readonly topic: string; readonly input: Payload; readonly options: JobOptions | undefined; readonly guest?: { readonly guest: number; readonly origin: string }; readonly principal: string; readonly stored?: true }
  | { readonly type: "ReportOutcome"; readonly job: number; readonly attempt: number; readonly outcome: Outcome; readonly principal: string }
  | { readonly type: "ReportProgress"; readonly job: number; readonly attempt: number; readonly fraction: number | null; readonly message: string | null; readonly principal: string }
  | { readonly type: "ReportLog"; readonly job: number; readonly attempt: number; readonly lines: readonly string[]; readonly principal: string }
  | { readonly type: "SetProperty"; readonly job: number; readonly attempt: number; readonly name: string; readonly value: Scalar; readonly principal: string }
  | { readonly type: "ExtendAttempt"; readonly job: number; readonly attempt: number; readonly principal: string }
  /** `id` as in `JobAccepted`, without the shard. `owner`: only that principal's jobs. */
  | { readonly type: "StopJob"; readonly id: string; readonly reason: string; readonly owner: string | undefined }
  | { readonly type: "HandBackJob"; readonly guest: number; readonly id: string }
  | { readonly type: "RetryJob"; readonly id: string; readonly newId: string; readonly principal: string; readonly owner: string | undefined }
  | { readonly type: "RemoveJob"; readonly id: string; readonly owner: string | undefined }
  | { readonly type: "OperateJobs"; readonly kind: OperationKind; readonly filter: JobFilter; readonly principal: string }
  | { readonly type: "ConfigureQueue"; readonly queue: string; readonly config: QueueConfig }
  /** What a revision of the wanted configuration says of a queue; `malformed`: why it says nothing. */
  | { readonly type: "WantQueue"; readonly queue: string; readonly revision: number; readonly config: QueueConfig | undefined; readonly since: number | undefined; readonly malformed: string | undefined }
  | { readonly type: "SuspendQueue"; readonly queue: string }
  | { readonly type: "ResumeQueue"; readonly queue: string }
  /** Who is there: made by the host from hello, heartbeat and probe, never by a client. */
  | { readonly type: "JoinInstance"; readonly instance: string; readonly incarnation: string; readonly principal: string; readonly processors: number; readonly pools: readonly WorkerPool[] }
  | { readonly type: "ChangeTopics"; readonly instance: string; readonly incarnation: string; readonly pools: readonly WorkerPool[] }
  /** A job of another cluster that cannot be read: its router must know. */
  | { readonly type: "RefuseSubmit"; readonly guest: number; readonly code: string; readonly message: string }
  | { readonly type: "DrainInstance"; readonly instance: string; readonly incarnation: string }
  | { readonly type: "LeaveInstance"; readonly instance: string; readonly incarnation: string; readonly reason: string }
  | { readonly type: "RankInstances"; readonly instances: readonly string[] };

export type JobQueueRejection = {
  readonly code:
    | "job/id-reused" | "job/not-found" | "job/ended" | "job/not-ended" | "job/stale-attempt" | "job/not-yours"
    | "job/too-many-properties" | "queue/not-found" | "queue/backlog-full" | "queue/invalid" | "queue/moved" | "queue/behind" | "queue/away" | "operation/too-many"
    | "instance/not-yours" | "instance/stale-incarnation" | "instance/too-many";
  readonly message: string;
  readonly detail?: Readonly<Record<string, Scalar>>;
};

/** What an accepted `submit` or `retry` may answer beside "accepted", with whole ids. A `submit` that made the job the sender named answers nothing more. */
export type SubmitAnswer = { readonly deduplicated: string } | { readonly created: string };
/** What an accepted bulk operation answers. */
export interface OperationAnswer {
  readonly operation: number;
}
