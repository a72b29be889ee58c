/** Reads what the router of this cluster says: what other clusters take, and the jobs that they send here. */
import type { Fields } from "@longshore/kernel/reading";
import { integer, list, map, name, note, optional, text, Unreadable } from "@longshore/kernel/reading";
import type { JobQueueCommand } from "./commands.ts";
import { INPUT_LIMITS } from "./limits.ts";
import { ROUTER, routeName } from "./members.ts";
import type { Source } from "./parse.ts";
import { localId } from "./parse-operate.ts";
import { parseSubmit } from "./parse-submit.ts";
import { isWorkerPattern } from "./topics.ts";
import type { WorkerPool } from "./vocabulary.ts";

/** Another cluster is a member of one incarnation, which never leaves: while it takes nothing, it has no pools. */
export function parseRoute(item: unknown): JobQueueCommand {
  const { cluster, pools } = map("route", item);
  const offered = list("pools", pools, INPUT_LIMITS.poolsMax).map(poolOf);
  return { type: "JoinInstance", instance: routeName(name("cluster", cluster)), incarnation: "route", principal: ROUTER, processors: 1, pools: offered };
}

function poolOf(value: unknown): WorkerPool {
  const { topics, slots, labels = {} } = map("pools", value);
  const read = list("topics", topics, INPUT_LIMITS.patternsMax).filter((topic): topic is string => typeof topic === "string" && isWorkerPattern(topic));
  const entries = Object.entries(map("labels", labels)).map(([key, inner]) => [key, note(`labels.${key}`, inner, INPUT_LIMITS.reasonCharsMax)]);
  return { topics: read, slots: integer("slots", slots, 0, INPUT_LIMITS.slotsMax), ...(entries.length === 0 ? {} : { labels: Object.fromEntries(entries) as Record<string, string> }) };
}

/** A job of another cluster. One that cannot be read is refused in the history, or its router would wait for it for ever. */
export function parseGuest(item: unknown, source: Source): JobQueueCommand {
  const read = map("guest", item);
  const guest = integer("guest", read["guest"], 1, Number.MAX_SAFE_INTEGER);
  try {
    const { id, topic, input, inputs, options } = read;
    const origin = name("origin", read["origin"]);
    return { ...(parseSubmit([id, topic, input, inputs === undefined ? options : { ...optional(options, (given) => map("options", given)), inputs }], source) as Extract<JobQueueCommand, { type: "SubmitJob" }>), guest: { guest, origin } };
  } catch (problem) {
    if (!(problem instanceof Unreadable)) throw problem;
    return { type: "RefuseSubmit", guest, code: problem.code, message: problem.message };
  }
}

export function parseStopGuest(item: unknown, { shard }: Source): JobQueueCommand {
  const read: Fields = map("stopGuest", item);
  return { type: "StopJob", id: localId(text("id", read["id"], 1_000), shard), reason: note("reason", read["reason"], INPUT_LIMITS.reasonCharsMax), owner: undefined };
}

export function parseHandBack(item: unknown, { shard }: Source): JobQueueCommand {
  const read: Fields = map("handBack", item);
  return { type: "HandBackJob", guest: integer("guest", read["guest"], 1, Number.MAX_SAFE_INTEGER), id: localId(text("id", read["id"], 1_000), shard) };
}
