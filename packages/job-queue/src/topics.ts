/**
 * Topics and the two pattern languages over them.
 *
 * A topic is tokens of letters, digits, `_` and `-` separated by `/`. Queues and workers match topics differently, as in
 * Sling: a queue's `a/*` is everything below `a`, a worker's `a/*` only its children.
 *
 * | queue pattern | matches | | worker pattern | matches |
 * |---|---|---|---|---|
 * | `a/b` | exactly | | `a/b` | exactly |
 * | `a.`, `a/.` | children of `a` | | `a/*` | children of `a` |
 * | `a*`, `a/*` | everything below `a` | | `a/**` | everything below `a` |
 * | `*` | everything | | `*`, `**` | nothing |
 */
import { INPUT_LIMITS } from "./limits.ts";

const TOPIC = /^[A-Za-z0-9_-]+(?:\/[A-Za-z0-9_-]+)*$/;

export const isTopic = (text: unknown): text is string =>
  typeof text === "string" && text.length <= INPUT_LIMITS.topicCharsMax && TOPIC.test(text);

/** A queue pattern taken apart. */
interface QueuePattern {
  readonly kind: "exact" | "children" | "below" | "all";
  /** The topic, or the prefix with its `/`. */
  readonly text: string;
}

function readQueuePattern(pattern: string): QueuePattern | undefined {
  if (pattern === "*") return { kind: "all", text: "" };
  const last = pattern.at(-1);
  if (last !== "*" && last !== ".") return isTopic(pattern) ? { kind: "exact", text: pattern } : undefined;
  const stem = pattern.slice(0, pattern.at(-2) === "/" ? -2 : -1);
  if (!isTopic(stem)) return undefined;
  return { kind: last === "." ? "children" : "below", text: `${stem}/` };
}

export const isQueuePattern = (pattern: string): boolean => readQueuePattern(pattern) !== undefined;

export function queuePatternMatches(pattern: string, topic: string): boolean {
  const read = readQueuePattern(pattern);
  if (read === undefined) return false;
  switch (read.kind) {
    case "all": return true;
    case "exact": return topic === read.text;
    case "below": return topic.startsWith(read.text);
    case "children": return topic.startsWith(read.text) && !topic.includes("/", read.text.length);
  }
}

/** Blank entries are ignored, as in Sling. */
export const queueMatches = (patterns: readonly string[], topic: string): boolean =>
  patterns.some((pattern) => queuePatternMatches(pattern.trim(), topic));

const stemOf = (pattern: string): string => pattern.replace(/\/\*\*?$/, "");

export const isWorkerPattern = (pattern: string): boolean => isTopic(stemOf(pattern));

/**
 * The worker patterns that match a topic, most specific first: itself, its parent's children, then everything below each
 * ancestor, the nearest first.
 */
export function workerPatternsOf(topic: string): readonly string[] {
  const patterns = [topic];
  let end = topic.lastIndexOf("/");
  if (end > 0) patterns.push(`${topic.slice(0, end)}/*`);
  for (; end > 0; end = topic.lastIndexOf("/", end - 1)) patterns.push(`${topic.slice(0, end)}/**`);
  return patterns;
}

export const workerPatternMatches = (pattern: string, topic: string): boolean => workerPatternsOf(topic).includes(pattern);
