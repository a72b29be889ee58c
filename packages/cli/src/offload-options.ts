/** The options that say which jobs of a queue other clusters may do. */
import type { OffloadPolicy, OffloadWhen } from "longshore";
import { wrongUsage } from "./errors.ts";
import { parsePairs } from "./values.ts";

export const OFFLOAD_OPTIONS = {
  offload: { kind: "text", value: "<when>", choices: ["never", "no-local-consumer", "behind", "always"], help: "when its jobs may go to another cluster: never; no-local-consumer: when no instance here takes them (so it is when nothing is said); behind: also when the backlog or the wait below is exceeded; always: wherever there is room" },
  offloadBacklog: { kind: "integer", value: "<n>", help: "behind, when more than n jobs wait" },
  offloadWait: { kind: "duration", help: "behind, when a job has been ready for longer" },
  offloadPrefer: { kind: "list", value: "<cluster>", help: "ask this cluster first; all are given anew, none: no preference" },
  offloadExclude: { kind: "list", value: "<cluster>", help: "never to this cluster; all are given anew, none: to any" },
  offloadLabel: { kind: "list", value: "<name=value>", help: "only to instances that announce this property; all are given anew, none: to any" },
} as const;

export interface OffloadGiven {
  readonly offload: string | undefined;
  readonly offloadBacklog: number | undefined;
  readonly offloadWait: number | undefined;
  readonly offloadPrefer: readonly string[];
  readonly offloadExclude: readonly string[];
  readonly offloadLabel: readonly string[];
}

/** What was there, changed by what is given. A bound means `behind`, and any other word ends the bounds. */
export function offloadOf(before: OffloadPolicy | undefined, given: OffloadGiven): { readonly offload?: OffloadPolicy } {
  const when = whenOf(given);
  const { offloadBacklog: backlog, offloadWait: waitMs, offloadPrefer, offloadExclude, offloadLabel } = given;
  const changes: OffloadPolicy = {
    ...(when === undefined ? {} : { when }),
    ...(backlog === undefined ? {} : { backlog }),
    ...(waitMs === undefined ? {} : { waitMs }),
    ...listed("prefer", offloadPrefer), ...listed("exclude", offloadExclude),
    ...(offloadLabel.length === 0 ? {} : { labels: labelsOf(offloadLabel) }),
  };
  if (Object.keys(changes).length === 0) return before === undefined ? {} : { offload: before };
  const { backlog: _, waitMs: __, ...unbound } = before ?? {};
  const keepsBounds = when === undefined || when === "behind";
  return { offload: { ...(keepsBounds ? before : unbound), ...changes } };
}

function whenOf({ offload, offloadBacklog, offloadWait }: OffloadGiven): OffloadWhen | undefined {
  const hasBound = offloadBacklog !== undefined || offloadWait !== undefined;
  if (hasBound && offload !== undefined && offload !== "behind") throw wrongUsage(`--offload ${offload} has no bounds`, "--offload-backlog and --offload-wait go with --offload behind");
  return hasBound ? "behind" : OFFLOAD_OPTIONS.offload.choices.find((known) => known === offload);
}

/** The word `none` empties a list. */
function listed(field: "prefer" | "exclude", given: readonly string[]): OffloadPolicy {
  if (given.length === 0) return {};
  return { [field]: given.length === 1 && given[0] === "none" ? [] : given };
}

const labelsOf = (given: readonly string[]): Readonly<Record<string, string>> =>
  given.length === 1 && given[0] === "none" ? {} : Object.fromEntries(Object.entries(parsePairs("--offload-label", given)).map(([name, value]) => [name, String(value)]));
