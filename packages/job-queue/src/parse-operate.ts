/** Reads what owners and operators say of jobs and queues. */

import type { Fields } from "@longshore/kernel/reading";
import { integer, list, map, note, oneOf, onlyKnown, optional, text, Unreadable } from "@longshore/kernel/reading";
import type { JobQueueCommand } from "./commands.ts";
import type { OperationKind } from "./events.ts";
import { INPUT_LIMITS } from "./limits.ts";
import type { Source } from "./parse.ts";
import { configOf, queueName } from "./parse-config.ts";
import { topicOf, withoutUndefined } from "./parse-submit.ts";
import { scalar } from "./reading.ts";
import type { JobFilter, Scalar } from "./vocabulary.ts";
import { END_STATES } from "./vocabulary.ts";
import { readWantedQueue } from "./wanted.ts";

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

/** A queue of this shard alone, and where it lives is not this shard's to say. */
export function parseConfigure(item: unknown): CommandOf<"ConfigureQueue"> {
  const { queue, ...fields } = map("configure", item);
  for (const field of ["shard", "partitions"] as const) {
    if (fields[field] !== undefined) throw new Unreadable(field, "belongs to the wanted configuration of the cluster: use `longshore queues configure`, or put it into the bucket");
  }
  return { type: "ConfigureQueue", queue: queueName(queue), config: configOf(fields) };
}

/** What a host has read in the wanted configuration. A value that is no configuration is a decision of its own. */
export function parseWant(item: unknown): CommandOf<"WantQueue"> {
  const { queue, revision, value } = fieldsOf("want", item, ["queue", "revision", "value"]);
  const wanted = { type: "WantQueue", queue: queueName(queue), revision: integer("revision", revision, 1, Number.MAX_SAFE_INTEGER) } as const;
  if (!(value instanceof Uint8Array)) throw new Unreadable("value", "must be bytes");
  try {
    const { config, since } = readWantedQueue(value);
    return { ...wanted, config, since, malformed: undefined };
  } catch (problem) {
    return { ...wanted, config: undefined, since: undefined, malformed: problem instanceof Error ? problem.message : "it cannot be read" };
  }
}

export function parseSuspend(item: unknown): CommandOf<"SuspendQueue"> {
  return { type: "SuspendQueue", queue: queueName(fieldsOf("suspend", item, ["queue"])["queue"]) };
}

export function parseResume(item: unknown): CommandOf<"ResumeQueue"> {
  return { type: "ResumeQueue", queue: queueName(fieldsOf("resume", item, ["queue"])["queue"]) };
}
