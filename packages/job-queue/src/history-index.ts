/**
 * Which commits speak of which job: what a timeline and a search in the past are made from.
 *
 * It needs events only, no state, so it can be filled from the journal's start while the fold starts from a snapshot.
 * Per job it keeps the places of its commits, not the events: they are read from the journal when somebody asks.
 */
import type { JobQueueEvent } from "./events.ts";
import type { EndState } from "./vocabulary.ts";

export interface IndexedJob {
  readonly number: number;
  /** Without the shard. */
  readonly id: string;
  readonly topic: string;
  readonly queue: string;
  /** Versions of the commits that speak of it, ascending. */
  readonly versions: number[];
  end: { readonly state: EndState; readonly at: number } | undefined;
}

export interface EndedFilter {
  readonly states: readonly EndState[] | undefined;
  readonly topic: string | undefined;
  readonly queue: string | undefined;
  readonly limit: number;
  /** Go on behind this place of an earlier answer. */
  readonly after: number | undefined;
}

const MEMBERS_MAX = 100_000;

export class HistoryIndex {
  private readonly jobs = new Map<number, IndexedJob>();
  private readonly numbers = new Map<string, number>();
  /** The instance behind each member number, also of those that have left; the oldest give way. */
  private readonly instances = new Map<number, string>();
  /** Numbers of ended jobs in the order they ended; the oldest give way. */
  private ended: number[] = [];
  private readonly endedMax: number;

  constructor(endedMax: number) {
    this.endedMax = endedMax;
  }

  get size(): number {
    return this.jobs.size;
  }

  /** Takes one event of the commit at `version`. */
  event(event: JobQueueEvent, version: number, at: number): void {
    if (event.type === "InstanceJoined") this.joined(event.member, event.instance);
    if (!("job" in event)) return;
    if (event.type === "JobAccepted") {
      const { job: number, id, topic, queue } = event;
      this.jobs.set(number, { number, id, topic, queue, versions: [version], end: undefined });
      this.numbers.set(id, number);
      return;
    }
    const job = this.jobs.get(event.job);
    if (job === undefined) return;
    if (job.versions.at(-1) !== version) job.versions.push(version);
    if (event.type === "JobRemoved") this.forget(job);
    else if (event.type === "JobEnded") this.end(job, event.state, at);
  }

  byId(id: string): IndexedJob | undefined {
    const number = this.numbers.get(id);
    return number === undefined ? undefined : this.jobs.get(number);
  }

  instance(member: number): string | undefined {
    return this.instances.get(member);
  }

  /** Ended jobs, the latest first. */
  findEnded(filter: EndedFilter): { readonly jobs: readonly IndexedJob[]; readonly next: number | undefined } {
    const found: IndexedJob[] = [];
    for (let place = Math.min(filter.after ?? this.ended.length, this.ended.length) - 1; place >= 0; place--) {
      const job = this.jobs.get(this.ended[place]!);
      if (job?.end === undefined || !matches(job, filter)) continue;
      found.push(job);
      if (found.length === filter.limit) return { jobs: found, next: place };
    }
    return { jobs: found, next: undefined };
  }

  private joined(member: number, instance: string): void {
    this.instances.set(member, instance);
    if (this.instances.size > MEMBERS_MAX) for (const oldest of this.instances.keys()) return void this.instances.delete(oldest);
  }

  private end(job: IndexedJob, state: EndState, at: number): void {
    job.end = { state, at };
    this.ended.push(job.number);
    if (this.ended.length < this.endedMax * 1.25) return;
    for (const number of this.ended.slice(0, this.ended.length - this.endedMax)) {
      const old = this.jobs.get(number);
      if (old !== undefined) this.forget(old);
    }
    this.ended = this.ended.slice(this.ended.length - this.endedMax);
  }

  private forget(job: IndexedJob): void {
    this.jobs.delete(job.number);
    if (this.numbers.get(job.id) === job.number) this.numbers.delete(job.id);
  }
}

const matches = (job: IndexedJob, filter: EndedFilter): boolean =>
  (filter.states === undefined || filter.states.includes(job.end!.state))
  && (filter.topic === undefined || job.topic === filter.topic)
  && (filter.queue === undefined || job.queue === filter.queue);
