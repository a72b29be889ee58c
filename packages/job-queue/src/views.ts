/** Jobs and queues as those who ask see them. */
import type { Job } from "./job.ts";
import type { Queue } from "./queue.ts";
import type { QueueState } from "./state.ts";
import type { JobView, NamedBlob, NamedBlobWire, QueueView } from "./vocabulary.ts";
import { namedBlobFromWire } from "./vocabulary.ts";
import { waitsFor } from "./why.ts";

/** Of a cut log, what its newest line ends with; as in Sling. */
const TRUNCATED = "...truncated log";

export interface ViewOptions {
  readonly shard: string;
  readonly at: number;
  /** With input, result, inputs and outputs. */
  readonly payloads: boolean;
}

export function jobView(state: QueueState, job: Job, { shard, at, payloads }: ViewOptions): JobView {
  const { extra, startedAt, instance, result } = job;
  const waits = waitsFor(state, job, at);
  return {
    id: `${shard}.${job.id}`, number: job.number, topic: job.topic, queue: job.queue.name, state: job.state,
    createdAt: job.createdAt, createdBy: job.principal, attempt: job.attempt, failures: job.failures, retries: job.queue.retriesOf(job),
    ...said({
      waits, notBefore: job.isQueued && job.isAsleep ? job.until : undefined, startedAt, endedAt: job.isEnded ? job.since : undefined, instance,
      stopRequested: job.isActive && job.stopRequested ? true : undefined, progress: extra?.progress, log: logOf(job),
      properties: extra?.properties, key: extra?.key, creator: extra?.creator, reason: extra?.reason, error: extra?.error,
      cause: extra?.cause === undefined ? undefined : `${shard}.${extra.cause[1]}`,
      input: payloads ? job.input : undefined, result: payloads ? result : undefined,
      inputs: payloads ? blobsOf(extra?.inputs) : undefined, outputs: payloads ? blobsOf(extra?.outputs) : undefined,
    }),
  };
}

const blobsOf = (blobs: readonly NamedBlobWire[] | undefined): readonly NamedBlob[] | undefined => blobs?.map(namedBlobFromWire);

function logOf({ extra }: Job): readonly string[] | undefined {
  const log = extra?.log;
  if (log === undefined || extra?.logTruncated !== true) return log;
  return [...log.slice(0, -1), `${log.at(-1)}${TRUNCATED}`];
}

type Said<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> };

const said = <T extends object>(fields: T): Said<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Said<T>;

export function queueView(queue: Queue): QueueView {
  const { name, config, isSuspended, suspendedSince, statistics, revision } = queue;
  return { name, config, suspended: isSuspended, ...(suspendedSince === undefined ? {} : { suspendedSince }), statistics: statistics.view(), ...(revision === undefined ? {} : { revision }) };
}
