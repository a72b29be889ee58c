/** Reads one item of a message as a command: who may say the verb, and what must stand under it (`commands.ts`). */
import type { Parsed, Role, Sender } from "@longshore/kernel";
import type { Fields } from "@longshore/kernel/reading";
import { boolean, fields, integer, name, oneOf, optional, textSet, Unreadable } from "@longshore/kernel/reading";
import type { DiscoveryCommand, Leadership, Speaker } from "./commands.ts";
import type { Who } from "./events.ts";
import { INPUT_LIMITS } from "./limits.ts";
import { ANNOUNCEMENT_FIELDS, announcementOf, clusterViewOf, listEntry, propertyChangesOf } from "./parse-announcement.ts";

interface Verb {
  readonly roles: readonly Role[];
  read(item: unknown, sender: Sender): DiscoveryCommand;
}

const INSTANCES: readonly Role[] = ["hello"];
const WHO = ["instance", "incarnation"];
const SPEAKER = ["by", "byIncarnation"];

const VERBS: ReadonlyMap<string, Verb> = new Map<string, Verb>([
  ["announce", { roles: INSTANCES, read: readAnnounce }],
  ["properties", { roles: ["hello", "operate"], read: readProperties }],
  ["leave", { roles: INSTANCES, read: (item, { principal }) => ({ type: "Leave", ...who(fields("leave", item, WHO)), principal }) }],
  ["ack", { roles: INSTANCES, read: readAck }],
  ["suspect", { roles: INSTANCES, read: readSuspect }],
  ["refute", { roles: INSTANCES, read: readRefute }],
  ["topics", { roles: ["operate"], read: readTopics }],
  ["remote", { roles: ["hello", "actor", "peer"], read: readRemote }],
  ["remoteGone", { roles: ["hello", "actor", "peer", "operate"], read: readRemoteGone }],
  ["propose", { roles: ["operate", "actor"], read: readPropose }],
  ["outage", { roles: ["actor"], read: readOutage }],
]);

export function parse(verb: string, item: unknown, sender: Sender): Parsed<DiscoveryCommand> {
  try {
    const known = VERBS.get(verb);
    if (known === undefined) throw new Unreadable(verb, `is no verb of a discovery agent: use ${[...VERBS.keys()].join(", ")}`, "command/unknown");
    if (!known.roles.includes(sender.role)) throw new Unreadable(verb, `is not for the role ${sender.role}: send it as ${known.roles.join(" or ")}`, "command/not-allowed");
    return { kind: "command", command: known.read(item, sender) };
  } catch (problem) {
    if (!(problem instanceof Unreadable)) throw problem;
    const { code, field, remedy } = problem;
    return { kind: "malformed", malformed: { code, field, remedy } };
  }
}

const who = (item: Fields): Who => ({ instance: name("instance", item["instance"]), incarnation: name("incarnation", item["incarnation"]) });

const speakerOf = (item: Fields, { principal }: Sender): Speaker =>
  ({ by: name("by", item["by"]), byIncarnation: name("byIncarnation", item["byIncarnation"]), principal });

/** Instances prove that they lead; other actors speak over a link of their own. */
const leaderOf = (item: Fields, sender: Sender): Leadership | undefined =>
  sender.role === "hello" ? { ...speakerOf(item, sender), number: viewNumber(item) } : undefined;

const viewNumber = (item: Fields): number => integer("number", item["number"], 1, Number.MAX_SAFE_INTEGER);

function readAnnounce(value: unknown, { principal }: Sender): DiscoveryCommand {
  const item = fields("announce", value, [...WHO, "witness", ...ANNOUNCEMENT_FIELDS]);
  const witness = optional(item["witness"], (held) => boolean("witness", held)) ?? false;
  return { type: "Announce", ...who(item), principal, witness, announcement: announcementOf(item) };
}

function readProperties(value: unknown, { role, principal }: Sender): DiscoveryCommand {
  const item = fields("properties", value, [...WHO, "properties"]);
  return {
    type: "ChangeProperties", instance: name("instance", item["instance"]), incarnation: optional(item["incarnation"], (held) => name("incarnation", held)),
    owner: role === "operate" ? undefined : principal, properties: propertyChangesOf(item["properties"]),
  };
}

function readAck(value: unknown, { principal }: Sender): DiscoveryCommand {
  const item = fields("ack", value, [...WHO, "number"]);
  return { type: "AckView", ...who(item), principal, number: viewNumber(item) };
}

function readSuspect(value: unknown, sender: Sender): DiscoveryCommand {
  const item = fields("suspect", value, [...SPEAKER, ...WHO, "kind", "isHealthy"]);
  const kind = oneOf("kind", item["kind"], ["witness", "silent"]);
  return { type: "Suspect", speaker: speakerOf(item, sender), ...who(item), kind, isHealthy: boolean("isHealthy", item["isHealthy"]) };
}

function readRefute(value: unknown, sender: Sender): DiscoveryCommand {
  const item = fields("refute", value, [...SPEAKER, ...WHO]);
  return { type: "Refute", speaker: speakerOf(item, sender), ...who(item) };
}

function readTopics(value: unknown, sender: Sender): DiscoveryCommand {
  const item = fields("topics", value, ["instance", "enable", "disable", "exclusive"]);
  const entries = (field: string): readonly string[] => textSet(field, item[field] ?? [], INPUT_LIMITS.topicsMax, listEntry);
  return {
    type: "ChangeTopics", instance: name("instance", item["instance"]), enable: entries("enable"), disable: entries("disable"),
    exclusive: item["exclusive"] === undefined || item["exclusive"] === null ? (item["exclusive"] as null | undefined) : entries("exclusive"),
    principal: sender.principal,
  };
}

const peerOf = ({ role, principal }: Sender): string | undefined => (role === "peer" ? principal : undefined);

function readRemote(value: unknown, sender: Sender): DiscoveryCommand {
  const item = fields("remote", value, ["view", ...SPEAKER, "number"]);
  const view = clusterViewOf(item["view"]);
  const peer = peerOf(sender);
  if (peer !== undefined && view.cluster !== peer) throw new Unreadable("view.cluster", `must be "${peer}": a cluster speaks for itself`);
  return { type: "AnnounceRemote", view, leader: leaderOf(item, sender), peer };
}

function readRemoteGone(value: unknown, sender: Sender): DiscoveryCommand {
  const item = fields("remoteGone", value, ["clusterId", "upTo", ...SPEAKER, "number"]);
  const upTo = optional(item["upTo"], (number) => integer("upTo", number, 1, Number.MAX_SAFE_INTEGER));
  return { type: "ExpireRemote", clusterId: name("clusterId", item["clusterId"]), upTo, leader: leaderOf(item, sender), peer: peerOf(sender) };
}

function readPropose(value: unknown): DiscoveryCommand {
  fields("propose", value, []);
  return { type: "ProposeView" };
}

function readOutage(value: unknown): DiscoveryCommand {
  const item = fields("outage", value, ["reason"]);
  return { type: "DiscardEvidence", reason: oneOf("reason", item["reason"], ["outage", "opened", "stalled"]) };
}
