/** The name of a history, as people type it. */
import { isToken } from "@longshore/kernel";
import { wrongUsage } from "../errors.ts";

export interface HistoryAddress {
  readonly cluster: string;
  readonly kind: string;
  readonly actor: string;
}

/** Kinds of actors whose histories this program can fold. */
const KINDS = ["job-queue"] as const;

/** `job-queue.main`, or `main` for the shard of JobQueue with that name; absent: `job-queue.main`. */
export function historyAddress(cluster: string, name: string | undefined): HistoryAddress {
  const [first = "main", second, ...rest] = (name ?? "main").split(".");
  const kind = second === undefined && first !== "job-queue" ? "job-queue" : first;
  const actor = second ?? (first === "job-queue" ? "main" : first);
  if (rest.length > 0 || !isToken(actor) || !KINDS.some((known) => known === kind)) {
    throw wrongUsage(`there is no history "${name}"`, "name it as job-queue.<shard>, for example job-queue.main, or give the path of an export (./backup.lsh)");
  }
  return { cluster, kind, actor };
}

/** A path, not a name: it holds a slash, or ends like an export. */
export const isHistoryFile = (name: string): boolean => name.includes("/") || /\.(?:ndjson|lsh)$/.test(name);

export const showAddress = ({ kind, actor }: HistoryAddress): string => `${kind}.${actor}`;
