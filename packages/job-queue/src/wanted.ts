/**
 * An entry of the wanted configuration about a queue: its key, and its value in JSON.
 *
 *     queue.media  {"topics":["media/*"],"shard":"media","since":1767225600000,"former":["main"]}
 *
 * In a key, what is neither a letter nor a digit nor `_` or `-` stands as `=` and two hexadecimal digits. `since` says
 * when the queue was first wanted, and `former` where it lived before: its jobs there are still to be done.
 */
import { decodeUntrusted, encodeJson, isToken } from "@longshore/kernel";
import type { Fields } from "@longshore/kernel/reading";
import { integer, list, map, optional, text, Unreadable } from "@longshore/kernel/reading";
import { configOf, isQueueName } from "./parse-config.ts";
import type { QueueConfig } from "./vocabulary.ts";

export interface WantedQueue {
  readonly config: QueueConfig;
  readonly since: number | undefined;
  readonly former: readonly string[];
}

const PREFIX = "queue.";
/** Shards remembered that a queue has lived in. */
export const FORMER_MAX = 64;

export const wantedKeyOf = (queue: string): string => PREFIX + queue.replaceAll(/[^A-Za-z0-9_-]/g, (char) => `=${char.charCodeAt(0).toString(16).padStart(2, "0")}`);

/** The queue that a key speaks of; undefined when it speaks of something else. */
export function queueOfWantedKey(key: string): string | undefined {
  if (!key.startsWith(PREFIX)) return undefined;
  const name = key.slice(PREFIX.length).replaceAll(/=([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return isQueueName(name) && wantedKeyOf(name) === key ? name : undefined;
}

/** @throws {Error} naming the field and the remedy when it is not what it must be. */
export function readWantedQueue(value: Uint8Array): WantedQueue {
  const { since, former, ...fields } = map("the wanted configuration", decodeUntrusted(value, true));
  return {
    config: configOf(fields),
    since: optional(since, (given) => integer("since", given, 0, Number.MAX_SAFE_INTEGER)),
    former: optional(former, shardNames) ?? [],
  };
}

const shardNames = (value: unknown): readonly string[] =>
  list("former", value, FORMER_MAX).map((name) => {
    if (isToken(text("former", name, 128))) return name as string;
    throw new Unreadable("former", "must name shards: 1 to 128 of the characters A-Z a-z 0-9 _ -");
  });

export const writeWantedQueue = ({ config, since, former }: WantedQueue): Uint8Array =>
  encodeJson({ ...config, ...(since === undefined ? {} : { since }), ...(former.length === 0 ? {} : { former }) } satisfies Fields);
