/** Reads what an instance says of itself, and brings it into one order, so that equal announcements are equal data. */

import type { Fields } from "@longshore/kernel/reading";
import { boolean, integer, list, map, name, optional, text, textSet, Unreadable } from "@longshore/kernel/reading";
import { isTopicPattern } from "./enablement.ts";
import type { Announcement } from "./events.ts";
import { INPUT_LIMITS } from "./limits.ts";
import type { Properties, PropertyChanges } from "./properties.ts";
import { charsOf, sortedByName, whyTooLong } from "./properties.ts";
import type { ClusterView, MemberRecord } from "./vocabulary.ts";

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
  const chars = members.reduce((sum, member) => sum + charsOf(member), 0);
  if (chars > INPUT_LIMITS.remoteCharsMax) throw new Unreadable("view.members", `must have at most ${INPUT_LIMITS.remoteCharsMax} characters in all`);
  return {
    clusterId: name("view.clusterId", view["clusterId"]), cluster: name("view.cluster", view["cluster"]),
    number: integer("view.number", view["number"], 1, Number.MAX_SAFE_INTEGER), members,
  };
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
