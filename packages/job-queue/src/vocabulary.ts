/**
 * The words JobQueue shares with everybody who speaks to it: states, options, views, what a worker is told.
 *
 * Times are milliseconds of server time (UTC). Ids on this page are whole job ids: `<shard>.<local id>`.
 */
import type { BlobRef } from "@longshore/kernel";

export type { BlobRef } from "@longshore/kernel";

/** Sling's words. The first two are live, the others are ends, and a job has exactly one end. */
export type JobState = "queued" | "active" | EndState;
export type EndState = "succeeded" | "stopped" | "given-up" | "error" | "dropped";
export const END_STATES: readonly EndState[] = ["succeeded", "stopped", "given-up", "error", "dropped"];

/** Why a queued job waits. */
export type WaitReason = "not-before" | "retry" | "suspended" | "no-capable-instance" | "limit" | "order" | "offloaded";

export type Scalar = string | number | boolean | null;

/** A blob under the name that its job has for it. The name is for people and programs, never a path. */
export interface NamedBlob extends BlobRef {
  readonly name: string;
}

/** A named blob as it travels and as histories have it: at most `blobsMax` of them per job, each name once. */
export type NamedBlobWire = readonly [name: string, principal: string, digest: string, bytes: number];
export const namedBlobToWire = ({ name, principal, digest, bytes }: NamedBlob): NamedBlobWire => [name, principal, digest, bytes];
export const namedBlobFromWire = ([name, principal, digest, bytes]: NamedBlobWire): NamedBlob => ({ name, principal, digest, bytes });

/** Encoded msgpack, never decoded on its way from the sender to the worker; or where it is. */
export type Payload = Uint8Array | BlobRef;

/** What a submitter may say of one job; what is absent comes from the queue. */
export interface JobOptions {
  /** Failures after which the job gives up: n means up to n + 1 executions. −1: endless. */
  readonly retries?: number;
  readonly retryDelayMs?: number;
  /** Longest run of one attempt; 0: no bound. */
  readonly timeoutMs?: number;
  /** Not started before this instant. */
  readonly notBefore?: number;
  readonly delayMs?: number;
  /** Name of the queue; absent: the first whose topics match. */
  readonly queue?: string;
  /** Jobs with the same key go to the same partition of their queue; absent: the id decides. */
  readonly key?: string;
  /** The revision of the wanted configuration by which the sender chose this shard. */
  readonly revision?: number;
  readonly properties?: Readonly<Record<string, Scalar>>;
  /** The instance that adds it; kept only where its queue asks for its creator. */
  readonly creator?: string;
  /** Blobs that were put before, which its attempts may read by these names. */
  readonly inputs?: readonly NamedBlobWire[];
}

export type QueueType = "unordered" | "ordered";

/**
 * On which instance a queue's jobs run. `any`: whichever has a free slot. `creator`: the instance that added the job, as long as it is
 * there and takes the topic; then any. `leader`: one alone, the first member of the view that takes the topic; where no
 * view is known, the one that has been there longest.
 */
export type Placement = "any" | "creator" | "leader";
export const PLACEMENTS: readonly Placement[] = ["any", "creator", "leader"];
/** When jobs of a queue may go to another cluster. `behind`: when nobody here takes them, or the queue is longer or slower than it should be. */
export type OffloadWhen = "never" | "no-local-consumer" | "behind" | "always";

/** Which jobs of a queue go to other clusters, and to which. */
export interface OffloadPolicy {
  /** Absent: `no-local-consumer`. */
  readonly when?: OffloadWhen;
  /** With `behind`: more jobs than this wait in the queue … */
  readonly backlog?: number;
  /** … or one of them has been ready for as long as this, milliseconds. */
  readonly waitMs?: number;
  /** Clusters that get nothing, and clusters that are asked first. */
  readonly exclude?: readonly string[];
  readonly prefer?: readonly string[];
  /** Only instances that announce all of these. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** A queue as configured; absent fields have the defaults of `limits.ts`. */
export interface QueueConfig {
  /** Patterns: `a/b` exactly, `a/.` children, `a/*` everything below, `*` everything. */
  readonly topics: readonly string[];
  readonly type?: QueueType;
  /** Attempts at a time on one instance. −1: as many as it has processors; 0 < n < 1: that share of them. Absent: what its workers take. */
  readonly maxParallel?: number;
  readonly retries?: number;
  readonly retryDelayMs?: number;
  /** Keep succeeded jobs in the history (others are always kept). */
  readonly keepJobs?: boolean;
  /** How long ids that users gave are remembered. */
  readonly keepIds?: { readonly ms: number; readonly count: number };
  /** Higher first; among equals the one configured first. The first match wins. */
  readonly ranking?: number;
  /** The shard that the queue lives in; `main` when absent. */
  readonly shard?: string;
  /** Spreads the queue over so many shards, `<shard>-0` and on, by the key or else the id of each job. */
  readonly partitions?: number;
  /** `any` when absent. */
  readonly placement?: Placement;
  /** Which of its jobs other clusters may do. */
  readonly offload?: OffloadPolicy;
}

/** What one `work()` of an instance takes: topic patterns (`a/b`, `a/*` children, `a/**` all below) and how many at a time. */
export interface WorkerPool {
  readonly topics: readonly string[];
  readonly slots: number;
  /** Of an instance of another cluster. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

export interface ErrorInfo {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
}

/** Everything known of one job now. Payloads are encoded msgpack. */
export interface JobView {
  readonly id: string;
  readonly number: number;
  readonly topic: string;
  readonly queue: string;
  readonly state: JobState;
  readonly createdAt: number;
  readonly createdBy: string;
  readonly attempt: number;
  readonly failures: number;
  readonly retries: number;
  readonly waits?: WaitReason;
  readonly notBefore?: number;
  readonly startedAt?: number;
  readonly endedAt?: number;
  /** Instance that runs it, or ran it last. */
  readonly instance?: string;
  readonly stopRequested?: boolean;
  readonly progress?: { readonly fraction: number | null; readonly message: string | null; readonly at: number };
  readonly log?: readonly string[];
  readonly properties?: Readonly<Record<string, Scalar>>;
  readonly key?: string;
  /** The instance that added it, where its queue asked for that. */
  readonly creator?: string;
  readonly input?: Payload;
  readonly result?: Payload;
  /** Blobs it was added with, and those its last attempt has left. */
  readonly inputs?: readonly NamedBlob[];
  readonly outputs?: readonly NamedBlob[];
  readonly reason?: string;
  readonly error?: ErrorInfo;
  /** The job this one was made from by `retry`. */
  readonly cause?: string;
}

/** Why a job waits, with names and numbers a person can act on. */
export interface WhyView {
  readonly id: string;
  readonly state: JobState;
  readonly waits: WaitReason | null;
  /** One sentence. */
  readonly text: string;
  readonly detail: Readonly<Record<string, Scalar | readonly string[]>>;
}

export interface QueueStatistics {
  /** Attempts started. */
  readonly started: number;
  /** Whole backlog, whatever it waits for. */
  readonly queued: number;
  readonly active: number;
  readonly finished: number;
  /** Failed attempts that were retried. */
  readonly failed: number;
  /** Ends other than success. */
  readonly canceled: number;
  /** finished + failed + canceled. */
  readonly processed: number;
  /** −1: never. */
  readonly lastActivatedAt: number;
  readonly lastFinishedAt: number;
  readonly averageWaitingMs: number;
  readonly averageProcessingMs: number;
  readonly since: number;
}

export interface QueueView {
  readonly name: string;
  readonly config: QueueConfig;
  readonly suspended: boolean;
  readonly suspendedSince?: number;
  readonly statistics: QueueStatistics;
  /** The wanted configuration that it follows; absent when it was configured by a command. */
  readonly revision?: number;
}

/** What a shard has made of the wanted configuration. */
export interface ConfiguredView {
  /** Every revision up to here was applied or refused. */
  readonly upTo: number;
  /** Queues whose newest wanted configuration was refused: they go on with the one before. */
  readonly refused: readonly ConfigurationRefusal[];
}

export interface ConfigurationRefusal {
  readonly queue: string;
  readonly revision: number;
  readonly code: string;
  readonly message: string;
}

export interface InstanceView {
  readonly instance: string;
  readonly incarnation: string;
  readonly principal: string;
  readonly joinedAt: number;
  readonly draining: boolean;
  readonly pools: readonly (WorkerPool & { readonly used: number })[];
}

/** Filter of `find` and of bulk operations. Maps of `where` are OR-ed, their entries AND-ed; key prefixes `= < <= > >=`. */
export interface JobFilter {
  /** A state, or `all` (unfinished), `history` (any end), `canceled` (any end but success). */
  readonly state?: JobState | "all" | "history" | "canceled";
  readonly topic?: string;
  readonly queue?: string;
  readonly where?: readonly Readonly<Record<string, Scalar>>[];
}

/** Items told to a worker's instance: `[0, job, attempt, id, topic, input, options]` runs, `[1, job, attempt, reason]` aborts. */
export const RUN = 0;
export const ABORT = 1;

export interface RunOptions {
  readonly timeoutMs?: number;
  /** Failures so far and how many there may be. */
  readonly failures: number;
  readonly retries: number;
  readonly properties?: Readonly<Record<string, Scalar>>;
  /** True when the attempt must be given up if the host is silent (see `hostSilenceMs`). */
  readonly exclusive?: boolean;
  readonly inputs?: readonly NamedBlobWire[];
}

/** Reasons of `given-up` when the host took the last attempt away from a worker that may still be running it. */
export const TAKEN_AWAY = { lost: "lost", overdue: "overdue" } as const;

/** Why a job of another cluster is dropped here: it goes home, to be done elsewhere. */
export const HANDED_BACK = "handed back: nobody here works on its topic";

export type AbortReason = "stop" | "timeout" | "superseded";

/** How an attempt ended: `[job, attempt, kind, …]` on the wire, kinds as below. */
export const OUTCOME = { succeeded: 0, failed: 1, canceled: 2, snoozed: 3, released: 4, timedOut: 5, ended: 6 } as const;

/** `[id, state, result, attempts, reason, error, outputs?]`, pushed to clients that wait for a result. */
export type ResultItem = readonly [
  id: string, state: EndState, result: Payload | null, attempts: number, reason: string | null, error: ErrorInfo | null, outputs?: readonly NamedBlobWire[],
];
