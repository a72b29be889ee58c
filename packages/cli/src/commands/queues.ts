import { PLACEMENTS } from "@longshore/job-queue";
import type { Longshore, QueueConfig, QueueView } from "longshore";
import { type Command, command, type Shared } from "../command.ts";
import { withClient } from "../connection.ts";
import { notFound, wrongUsage } from "../errors.ts";
import type { Io } from "../io.ts";
import { OFFLOAD_OPTIONS, type OffloadGiven, offloadOf } from "../offload-options.ts";
import { hint, present } from "../present.ts";
import { plural } from "../render/quantities.ts";
import { queueFields, queuesTable } from "../render/queues.ts";

const NAMES = { kind: "many", help: "names of queues", shown: "name" } as const;

const show: Command = command({
  name: "queues",
  group: "queues",
  summary: "List the queues, or show one",
  args: { name: { kind: "optional", help: "one queue; all when absent" } },
  connects: true,
  run: ({ args, shared, io }) =>
    withClient(shared, io, async (ls) => {
      if (args.name !== undefined) return showOne(ls, args.name, shared, io);
      const all = await ls.queues.list();
      await present({ shared, io }, all, () => queuesTable(all, io.outScreen));
    }),
});

/** For queues that are called like a command. */
const showNamed: Command = command({
  name: "queues show",
  group: "queues",
  summary: "Show one queue: configuration, state, counters",
  args: { name: { kind: "required", help: "name of a queue" } },
  connects: true,
  run: ({ args, shared, io }) => withClient(shared, io, (ls) => showOne(ls, args.name, shared, io)),
});

async function showOne(ls: Longshore, name: string, shared: Shared, io: Io): Promise<void> {
  const queue = await ls.queues.get(name);
  if (queue === undefined) throw notFound(`there is no queue "${name}"`, "`longshore queues` lists them, `longshore queues configure` makes one");
  await present({ shared, io }, queue, () => queueFields(queue, io.nowMs(), io.outScreen));
}

const switches: readonly Command[] = (["suspend", "resume"] as const).map((verb) =>
  command({
    name: `queues ${verb}`,
    group: "queues",
    summary: verb === "suspend" ? "Start nothing more of a queue; what runs runs on, and adding goes on" : "Go on with a suspended queue",
    args: { names: NAMES },
    connects: true,
    run: ({ args, shared, io }) => {
      if (args.names.length === 0) throw wrongUsage(`\`longshore queues ${verb}\` needs the name of a queue`, "`longshore queues` lists them");
      return withClient(shared, io, async (ls) => {
        for (const name of args.names) await (verb === "suspend" ? ls.queues.suspend(name) : ls.queues.resume(name));
        const changed = (await ls.queues.list()).filter(({ name }) => args.names.includes(name));
        await present({ shared, io }, changed, () => changed.map(({ name, suspended }) => `${name} is ${suspended ? "suspended" : "running"}\n`).join(""));
      });
    },
  }),
);

const removeAll: Command = command({
  name: "queues remove-all",
  group: "queues",
  summary: "Drop all unfinished jobs of a queue",
  args: { name: { kind: "required", help: "name of a queue" } },
  options: { dryRun: { kind: "flag", help: "only say how many jobs it would be" } },
  connects: true,
  run: ({ args, options, shared, io }) =>
    withClient(shared, io, async (ls) => {
      const { name } = args;
      if ((await ls.queues.get(name)) === undefined) throw notFound(`there is no queue "${name}"`, "`longshore queues` lists them");
      const { matched = 0, sample } = await ls.queues.removeAll(name, { dryRun: true, signal: io.signal });
      if (options.dryRun) {
        await present({ shared, io }, { queue: name, matched, sample, dryRun: true }, () => sample.map((id) => `${id}\n`).join(""));
        return hint({ shared, io }, `${plural(matched, "job")} would be dropped`);
      }
      const bulk = await ls.queues.removeAll(name, { signal: io.signal });
      await bulk.done({ signal: io.signal });
      await present({ shared, io }, { queue: name, matched, operation: bulk.operation }, () => `${plural(matched, "job")} of queue ${name} dropped\n`);
    }),
});

const configure: Command = command({
  name: "queues configure",
  group: "queues",
  summary: "Make a queue, or change what is given of its configuration",
  details: ["Patterns: a/b exactly, a/. children of a, a/* everything below a, * everything. A job goes to the first queue that takes its topic, by ranking."],
  args: { name: { kind: "required", help: "name of the queue" } },
  options: {
    topic: { kind: "list", value: "<pattern>", help: "which topics it takes; all patterns are given anew" },
    type: { kind: "text", value: "<type>", choices: ["unordered", "ordered"], help: "unordered, or ordered: one at a time, in the order they were accepted" },
    maxParallel: { kind: "number", value: "<n>", help: "attempts at a time on one instance; -1: as many as it has processors; 0.5: half of them" },
    retries: { kind: "integer", value: "<n>", help: "failures after which a job gives up; -1: never" },
    retryDelay: { kind: "duration", help: "pause before a retry" },
    keepJobs: { kind: "text", value: "<yes|no>", choices: ["yes", "no"], help: "keep succeeded jobs in the history: yes or no" },
    keepIds: { kind: "duration", help: "how long ids that users gave are remembered" },
    keepIdsCount: { kind: "integer", value: "<n>", help: "and how many of them" },
    ranking: { kind: "integer", value: "<n>", help: "higher is asked first" },
    inShard: { kind: "text", value: "<name>", help: "the shard it lives in; jobs that are elsewhere when it moves are finished there" },
    partitions: { kind: "integer", value: "<n>", help: "spread it over so many shards, <shard>-0 and on, by the key or id of each job; only while it is empty" },
    ...OFFLOAD_OPTIONS,
    placement: { kind: "text", value: "<where>", choices: ["any", "creator", "leader"], help: "any instance with a free slot; the creator's, as long as it is there and takes the topic; or one alone, the leading one of those that take the topic" },
  },
  examples: [
    { line: "longshore queues configure media --topic 'media/*' --max-parallel 4", says: "make one" },
    { line: "longshore queues configure media --retries 3", says: "change one thing" },
    { line: "longshore queues configure media --in-shard media", says: "give it a shard of its own" },
    { line: "longshore queues configure media --offload-backlog 100", says: "beyond 100 waiting jobs other clusters help" },
  ],
  connects: true,
  run: ({ args, options, shared, io }) =>
    withClient(shared, io, async (ls) => {
      const before = await ls.queues.get(args.name);
      if (before === undefined && options.topic.length === 0) throw notFound(`there is no queue "${args.name}"`, `to make it, say what it takes: longshore queues configure ${args.name} --topic '${args.name}/*'`);
      const { pending } = await ls.queues.configure(args.name, merged(before, options));
      await showOne(ls, args.name, shared, io);
      if (pending.length > 0) hint({ shared, io }, `no host of ${pending.length === 1 ? "shard" : "the shards"} ${pending.join(", ")} has applied it yet: run one with \`longshore run job-queue --shard ${pending.join(",")}\``);
    }),
});

interface Given extends OffloadGiven {
  readonly topic: readonly string[];
  readonly type: string | undefined;
  readonly maxParallel: number | undefined;
  readonly retries: number | undefined;
  readonly retryDelay: number | undefined;
  readonly keepJobs: string | undefined;
  readonly keepIds: number | undefined;
  readonly keepIdsCount: number | undefined;
  readonly ranking: number | undefined;
  readonly inShard: string | undefined;
  readonly partitions: number | undefined;
  readonly placement: string | undefined;
}

const KEEP_IDS = { ms: 7 * 24 * 3_600_000, count: 100_000 };

export function merged(before: QueueView | undefined, given: Given): QueueConfig {
  const { topic, type, maxParallel, retries, retryDelay, keepJobs, keepIds, keepIdsCount, ranking, inShard, partitions } = given;
  const placement = PLACEMENTS.find((known) => known === given.placement);
  const config = before?.config ?? { topics: [] };
  const ids = config.keepIds ?? KEEP_IDS;
  return {
    ...config,
    ...(topic.length === 0 ? {} : { topics: topic }),
    ...(type === "ordered" || type === "unordered" ? { type } : {}),
    ...(maxParallel === undefined ? {} : { maxParallel }),
    ...(retries === undefined ? {} : { retries }),
    ...(retryDelay === undefined ? {} : { retryDelayMs: retryDelay }),
    ...(keepJobs === undefined ? {} : { keepJobs: keepJobs === "yes" }),
    ...(keepIds === undefined && keepIdsCount === undefined ? {} : { keepIds: { ms: keepIds ?? ids.ms, count: keepIdsCount ?? ids.count } }),
    ...(ranking === undefined ? {} : { ranking }),
    ...(inShard === undefined ? {} : { shard: inShard }),
    ...(partitions === undefined ? {} : { partitions }),
    ...(placement === undefined ? {} : { placement }),
    ...offloadOf(config.offload, given),
  };
}

export const queues: readonly Command[] = [show, showNamed, ...switches, removeAll, configure];
