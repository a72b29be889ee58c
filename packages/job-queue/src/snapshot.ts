/**
 * The state as plain values in one order, and back.
 *
 * Only what the events said is written; what follows from it (heaps, lanes, counters, the board) is built anew. Payload
 * bytes go with their jobs, wherever their slabs were. Whatever may be long comes in runs of bounded length and size.
 */

import type { OperationKind } from "./events.ts";
import { fillLanes } from "./evolve-queues.ts";
import type { Job } from "./job.ts";
import { DEFAULT_QUEUE } from "./limits.ts";
import type { Pool } from "./members.ts";
import { Member } from "./members.ts";
import type { Queue } from "./queue.ts";
import type { Restored } from "./snapshot-jobs.ts";
import { jobRuns, restoreJobs, roughBytes } from "./snapshot-jobs.ts";
import type { Counters } from "./state.ts";
import { NOT_BEGUN, QueueState } from "./state.ts";
import { Statistics } from "./statistics.ts";
import type { ConfigurationRefusal, JobFilter, QueueConfig } from "./vocabulary.ts";

const RUN_LENGTH = 256;
const RUN_BYTES = 128 * 1_024;

type QueueWire = readonly [name: string, config: QueueConfig, suspendedSince: number | null, heldUntil: number, statistics: readonly number[], revision: number | null, since: number | null];
type TopicWire = readonly [topic: string, statistics: readonly number[]];
type PoolWire = readonly [topics: readonly string[], slots: number, lastStart: number, labels: Pool["labels"] | null];
type MemberWire = readonly [
  number: number, instance: string, incarnation: string, principal: string, processors: number, joinedAt: number,
  isDraining: boolean, leftBecause: string | null, pools: readonly PoolWire[],
];
type InstanceWire = readonly [instance: string, principal: string, member: number | null];
type OperationWire = readonly [number: number, kind: OperationKind, filter: JobFilter, upTo: number, principal: string, cursor: number];
type RememberedWire = readonly [queue: string, id: string, digest: number, at: number];

export function* snapshot(state: QueueState): Generator<unknown> {
  yield state.next;
  yield state.configuredUpTo;
  yield* runs(state.refusals.values(), (refusal) => refusal);
  yield* runs(state.queues.values(), queueToWire);
  yield* runs(state.topics, ([topic, statistics]): TopicWire => [topic, statistics.toWire()]);
  yield* runs(state.members.values(), memberToWire);
  yield* runs(state.instances, ([instance, { principal, member }]): InstanceWire => [instance, principal, member?.number ?? null]);
  yield* runs(state.operations.values(), (o): OperationWire => [o.number, o.kind, o.filter, o.upTo, o.principal, o.cursor]);
  yield* jobRuns(state);
  yield* runs(state.ended, (job) => job.number);
  yield* runs(remembered(state), (wire) => wire);
  // Only where somebody has said it: every other state has the snapshot it always had.
  if (state.ranked.length > 0) yield state.ranked;
}

/** Runs of values, closed by an empty run. */
function* runs<T>(values: Iterable<T>, toWire: (value: T) => unknown): Generator<unknown> {
  let run: unknown[] = [];
  let bytes = 0;
  for (const value of values) {
    const wire = toWire(value);
    run.push(wire);
    bytes += roughBytes(wire);
    if (run.length < RUN_LENGTH && bytes < RUN_BYTES) continue;
    yield run;
    run = [];
    bytes = 0;
  }
  if (run.length > 0) yield run;
  yield [];
}

function* remembered(state: QueueState): Generator<RememberedWire> {
  for (const queue of state.queues.values()) {
    for (const { id, digest, at } of queue.rememberedIds) yield [queue.name, id, digest, at];
  }
}

const queueToWire = (queue: Queue): QueueWire =>
  [queue.name, queue.config, queue.suspendedSince ?? null, queue.heldUntil, queue.statistics.toWire(), queue.revision ?? null, queue.since ?? null];

const memberToWire = (m: Member): MemberWire => [
  m.number, m.instance, m.incarnation, m.principal, m.processors, m.joinedAt, m.isDraining, m.leftBecause ?? null,
  m.pools.map((pool): PoolWire => [pool.topics, pool.slots, pool.lastStart, pool.labels ?? null]),
];

export function restore(chunks: Iterable<unknown>): QueueState {
  const values = chunks[Symbol.iterator]();
  const read = <T>(): T => values.next().value as T;
  const state = new QueueState();
  Object.assign(state.next, read<Counters>());
  state.configuredUpTo = read<number>();
  const forEach = <T>(take: (wire: T) => void): void => {
    for (let run = read<readonly T[]>(); run.length > 0; run = read()) run.forEach(take);
  };
  forEach<ConfigurationRefusal>((refusal) => state.refusals.set(refusal.queue, refusal));
  forEach<QueueWire>((wire) => restoreQueue(state, wire));
  state.hasBegun = state.queue(DEFAULT_QUEUE).statistics.since !== NOT_BEGUN;
  forEach<TopicWire>(([topic, wire]) => state.topics.set(topic, Statistics.fromWire(wire)));
  forEach<MemberWire>((wire) => restoreMember(state, wire));
  forEach<InstanceWire>(([instance, principal, member]) => {
    state.instances.set(instance, { principal, member: member === null ? undefined : state.member(member) });
  });
  forEach<OperationWire>(([number, kind, filter, upTo, principal, cursor]) => {
    state.operations.set(number, { number, kind, filter, upTo, principal, cursor });
  });
  restoreJobs(state, read, (restored) => resume(state, restored));
  forEach<number>((number) => restoreEnded(state, number));
  forEach<RememberedWire>((wire) => restoreRemembered(state, wire));
  state.ranked = read<readonly string[] | undefined>() ?? [];
  restoreLanes(state);
  return state;
}

function restoreQueue(state: QueueState, [name, config, suspendedSince, heldUntil, statistics, revision, since]: QueueWire): void {
  const queue = state.addQueue(name, config, Statistics.fromWire(statistics));
  queue.suspendedSince = suspendedSince ?? undefined;
  queue.heldUntil = heldUntil;
  queue.revision = revision ?? undefined;
  queue.since = since ?? undefined;
}

function restoreMember(state: QueueState, wire: MemberWire): void {
  const [number, instance, incarnation, principal, processors, joinedAt, isDraining, leftBecause, pools] = wire;
  const restored = pools.map(([topics, slots, lastStart, labels], index): Pool => ({ index, topics, labels: labels ?? undefined, slots, used: 0, lastStart }));
  const member = new Member(number, { instance, incarnation, principal, processors }, joinedAt, restored, state.jobs);
  member.isDraining = isDraining;
  member.leftBecause = leftBecause ?? undefined;
  if (leftBecause !== null) state.lost.add(member);
  state.members.set(number, member);
  if (member.isRoute) state.routes.add(member);
}

/** Everything that follows from where a job stands: counts, slots taken, wake-ups. */
function resume(state: QueueState, { job, pool }: Restored): void {
  if (job.extra?.guest !== undefined) {
    state.guests.add(job.number);
    if (!job.isEnded) job.queue.guests++;
  }
  if (job.isActive) return restoreRun(state, job, pool);
  if (!job.isQueued) return;
  state.queued++;
  job.queue.statistics.queued++;
  if (job.isAsleep) state.delays.push(job.row, job.until);
}

/** A pool that is no longer offered is known by its attempts only. */
function restoreRun(state: QueueState, job: Job, poolIndex: number): void {
  const member = state.member(job.member);
  member.start(job, member.pools[poolIndex] ?? { index: -1, topics: [], labels: undefined, slots: 0, used: 0, lastStart: 0 });
  if (job.timeoutMs > 0 && !member.isRoute) state.deadlines.push(job.row, job.until);
  state.active++;
  job.queue.statistics.active++;
}

function restoreEnded(state: QueueState, number: number): void {
  const job = state.job(number);
  state.ended.push(job);
  state.endedBytes += job.payloadBytes;
}

function restoreRemembered(state: QueueState, [queue, id, digest, at]: RememberedWire): void {
  const entry = { id, digest, at };
  state.queue(queue).rememberedIds.push(entry);
  state.rememberedIds.set(id, entry);
}

function restoreLanes(state: QueueState): void {
  const waiting = new Map<Queue, Job[]>();
  for (const job of state.jobs.from(0)) {
    if (job.isEnded || (job.isActive && !job.queue.isOrdered)) continue;
    const jobs = waiting.get(job.queue);
    if (jobs === undefined) waiting.set(job.queue, [job]);
    else jobs.push(job);
  }
  for (const [queue, jobs] of waiting) fillLanes(queue, jobs);
}
