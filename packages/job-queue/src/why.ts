/** Why a job waits, in names and numbers a person can act on. */
import type { Job } from "./job.ts";
import { poolsElsewhere } from "./offload.ts";
import type { QueueState } from "./state.ts";
import type { Scalar, WaitReason, WhyView } from "./vocabulary.ts";

const NAMES_MAX = 20;

interface Reason {
  readonly waits: WaitReason | null;
  readonly text: string;
  readonly detail: WhyView["detail"];
}

export function why(state: QueueState, job: Job, shard: string, at: number): WhyView {
  return { id: `${shard}.${job.id}`, state: job.state, ...reasonOf(state, job, shard, at) };
}

/** The reason alone; undefined when the job does not wait. */
export const waitsFor = (state: QueueState, job: Job, at: number): WaitReason | undefined =>
  job.isQueued ? (reasonOf(state, job, "", at).waits ?? undefined) : undefined;

function reasonOf(state: QueueState, job: Job, shard: string, at: number): Reason {
  if (job.isEnded) return { waits: null, text: `It has ended: ${job.state}.`, detail: {} };
  if (job.isActive && state.members.get(job.member)?.isRoute === true) return offloaded(job);
  if (job.isActive) return { waits: null, text: `It runs on ${job.instance} as attempt ${job.attempt}.`, detail: { instance: job.instance ?? null, attempt: job.attempt } };
  if (job.isAsleep) return asleep(job, at);
  if (job.queue.isSuspended) return suspended(job);
  if (job.queue.isOrdered) return ordered(state, job, shard, at);
  return slots(state, job, at);
}

/** Its router knows the rest. */
function offloaded({ instance = "", attempt, since }: Job): Reason {
  const cluster = instance.slice(1);
  return { waits: null, text: `It was given to cluster "${cluster}" as attempt ${attempt}: the router of this cluster knows how far it is.`, detail: { cluster, attempt, since } };
}

function asleep(job: Job, at: number): Reason {
  const { until, failures, queue } = job;
  const when = `in ${seconds(until - at)}`;
  const detail = { queue: queue.name, until, failures };
  return job.sleepsFor === "retry"
    ? { waits: "retry", text: `It failed ${failures} times and is tried again ${when}.`, detail }
    : { waits: "not-before", text: `It is not to start before an instant that comes ${when}.`, detail };
}

function suspended({ queue }: Job): Reason {
  return {
    waits: "suspended", text: `Queue "${queue.name}" is suspended: resume it.`, detail: { queue: queue.name, suspendedSince: queue.suspendedSince ?? null },
  };
}

/** In an ordered queue the head holds all others back. */
function ordered(state: QueueState, job: Job, shard: string, at: number): Reason {
  const { queue } = job;
  const lane = queue.lane(job);
  const head = lane.first;
  if (head !== undefined && !lane.isFirst(job)) {
    const text = `Queue "${queue.name}" is ordered and its head, job ${shard}.${head.id}, is ${head.state}.`;
    return { waits: "order", text, detail: { queue: queue.name, head: `${shard}.${head.id}`, headState: head.state, headWaits: waitsFor(state, head, at) ?? null, backlog: lane.size } };
  }
  if (queue.heldUntil <= at) return slots(state, job, at);
  const text = `Queue "${queue.name}" is ordered and took the last attempt from a worker that may still be running it: it goes on in ${seconds(queue.heldUntil - at)}.`;
  return { waits: "order", text, detail: { queue: queue.name, until: queue.heldUntil } };
}

function slots(state: QueueState, job: Job, at: number): Reason {
  const { queue, topic } = job;
  const capable = state.ensureBoard(at).capable(job);
  const instances = capable.slice(0, NAMES_MAX).map(({ member }) => member.instance);
  if (capable.length === 0) return incapable(state, job);
  const full = capable.filter(({ pool }) => pool.used >= pool.slots).length;
  const detail = { queue: queue.name, topic, instances, slots: sum(capable, ({ pool }) => pool.slots), used: sum(capable, ({ pool }) => pool.used), maxParallel: queue.config.maxParallel ?? null, placement: queue.config.placement ?? "any" };
  const text = full === capable.length
    ? `All ${detail.slots} slots for topic "${topic}" on ${names(instances)} are taken${onlyThere(queue)}: add workers or slots.`
    : `Queue "${queue.name}" runs at most ${queue.config.maxParallel} jobs at a time on an instance, and ${names(instances)} ${instances.length === 1 ? "does" : "do"}: raise maxParallel or add instances.`;
  return { waits: "limit", text, detail };
}

function onlyThere({ config }: Job["queue"]): string {
  if (config.placement === "leader") return ", and its queue runs jobs on the leading instance only";
  return config.placement === "creator" ? ", and its queue prefers the instance that added it" : "";
}

function incapable(state: QueueState, job: Job): Reason {
  const { topic, queue } = job;
  const present = [...state.members.values()].filter((member) => member.leftBecause === undefined && !member.isRoute);
  const instances = present.slice(0, NAMES_MAX).map((member) => member.instance);
  const draining = present.filter((member) => member.isDraining).length;
  const who = instances.length === 0 ? "No instance is here" : `None of ${names(instances)} takes it${draining > 0 ? ` (${draining} draining)` : ""}`;
  const detail: Record<string, Scalar | readonly string[]> = { queue: queue.name, topic, instances, draining };
  return elsewhere(state, job, who, detail) ?? { waits: "no-capable-instance", text: `${who}: start a worker for topic "${topic}".`, detail };
}

/** Nobody here takes it; somebody in another cluster may. Undefined when no other cluster has to do with it. */
function elsewhere(state: QueueState, { topic, queue, extra }: Job, who: string, detail: Reason["detail"]): Reason | undefined {
  const policy = queue.config.offload ?? {};
  const known = [...state.routes].filter(({ takesWork }) => takesWork).map(({ instance }) => instance.slice(1)).slice(0, NAMES_MAX);
  if (known.length === 0) return undefined;
  const start = `start a worker for topic "${topic}"`;
  if (extra?.guest !== undefined) return { waits: "no-capable-instance", text: `${who}, and it came from another cluster, so it goes to no third one: ${start}.`, detail };
  const pools = [...poolsElsewhere(state, { ...policy, exclude: policy.when === "never" ? known : policy.exclude ?? [] }, topic)];
  const clusters = [...new Set(pools.map(({ cluster }) => cluster))];
  if (pools.length === 0) {
    const why = policy.when === "never" ? `queue "${queue.name}" lets no job go to another` : `neither does another cluster that it may go to (${names(known)})`;
    return { waits: "no-capable-instance", text: `${who}, and ${why}: ${start}.`, detail: { ...detail, clusters: known } };
  }
  const slots = sum(pools, ({ pool }) => pool.slots);
  const used = sum(pools, ({ pool }) => pool.used);
  const text = used < slots ? `${who}; it is about to go to cluster ${names(clusters)}.` : `${who}; all ${slots} slots for topic "${topic}" in cluster ${names(clusters)} are taken: add workers or slots there.`;
  return { waits: "limit", text, detail: { ...detail, clusters, slots, used } };
}

const sum = <T>(items: readonly T[], value: (item: T) => number): number => items.reduce((total, item) => total + value(item), 0);
const names = (instances: readonly string[]): string => (instances.length === NAMES_MAX ? `${instances.join(", ")} …` : instances.join(", "));
const seconds = (ms: number): string => `${Math.max(0, Math.ceil(ms / 100) / 10)} s`;
