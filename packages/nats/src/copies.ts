/** How many servers have each message, and whether all of them are there. */
import { streamsOf } from "@longshore/kernel";
import { askApi } from "./api.ts";
import type { Connection } from "./connect.ts";
import { isRecord } from "./faults.ts";
import { bad, type Finding, good, unknown } from "./finding.ts";

interface Copies {
  readonly stream: string;
  readonly count: number;
  /** The server is one of several. */
  readonly isClustered: boolean;
  readonly hasLeader: boolean;
  /** Servers that have not all of it, and why. */
  readonly behind: readonly string[];
}

/** Finds a cluster of servers that keeps one copy, and copies that are missing or behind: the next loss would stop everything. */
export async function copiesFinding(connection: Connection, cluster: string): Promise<Finding> {
  const check = "copies of each message";
  const asked = await Promise.all(Object.values(streamsOf(cluster)).map((stream) => copiesOf(connection, stream)));
  const streams = asked.filter((copies) => copies !== undefined);
  if (streams.length === 0) return unknown(check, "no stream could be looked at", "");
  const headless = streams.filter(({ hasLeader }) => !hasLeader);
  if (headless.length > 0) return bad(check, `${named(headless)}: more than half of its servers are away, so nothing can be written`, "start them");
  const behind = streams.filter((copies) => copies.behind.length > 0);
  if (behind.length > 0) {
    return bad(check, behind.map((copies) => `${copies.stream}: ${copies.behind.join(", ")}`).join("; "), "start the servers that are away, and wait for those that are behind; one more loss may stop everything");
  }
  const counts = [...new Set(streams.map(({ count }) => count))].sort();
  const single = streams.filter(({ count, isClustered }) => isClustered && count < 3);
  if (single.length > 0) return bad(check, `${counts.join(" and ")} in a cluster of servers: ${named(single)} stop when one server does`, "run `longshore setup --replicas 3`");
  return good(check, counts[0] === 1 ? "1: there is one server" : `${counts.join(" and ")}, all of them whole`);
}

const named = (streams: readonly Copies[]): string => streams.map(({ stream }) => stream).join(", ");

async function copiesOf(connection: Connection, stream: string): Promise<Copies | undefined> {
  const answer = await askApi(connection, `STREAM.INFO.${stream}`);
  if (answer.kind !== "ok") return undefined;
  const { config, cluster } = answer.body;
  const group = isRecord(cluster) ? cluster : {};
  const others = Array.isArray(group["replicas"]) ? group["replicas"].filter(isRecord) : [];
  const count = isRecord(config) ? Number(config["num_replicas"] ?? 1) : 1;
  return {
    stream,
    count,
    isClustered: typeof group["name"] === "string" && group["name"] !== "",
    hasLeader: typeof group["leader"] === "string" && group["leader"] !== "",
    behind: [...others.flatMap((other) => stateOf(other)), ...changing(count, others.length, isRecord(group["desired"]))],
  };
}

/** Until a change of the number of copies is through, losing the one server that led before can stop the stream. */
const changing = (count: number, others: number, hasDesired: boolean): readonly string[] =>
  (hasDesired || others < count - 1 ? ["its copies are still being made"] : []);

/** A killed server counts as offline only after long; until then it has just not been heard of. */
const SILENT_NS = 3e9;

function stateOf(copy: Readonly<Record<string, unknown>>): readonly string[] {
  const server = String(copy["name"] ?? "?");
  if (copy["offline"] === true) return [`${server} is away`];
  if (copy["current"] === true) return [];
  return [Number(copy["active"] ?? 0) > SILENT_NS ? `${server} is silent` : `${server} is ${Number(copy["lag"] ?? 0)} messages behind`];
}
