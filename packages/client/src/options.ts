/** What may be said of a job, checked before anything is sent: a typo must not be silence. */
import type { JobOptions, NamedBlobWire, Scalar } from "@longshore/job-queue";
import { InvalidOption, NotAvailableYet } from "./errors.ts";
import type { FileSource } from "./files.ts";
import { checkFileNames } from "./files.ts";

/** What a definition may say for all its jobs, and an `add` for one. */
export interface JobDefaults {
  /** Failures after which the job gives up: n means up to n + 1 executions. −1: endless. */
  readonly retries?: number;
  /** Pause before a retry, milliseconds. */
  readonly retryDelayMs?: number;
  /** Longest run of one attempt, milliseconds; 0: no bound. */
  readonly timeoutMs?: number;
  /** Name of the queue; absent: the first whose topics match. */
  readonly queue?: string;
  readonly properties?: Readonly<Record<string, Scalar>>;
}

export interface AddOptions extends JobDefaults {
  /** Idempotency key, within the topic: the same id with the same input is the same job. */
  readonly id?: string;
  /** Not started before this instant. */
  readonly notBefore?: Date | number;
  readonly delayMs?: number;
  /** Jobs of one key go to one partition of their queue. Without partitions it changes nothing. */
  readonly key?: string;
  /**
   * Files that the job works on, by name: its handler finds them under `ctx.inputs`. The job is added when all of them are
   * stored. Of what can be read only once a copy lies in the folder for temporary files meanwhile.
   */
  readonly inputs?: Readonly<Record<string, FileSource>>;
  /** Ends the waiting. What was not sent yet is not sent; what was sent rejects with `OutcomeUnknown`. */
  readonly signal?: AbortSignal;
}

const OPTIONS = ["retries", "retryDelayMs", "timeoutMs", "queue", "properties"] as const;
const ADD_OPTIONS = ["id", "key", "notBefore", "delayMs", "inputs", "signal"] as const;
const LATER = ["unique", "priority", "backoff", "startWithinMs", "dependsOn", "needs", "limits", "sticky", "prefer", "onConflict"] as const;
const ID = /^[!-~]{1,200}$/;
const PROPERTIES_MAX = 50;
const KEY_CHARS_MAX = 200;

/** @throws {InvalidOption} @throws {NotAvailableYet} for a field that is not among the known. */
export function refuseOthers(options: object, known: readonly string[], later: readonly string[]): void {
  for (const field of Object.keys(options)) {
    if (known.includes(field)) continue;
    if (later.includes(field)) throw new NotAvailableYet(`the option "${field}"`);
    throw new InvalidOption(field, `is no option here: there are ${known.join(", ")}`);
  }
}

export function checkJobOptions(options: JobDefaults, others: readonly string[]): void {
  refuseOthers(options, [...OPTIONS, ...others], LATER);
  const { retries, retryDelayMs, timeoutMs, queue, properties } = options;
  if (retries !== undefined && !(Number.isInteger(retries) && retries >= -1)) throw new InvalidOption("retries", "must be a whole number: 0 or more, or −1 for endless");
  checkMillis("retryDelayMs", retryDelayMs);
  checkMillis("timeoutMs", timeoutMs);
  if (queue !== undefined && (typeof queue !== "string" || queue === "")) throw new InvalidOption("queue", "must be the name of a queue");
  if (properties !== undefined) checkProperties(properties);
}

function checkMillis(field: string, value: unknown): void {
  if (value !== undefined && !(Number.isSafeInteger(value) && (value as number) >= 0)) throw new InvalidOption(field, "must be a whole number of milliseconds, 0 or more");
}

function checkProperties(properties: Readonly<Record<string, unknown>>): void {
  const entries = Object.entries(properties);
  if (entries.length > PROPERTIES_MAX) throw new InvalidOption("properties", `must be at most ${PROPERTIES_MAX}`);
  for (const [name, value] of entries) {
    const isScalar = value === null || typeof value === "string" || typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value));
    if (!isScalar) throw new InvalidOption(`properties.${name}`, "must be text, a finite number, a boolean or null");
  }
}

/** The options of one job as they travel; null when there are none. `stored`: its files, where they are. */
export function jobOptions(defaults: JobDefaults, given: AddOptions | undefined, stored?: readonly NamedBlobWire[]): JobOptions | null {
  if (given === undefined) return isEmpty(defaults) ? null : (defaults as JobOptions);
  checkJobOptions(given, ADD_OPTIONS);
  const { id, notBefore, delayMs, inputs, signal: _, ...own } = given;
  if (id !== undefined && !(typeof id === "string" && ID.test(id))) throw new InvalidOption("id", "must be 1 to 200 visible ASCII characters, no blanks");
  if (own.key !== undefined && !(typeof own.key === "string" && own.key !== "" && own.key.length <= KEY_CHARS_MAX)) throw new InvalidOption("key", `must be text of 1 to ${KEY_CHARS_MAX} characters`);
  checkMillis("delayMs", delayMs);
  if (inputs !== undefined) checkInputs(inputs);
  const options = {
    ...defaults, ...own,
    ...(delayMs === undefined ? {} : { delayMs }),
    ...(notBefore === undefined ? {} : { notBefore: instant(notBefore) }),
    ...(stored === undefined || stored.length === 0 ? {} : { inputs: stored }),
  };
  return isEmpty(options) ? null : options;
}

function checkInputs(inputs: unknown): void {
  if (typeof inputs !== "object" || inputs === null || Array.isArray(inputs)) throw new InvalidOption("inputs", "must be an object of files by name, for example { \"photo.jpg\": { file: \"photo.jpg\" } }");
  checkFileNames("inputs", Object.keys(inputs));
}

function instant(value: Date | number): number {
  const ms = value instanceof Date ? value.getTime() : value;
  if (!Number.isSafeInteger(ms) || ms < 0) throw new InvalidOption("notBefore", "must be a valid date, or milliseconds of UTC");
  return ms;
}

function isEmpty(options: object): boolean {
  for (const _ in options) return false;
  return true;
}
