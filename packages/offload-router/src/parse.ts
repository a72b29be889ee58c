/** Reads one item of a message as a command: who may say the verb, and what must stand under it (`commands.ts`). */
import { isTopic } from "@longshore/job-queue";
import { payload } from "@longshore/job-queue/reading";
import type { Parsed, Role, Sender } from "@longshore/kernel";
import type { Fields } from "@longshore/kernel/reading";
import { boolean, fields, integer, name, oneOf, optional, text, Unreadable } from "@longshore/kernel/reading";
import type { OffloadCommand } from "./commands.ts";
import { INPUT_LIMITS } from "./limits.ts";
import { blobsOf, optionsOf, outcomeOf, poolsOf, reportOf, topicsOf, withInput } from "./parse-travel.ts";
import { digest, endState, listOf, words } from "./reading.ts";
import type { MoveStep } from "./vocabulary.ts";

interface Verb {
  readonly role: Role;
  readonly fields: readonly string[];
  read(item: Fields, sender: Sender): OffloadCommand;
}

const number = (item: Fields, field: string): number => integer(field, item[field], 1, Number.MAX_SAFE_INTEGER);
const attemptOf = (item: Fields) => ({ shard: name("shard", item["shard"]), job: number(item, "job"), attempt: number(item, "attempt") });
const reasonOf = (item: Fields, otherwise: string): string => optional(item["reason"], (given) => words("reason", given)) ?? otherwise;
const clusterOf = (item: Fields): string => name("cluster", item["cluster"]);

/** What is carried there: the same from a queue and from another router. */
function travel(item: Fields, listed: unknown) {
  const input = payload("input", item["input"]);
  return { id: text("id", item["id"], INPUT_LIMITS.idCharsMax), topic: topicOf(item["topic"]), input, blobs: withInput(input, blobsOf(listed)), options: optionsOf(item["options"]) };
}

function topicOf(value: unknown): string {
  if (isTopic(value)) return value;
  throw new Unreadable("topic", "must be tokens of letters, digits, _ and - separated by /");
}

const VERBS: ReadonlyMap<string, Verb> = new Map<string, Verb>([
  ["handover", { role: "actor", fields: ["shard", "job", "attempt", "id", "topic", "cluster", "input", "inputs", "options"], read: (item) => ({ type: "HandOver", ...attemptOf(item), cluster: clusterOf(item), ...travel(item, item["inputs"]) }) }],
  ["stop", {
    role: "actor", fields: ["shard", "job", "attempt", "reason", "isGone"],
    read: (item) => ({ type: "StopTrip", ...attemptOf(item), reason: reasonOf(item, "stopped"), isGone: optional(item["isGone"], (given) => boolean("isGone", given)) ?? false }),
  }],
  ["guestReport", { role: "actor", fields: ["guest", "report"], read: (item) => ({ type: "ReportGuest", guest: number(item, "guest"), report: reportOf(item["report"]) }) }],
  ["guestEnded", { role: "actor", fields: ["guest", "end", "result", "outputs", "reason", "error"], read: readGuestEnded }],
  ["guestRefused", {
    role: "actor", fields: ["guest", "code", "message", "shard"],
    read: (item) => ({ type: "RefuseGuest", guest: number(item, "guest"), code: words("code", item["code"]), message: words("message", item["message"]), shard: optional(item["shard"], (given) => name("shard", given)) }),
  }],
  ["offer", { role: "peer", fields: ["trip", "id", "topic", "input", "blobs", "options"], read: (item, { principal }) => ({ type: "Offer", origin: principal, trip: number(item, "trip"), ...travel(item, item["blobs"]) }) }],
  ["cancel", { role: "peer", fields: ["trip", "reason"], read: (item, { principal }) => ({ type: "Cancel", origin: principal, trip: number(item, "trip"), reason: reasonOf(item, "its origin gave it up") }) }],
  ["release", { role: "peer", fields: ["trip"], read: (item, { principal }) => ({ type: "Release", origin: principal, trip: number(item, "trip") }) }],
  ["answer", { role: "peer", fields: ["trip", "code", "message"], read: readAnswer }],
  ["report", { role: "peer", fields: ["trip", "report"], read: (item, { principal }) => ({ type: "Report", cluster: principal, trip: number(item, "trip"), report: reportOf(item["report"]) }) }],
  ["return", { role: "peer", fields: ["trip", "end", "result", "blobs", "reason", "error"], read: readReturn }],
  ["moved", { role: "hello", fields: ["step", "trip", "guest", "failure"], read: readMoved }],
  ["removed", { role: "hello", fields: ["digests"], read: (item) => ({ type: "ReportRemoved", digests: listOf("digests", item["digests"], INPUT_LIMITS.digestsMax, (one) => digest("digests", one)) }) }],
  ["route", { role: "hello", fields: ["cluster", "pools"], read: (item) => ({ type: "ChangeRoute", cluster: clusterOf(item), pools: poolsOf(item["pools"]) }) }],
  ["routeLost", { role: "hello", fields: ["cluster"], read: (item) => ({ type: "LoseRoute", cluster: clusterOf(item) }) }],
  ["own", {
    role: "hello", fields: ["topics", "shards"],
    read: (item) => ({ type: "ChangeOwn", topics: topicsOf(item["topics"]), shards: [...new Set(listOf("shards", item["shards"], INPUT_LIMITS.shardsMax, (one) => name("shards", one)))] }),
  }],
  ["drain", { role: "operate", fields: ["cluster"], read: (item, { principal }) => ({ type: "DrainCluster", cluster: clusterOf(item), isDrained: true, by: principal }) }],
  ["resume", { role: "operate", fields: ["cluster"], read: (item, { principal }) => ({ type: "DrainCluster", cluster: clusterOf(item), isDrained: false, by: principal }) }],
  ["reclaim", { role: "operate", fields: ["trip", "reason"], read: (item, { principal }) => ({ type: "Reclaim", trip: number(item, "trip"), reason: reasonOf(item, `reclaimed by ${principal}`) }) }],
]);

export function parse(verb: string, item: unknown, sender: Sender): Parsed<OffloadCommand> {
  try {
    const known = VERBS.get(verb);
    if (known === undefined) throw new Unreadable(verb, `is no verb of an offload router: use ${[...VERBS.keys()].join(", ")}`, "command/unknown");
    if (known.role !== sender.role) throw new Unreadable(verb, `is not for the role ${sender.role}: send it as ${known.role}`, "command/not-allowed");
    return { kind: "command", command: known.read(fields(verb, item, known.fields), sender) };
  } catch (problem) {
    if (!(problem instanceof Unreadable)) throw problem;
    const { code, field, remedy } = problem;
    return { kind: "malformed", malformed: { code, field, remedy } };
  }
}

function readGuestEnded(item: Fields): OffloadCommand {
  const end = endState("end", item["end"]);
  return { type: "EndGuest", guest: number(item, "guest"), outcome: { ...outcomeOf(item, end, blobsOf(item["outputs"])), end } };
}

function readAnswer(item: Fields, { principal }: Sender): OffloadCommand {
  const code = optional(item["code"], (given) => words("code", given));
  const refusal = code === undefined ? undefined : { code, message: words("message", item["message"] ?? code) };
  return { type: "Answer", cluster: principal, trip: number(item, "trip"), refusal };
}

function readReturn(item: Fields, { principal }: Sender): OffloadCommand {
  const end = item["end"] === null ? null : endState("end", item["end"]);
  return { type: "Return", cluster: principal, trip: number(item, "trip"), outcome: outcomeOf(item, end, blobsOf(item["blobs"])) };
}

const OF_TRIPS: readonly MoveStep[] = ["stage", "import"];

function readMoved(item: Fields): OffloadCommand {
  const step = oneOf("step", item["step"], ["stage", "fetch", "collect", "import"]);
  const field = OF_TRIPS.includes(step) ? "trip" : "guest";
  const failure = optional(item["failure"], (given) => {
    const read = fields("failure", given, ["kind", "message"]);
    return { kind: oneOf("failure.kind", read["kind"], ["missing", "corrupt", "unreachable"]), message: words("failure.message", read["message"]) };
  });
  return { type: "ReportMove", step, number: number(item, field), failure };
}
