/**
 * Which jobs a filter means.
 *
 * `where` is a list of maps: their entries are AND-ed, the maps OR-ed, empty maps skipped. A key is a property's name
 * behind an optional `=`, `<`, `<=`, `>` or `>=`; `job.createdAt`, `job.startedAt`, `job.endedAt`, `job.attempt`,
 * `job.failures`, `job.createdBy`, `job.instance`, `job.reason` and `job.waits` stand for what the job itself says. A property that is missing, or
 * of another type than the operand, does not match.
 */
import type { Job } from "./job.ts";
import type { QueueState } from "./state.ts";
import type { JobFilter, Scalar } from "./vocabulary.ts";
import { waitsFor } from "./why.ts";

export type Matches = (job: Job) => boolean;
type Read = (job: Job) => Scalar | undefined;

/** What the jobs of a state match at that instant. */
export function matcher(filter: JobFilter, of: QueueState, at: number): Matches {
  const { state, topic, queue } = filter;
  const waits: Read = (job) => waitsFor(of, job, at);
  const clauses = (filter.where ?? []).map((clause) => readClause(clause, waits)).filter((conditions) => conditions.length > 0);
  return (job) =>
    (state === undefined || hasState(job, state)) &&
    (topic === undefined || job.topic === topic) &&
    (queue === undefined || job.queue.name === queue) &&
    (clauses.length === 0 || clauses.some((conditions) => conditions.every((condition) => condition(job))));
}

function hasState(job: Job, state: NonNullable<JobFilter["state"]>): boolean {
  switch (state) {
    case "all": return !job.isEnded;
    case "history": return job.isEnded;
    case "canceled": return job.isEnded && job.state !== "succeeded";
    case "queued": case "active": case "succeeded": case "stopped": case "given-up": case "error": case "dropped":
      return job.state === state;
  }
}

const readClause = (clause: Readonly<Record<string, Scalar>>, waits: Read): Matches[] =>
  Object.entries(clause).map(([key, operand]) => readCondition(key, operand, waits));

function readCondition(key: string, operand: Scalar, waits: Read): Matches {
  const operator = /^(?:<=|>=|=|<|>)?/.exec(key)![0];
  const read = reader(key.slice(operator.length), waits);
  switch (operator) {
    case "<": return (job) => compare(read(job), operand, (order) => order < 0);
    case "<=": return (job) => compare(read(job), operand, (order) => order <= 0);
    case ">": return (job) => compare(read(job), operand, (order) => order > 0);
    case ">=": return (job) => compare(read(job), operand, (order) => order >= 0);
    default: return (job) => read(job) === operand;
  }
}

function reader(name: string, waits: Read): Read {
  switch (name) {
    case "job.createdAt": return (job) => job.createdAt;
    case "job.startedAt": return (job) => job.startedAt;
    case "job.endedAt": return (job) => (job.isEnded ? job.since : undefined);
    case "job.attempt": return (job) => job.attempt;
    case "job.failures": return (job) => job.failures;
    case "job.createdBy": return (job) => job.principal;
    case "job.instance": return (job) => job.instance;
    case "job.waits": return waits;
    case "job.reason": return (job) => job.extra?.reason;
    default: return (job) => propertyOf(job, name);
  }
}

function propertyOf(job: Job, name: string): Scalar | undefined {
  const properties = job.extra?.properties;
  return properties !== undefined && Object.hasOwn(properties, name) ? properties[name] : undefined;
}

function compare(value: Scalar | undefined, operand: Scalar, holds: (order: number) => boolean): boolean {
  if (typeof value === "number" && typeof operand === "number") return holds(value - operand);
  if (typeof value === "string" && typeof operand === "string") return holds(value < operand ? -1 : value > operand ? 1 : 0);
  return false;
}
