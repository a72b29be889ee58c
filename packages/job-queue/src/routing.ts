/**
 * Which queue takes a topic, and which shard a job of it lives in. Clients, shards and workers all ask here, so they
 * agree as soon as they know the same configuration.
 *
 * A queue lives in its shard, or, with partitions, in `<shard>-0` to `<shard>-(n - 1)`: a job's key, or else its id
 * without the shard, is hashed over them. The default queue is in every shard and is nobody's to place.
 */
import { DEFAULT_QUEUE } from "./limits.ts";
import { queueMatches } from "./topics.ts";
import type { QueueConfig } from "./vocabulary.ts";

export const DEFAULT_SHARD = "main";

/** A queue as far as the choice between queues goes. */
export interface RankedQueue {
  readonly name: string;
  readonly config: QueueConfig;
  /** When it was first configured: the earlier one is asked first. Absent: after all that say. */
  readonly since?: number | undefined;
}

/** Queues in the order in which they are asked for a topic; the default queue is not among them. */
export const inRankingOrder = <Q extends RankedQueue>(queues: Iterable<Q>): Q[] =>
  [...queues].filter(({ name }) => name !== DEFAULT_QUEUE).sort(byRanking);

function byRanking(a: RankedQueue, b: RankedQueue): number {
  const ranking = (b.config.ranking ?? 0) - (a.config.ranking ?? 0);
  if (ranking !== 0) return ranking;
  const age = (a.since ?? Number.MAX_SAFE_INTEGER) - (b.since ?? Number.MAX_SAFE_INTEGER);
  return age !== 0 ? age : a.name < b.name ? -1 : 1;
}

/** The queue that takes a topic, of queues in ranking order; undefined: the default queue does. */
export const queueTaking = <Q extends RankedQueue>(ordered: readonly Q[], topic: string): Q | undefined =>
  ordered.find(({ config }) => queueMatches(config.topics, topic));

/** Every shard that a queue of this configuration lives in. */
export function shardsOf({ shard = DEFAULT_SHARD, partitions }: Pick<QueueConfig, "shard" | "partitions">): readonly string[] {
  return partitions === undefined ? [shard] : Array.from({ length: partitions }, (_, partition) => `${shard}-${partition}`);
}

/** The shard that one job of a queue lives in. `key`: its key, or else its id without the shard. */
export const shardFor = ({ shard = DEFAULT_SHARD, partitions }: Pick<QueueConfig, "shard" | "partitions">, key: string): string =>
  partitions === undefined ? shard : `${shard}-${partitionOf(key, partitions)}`;

/** FNV-1a over the UTF-16 units, mixed at the end: keys that differ in their last character spread too. Part of the wire. */
export function partitionOf(key: string, partitions: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % partitions;
}
