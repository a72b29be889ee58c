/**
 * The words routers, job queues and operators share: trips, guests, what travels with them.
 *
 * A **trip** is one attempt of a job in another cluster, as its origin has it; a **guest** is the same as the worker cluster
 * has it. A trip is named by its number in the origin's history, and everywhere else by the cluster and that number.
 * Times are milliseconds of this cluster's server time: what the other side says is dated when it is heard.
 */
import type { EndState, ErrorInfo, NamedBlob, Payload, Scalar } from "@longshore/job-queue";

export type { NamedBlob } from "@longshore/job-queue";

export const OFFLOAD_KIND = "offload-router";
export const OFFLOAD_ACTOR = "main";

export { GUEST_BLOBS, IMPORTED_BLOBS } from "@longshore/kernel";

/** Names of the blobs of an input and a result that are too large to travel inside: no job has such names. */
export const INPUT_BLOB = ".input";
export const RESULT_BLOB = ".result";

/** What a job brings along beside topic and input. */
export interface CarriedOptions {
  readonly retries?: number;
  readonly retryDelayMs?: number;
  readonly timeoutMs?: number;
  readonly properties?: Readonly<Record<string, Scalar>>;
}

/** What one instance of another cluster takes, and how many at a time. */
export interface RoutePool {
  readonly topics: readonly string[];
  readonly slots: number;
  readonly labels: Readonly<Record<string, string>>;
}

/** How the work ended in the other cluster. `end` null: it was not done there, take it back. */
export interface TripOutcome {
  readonly end: EndState | null;
  readonly result: Payload | null;
  readonly blobs: readonly NamedBlob[];
  readonly reason: string | null;
  readonly error: ErrorInfo | null;
}

/**
 * What the worker cluster says meanwhile; what is absent has not changed. All but `log` are levels: on its way a report may give
 * way to a newer one, so it says the whole of how the job stands, and its last error for itself.
 */
export interface Report {
  readonly state?: "fetching" | "queued" | "active";
  readonly attempt?: number;
  readonly failures?: number;
  readonly instance?: string;
  readonly error?: ErrorInfo;
  readonly progress?: readonly [fraction: number | null, message: string | null];
  readonly log?: readonly string[];
  /** A transport error there; null when that is over. */
  readonly trouble?: string | null;
}

/** How a job stands in another cluster, by all its reports. Lines of a log go to the job, and are not kept here; a trouble that is over is none. */
export interface Standing extends Omit<Report, "log" | "trouble"> {
  readonly trouble?: string;
}

/** `missing`: the bytes are not where they should be. `corrupt`: they are not what their digest says. `unreachable`: nobody can say. */
export type FailureKind = "missing" | "corrupt" | "unreachable";
/** Origin: `stage` inputs, `import` outputs. Worker: `fetch` inputs, `collect` outputs. */
export type MoveStep = "stage" | "fetch" | "collect" | "import";

/** The last transport error, and when it is tried again. */
export interface Trouble {
  readonly step: MoveStep;
  readonly kind: FailureKind;
  readonly message: string;
  readonly failures: number;
  readonly at: number;
  readonly retryAt: number;
}

export type TripPhase = "staging" | "offered" | "accepted" | "importing" | "ended";
/**
 * `returned`: with its outcome. `failed`: its payload cannot be carried. `refused`, `handed-back`, `reclaimed`: the job is to be done
 * otherwise. `stopped`: somebody asked. `dropped`: its job is gone, or has another attempt.
 */
export type TripEnd = "returned" | "failed" | "refused" | "handed-back" | "reclaimed" | "stopped" | "dropped";
export type GuestPhase = "fetching" | "submitted" | "collecting" | "returned" | "released";
