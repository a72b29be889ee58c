/** What the folded state of a job queue holds, and how two states of one history differ. */
import { type JobQueueEvent, type JobState, jobByNumber, type QueueState, type QueueStatistics } from "@longshore/job-queue";
import type { Point } from "../values.ts";
import { fold, type JobQueueHistory } from "./fold.ts";
import type { HistorySource } from "./source.ts";

export interface StateSummary {
  readonly commit: number;
  readonly epoch: number;
  readonly at: number;
  readonly queued: number;
  readonly active: number;
  /** In the history of ended jobs. */
  readonly ended: number;
  readonly queues: readonly { readonly name: string; readonly suspended: boolean; readonly statistics: QueueStatistics }[];
  readonly instances: readonly { readonly instance: string; readonly incarnation: string; readonly running: number }[];
  readonly sessions: number;
  readonly parked: number;
}

export function summaryOf({ kernel, state }: JobQueueHistory): StateSummary {
  return {
    commit: kernel.number, epoch: kernel.epoch, at: kernel.at,
    queued: state.queued, active: state.active, ended: state.ended.size,
    queues: [...state.queues.values()].map((queue) => ({ name: queue.name, suspended: queue.suspendedSince !== undefined, statistics: queue.statistics.view() })),
    instances: [...state.members.values()].map(({ instance, incarnation, running }) => ({ instance, incarnation, running: running.size })),
    sessions: kernel.sessions.size, parked: kernel.parked.length,
  };
}

/** A job's state at one end of a difference; `absent` when it is not there (yet, or any more). */
export type StateOrAbsent = JobState | "absent";

export interface JobDifference {
  readonly id: string;
  readonly topic: string;
  readonly before: StateOrAbsent;
  readonly after: StateOrAbsent;
  readonly attempts: number;
}

export interface Difference {
  readonly from: StateSummary;
  readonly to: StateSummary;
  /** Events between the two, by type. */
  readonly events: Readonly<Record<string, number>>;
  readonly jobs: readonly JobDifference[];
}

interface Seen {
  readonly id: string;
  readonly topic: string;
  readonly before: StateOrAbsent;
}

/** Folds once, from `a` on noting what each job was before it was first touched. */
export async function difference(source: HistorySource, history: JobQueueHistory, a: Point, b: Point, progress?: (commits: number) => void): Promise<Difference> {
  const seen = new Map<number, Seen>();
  const events: Record<string, number> = {};
  let from: StateSummary | undefined;
  const note = (event: JobQueueEvent, state: QueueState): void => {
    if (!("job" in event) || seen.has(event.job)) return;
    const known = event.type === "JobAccepted" ? undefined : jobByNumber(state, event.job);
    const id = event.type === "JobAccepted" ? event.id : known?.id;
    const topic = event.type === "JobAccepted" ? event.topic : known?.topic;
    if (id !== undefined && topic !== undefined) seen.set(event.job, { id: `${source.address.actor}.${id}`, topic, before: known?.state ?? "absent" });
  };
  await fold(source, history, { to: b, ...(progress === undefined ? {} : { progress }) }, {
    point: a,
    reached: () => { from = summaryOf(history); },
    coming(event, state) {
      events[event.type] = (events[event.type] ?? 0) + 1;
      note(event, state);
    },
  });
  const to = summaryOf(history);
  const jobs = [...seen].map(([number, { id, topic, before }]): JobDifference => {
    const job = jobByNumber(history.state, number);
    return { id, topic, before, after: job?.state ?? "absent", attempts: job?.attempt ?? 0 };
  });
  return { from: from ?? to, to, events, jobs };
}
