/** Reads what an instance says of itself, and brings it into one order, so that equal announcements are equal data. */

import type { Fields } from "@longshore/kernel/reading";
import { boolean, integer, list, map, name, optional, text, textSet, Unreadable } from "@longshore/kernel/reading";
import { isListEntry, isTopicPattern } from "./enablement.ts";
import type { Announcement } from "./events.ts";
import { INPUT_LIMITS } from "./limits.ts";
import type { Properties, PropertyChanges } from "./properties.ts";
import { charsOf, sortedByName, whyTooLong } from "./properties.ts";
import type { ClusterView, MemberLists, MemberRecord } from "./vocabulary.ts";

export const ANNOUNCEMENT_FIELDS: readonly string[] = ["properties", "topics", "slots", "kinds", "endpoints", "software", "leaderPriority", "isReady"];

export function announcementOf(item: Fields): Announcement {
  const announcement: Announcement = {
    properties: optional(item["properties"], propertiesOf) ?? {},
    topics: optional(item["topics"], (value) => textSet("topics", value, INPUT_LIMITS.topicsMax, topicPattern)) ?? [],
    slots: optional(item["slots"], (value) => integer("slots", value, 0, INPUT_LIMITS.slotsMax)) ?? 0,
    kinds: optional(item["kinds"], (value) => textSet("kinds", value, INPUT_LIMITS.kindsMax, name)) ?? [],
    endpoints: optional(item["endpoints"], endpointsOf) ?? [],
    software: optional(item["software"], softwareOf) ?? "",
    leaderPriority: optional(item["leaderPriority"], (value) => integer("leaderPriority", value, -INPUT_LIMITS.priorityMax, INPUT_LIMITS.priorityMax)) ?? 0,
    isReady: optional(item["isReady"], (value) => boolean("isReady", value)) ?? true,
  };
  const tooLong = whyTooLong(announcement);
  if (tooLong !== undefined) throw new Unreadable("announcement", tooLong);
  return announcement;
}

/** Empty where it was not said: what a view shows can be said again. */
const softwareOf = (value: unknown): string => (value === "" ? "" : text("software", value, INPUT_LIMITS.softwareCharsMax));

/** In the order its author gave: the first is the one to try first. */
const endpointsOf = (value: unknown): readonly string[] =>
  list("endpoints", value, INPUT_LIMITS.endpointsMax).map((endpoint) => text("endpoints", endpoint, INPUT_LIMITS.endpointCharsMax));

function topicPattern(field: string, value: unknown): string {
  if (typeof value === "string" && isTopicPattern(value)) return value;
  throw new Unreadable(field, `must be a/b, a/* (children) or a/** (all below): ${JSON.stringify(value)} is not`);
}

const PROPERTY_NAME = /^[A-Za-z0-9._-]+$/;
const FORBIDDEN_NAMES: ReadonlySet<string> = new Set(["__proto__", "prototype", "constructor"]);

/** Sorted by name. */
function propertiesOf(value: unknown): Properties {
  const properties = propertyChangesOf(value);
  for (const [key, held] of Object.entries(properties)) if (held === null) throw unreadableProperty(key);
  return properties as Properties;
}

const unreadableProperty = (key: string): Unreadable => new Unreadable(`properties.${key}`, `must be text of at most ${INPUT_LIMITS.propertyCharsMax} characters`);

/** Sorted by name; null where a property is to go. */
export function propertyChangesOf(value: unknown): PropertyChanges {
  const entries = Object.entries(map("properties", value));
  if (entries.length > INPUT_LIMITS.propertiesMax) throw new Unreadable("properties", `must be at most ${INPUT_LIMITS.propertiesMax}`);
  for (const [key, held] of entries) {
    const isName = PROPERTY_NAME.test(key) && key.length <= INPUT_LIMITS.propertyNameCharsMax && !FORBIDDEN_NAMES.has(key);
    if (!isName) throw new Unreadable("properties", `${JSON.stringify(key)} is no name: use 1 to ${INPUT_LIMITS.propertyNameCharsMax} of the characters A-Z a-z 0-9 . _ -`);
    if (held !== null && (typeof held !== "string" || held.length > INPUT_LIMITS.propertyCharsMax)) throw unreadableProperty(key);
  }
  return sortedByName(Object.fromEntries(entries) as PropertyChanges);
}

const MEMBER_FIELDS = ["instance", "incarnation", "principal", "joinedView", "propertiesVersion"];

/** A view of another cluster: each instance once, at least one. */
export function clusterViewOf(value: unknown): ClusterView {
  const view = map("view", value);
  const members = list("view.members", view["members"], INPUT_LIMITS.remoteMembersMax).map(memberOf);
  if (members.length === 0) throw new Unreadable("view.members", "must have at least one member: a cluster with none says nothing");
  if (new Set(members.map(({ instance }) => instance)).size < members.length) throw new Unreadable("view.members", "must name every instance once");
  const lists = optional(view["lists"], (value) => listsOf(value, members));
  const chars = members.reduce((sum, member) => sum + charsOf(member), 0) + (lists ?? []).reduce((sum, { exclusive = [], disabled }) => sum + [...exclusive, ...disabled].join("").length, 0);
  if (chars > INPUT_LIMITS.remoteCharsMax) throw new Unreadable("view.members", `must have at most ${INPUT_LIMITS.remoteCharsMax} characters in all`);
  return {
    clusterId: name("view.clusterId", view["clusterId"]), cluster: name("view.cluster", view["cluster"]),
    number: integer("view.number", view["number"], 1, Number.MAX_SAFE_INTEGER), members, ...(lists === undefined ? {} : { lists }),
  };
}

function listsOf(value: unknown, members: readonly MemberRecord[]): readonly MemberLists[] {
  const lists = list("view.lists", value, members.length).map((one): MemberLists => {
    const { instance, exclusive, disabled } = map("view.lists", one);
    const entries = (field: string, held: unknown): readonly string[] => textSet(`view.lists.${field}`, held, INPUT_LIMITS.topicsMax, listEntry);
    return { instance: name("view.lists.instance", instance), exclusive: optional(exclusive, (held) => entries("exclusive", held)), disabled: entries("disabled", disabled) };
  });
  const known = new Set(members.map(({ instance }) => instance));
  for (const { instance } of lists) if (!known.delete(instance)) throw new Unreadable("view.lists", `must name members, each once: "${instance}" is none, or twice there`);
  return lists;
}

/** An entry of the lists that say which topics an instance works on. */
export function listEntry(field: string, value: unknown): string {
  if (typeof value === "string" && isListEntry(value)) return value;
  throw new Unreadable(field, `must be a/b, a/. (children), a/* (a and all below), a/** (all below) or *: ${JSON.stringify(value)} is not`);
}

function memberOf(value: unknown): MemberRecord {
  const member = map("view.members", value);
  for (const field of MEMBER_FIELDS) if (member[field] === undefined) throw new Unreadable(`view.members.${field}`, "is missing");
  return {
    instance: name("instance", member["instance"]), incarnation: name("incarnation", member["incarnation"]), principal: name("principal", member["principal"]),
    joinedView: integer("joinedView", member["joinedView"], 0, Number.MAX_SAFE_INTEGER),
    propertiesVersion: integer("propertiesVersion", member["propertiesVersion"], 1, Number.MAX_SAFE_INTEGER),
    ...announcementOf(member),
  };
}
