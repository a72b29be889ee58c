/** Reads what travels: options, reports, outcomes. */
import type { EndState, Payload } from "@longshore/job-queue";
import { payload, propertyName, scalar } from "@longshore/job-queue/reading";
import type { Fields } from "@longshore/kernel/reading";
import { fields, integer, map, note, oneOf, optional, text, Unreadable } from "@longshore/kernel/reading";
import { INPUT_LIMITS } from "./limits.ts";
import { blobs, count, cutText, errorInfo, listOf, words } from "./reading.ts";
import type { CarriedOptions, NamedBlob, Report, RoutePool, TripOutcome } from "./vocabulary.ts";
import { INPUT_BLOB, RESULT_BLOB } from "./vocabulary.ts";

export function optionsOf(value: unknown): CarriedOptions {
  const read = fields("options", value ?? {}, ["retries", "retryDelayMs", "timeoutMs", "properties"]);
  return withoutUndefined({
    retries: optional(read["retries"], (given) => integer("retries", given, -1, 1_000_000)),
    retryDelayMs: optional(read["retryDelayMs"], (given) => count("retryDelayMs", given)),
    timeoutMs: optional(read["timeoutMs"], (given) => count("timeoutMs", given)),
    properties: optional(read["properties"], propertiesOf),
  });
}

function propertiesOf(value: unknown): CarriedOptions["properties"] {
  const entries = Object.entries(map("properties", value));
  if (entries.length > INPUT_LIMITS.propertiesMax) throw new Unreadable("properties", `must be at most ${INPUT_LIMITS.propertiesMax}`);
  return Object.fromEntries(entries.sort(byKey).map(([key, inner]) => [propertyName("properties", key), scalar(`properties.${key}`, inner)]));
}

export function reportOf(value: unknown): Report {
  const read = fields("report", value, ["state", "attempt", "failures", "instance", "error", "progress", "log", "trouble"]);
  return withoutUndefined({
    state: optional(read["state"], (given) => oneOf("state", given, ["fetching", "queued", "active"])),
    attempt: optional(read["attempt"], (given) => count("attempt", given)),
    failures: optional(read["failures"], (given) => count("failures", given)),
    instance: optional(read["instance"], (given) => words("instance", given)),
    error: optional(read["error"], (given) => errorInfo("error", given)),
    progress: optional(read["progress"], progressOf),
    log: optional(read["log"], (given) => listOf("log", given, INPUT_LIMITS.logLinesMax, (line) => cutText("log", line))),
    trouble: read["trouble"] === null ? null : optional(read["trouble"], (given) => words("trouble", given)),
  });
}

function progressOf(value: unknown): readonly [number | null, string | null] {
  if (!Array.isArray(value) || value.length !== 2) throw new Unreadable("progress", "must be [fraction or null, message or null]");
  const [fraction, message] = value as readonly unknown[];
  if (fraction !== null && !(typeof fraction === "number" && fraction >= 0 && fraction <= 1)) throw new Unreadable("progress", "must begin with a fraction from 0 to 1, or null");
  return [fraction, optional(message, (given) => cutText("progress", given)) ?? null];
}

/** An outcome; blobs are named by the sender, a result that lies outside is one of them. */
export function outcomeOf(read: Fields, end: EndState | null, listed: readonly NamedBlob[]): TripOutcome {
  const result = optional(read["result"], (given) => payload("result", given)) ?? null;
  return {
    end, result, blobs: withBlob(RESULT_BLOB, result, listed),
    reason: optional(read["reason"], (given) => cutText("reason", given)) ?? null, error: optional(read["error"], (given) => errorInfo("error", given)) ?? null,
  };
}

export const withInput = (input: Payload, listed: readonly NamedBlob[]): readonly NamedBlob[] => withBlob(INPUT_BLOB, input, listed);

function withBlob(name: string, payload: Payload | null, listed: readonly NamedBlob[]): readonly NamedBlob[] {
  const isOutside = payload !== null && !(payload instanceof Uint8Array);
  return isOutside && !listed.some((blob) => blob.name === name) ? [{ name, ...payload }, ...listed] : listed;
}

export const poolsOf = (value: unknown): readonly RoutePool[] => listOf("pools", value, INPUT_LIMITS.poolsMax, (item) => {
  const read = fields("pools", item, ["topics", "slots", "labels"]);
  const labels = Object.entries(map("labels", read["labels"] ?? {}));
  if (labels.length > INPUT_LIMITS.labelsMax) throw new Unreadable("labels", `must be at most ${INPUT_LIMITS.labelsMax}`);
  return {
    topics: topicsOf(read["topics"]), slots: integer("slots", read["slots"], 0, INPUT_LIMITS.slotsMax),
    labels: Object.fromEntries(labels.sort(byKey).map(([key, inner]) => [text("labels", key, 200), note(`labels.${key}`, inner, 1_000)])),
  };
});

export const topicsOf = (value: unknown): readonly string[] =>
  [...new Set(listOf("topics", value, INPUT_LIMITS.topicsMax, (topic) => text("topics", topic, INPUT_LIMITS.topicCharsMax)))].sort();

export const blobsOf = (value: unknown): readonly NamedBlob[] => blobs("blobs", value);

const byKey = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);

/** The same fields without those that were not said. */
function withoutUndefined<T extends object>(read: T): { readonly [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(read).filter(([, value]) => value !== undefined)) as { readonly [K in keyof T]?: Exclude<T[K], undefined> };
}
