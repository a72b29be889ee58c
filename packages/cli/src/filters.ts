/** The options by which jobs are chosen, the same for looking and for changing. */
import type { JobFilter } from "longshore";
import { wrongUsage } from "./errors.ts";
import { parseConditions } from "./values.ts";

export const FILTER_OPTIONS = {
  state: { kind: "text", value: "<state>", choices: ["queued", "active", "succeeded", "stopped", "given-up", "error", "dropped", "all", "history", "canceled"], help: "`queued`, `active`, `succeeded`, `stopped`, `given-up`, `error` or `dropped`; `all`: unfinished; `history`: ended; `canceled`: ended without success" },
  topic: { kind: "text", value: "<topic>", help: "jobs of this topic" },
  queue: { kind: "text", value: "<name>", help: "jobs in this queue" },
  where: { kind: "list", value: "<condition>", help: "property=value, also < <= > >=; also job.createdAt, job.startedAt, job.endedAt, job.attempt, job.failures, job.createdBy, job.instance, job.reason, job.waits. All must hold" },
} as const;

interface Given {
  readonly state: string | undefined;
  readonly topic: string | undefined;
  readonly queue: string | undefined;
  readonly where: readonly string[];
}

export function filterOf({ state, topic, queue, where }: Given): JobFilter {
  const known = FILTER_OPTIONS.state.choices.find((one) => one === state);
  return {
    ...(known === undefined ? {} : { state: known }),
    ...(topic === undefined ? {} : { topic }),
    ...(queue === undefined ? {} : { queue }),
    ...(where.length === 0 ? {} : { where: [parseConditions("--where", where)] }),
  };
}

export const isEmpty = (filter: JobFilter): boolean => Object.keys(filter).length === 0;

/** Changing every job there is must be said, not left out. */
export function requireFilter(filter: JobFilter, verb: string): JobFilter {
  if (!isEmpty(filter)) return filter;
  throw wrongUsage(`\`longshore ${verb}\` needs a job's id, or a filter`, `longshore ${verb} <id>, or longshore ${verb} --state ${verb === "retry" ? "canceled" : "all"} --dry-run`);
}
