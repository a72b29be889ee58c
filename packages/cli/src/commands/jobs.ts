import type { FollowFilter, JobFilter, Longshore } from "longshore";
import { type Command, command, type Shared } from "../command.ts";
import { withClient } from "../connection.ts";
import { wrongUsage } from "../errors.ts";
import { FILTER_OPTIONS, filterOf } from "../filters.ts";
import type { Io } from "../io.ts";
import { hint, present, presentLine } from "../present.ts";
import { jobsTable } from "../render/jobs.ts";
import { paintOf } from "../render/paint.ts";
import { showTime } from "../render/quantities.ts";
import { sentences } from "../render/timeline.ts";

const LIMIT = 50;

export const jobs: Command = command({
  name: "jobs",
  group: "jobs",
  summary: "List jobs, or follow what happens to them",
  details: [
    "Without --state the unfinished ones are listed, by creation. Ended ones (--state history, or one of the ends) come by their end, the latest first.",
    "--follow prints events from now on. Under a flood some are left out, and a line says which commits to look up in the history.",
  ],
  options: {
    ...FILTER_OPTIONS,
    limit: { kind: "integer", value: "<n>", help: `at most so many; ${LIMIT} when absent` },
    after: { kind: "text", value: "<cursor>", help: "go on where an earlier list ended" },
    payloads: { kind: "flag", help: "with input and result, in --json" },
    follow: { kind: "flag", short: "f", help: "print events as they happen; --topic (also media/*) and --queue choose" },
  },
  examples: [
    { line: "longshore jobs --state canceled --topic media/thumbnail", says: "what did not succeed, the latest first" },
    { line: "longshore jobs --where customer=42 --where 'width>=320'", says: "by properties" },
    { line: "longshore jobs --follow --json | jq -r .type", says: "the feed, for a script" },
  ],
  connects: true,
  endsInOrder: true,
  run: ({ options, shared, io }) => {
    if (options.follow) return withClient(shared, io, (ls) => follow(ls, followFilter(options), shared, io));
    const filter = filterOf(options);
    return withClient(shared, io, async (ls) => {
      const { limit = LIMIT, after, payloads } = options;
      const found = await ls.jobs.find({ ...filter, limit, payloads, signal: io.signal, ...(after === undefined ? {} : { after }) });
      await present({ shared, io }, { jobs: found.jobs, next: found.next ?? null, missing: found.missing }, () => (found.jobs.length === 0 ? "" : jobsTable(found.jobs, io.nowMs(), io.outScreen)));
      if (found.jobs.length === 0) hint({ shared, io }, nothingText(filter));
      if (found.missing.length > 0) hint({ shared, io }, `nobody answers for shard ${found.missing.join(", ")}: its jobs are not in this list; \`longshore run job-queue --shard ${found.missing.join(",")}\` hosts it`);
      if (found.next !== undefined) hint({ shared, io }, `there are more: --after ${found.next}`);
    });
  },
});

const nothingText = (filter: JobFilter): string =>
  Object.keys(filter).length === 0 ? "no unfinished jobs; ended ones: `longshore jobs --state history`" : "no job matches";

interface Given {
  readonly state: string | undefined;
  readonly topic: string | undefined;
  readonly queue: string | undefined;
  readonly where: readonly string[];
  readonly limit: number | undefined;
}

function followFilter({ state, topic, queue, where, limit }: Given): FollowFilter {
  if (state !== undefined || where.length > 0 || limit !== undefined) throw wrongUsage("--follow shows events, not states", "choose with --topic and --queue only");
  return { ...(topic === undefined ? {} : { topic }), ...(queue === undefined ? {} : { queue }) };
}

async function follow(ls: Longshore, filter: FollowFilter, shared: Shared, io: Io): Promise<void> {
  const paint = paintOf(io.outScreen);
  hint({ shared, io }, "following; Ctrl-C ends it");
  for await (const event of ls.events.follow({ ...filter, signal: io.signal })) {
    await presentLine({ shared, io }, event, () => {
      const what = sentences(event, paint)[0] ?? event.type;
      return `${paint.dim(showTime(event.at, io.nowMs()))}  ${event.id ?? event.queue ?? ""}  ${paint.dim(event.topic ?? "")}  ${what}\n`;
    });
  }
}
