/** Every error a caller can meet. Programs compare classes and codes; messages say what to do next. */
import type { EndState, ErrorInfo } from "@longshore/job-queue";
import type { JobHandle } from "./handle.ts";

/** What all of them have. */
export class LongshoreError extends Error {
  readonly code: string;
  constructor(code: string, message: string, options?: { readonly cause?: unknown }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
  }
}

/** The job ended otherwise than with success. */
export class JobFailed extends LongshoreError {
  readonly id: string;
  readonly state: Exclude<EndState, "succeeded">;
  readonly attempts: number;
  readonly reason: string | undefined;
  /** What the last attempt threw. */
  readonly error: ErrorInfo | undefined;
  constructor(end: { readonly id: string; readonly state: EndState; readonly attempts: number; readonly reason: string | undefined; readonly error: ErrorInfo | undefined }) {
    const why = end.reason ?? (end.error === undefined ? undefined : `${end.error.name}: ${end.error.message}`);
    super("job/failed", `job ${end.id} ended as ${end.state} after ${end.attempts} attempt${end.attempts === 1 ? "" : "s"}${why === undefined ? "" : `: ${why}`}`, { cause: end.error });
    this.id = end.id;
    this.state = end.state as Exclude<EndState, "succeeded">;
    this.attempts = end.attempts;
    this.reason = end.reason;
    this.error = end.error;
  }
}

/** The host decided: no. `code` says why, for example `job/id-reused` or `queue/not-found`. */
export class Rejected extends LongshoreError {
  readonly detail: unknown;
  constructor(code: string, message: string, detail?: unknown) {
    super(code, message);
    this.detail = detail;
  }
}

/**
 * Nobody can know whether the call took effect. Of an `add`, `job` finds out: its `result()` waits for the job, and rejects with
 * `ResultGone` when there is none. Otherwise look (`ls.jobs.get`), or repeat it with an `id` of your own, which is safe.
 */
export class OutcomeUnknown extends LongshoreError {
  readonly job: JobHandle | undefined;
  constructor(message: string, options?: { readonly cause?: unknown; readonly job?: JobHandle }) {
    super("outcome/unknown", `it is not known whether the call took effect: ${message}${options?.job === undefined ? "" : ` (job ${options.job.id})`}`, options);
    this.job = options?.job;
  }
}

/** The call certainly took no effect: no host and no inbox could be reached, or this process is overloaded. */
export class Unavailable extends LongshoreError {}

/** The job has left the history, and its result with it. */
export class ResultGone extends LongshoreError {
  readonly id: string;
  constructor(id: string) {
    super("result/gone", `job ${id} is not known here: it never was, was removed, or ended so long ago that it has left the history`);
    this.id = id;
  }
}

/** A value is not what its schema wants, or cannot travel. `path` names the place, for example `input.user.age`. */
export class InvalidInput extends LongshoreError {
  readonly path: string;
  readonly issues: readonly { readonly path: string; readonly message: string }[];
  constructor(issues: readonly { readonly path: string; readonly message: string }[], what = "the input") {
    const [first] = issues;
    super("input/invalid", `${what} is not valid: ${issues.map(({ path, message }) => `${path}: ${message}`).join("; ")}`);
    this.path = first?.path ?? "input";
    this.issues = issues;
  }
}

/** A definition or an option is wrong. `field` names it. */
export class InvalidOption extends LongshoreError {
  readonly field: string;
  constructor(field: string, remedy: string) {
    super("option/invalid", `${field} ${remedy}`);
    this.field = field;
  }
}

/** Part of the interface that this version does not have yet. */
export class NotAvailableYet extends LongshoreError {
  readonly feature: string;
  constructor(feature: string) {
    super("feature/not-yet", `${feature} is not available yet in this version of Longshore`);
    this.feature = feature;
  }
}

/** A payload is too large, missing, or cannot be stored. */
export class PayloadError extends LongshoreError {}

/** Thrown by a handler: the job ends as `error`, without a retry. */
export class Cancel extends Error {
  /** Not the class tells what was thrown: a program may hold two copies of this library. */
  readonly longshore = "cancel" as const;
  constructor(reason: string) {
    super(reason);
    this.name = "Cancel";
  }
}

/** Thrown by a handler: the attempt failed, and the next one starts after that many milliseconds. */
export class RetryLater extends Error {
  readonly longshore = "retry-later" as const;
  readonly delayMs: number;
  constructor(delayMs: number, message = `to be retried in ${delayMs} ms`) {
    super(message);
    this.name = "RetryLater";
    this.delayMs = delay(delayMs);
  }
}

/** Thrown by a handler: the job sleeps that many milliseconds, and no failure is counted. */
export class Snooze extends Error {
  readonly longshore = "snooze" as const;
  readonly delayMs: number;
  constructor(delayMs: number) {
    super(`snoozed for ${delayMs} ms`);
    this.name = "Snooze";
    this.delayMs = delay(delayMs);
  }
}

function delay(value: number): number {
  if (!Number.isFinite(value) || value < 0) throw new InvalidOption("delayMs", "must be milliseconds, 0 or more");
  return Math.round(value);
}

/** Why an attempt's signal was aborted. */
export class AttemptAborted extends Error {
  override readonly cause: "stop" | "timeout" | "superseded" | "host-silent" | "drain";
  constructor(cause: AttemptAborted["cause"], message: string) {
    super(message);
    this.name = "AbortError";
    this.cause = cause;
  }
}
