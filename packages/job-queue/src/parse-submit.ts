/**
 * Reads `submit`. Two forms: `[id or null, topic, input, options or null]` with the input encoded, which is what the
 * library sends, and `{ topic, input, id?, …options }` with the input as a value, for people and for other languages.
 *
 * A user's id belongs to its topic and is remembered; in state it is `<topic, '/' as '~'>.<id>`. In the array form a
 * ULID is an id that the sender has generated: unique, so it stands for itself and is remembered only while its job is there.
 */
import { encode, isToken, whyNotSerializable } from "@longshore/kernel";
import type { Fields } from "@longshore/kernel/reading";
import { integer, map, onlyKnown, optional, text, Unreadable } from "@longshore/kernel/reading";
import type { JobQueueCommand } from "./commands.ts";
import { INPUT_LIMITS } from "./limits.ts";
import type { Source } from "./parse.ts";
import { inline, millis, namedBlobs, payload, propertyName, scalar } from "./reading.ts";
import { isTopic } from "./topics.ts";
import type { JobOptions, Payload, Scalar } from "./vocabulary.ts";

type Submit = Extract<JobQueueCommand, { type: "SubmitJob" }>;

const OPTIONS: ReadonlySet<string> = new Set(["retries", "retryDelayMs", "timeoutMs", "notBefore", "delayMs", "queue", "key", "revision", "properties", "creator", "inputs"]);
const LATER: ReadonlySet<string> = new Set(["priority", "unique", "needs", "dependsOn", "startWithinMs", "backoff"]);
const FIELDS: ReadonlySet<string> = new Set(["topic", "input", "id", ...OPTIONS]);

const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;
const USER_ID = /^[!-~]+$/;

export function parseSubmit(item: unknown, source: Source): Submit {
  if (!Array.isArray(item)) return fromMap(map("submit", item), source);
  const [id, topicField, input, options] = item as readonly unknown[];
  if (item.length > 4) throw new Unreadable("submit", "must be [id or null, topic, input, options or null]");
  const topic = topicOf(topicField);
  const given = options === undefined || options === null ? undefined : map("options", options);
  if (given !== undefined) onlyKnown(given, OPTIONS, LATER);
  return submit(id, true, topic, payload("input", input), given, source);
}

function fromMap(fields: Fields, source: Source): Submit {
  onlyKnown(fields, FIELDS, LATER);
  const { topic, input = null, id, ...options } = fields;
  const reason = whyNotSerializable(input, "input");
  if (reason !== undefined) throw new Unreadable("input", `must be plain values: ${reason}`);
  return submit(id, false, topicOf(topic), inline("input", encode(input)), Object.keys(options).length === 0 ? undefined : options, source);
}

function submit(id: unknown, mayBeGenerated: boolean, topic: string, input: Payload, given: Fields | undefined, { sender, fallbackId }: Source): Submit {
  const options = given === undefined ? undefined : jobOptions(given);
  const idGiven = id !== null && id !== undefined && !(mayBeGenerated && typeof id === "string" && ULID.test(id));
  const localId = idGiven ? userId(topic, id) : ((id as string | null | undefined) ?? fallbackId());
  const isNamed = id !== null && id !== undefined;
  return { type: "SubmitJob", id: localId, idGiven, ...(isNamed ? {} : { unnamed: true }), topic, input, options, principal: sender.principal, ...(sender.stored === true ? { stored: true } : {}) };
}

/** The id, without the shard, of the job that an item of `submit` would make; undefined where it has none of its own. */
export function nameOfSubmit(item: unknown): string | undefined {
  if (typeof item !== "object" || item === null) return undefined;
  const [id, topic] = Array.isArray(item) ? (item as readonly unknown[]) : [(item as Fields)["id"], (item as Fields)["topic"]];
  if (typeof id !== "string" || id.length > INPUT_LIMITS.idCharsMax) return undefined;
  if (Array.isArray(item) && ULID.test(id)) return id;
  return isTopic(topic) ? `${topic.replaceAll("/", "~")}.${id}` : undefined;
}

export function topicOf(value: unknown): string {
  if (isTopic(value)) return value;
  throw new Unreadable("topic", `must be tokens of letters, digits, _ and - separated by /, at most ${INPUT_LIMITS.topicCharsMax} characters: ${JSON.stringify(value)} is not`);
}

function userId(topic: string, value: unknown): string {
  const id = text("id", value, INPUT_LIMITS.idCharsMax);
  if (!USER_ID.test(id)) throw new Unreadable("id", "must have visible ASCII characters only, and no blanks");
  return `${topic.replaceAll("/", "~")}.${id}`;
}

function jobOptions(fields: Fields): JobOptions {
  const { retries, retryDelayMs, timeoutMs, notBefore, delayMs, queue, key, revision, properties, creator, inputs } = fields;
  const read = {
    retries: optional(retries, (value) => integer("retries", value, -1, 1_000_000)),
    retryDelayMs: optional(retryDelayMs, (value) => millis("retryDelayMs", value)),
    timeoutMs: optional(timeoutMs, (value) => millis("timeoutMs", value)),
    notBefore: optional(notBefore, (value) => integer("notBefore", value, 0, Number.MAX_SAFE_INTEGER)),
    delayMs: optional(delayMs, (value) => millis("delayMs", value)),
    queue: optional(queue, (value) => text("queue", value, INPUT_LIMITS.queueNameCharsMax)),
    key: optional(key, (value) => text("key", value, INPUT_LIMITS.keyCharsMax)),
    revision: optional(revision, (value) => integer("revision", value, 0, Number.MAX_SAFE_INTEGER)),
    properties: optional(properties, propertiesOf),
    creator: optional(creator, instanceName),
    inputs: optional(inputs, (value) => namedBlobs("inputs", value)),
  };
  return withoutUndefined(read);
}

function instanceName(value: unknown): string {
  if (isToken(value)) return value;
  throw new Unreadable("creator", "must be the id of an instance: 1 to 128 of the characters A-Z a-z 0-9 _ -");
}

/** The same fields without those that were not said. */
export function withoutUndefined<T extends object>(fields: T): { readonly [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as { readonly [K in keyof T]?: Exclude<T[K], undefined> };
}

function propertiesOf(value: unknown): Readonly<Record<string, Scalar>> {
  const entries = Object.entries(map("properties", value));
  if (entries.length > INPUT_LIMITS.propertiesMax) throw new Unreadable("properties", `must be at most ${INPUT_LIMITS.propertiesMax}`);
  return Object.fromEntries(entries.map(([name, inner]) => [propertyName("properties", name), scalar(`properties.${name}`, inner)]));
}
