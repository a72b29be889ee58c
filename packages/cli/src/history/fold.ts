/**
 * Replay: a history folded again, up to any commit or instant, with the same `evolve` as its host.
 *
 * It starts at the first commit; where the oldest commits were purged, at the latest snapshot, and says so. What it
 * shows is only what is stored.
 */
import type { JobQueueActor, JobQueueCommand, JobQueueEvent, JobQueueRejection, QueueState } from "@longshore/job-queue";
import { jobQueue } from "@longshore/job-queue";
import { type Commit, decodeCommit, type EventListener, Fault, FIRST_ACTOR_CODE, History, type RejectionShape, type StoredCommit } from "@longshore/kernel";
import type { OffloadCommand, OffloadEvent, OffloadRejection, OffloadState } from "@longshore/offload-router";
import { OFFLOAD_KIND, offloadRouter } from "@longshore/offload-router";
import { CommandFailure, failed, notFound, wrongUsage } from "../errors.ts";
import type { Point } from "../values.ts";
import { sha256 } from "./hash.ts";
import type { HistorySource } from "./source.ts";

/** What a fold began with, and how far it came. */
export interface Folded<State, Command, Event, Rejection extends RejectionShape> {
  readonly history: History<State, Command, Event, Rejection>;
  readonly commits: number;
  readonly events: number;
  /** 0: the fold began with the first commit. Else it began with the snapshot at this commit. */
  readonly from: number;
  readonly elapsedMs: number;
}

/** As far as it does not matter of what. */
export interface AnyFolded extends Omit<Folded<unknown, unknown, unknown, never>, "history"> {
  readonly history: Pick<JobQueueHistory, "kernel" | "stateHash">;
}

export interface FoldOptions<State, Event> {
  /** Stop behind this point; everything when absent. */
  readonly to?: Point | undefined;
  readonly listener?: EventListener<State, Event>;
  readonly progress?: (commits: number) => void;
}

/** What happens behind a point. */
export interface Behind<State, Event> {
  readonly point: Point;
  /** Called once, before the first commit behind it is folded; not when there is none. */
  reached(): void;
  /** Called with each event of a commit before that is folded. */
  coming(event: Event, state: State): void;
}

export const actorOf = ({ cluster, actor }: { readonly cluster: string; readonly actor: string }): JobQueueActor => jobQueue({ cluster, shard: actor });

export type JobQueueHistory = History<QueueState, JobQueueCommand, JobQueueEvent, JobQueueRejection>;
export type RouterHistory = History<OffloadState, OffloadCommand, OffloadEvent, OffloadRejection>;

/** Lets `run` have an empty history of the kind that the source holds. @throws {CommandFailure} `cli/usage` when it is another kind's. */
export function historyFor<Result>({ address, name }: HistorySource, run: { readonly jobQueue: (history: JobQueueHistory) => Result; readonly offloadRouter: (history: RouterHistory) => Result }): Result {
  if (address.kind === "job-queue") return run.jobQueue(new History(actorOf(address), sha256));
  if (address.kind === OFFLOAD_KIND) return run.offloadRouter(new History(offloadRouter(address), sha256));
  throw wrongUsage(`${name} is the history of a ${address.kind}, and only those of job queues and offload routers can be folded here`, "`longshore audit` and `longshore export` take it");
}

/** Thrown to stop reading: the point is reached. */
const REACHED = Symbol("reached");

/** @throws {CommandFailure} `cli/not-found` when the point lies before everything that is kept. @throws {Fault} `history/chain-broken`. */
export async function fold<State, Command, Event, Rejection extends RejectionShape>(
  source: HistorySource, history: History<State, Command, Event, Rejection>, options: FoldOptions<State, Event> = {}, behind?: Behind<State, Event>,
): Promise<Folded<State, Command, Event, Rejection>> {
  const startMs = performance.now();
  const counted = { commits: 0, events: 0, from: 0 };
  let isReached = false;
  const tell = ({ reached, coming }: Behind<State, Event>, { events, format }: Commit): void => {
    if (!isReached) reached();
    isReached = true;
    for (const wire of events) if ((wire[0] as number) >= FIRST_ACTOR_CODE) coming(history.actor.events.decode(wire, format), history.state);
  };
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
      if (behind !== undefined && isBehind(commit, behind.point)) tell(behind, commit);
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

/** Of whichever kind that can be folded, from an empty history. */
export const foldAny = (source: HistorySource, options: Pick<FoldOptions<unknown, unknown>, "to" | "progress"> = {}): Promise<AnyFolded> =>
  historyFor<Promise<AnyFolded>>(source, { jobQueue: (history) => fold(source, history, options), offloadRouter: (history) => fold(source, history, options) });

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

/** Of any kind. */
type Restored = Pick<JobQueueHistory, "restore" | "kernel">;

async function restore(source: HistorySource, history: Restored): Promise<void> {
  const snapshot = await source.snapshot();
  if (snapshot !== undefined && history.restore(snapshot)) return;
  const why = snapshot === undefined ? "there is no snapshot to start from" : `the snapshot at commit ${snapshot.number} is of another release or damaged`;
  throw failed("history/no-start", `${source.name} has lost its first commits, and ${why}`, "use the release that wrote the snapshot, or an export made earlier");
}

function checkReachable(source: HistorySource, { kernel }: Restored, to: Point | undefined): void {
  if (to === undefined || (to.kind === "commit" ? to.number >= kernel.number : to.atMs >= kernel.at)) return;
  throw notFound(
    `${source.name} is kept from commit ${kernel.number} (${new Date(kernel.at).toISOString()}) on, and that is before it`,
    "older commits were purged by the retention of the host; an export made earlier still has them",
  );
}
