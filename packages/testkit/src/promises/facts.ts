/**
 * What an auditor remembers of a job queue: as little as the promises need, kept apart from the actor's own state so that
 * an error there does not excuse itself.
 */

import type { EventOf, Member, QueueConfig, QueueState, WorkerPool } from "@longshore/job-queue";
import { memberByNumber } from "@longshore/job-queue";

export interface JobFacts {
  readonly number: number;
  readonly id: string;
  readonly topic: string;
  readonly queue: QueueFacts;
  /** Number of the latest attempt. */
  attempt: number;
  /** Where its live attempt runs; undefined when none does. */
  run: Run | undefined;
  isEnded: boolean;
  /** It may not start before. */
  notBefore: number;
  stopRequested: boolean;
  /** The instance that added it, where its queue asked for that. */
  readonly creator: string | undefined;
  /** It has left the history. */
  isGone: boolean;
}

export interface Run {
  readonly member: MemberFacts;
  readonly pool: PoolFacts | undefined;
}

export interface PoolFacts {
  readonly topics: readonly string[];
  slots: number;
  used: number;
}

export interface MemberFacts {
  readonly number: number;
  readonly instance: string;
  readonly incarnation: string;
  readonly processors: number;
  pools: PoolFacts[];
  isDraining: boolean;
  hasLeft: boolean;
  /** Live attempts, in all and per queue. */
  live: number;
  readonly running: Map<QueueFacts, number>;
}

export class QueueFacts {
  readonly name: string;
  config: QueueConfig;
  isSuspended = false;
  running = 0;
  /** Ordered only: nothing may start before, because a worker may still run what was taken from it. */
  heldUntil = 0;
  /** Numbers of accepted jobs, ascending; those in front that have ended are let go. */
  private open: number[] = [];
  private first = 0;

  constructor(name: string, config: QueueConfig) {
    this.name = name;
    this.config = config;
  }

  get isOrdered(): boolean {
    return this.config.type === "ordered";
  }

  accept(job: number): void {
    this.open.push(job);
  }

  /** The first accepted job that has not ended. */
  head(isOpen: (job: number) => boolean): number | undefined {
    while (this.first < this.open.length && !isOpen(this.open[this.first]!)) this.first++;
    if (this.first > 1_024 && this.first * 2 > this.open.length) {
      this.open = this.open.slice(this.first);
      this.first = 0;
    }
    return this.open[this.first];
  }

  /** Attempts at a time on one instance; the rule is written out again here on purpose. */
  parallelOn(processors: number): number {
    const { maxParallel } = this.config;
    if (maxParallel === undefined) return Number.POSITIVE_INFINITY;
    if (maxParallel > 0 && maxParallel < 1) return Math.max(1, Math.round(processors * maxParallel));
    return Number.isInteger(maxParallel) && maxParallel >= 1 ? maxParallel : processors;
  }
}

export class Facts {
  readonly jobs: Map<number, JobFacts> = new Map();
  readonly byId: Map<string, JobFacts> = new Map();
  readonly queues: Map<string, QueueFacts> = new Map([["main", new QueueFacts("main", { topics: ["*"] })]]);
  readonly members: Map<number, MemberFacts> = new Map();
  /** Ended jobs in the order of their ends; those in front may have left the history. */
  private ended: JobFacts[] = [];
  private firstEnded = 0;
  /** Highest job number accepted. */
  lastJob = 0;
  lastMember = 0;
  /** Jobs that have not ended and do not run. */
  queued = 0;

  /** Instances of the view, in its order. */
  ranked: readonly string[] = [];

  /** Members of the view come first, and then whoever has been there longest. */
  rankOf({ instance, number }: MemberFacts): number {
    const place = this.ranked.indexOf(instance);
    return place < 0 ? this.ranked.length + number : place;
  }

  readonly isOpen = (number: number): boolean => this.jobs.get(number)?.isEnded === false;

  queue(name: string): QueueFacts {
    let queue = this.queues.get(name);
    if (queue === undefined) {
      queue = new QueueFacts(name, { topics: [] });
      this.queues.set(name, queue);
    }
    return queue;
  }

  join(event: EventOf<"InstanceJoined">): void {
    const { member: number, instance, incarnation, processors } = event;
    this.lastMember = Math.max(this.lastMember, number);
    const pools = event.pools.map(({ topics, slots }) => ({ topics, slots, used: 0 }));
    this.members.set(number, { number, instance, incarnation, processors, pools, isDraining: false, hasLeft: false, live: 0, running: new Map() });
  }

  /** A pool with the same topics goes on with its attempts. */
  replacePools(member: MemberFacts, wanted: readonly WorkerPool[]): void {
    const old = [...member.pools];
    member.pools = wanted.map(({ topics, slots }) => {
      const same = old.findIndex((pool) => pool.topics.join(" ") === topics.join(" "));
      const pool = same === -1 ? undefined : old.splice(same, 1)[0];
      return pool === undefined ? { topics, slots, used: 0 } : Object.assign(pool, { slots });
    });
  }

  start(job: JobFacts, member: MemberFacts, pool: PoolFacts | undefined): void {
    job.run = { member, pool };
    this.queued--;
    job.queue.running++;
    member.live++;
    member.running.set(job.queue, (member.running.get(job.queue) ?? 0) + 1);
    if (pool !== undefined) pool.used++;
  }

  stop(job: JobFacts): void {
    const { run } = job;
    if (run === undefined) return;
    job.run = undefined;
    this.queued++;
    job.queue.running--;
    run.member.running.set(job.queue, (run.member.running.get(job.queue) ?? 0) - 1);
    if (run.pool !== undefined) run.pool.used--;
    run.member.live--;
    this.dropIfGone(run.member);
  }

  leave(member: MemberFacts): void {
    member.hasLeft = true;
    this.dropIfGone(member);
  }

  private dropIfGone(member: MemberFacts): void {
    if (member.hasLeft && member.live === 0) this.members.delete(member.number);
  }

  end(job: JobFacts): void {
    if (job.isEnded) return;
    this.ended.push(job);
    this.queued--;
    job.isEnded = true;
  }

  /** The job that ended first among those still in the history. */
  oldestEnded(): JobFacts | undefined {
    while (this.ended[this.firstEnded]?.isGone === true) this.firstEnded++;
    if (this.firstEnded > 1_024 && this.firstEnded * 2 > this.ended.length) {
      this.ended = this.ended.slice(this.firstEnded);
      this.firstEnded = 0;
    }
    return this.ended[this.firstEnded];
  }

  forget(job: JobFacts): void {
    job.isGone = true;
    this.jobs.delete(job.number);
    if (this.byId.get(job.id) === job) this.byId.delete(job.id);
  }

  /** Takes over what a snapshot holds: an audit of a history whose beginning was purged starts there. */
  static from(state: QueueState): Facts {
    const facts = new Facts();
    for (const queue of state.queues.values()) {
      const known = new QueueFacts(queue.name, queue.config);
      known.isSuspended = queue.isSuspended;
      known.heldUntil = queue.heldUntil;
      facts.queues.set(queue.name, known);
    }
    for (const member of state.members.values()) facts.members.set(member.number, memberFacts(member));
    facts.ranked = state.ranked;
    facts.lastMember = state.next.member - 1;
    for (const job of state.jobs.from(0)) facts.takeOver(job, state);
    for (const job of state.ended) facts.end(facts.jobs.get(job.number)!);
    facts.lastJob = state.next.job - 1;
    return facts;
  }

  private takeOver(job: ReturnType<QueueState["job"]>, state: QueueState): void {
    const { number, id, topic, attempt, isEnded, stopRequested } = job;
    const queue = this.queue(job.queue.name);
    const known: JobFacts = { number, id, topic, queue, attempt, run: undefined, isEnded: false, notBefore: job.isAsleep ? job.until : 0, stopRequested, isGone: false, creator: job.extra?.creator };
    this.jobs.set(number, known);
    this.byId.set(id, known);
    if (!isEnded) queue.accept(number);
    this.queued++;
    if (!job.isActive) return;
    const member = this.members.get(job.member)!;
    const index = memberByNumber(state, job.member)?.running.poolOf(number)?.index ?? -1;
    const pool = member.pools[index];
    this.start(known, member, pool);
    if (pool !== undefined) pool.used--; // The snapshot has counted it.
  }
}

function memberFacts(member: Member): MemberFacts {
  const { number, instance, incarnation, processors, isDraining } = member;
  const pools = member.pools.map(({ topics, slots, used }) => ({ topics, slots, used }));
  return { number, instance, incarnation, processors, pools, isDraining, hasLeft: member.leftBecause !== undefined, live: 0, running: new Map() };
}
