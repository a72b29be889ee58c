/**
 * Which topics an instance works on: those it can consume, without those that are disabled, and where some are exclusive, only those.
 *
 * The lists are held against what a consumer registered for, not against job topics. Entries:
 *
 * | entry | names |
 * |---|---|
 * | `a/b` | exactly |
 * | `a/.` | one level below `a` |
 * | `a/*` | `a` and everything below |
 * | `a/**` | everything below `a` |
 * | `*` | everything |
 */
import { INPUT_LIMITS } from "./limits.ts";

const TOKENS = /^[A-Za-z0-9_-]+(?:\/[A-Za-z0-9_-]+)*$/;

/** What a consumer registers for: `a/b`, `a/*` (children), `a/**` (everything below), or `/`. */
export const isTopicPattern = (text: string): boolean =>
  text.length <= INPUT_LIMITS.topicCharsMax && (text === "/" || TOKENS.test(text.replace(/\/\*\*?$/, "")));

/** An entry of the lists. */
export const isListEntry = (text: string): boolean => text === "*" || isTopicPattern(text.endsWith("/.") ? text.slice(0, -2) : text);

function entryNames(entry: string, registered: string): boolean {
  if (entry === "*" || entry === registered) return true;
  if (entry.endsWith("/.")) {
    const stem = entry.slice(0, -1);
    return registered.startsWith(stem) && !registered.includes("/", stem.length);
  }
  if (entry.endsWith("/**")) return registered.startsWith(entry.slice(0, -2));
  if (entry.endsWith("/*")) return registered === entry.slice(0, -2) || registered.startsWith(entry.slice(0, -1));
  return false;
}

export interface TopicLists {
  readonly exclusive: readonly string[] | undefined;
  readonly disabled: readonly string[];
}

export type TopicState = "enabled" | "disabled" | "exclusive";

/** Disabled beats exclusive; in exclusive mode whatever is not named is disabled. */
export function topicState(registered: string, { exclusive, disabled }: TopicLists): TopicState {
  if (disabled.some((entry) => entryNames(entry, registered))) return "disabled";
  if (exclusive === undefined) return "enabled";
  return exclusive.some((entry) => entryNames(entry, registered)) ? "exclusive" : "disabled";
}

/** The topics of a registered list that are worked on, in its order. */
export const enabledTopics = (registered: readonly string[], lists: TopicLists): readonly string[] =>
  registered.filter((topic) => topicState(topic, lists) !== "disabled");
