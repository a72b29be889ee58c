/**
 * Claims for other clusters. Another cluster is a member whose pools are what its instances take; the router sees its attempts
 * through. So an offloaded job has a live attempt like any other, runs in one place only, and ends once.
 *
 * Which jobs may leave is the policy of their queue, and by default those that nobody here takes. They are looked for among the
 * first of each lane, after local claims (`always`: before them), and only while a cluster has free slots: a shard without routes
 * does not even look. A job that has come from another cluster never leaves again.
 */
import type { Emit } from "@longshore/kernel";
import type { JobQueueEvent } from "./events.ts";
import type { Job } from "./job.ts";
import type { Member, Pool } from "./members.ts";
import type { Lane, Queue } from "./queue.ts";
import type { QueueState } from "./state.ts";
import { workerPatternMatches } from "./topics.ts";
import type { OffloadPolicy } from "./vocabulary.ts";

interface Departure {
  readonly job: Job;
  readonly member: Member;
  readonly pool: Pool;
}

/** Jobs looked at per lane: guests in front, which may not leave, hold up those behind them only if there are that many. */
const LOOK_MAX = 64;

/** Claims what may leave now. `always`: those that would not wait for anybody here. */
export function claimForRoutes(state: QueueState, at: number, emit: Emit<JobQueueEvent>, always: boolean): boolean {
  for (let next = nextDeparture(state, at, always).departure; next !== undefined; next = nextDeparture(state, at, always).departure) {
    const { job, member, pool } = next;
    if (!emit({ type: "AttemptStarted", job: job.number, attempt: job.attempt + 1, member: member.number, pool: pool.index })) return false;
  }
  return true;
}

/** When something may leave: now, as 0, or when a wait has become too long. */
export function departuresDue(state: QueueState, at: number): number {
  const { departure, dueAt } = nextDeparture(state, at, true);
  if (departure !== undefined) return 0;
  const other = nextDeparture(state, at, false);
  return other.departure === undefined ? Math.min(dueAt, other.dueAt) : 0;
}

/** Of all jobs that may leave the one that has been ready longest. */
function nextDeparture(state: QueueState, at: number, always: boolean): { readonly departure: Departure | undefined; readonly dueAt: number } {
  let departure: Departure | undefined;
  let dueAt = Number.POSITIVE_INFINITY;
  if (!hasRoom(state)) return { departure, dueAt };
  for (const { queue, policy, job } of candidates(state, at, always)) {
    const seat = departure === undefined || job.order < departure.job.order ? seatFor(state, policy, job.topic) : undefined;
    if (seat === undefined) continue;
    const from = mayLeaveFrom(state, queue, policy, job, at);
    if (from <= at) departure = { job, ...seat };
    else dueAt = Math.min(dueAt, from);
  }
  return { departure, dueAt };
}

/** The first of each lane whose queue lets jobs go at all. */
function* candidates(state: QueueState, at: number, always: boolean): Generator<{ readonly queue: Queue; readonly policy: OffloadPolicy; readonly job: Job }> {
  for (const queue of state.queues.values()) {
    const policy = queue.config.offload ?? {};
    if (queue.isSuspended || queue.heldUntil > at || policy.when === "never" || (policy.when === "always") !== always) continue;
    for (const lane of queue.lanes.values()) {
      const job = candidate(lane);
      if (job !== undefined) yield { queue, policy, job };
    }
  }
}

function hasRoom({ routes }: QueueState): boolean {
  for (const { takesWork, pools } of routes) if (takesWork && pools.some(({ used, slots }) => used < slots)) return true;
  return false;
}

function candidate(lane: Lane): Job | undefined {
  // Ordered queues of several clusters whose heads stand behind each other would wait for ever. So guests let no head leave; and while
  // a head is away, guests of clusters that come before in the alphabet are let in, and others are not: no circle is ever closed.
  if (lane.queue.isOrdered && lane.queue.guests > 0) return undefined;
  let left = LOOK_MAX;
  for (const job of lane) {
    const mayTravel = job.isReady && job.extra?.guest === undefined;
    if (mayTravel) return job;
    // In an ordered queue the head holds all others back.
    if (lane.queue.isOrdered || --left === 0) return undefined;
  }
  return undefined;
}

/** From when on its queue lets it go. */
function mayLeaveFrom(state: QueueState, queue: Queue, { when, backlog, waitMs }: OffloadPolicy, job: Job, at: number): number {
  if (when === "always" || state.ensureBoard(at).capable(job).length === 0) return 0;
  if (when !== "behind") return Number.POSITIVE_INFINITY;
  if (backlog !== undefined && queue.statistics.queued > backlog) return 0;
  return waitMs === undefined ? Number.POSITIVE_INFINITY : job.since + waitMs;
}

/** The head of an ordered queue is in another cluster: what comes from elsewhere must not stand behind it. */
export function isHeadAway(state: QueueState, queue: Queue): boolean {
  if (!queue.isOrdered) return false;
  for (const lane of queue.lanes.values()) if (lane.first?.isActive === true && state.member(lane.first.member).isRoute) return true;
  return false;
}

/** Pools of other clusters that its queue lets jobs of the topic go to, whether they have room or not. */
export function* poolsElsewhere(state: QueueState, { exclude = [], labels = {} }: OffloadPolicy, topic: string): Generator<{ readonly member: Member; readonly cluster: string; readonly pool: Pool }> {
  for (const member of state.routes) {
    const cluster = member.instance.slice(1);
    if (!member.takesWork || exclude.includes(cluster)) continue;
    for (const pool of member.pools) {
      if (offers(pool, labels) && pool.topics.some((pattern) => workerPatternMatches(pattern, topic))) yield { member, cluster, pool };
    }
  }
}

/** The pool it would go to: a preferred cluster's, then that with the smallest part taken, then that which is next in turn. */
function seatFor(state: QueueState, policy: OffloadPolicy, topic: string): Omit<Departure, "job"> | undefined {
  let best: Omit<Departure, "job"> | undefined;
  let bestKey: readonly number[] = [];
  for (const { member, cluster, pool } of poolsElsewhere(state, policy, topic)) {
    if (pool.used >= pool.slots) continue;
    const key = [policy.prefer?.includes(cluster) === true ? 0 : 1, pool.used / pool.slots, pool.lastStart];
    if (best !== undefined && !isBefore(key, bestKey)) continue;
    best = { member, pool };
    bestKey = key;
  }
  return best;
}

const offers = ({ labels }: Pool, wanted: Readonly<Record<string, string>>): boolean => Object.entries(wanted).every(([name, value]) => labels?.[name] === value);

function isBefore(a: readonly number[], b: readonly number[]): boolean {
  const at = a.findIndex((value, i) => value !== b[i]);
  return at !== -1 && a[at]! < b[at]!;
}
