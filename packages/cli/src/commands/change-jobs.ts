/** `stop`, `retry` and `remove`: one job, several, or all that match a filter. */
import type { Bulk, BulkOptions, JobFilter, Longshore } from "longshore";
import { type Command, command, type Shared } from "../command.ts";
import { withClient } from "../connection.ts";
import { wrongUsage } from "../errors.ts";
import { FILTER_OPTIONS, filterOf, isEmpty, requireFilter } from "../filters.ts";
import type { Io } from "../io.ts";
import { hint, present } from "../present.ts";
import { plural, showCount } from "../render/quantities.ts";

interface Change {
  readonly name: "stop" | "retry" | "remove";
  readonly summary: string;
  readonly details: readonly string[];
  readonly past: string;
  one(ls: Longshore, id: string, reason: string | undefined): Promise<Readonly<Record<string, unknown>> & { readonly id: string }>;
  all(ls: Longshore, filter: JobFilter, options: BulkOptions): Promise<Bulk>;
}

const changes: readonly Change[] = [
  {
    name: "stop",
    summary: "Stop jobs: waiting ones end at once, running ones are asked to",
    details: ["A running job is told through its signal and ends when its handler lets go. Without --state a filter means unfinished jobs."],
    past: "stopped",
    async one(ls, id, reason) {
      await ls.jobs.stop(id, reason === undefined ? {} : { reason });
      return { id };
    },
    all: (ls, filter, options) => ls.jobs.stop(filter, options),
  },
  {
    name: "retry",
    summary: "Run ended jobs again, as new jobs that name the old ones as their cause",
    details: ["Without --state a filter means jobs that ended without success. A job is retried in bulk only once."],
    past: "retried",
    async one(ls, id) {
      const { id: created, outcome } = await ls.jobs.retry(id);
      return { id: created, cause: id, outcome };
    },
    all: (ls, filter, options) => ls.jobs.retry(filter, options),
  },
  {
    name: "remove",
    summary: "Drop unfinished jobs, or take ended ones out of the history",
    details: ["Without --state a filter means unfinished jobs. What happened stays in the journal until that is purged."],
    past: "removed",
    async one(ls, id) {
      await ls.jobs.remove(id);
      return { id };
    },
    all: (ls, filter, options) => ls.jobs.remove(filter, options),
  },
];

const REASON = { reason: { kind: "text", value: "<text>", help: "why; recorded with the job" } } as const;

export const changeJobs: readonly Command[] = changes.map((change) =>
  command({
    name: change.name,
    group: "jobs",
    summary: change.summary,
    details: change.details,
    args: { ids: { kind: "many", help: "whole ids; or choose with the options below", shown: "id" } },
    options: {
      ...FILTER_OPTIONS,
      dryRun: { kind: "flag", help: "only say how many jobs match, and name the first" },
      ...(change.name === "stop" ? REASON : {}),
    },
    examples: [{ line: `longshore ${change.name} --topic media/thumbnail --dry-run`, says: "what would it be?" }],
    connects: true,
    run: ({ args, options, shared, io }) => {
      const filter = filterOf(options);
      const { reason } = options as { readonly reason?: string | undefined };
      if (args.ids.length === 0) {
        if (reason !== undefined) throw wrongUsage("--reason is for single jobs", "leave it out, or name ids");
        return withClient(shared, io, (ls) => changeAll(change, ls, requireFilter(filter, change.name), options.dryRun, shared, io));
      }
      if (!isEmpty(filter) || options.dryRun) throw wrongUsage("ids and a filter do not go together", "leave one of them out");
      return withClient(shared, io, (ls) => changeEach(change, ls, args.ids, reason, shared, io));
    },
  }),
);

async function changeEach(change: Change, ls: Longshore, ids: readonly string[], reason: string | undefined, shared: Shared, io: Io): Promise<void> {
  const done: Readonly<Record<string, unknown>>[] = [];
  for (const id of ids) {
    const one = await change.one(ls, id, reason);
    done.push(one);
    if (!shared.json) await io.out(`${one.id}\n`);
  }
  if (shared.json) await present({ shared, io }, done.length === 1 ? done[0] : done, () => "");
}

async function changeAll(change: Change, ls: Longshore, filter: JobFilter, isDry: boolean, shared: Shared, io: Io): Promise<void> {
  const { matched = 0, sample } = await change.all(ls, filter, { dryRun: true, signal: io.signal });
  if (isDry) {
    await present({ shared, io }, { matched, sample, dryRun: true }, () => sample.map((id) => `${id}\n`).join(""));
    const rest = matched - sample.length;
    return hint({ shared, io }, `${rest > 0 ? `… and ${showCount(rest)} more; ` : ""}${plural(matched, "job")} would be ${change.past}`);
  }
  const bulk = await change.all(ls, filter, { signal: io.signal });
  await bulk.done({ signal: io.signal });
  await present({ shared, io }, { matched, operation: bulk.operation }, () => `${plural(matched, "job")} matched; operation ${bulk.operation ?? "?"} is done\n`);
}
