/** Reads the configuration of a queue. */
import { isToken } from "@longshore/kernel";
import type { Fields } from "@longshore/kernel/reading";
import { boolean, fields, integer, list, map, name, note, number, oneOf, onlyKnown, optional, text, textSet, Unreadable } from "@longshore/kernel/reading";
import { INPUT_LIMITS } from "./limits.ts";
import { withoutUndefined } from "./parse-submit.ts";
import { millis } from "./reading.ts";
import type { OffloadPolicy, OffloadWhen, QueueConfig } from "./vocabulary.ts";
import { PLACEMENTS } from "./vocabulary.ts";

const QUEUE_NAME = /^[A-Za-z0-9 _,.\-+#!?$%&()=]+$/;

export const isQueueName = (name: string): boolean => name.length <= INPUT_LIMITS.queueNameCharsMax && QUEUE_NAME.test(name);

/** @throws {Unreadable} */
export function queueName(value: unknown): string {
  const name = text("queue", value, INPUT_LIMITS.queueNameCharsMax);
  if (QUEUE_NAME.test(name)) return name;
  throw new Unreadable("queue", "must be letters, digits, blanks and _ , . - + # ! ? $ % & ( ) =");
}

const FIELDS: ReadonlySet<string> = new Set(["topics", "type", "maxParallel", "retries", "retryDelayMs", "keepJobs", "keepIds", "ranking", "shard", "partitions", "placement", "offload"]);
const LATER: ReadonlySet<string> = new Set(["rate", "perKey", "priority"]);

/** @throws {Unreadable} */
export function configOf(fields: Fields): QueueConfig {
  onlyKnown(fields, FIELDS, LATER);
  const { topics, type, maxParallel, retries, retryDelayMs, keepJobs, keepIds, ranking, shard, partitions, placement, offload } = fields;
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
      shard: optional(shard, shardName),
      partitions: optional(partitions, (value) => integer("partitions", value, 1, INPUT_LIMITS.partitionsMax)),
      placement: optional(placement, (value) => oneOf("placement", value, PLACEMENTS)),
      offload: optional(offload, readOffloadPolicy),
    }),
  };
}

const OFFLOAD_FIELDS = ["when", "backlog", "waitMs", "exclude", "prefer", "labels"];

/** What a queue's field `offload` says. @throws {Unreadable} naming field and remedy. */
export function readOffloadPolicy(value: unknown): OffloadPolicy {
  const { when, backlog, waitMs, exclude, prefer, labels } = fields("offload", value, OFFLOAD_FIELDS);
  const read = withoutUndefined({
    when: optional(when, (given) => oneOf<OffloadWhen>("offload.when", given, ["never", "no-local-consumer", "behind", "always"])),
    backlog: optional(backlog, (given) => integer("offload.backlog", given, 0, Number.MAX_SAFE_INTEGER)),
    waitMs: optional(waitMs, (given) => millis("offload.waitMs", given)),
    exclude: optional(exclude, (given) => textSet("offload.exclude", given, INPUT_LIMITS.clustersMax, name)),
    prefer: optional(prefer, (given) => textSet("offload.prefer", given, INPUT_LIMITS.clustersMax, name)),
    labels: optional(labels, labelsOf),
  });
  const hasBound = read.backlog !== undefined || read.waitMs !== undefined;
  if (hasBound === (read.when === "behind")) return read;
  throw new Unreadable("offload", hasBound ? "has backlog or waitMs, which only mean something with when: behind" : "is behind when what? say backlog or waitMs");
}

const labelsOf = (value: unknown): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(map("offload.labels", value)).map(([label, inner]) => [label, text(`offload.labels.${label}`, inner, INPUT_LIMITS.propertyCharsMax)]));

function shardName(value: unknown): string {
  const name = text("shard", value, INPUT_LIMITS.shardCharsMax);
  if (isToken(name)) return name;
  throw new Unreadable("shard", `must be 1 to ${INPUT_LIMITS.shardCharsMax} of the characters A-Z a-z 0-9 _ -`);
}

function keepIdsOf(value: unknown): { readonly ms: number; readonly count: number } {
  const { ms, count } = map("keepIds", value);
  return { ms: millis("keepIds.ms", ms), count: integer("keepIds.count", count, 0, 100_000_000) };
}
