/** Reads one item of a message as a command: who may say the verb, and what must stand under it (`commands.ts`). */
import type { Parsed, Role, Sender } from "@longshore/kernel";
import { Unreadable } from "@longshore/kernel/reading";
import type { JobQueueCommand } from "./commands.ts";
import { parseChangeTopics, parseDrain, parseJoin, parseLeave, parseRank } from "./parse-members.ts";
import { parseBulk, parseConfigure, parseRemove, parseResume, parseRetry, parseStop, parseSuspend, parseWant } from "./parse-operate.ts";
import { parseGuest, parseHandBack, parseRoute, parseStopGuest } from "./parse-router.ts";
import { parseSubmit } from "./parse-submit.ts";
import { parseExtend, parseLog, parseOutcome, parseProgress, parseProperty } from "./parse-worker.ts";

/** What a reader may need beside the item. */
export interface Source {
  readonly sender: Sender;
  readonly shard: string;
  readonly fallbackId: () => string;
}

interface Verb {
  readonly roles: readonly Role[];
  read(item: unknown, source: Source): JobQueueCommand;
}

const WORKERS: readonly Role[] = ["outcome"];
/** The router of this cluster says how attempts go that run in others. */
const RUNNERS: readonly Role[] = ["outcome", "actor"];
const ROUTERS: readonly Role[] = ["actor"];
const OWNERS: readonly Role[] = ["submit", "operate"];
const OPERATORS: readonly Role[] = ["operate"];
/** Spoken by the host itself, under the principal it heard; no message from outside has this role. */
const HOSTS: readonly Role[] = ["hello"];

const VERBS: ReadonlyMap<string, Verb> = new Map<string, Verb>([
  ["submit", { roles: ["submit", "operate", "actor"], read: parseSubmit }],
  ["outcome", { roles: RUNNERS, read: parseOutcome }],
  ["progress", { roles: RUNNERS, read: parseProgress }],
  ["log", { roles: RUNNERS, read: parseLog }],
  ["property", { roles: WORKERS, read: parseProperty }],
  ["extend", { roles: WORKERS, read: parseExtend }],
  ["stop", { roles: OWNERS, read: parseStop }],
  ["retry", { roles: OWNERS, read: parseRetry }],
  ["remove", { roles: OWNERS, read: parseRemove }],
  ["stopAll", { roles: OPERATORS, read: parseBulk("stop") }],
  ["retryAll", { roles: OPERATORS, read: parseBulk("retry") }],
  ["removeAll", { roles: OPERATORS, read: parseBulk("remove") }],
  ["route", { roles: ROUTERS, read: parseRoute }],
  ["guest", { roles: ROUTERS, read: parseGuest }],
  ["stopGuest", { roles: ROUTERS, read: parseStopGuest }],
  ["handBack", { roles: ROUTERS, read: parseHandBack }],
  ["configure", { roles: OPERATORS, read: parseConfigure }],
  ["suspend", { roles: OPERATORS, read: parseSuspend }],
  ["resume", { roles: OPERATORS, read: parseResume }],
  ["want", { roles: HOSTS, read: parseWant }],
  ["join", { roles: HOSTS, read: parseJoin }],
  ["topics", { roles: HOSTS, read: parseChangeTopics }],
  ["drain", { roles: HOSTS, read: parseDrain }],
  ["leave", { roles: HOSTS, read: parseLeave }],
  ["rank", { roles: HOSTS, read: parseRank }],
]);

export function parse(verb: string, item: unknown, sender: Sender, fallbackId: () => string, shard: string): Parsed<JobQueueCommand> {
  try {
    const known = VERBS.get(verb);
    if (known === undefined) throw new Unreadable(verb, `is no verb of a job queue: use ${[...VERBS.keys()].join(", ")}`, "command/unknown");
    if (!known.roles.includes(sender.role)) throw new Unreadable(verb, `is not for the role ${sender.role}: send it as ${known.roles.join(" or ")}`, "command/not-allowed");
    return { kind: "command", command: known.read(item, { sender, shard, fallbackId }) };
  } catch (problem) {
    if (!(problem instanceof Unreadable)) throw problem;
    const { code, field, remedy } = problem;
    return { kind: "malformed", malformed: { code, field, remedy } };
  }
}
