/** Reads what owners and operators say of jobs and queues. */
import type { JobQueueCommand } from "./commands.ts";
import type { OperationKind } from "./events.ts";
import { INPUT_LIMITS } from "./limits.ts";
import type { Source } from "./parse.ts";
import { topicOf, withoutUndefined } from "./parse-submit.ts";
import type { Fields } from "./reading.ts";
import { boolean, integer, list, map, millis, note, number, oneOf, onlyKnown, optional, scalar, text, Unreadable } from "./reading.ts";
import type { JobFilter, QueueConfig, Scalar } from "./vocabulary.ts";
import { END_STATES } from "./vocabulary.ts";

type CommandOf<Type extends JobQueueCommand["type"]> = Extract<JobQueueCommand, { type: Type }>;

const NONE: ReadonlySet<string> = new Set();
const ID_CHARS_MAX = 1_000;

/** The id without its shard. */
export function localId(value: unknown, shard: string): string {
  const id = text("id", value, ID_CHARS_MAX);
  if (id.startsWith(`${shard}.`)) return id.slice(shard.length + 1);
  throw new Unreadable("id", `must be a job id of this shard, ${shard}.<…>: ask the shard that stands in front of it`);
}

const ownerOf = ({ sender }: Source): string | undefined => (sender.role === "operate" ? undefined : sender.principal);

function fieldsOf(verb: string, item: unknown, known: readonly string[]): Fields {
  const fields = map(verb, item);
  onlyKnown(fields, new Set(known), NONE);
  return fields;
}

export function parseStop(item: unknown, source: Source): CommandOf<"StopJob"> {
  const { id, reason } = fieldsOf("stop", item, ["id", "reason"]);
  const why = optional(reason, (value) => note("reason", value, INPUT_LIMITS.reasonCharsMax)) ?? `stopped by ${source.sender.principal}`;
  return { type: "StopJob", id: localId(id, source.shard), reason: why, owner: ownerOf(source) };
}

export function parseRetry(item: unknown, source: Source): CommandOf<"RetryJob"> {
  const { id } = fieldsOf("retry", item, ["id", "reason"]);
  return { type: "RetryJob", id: localId(id, source.shard), newId: source.fallbackId(), principal: source.sender.principal, owner: ownerOf(source) };
}

export function parseRemove(item: unknown, source: Source): CommandOf<"RemoveJob"> {
  const { id } = fieldsOf("remove", item, ["id", "reason"]);
  return { type: "RemoveJob", id: localId(id, source.shard), owner: ownerOf(source) };
}

export const parseBulk = (kind: OperationKind) => (item: unknown, { sender }: Source): CommandOf<"OperateJobs"> =>
  ({ type: "OperateJobs", kind, filter: jobFilter(map(`${kind}All`, item)), principal: sender.principal });

const STATES = ["all", "history", "canceled", "queued", "active", ...END_STATES] as const;
const FILTER_FIELDS: ReadonlySet<string> = new Set(["state", "topic", "queue", "where"]);

/** @throws {Unreadable} */
export function jobFilter(fields: Fields): JobFilter {
  onlyKnown(fields, FILTER_FIELDS, NONE);
  const { state, topic, queue, where } = fields;
  return withoutUndefined({
    state: optional(state, (value) => oneOf("state", value, STATES)),
    topic: optional(topic, topicOf),
    queue: optional(queue, queueName),
    where: optional(where, whereOf),
  });
}

const whereOf = (value: unknown): readonly Readonly<Record<string, Scalar>>[] =>
  list("where", value, INPUT_LIMITS.whereMax).map((clause) => {
    const entries = Object.entries(map("where", clause));
    if (entries.length > INPUT_LIMITS.whereMax) throw new Unreadable("where", `must have at most ${INPUT_LIMITS.whereMax} conditions in a map`);
    return Object.fromEntries(entries.map(([key, operand]) => [key, scalar(`where.${key}`, operand)]));
  });

const QUEUE_NAME = /^[A-Za-z0-9 _,.\-+#!?$%&()=]+$/;

function queueName(value: unknown): string {
  const name = text("queue", value, INPUT_LIMITS.queueNameCharsMax);
  if (QUEUE_NAME.test(name)) return name;
  throw new Unreadable("queue", "must be letters, digits, blanks and _ , . - + # ! ? $ % & ( ) =");
}

const CONFIG_FIELDS: ReadonlySet<string> = new Set(["queue", "topics", "type", "maxParallel", "retries", "retryDelayMs", "keepJobs", "keepIds", "ranking"]);
const CONFIG_LATER: ReadonlySet<string> = new Set(["rate", "perKey", "partitions", "placement", "shard", "priority"]);

export function parseConfigure(item: unknown): CommandOf<"ConfigureQueue"> {
  const fields = map("configure", item);
  onlyKnown(fields, CONFIG_FIELDS, CONFIG_LATER);
  return { type: "ConfigureQueue", queue: queueName(fields["queue"]), config: configOf(fields) };
}

function configOf({ topics, type, maxParallel, retries, retryDelayMs, keepJobs, keepIds, ranking }: Fields): QueueConfig {
  if (type === "topic-round-robin") throw new Unreadable("type", "topic-round-robin is not available yet: use unordered", "command/not-yet");
  return {
    topics: list("topics", topics, INPUT_LIMITS.patternsMax).map((topic) => note("topics", topic, INPUT_LIMITS.topicCharsMax)),
    ...withoutUndefined({
      type: optional(type, (value) => oneOf("type", value, ["unordered", "ordered"])),
      maxParallel: optional(maxParallel, (value) => number("maxParallel", value, -1_000_000, 1_000_000)),
      retries: optional(retries, (value) => integer("retries", value, -1, 1_000_000)),
      retryDelayMs: optional(retryDelayMs, (value) => millis("retryDelayMs", value)),
      keepJobs: optional(keepJobs, (value) => boolean("keepJobs", value)),
      keepIds: optional(keepIds, keepIdsOf),
      ranking: optional(ranking, (value) => integer("ranking", value, -1_000_000_000, 1_000_000_000)),
    }),
  };
}

function keepIdsOf(value: unknown): { readonly ms: number; readonly count: number } {
  const { ms, count } = map("keepIds", value);
  return { ms: millis("keepIds.ms", ms), count: integer("keepIds.count", count, 0, 100_000_000) };
}

export function parseSuspend(item: unknown): CommandOf<"SuspendQueue"> {
  return { type: "SuspendQueue", queue: queueName(fieldsOf("suspend", item, ["queue"])["queue"]) };
}

export function parseResume(item: unknown): CommandOf<"ResumeQueue"> {
  return { type: "ResumeQueue", queue: queueName(fieldsOf("resume", item, ["queue"])["queue"]) };
}
