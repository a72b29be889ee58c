/** Reads what a host says of the instances it hears from. */
import { isToken } from "@longshore/kernel";
import { integer, list, map, note, text, Unreadable } from "@longshore/kernel/reading";
import type { JobQueueCommand } from "./commands.ts";
import { INPUT_LIMITS } from "./limits.ts";
import type { Source } from "./parse.ts";
import { isWorkerPattern } from "./topics.ts";
import type { WorkerPool } from "./vocabulary.ts";

type CommandOf<Type extends JobQueueCommand["type"]> = Extract<JobQueueCommand, { type: Type }>;

export function parseJoin(item: unknown, { sender }: Source): CommandOf<"JoinInstance"> {
  const { instance, incarnation, processors, pools } = map("join", item);
  return {
    type: "JoinInstance", ...who(instance, incarnation), principal: sender.principal,
    processors: integer("processors", processors, 1, INPUT_LIMITS.processorsMax), pools: poolsOf(pools),
  };
}

export function parseChangeTopics(item: unknown): CommandOf<"ChangeTopics"> {
  const { instance, incarnation, pools } = map("topics", item);
  return { type: "ChangeTopics", ...who(instance, incarnation), pools: poolsOf(pools) };
}

export function parseDrain(item: unknown): CommandOf<"DrainInstance"> {
  const { instance, incarnation } = map("drain", item);
  return { type: "DrainInstance", ...who(instance, incarnation) };
}

export function parseLeave(item: unknown): CommandOf<"LeaveInstance"> {
  const { instance, incarnation, reason } = map("leave", item);
  return { type: "LeaveInstance", ...who(instance, incarnation), reason: note("reason", reason ?? "it left", INPUT_LIMITS.reasonCharsMax) };
}

export function parseRank(item: unknown): CommandOf<"RankInstances"> {
  return { type: "RankInstances", instances: list("instances", map("rank", item)["instances"], INPUT_LIMITS.rankedMax).map((name) => tokenOf("instances", name)) };
}

const who = (instance: unknown, incarnation: unknown): { readonly instance: string; readonly incarnation: string } =>
  ({ instance: tokenOf("instance", instance), incarnation: text("incarnation", incarnation, 128) });

function tokenOf(field: string, value: unknown): string {
  if (isToken(value)) return value;
  throw new Unreadable(field, "must be 1 to 128 of the characters A-Z a-z 0-9 _ -");
}

const poolsOf = (value: unknown): readonly WorkerPool[] => list("pools", value, INPUT_LIMITS.poolsMax).map((pool) => {
  const { topics, slots } = map("pools", pool);
  return { topics: list("topics", topics, INPUT_LIMITS.patternsMax).map(patternOf), slots: integer("slots", slots, 0, INPUT_LIMITS.slotsMax) };
});

function patternOf(value: unknown): string {
  if (typeof value === "string" && isWorkerPattern(value)) return value;
  throw new Unreadable("topics", `must be a/b, a/* (children) or a/** (all below): ${JSON.stringify(value)} is not`);
}
