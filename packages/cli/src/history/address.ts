/** The name of a history, as people type it. */
import { DISCOVERY_KIND } from "@longshore/discovery-agent";
import { isToken } from "@longshore/kernel";
import { OFFLOAD_KIND } from "@longshore/offload-router";
import { wrongUsage } from "../errors.ts";

export interface HistoryAddress {
  readonly cluster: string;
  readonly kind: string;
  readonly actor: string;
}

/** Kinds of actors whose histories this program can fold. */
export const FOLDED: readonly string[] = ["job-queue", OFFLOAD_KIND];
const JOB_QUEUES: readonly string[] = ["job-queue"];
/** Kinds whose histories it can read, show and judge. */
export const JUDGED: readonly string[] = [...FOLDED, DISCOVERY_KIND];

/** `job-queue.main`, or `main` for the shard of JobQueue with that name; absent: `job-queue.main`. */
export function historyAddress(cluster: string, name: string | undefined, kinds: readonly string[] = JOB_QUEUES): HistoryAddress {
  const [first = "main", second, ...rest] = (name ?? "main").split(".");
  const isKind = kinds.includes(first);
  const kind = second === undefined && !isKind ? "job-queue" : first;
  const actor = second ?? (isKind ? "main" : first);
  if (rest.length > 0 || !isToken(actor) || !kinds.includes(kind)) {
    const others = kinds.filter((known) => known !== "job-queue").map((known) => `, or ${known}`).join("");
    throw wrongUsage(`there is no history "${name}"`, `name it as job-queue.<shard>, for example job-queue.main${others}, or give the path of an export (./backup.lsh)`);
  }
  return { cluster, kind, actor };
}

/** A path, not a name: it holds a slash, or ends like an export. */
export const isHistoryFile = (name: string): boolean => name.includes("/") || /\.(?:ndjson|lsh)$/.test(name);

export const showAddress = ({ kind, actor }: HistoryAddress): string => `${kind}.${actor}`;
