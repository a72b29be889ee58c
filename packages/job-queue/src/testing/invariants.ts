/** What must hold of a state at any moment, counted anew from its jobs. */
import type { BlobName } from "@longshore/kernel";
import { invariant } from "@longshore/kernel";
import type { Job } from "../job.ts";
import type { QueueState } from "../state.ts";

export function checkInvariants(state: QueueState): void {
  const jobs = [...state.jobs.from(0)];
  const of = (holds: (job: Job) => boolean): readonly Job[] => jobs.filter(holds);
  same("jobs", state.jobs.size, jobs.length);
  same("queued", state.queued, of((job) => job.isQueued).length);
  same("active", state.active, of((job) => job.isActive).length);
  same("ended", state.ended.size, of((job) => job.isEnded).length);
  same("asleep", state.delays.size, of((job) => job.isAsleep).length);
  same("with a deadline", state.deadlines.size, of((job) => job.isActive && job.timeoutMs > 0 && !state.member(job.member).isRoute).length);
  same("bytes of ended jobs", state.endedBytes, of((job) => job.isEnded).reduce((sum, job) => sum + job.payloadBytes, 0));
  same("bytes of payloads", state.jobs.payloads.bytes, jobs.reduce((sum, job) => sum + job.payloadBytes, 0));
  for (const job of jobs) {
    invariant(state.jobs.withId(job.id)?.number === job.number, `job ${job.number} is not found by its id`);
    invariant(state.jobs.get(job.number)?.row === job.row, `job ${job.number} is not found by its number`);
  }
  checkNames(state, jobs);
  checkQueues(state, jobs);
  checkMembers(state, jobs);
}

/** The sweep keeps what jobs name, and nothing else. */
function checkNames({ jobs: { payloads } }: QueueState, jobs: readonly Job[]): void {
  const named = new Map<string, BlobName>();
  const add = (name: BlobName): void => void named.set(`${name.principal}/${name.digest}`, name);
  for (const { input, result, extra } of jobs) {
    for (const payload of [input, result]) if (payload !== undefined && !(payload instanceof Uint8Array)) add(payload);
    for (const [, principal, digest] of [...(extra?.inputs ?? []), ...(extra?.outputs ?? [])]) add({ principal, digest });
  }
  same("named blobs", payloads.namedCount, named.size);
  for (const [key, name] of named) invariant(payloads.names(name), `${key} is named by a job, and the sweep would not know`);
}

function checkQueues(state: QueueState, jobs: readonly Job[]): void {
  for (const queue of state.queues.values()) {
    const own = jobs.filter((job) => job.queue === queue);
    same(`queued in ${queue.name}`, queue.statistics.queued, own.filter((job) => job.isQueued).length);
    same(`active in ${queue.name}`, queue.statistics.active, own.filter((job) => job.isActive).length);
    same(`guests in ${queue.name}`, queue.guests, own.filter((job) => !job.isEnded && job.extra?.guest !== undefined).length);
    const waiting = queue.isOrdered ? own.filter((job) => !job.isEnded) : own.filter((job) => job.isReady);
    const inLanes = [...queue.lanes.values()].flatMap((lane) => [...lane]);
    same(`in the lanes of ${queue.name}`, inLanes.length, waiting.length);
    for (const lane of queue.lanes.values()) checkLane([...lane], queue.isOrdered);
    if (queue.isOrdered) invariant(queue.statistics.active <= 1, `ordered queue ${queue.name} runs ${queue.statistics.active}`);
  }
}

function checkLane(lane: readonly Job[], isOrdered: boolean): void {
  lane.forEach((job, i) => {
    const before = lane[i - 1];
    if (before !== undefined) invariant(isOrdered ? before.number < job.number : before.order < job.order, `job ${job.number} stands in a wrong place`);
  });
}

function checkMembers(state: QueueState, jobs: readonly Job[]): void {
  for (const member of state.members.values()) {
    const own = jobs.filter((job) => job.isActive && job.member === member.number);
    same(`running on ${member.instance}`, member.running.size, own.length);
    for (const pool of member.pools) {
      same(`used of pool ${pool.index} on ${member.instance}`, pool.used, own.filter((job) => member.running.poolOf(job.number) === pool).length);
    }
    for (const queue of state.queues.values()) same(`running of ${queue.name}`, member.runningOf(queue), own.filter((job) => job.queue === queue).length);
    invariant(member.leftBecause === undefined ? state.instances.get(member.instance)?.member === member : state.lost.has(member), `member ${member.number} is neither here nor lost`);
  }
}

function same(what: string, said: number, counted: number): void {
  invariant(said === counted, `${what}: the state says ${said}, its jobs say ${counted}`);
}
