/**
 * The jobs of a snapshot. There may be a million, so what most of them share is short: names stand once in each run, and
 * what only few jobs have is left out.
 */
import type { PayloadWire } from "./events.ts";
import { payloadFromWire, payloadToWire } from "./events.ts";
import type { Job, JobExtra, JobProgress } from "./job.ts";
import type { QueueState } from "./state.ts";

const RUN_LENGTH = 256;
const RUN_BYTES = 128 * 1_024;

/** Names that the jobs of the run have, in the order of their first use; the jobs say them by their place. */
type JobRunWire = readonly [names: readonly string[], jobs: readonly JobWire[]];
type JobWire = readonly [
  number: number, id: string, topic: number, queue: number, principal: number, createdAt: number, input: PayloadWire, progress: JobProgress, rest?: RestWire,
];
type RestWire = readonly [
  retries: number | null, retryDelayMs: number | null, timeoutMs: number, digest: number | null,
  pool: number | null, instance: string | null, result: PayloadWire | null, extra: JobExtra | null,
];

/** What a job has beside its record. */
export interface Restored {
  readonly job: Job;
  /** Of the attempt that runs; −1 where it is no longer offered. */
  readonly pool: number;
}

class JobRun {
  private readonly places = new Map<string, number>();
  private readonly jobs: JobWire[] = [];
  private bytes = 0;

  get isEmpty(): boolean {
    return this.jobs.length === 0;
  }

  get isFull(): boolean {
    return this.jobs.length >= RUN_LENGTH || this.bytes >= RUN_BYTES;
  }

  get wire(): JobRunWire {
    return [[...this.places.keys()], this.jobs];
  }

  add(state: QueueState, job: Job): void {
    const { id } = job;
    const values = [
      job.number, id, this.placeOf(job.topic), this.placeOf(job.queue.name), this.placeOf(job.principal), job.createdAt, payloadToWire(job.input), job.progress,
    ] as const;
    const rest = restOf(state, job);
    this.jobs.push(rest === undefined ? values : [...values, rest]);
    this.bytes += id.length + job.payloadBytes + (rest === undefined ? 0 : roughBytes(rest[rest.length - 1]));
  }

  private placeOf(name: string): number {
    const known = this.places.get(name);
    if (known !== undefined) return known;
    this.bytes += name.length;
    this.places.set(name, this.places.size);
    return this.places.size - 1;
  }
}

/** Runs of bounded length and size, closed by an empty one. */
export function* jobRuns(state: QueueState): Generator<unknown> {
  let run = new JobRun();
  for (const job of state.jobs.from(0)) {
    run.add(state, job);
    if (!run.isFull) continue;
    yield run.wire;
    run = new JobRun();
  }
  if (!run.isEmpty) yield run.wire;
  yield [];
}

function restOf(state: QueueState, job: Job): RestWire | undefined {
  const { ownRetries, ownRetryDelayMs, timeoutMs, digest, instance, result, extra, isActive } = job;
  const isPlain = ownRetries === undefined && ownRetryDelayMs === undefined && timeoutMs === 0 && digest === undefined
    && instance === undefined && result === undefined && extra === undefined;
  // An active job has an instance.
  if (isPlain) return undefined;
  const pool = isActive ? state.member(job.member).running.poolOf(job.number)!.index : null;
  return [ownRetries ?? null, ownRetryDelayMs ?? null, timeoutMs, digest ?? null, pool, instance ?? null, result === undefined ? null : payloadToWire(result), extra ?? null];
}

/** What dominates the size of a value: its texts and bytes. */
export function roughBytes(value: unknown): number {
  if (typeof value === "string" || value instanceof Uint8Array) return value.length;
  if (typeof value !== "object" || value === null) return 1;
  let bytes = 0;
  for (const inner of Array.isArray(value) ? value : Object.values(value)) bytes += roughBytes(inner);
  return bytes;
}

/** Takes the jobs over, one by one; `read` gives the next run. */
export function restoreJobs(state: QueueState, read: () => unknown, restored: (job: Restored) => void): void {
  for (let run = read() as JobRunWire | readonly []; run.length === 2; run = read() as JobRunWire | readonly []) {
    const [names, jobs] = run;
    for (const wire of jobs) restored(restoreJob(state, names, wire));
  }
}

const NO_REST: RestWire = [null, null, 0, null, null, null, null, null];

function restoreJob(state: QueueState, names: readonly string[], wire: JobWire): Restored {
  const [number, id, topic, queue, principal, createdAt, input, progress, rest = NO_REST] = wire;
  const [retries, retryDelayMs, timeoutMs, digest, pool, instance, result, extra] = rest;
  const job = state.jobs.add({
    number, id, topic: names[topic]!, queue: state.queue(names[queue]!), principal: names[principal]!, createdAt, input: payloadFromWire(input),
    retries: retries ?? undefined, retryDelayMs: retryDelayMs ?? undefined, timeoutMs, digest: digest ?? undefined, extra: extra ?? undefined,
  });
  job.restore(progress, instance ?? undefined, result === null ? undefined : payloadFromWire(result));
  return { job, pool: pool ?? -1 };
}
