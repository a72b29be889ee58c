/**
 * Replay: a history folded again, up to any commit or instant, with the same `evolve` as its host.
 *
 * It starts at the first commit; where the oldest commits were purged, at the latest snapshot, and says so. What it
 * shows is only what is stored.
 */
import type { JobQueueActor, JobQueueEvent, QueueState } from "@longshore/job-queue";
import { jobQueue } from "@longshore/job-queue";
import { type Commit, decodeCommit, type EventListener, Fault, History, type StoredCommit } from "@longshore/kernel";
import { CommandFailure, failed, notFound, wrongUsage } from "../errors.ts";
import type { Point } from "../values.ts";
import { sha256 } from "./hash.ts";
import type { HistorySource } from "./source.ts";

export type JobQueueHistory = History<QueueState, Parameters<JobQueueActor["decide"]>[1], JobQueueEvent, { readonly code: string; readonly message: string }>;
export type Listener = EventListener<QueueState, JobQueueEvent>;

export interface Folded {
  readonly history: JobQueueHistory;
  readonly commits: number;
  readonly events: number;
  /** 0: the fold began with the first commit. Else it began with the snapshot at this commit. */
  readonly from: number;
  readonly elapsedMs: number;
}

export interface FoldOptions {
  /** Stop behind this point; everything when absent. */
  readonly to?: Point | undefined;
  readonly listener?: Listener;
  /** Called before a commit is folded. */
  readonly before?: (commit: StoredCommit, history: JobQueueHistory) => void;
  readonly progress?: (commits: number) => void;
}

export const actorOf = ({ cluster, actor }: { readonly cluster: string; readonly actor: string }): JobQueueActor => jobQueue({ cluster, shard: actor });

/** Thrown to stop reading: the point is reached. */
const REACHED = Symbol("reached");

/** @throws {CommandFailure} `cli/not-found` when the point lies before everything that is kept. @throws {Fault} `history/chain-broken`. */
export async function fold(source: HistorySource, options: FoldOptions = {}): Promise<Folded> {
  const startMs = performance.now();
  if (source.address.kind !== "job-queue") throw wrongUsage(`${source.name} is the history of a ${source.address.kind}, and only those of job queues can be folded here`, "`longshore audit` and `longshore export` take it");
  const history: JobQueueHistory = new History(actorOf(source.address), sha256);
  const counted = { commits: 0, events: 0, from: 0 };
  const first = await source.first();
  if (first !== undefined && decodeCommit(first.bytes).number > 1) {
    await restore(source, history);
    counted.from = history.kernel.number;
  }
  checkReachable(source, history, options.to);
  const take = (stored: StoredCommit): void => {
    const commit = readably(source.name, history.kernel.number, () => decodeCommit(stored.bytes));
    if (commit.number <= history.kernel.number) return;
    if (isBehind(commit, options.to)) throw REACHED;
    readably(source.name, history.kernel.number, () => {
      options.before?.(stored, history);
      history.fold(stored, options.listener);
    });
    counted.commits++;
    counted.events += commit.events.length;
    options.progress?.(counted.commits);
  };
  await source.read(take).catch((error: unknown) => {
    if (error !== REACHED) throw error;
  });
  const { to } = options;
  if (to?.kind === "commit" && history.kernel.number < to.number) {
    throw notFound(`${source.name} ends at commit ${history.kernel.number}: there is no commit ${to.number} yet`, "give a number up to that one, or an instant");
  }
  return { history, ...counted, elapsedMs: performance.now() - startMs };
}

/** A changed commit may fail in any way: the chain tells only at the one after it. */
export function readably<Result>(name: string, behind: number, run: () => Result): Result {
  try {
    return run();
  } catch (error) {
    if (error instanceof Fault || error instanceof CommandFailure) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw failed("history/unreadable", `the commit of ${name} behind number ${behind} cannot be folded: ${why}`, "it was changed, or a newer release wrote it: try that, or restore it from a replica or an export");
  }
}

const isBehind = (commit: Commit, to: Point | undefined): boolean => to !== undefined && (to.kind === "commit" ? commit.number > to.number : commit.at > to.atMs);

async function restore(source: HistorySource, history: JobQueueHistory): Promise<void> {
  const snapshot = await source.snapshot();
  if (snapshot !== undefined && history.restore(snapshot)) return;
  const why = snapshot === undefined ? "there is no snapshot to start from" : `the snapshot at commit ${snapshot.number} is of another release or damaged`;
  throw failed("history/no-start", `${source.name} has lost its first commits, and ${why}`, "use the release that wrote the snapshot, or an export made earlier");
}

function checkReachable(source: HistorySource, { kernel }: JobQueueHistory, to: Point | undefined): void {
  if (to === undefined || (to.kind === "commit" ? to.number >= kernel.number : to.atMs >= kernel.at)) return;
  throw notFound(
    `${source.name} is kept from commit ${kernel.number} (${new Date(kernel.at).toISOString()}) on, and that is before it`,
    "older commits were purged by the retention of the host; an export made earlier still has them",
  );
}
