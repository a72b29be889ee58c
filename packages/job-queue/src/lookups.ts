/** What parts of a host that live beside the actor may look up in its state. */

import { payloadToWire } from "./events.ts";
import type { Job } from "./job.ts";
import type { Member } from "./members.ts";
import { DEFAULT_SHARD, shardsOf } from "./routing.ts";
import type { QueueState } from "./state.ts";
import type { RunOptions } from "./vocabulary.ts";
import { RUN } from "./vocabulary.ts";

export const jobByNumber = (state: QueueState, number: number): Job | undefined => state.jobs.get(number);

/** By the id without its shard. */
export const jobById = (state: QueueState, id: string): Job | undefined => state.jobs.withId(id);

/** The incarnation of an instance that is here now. */
export const memberOf = (state: QueueState, instance: string): Member | undefined => state.instances.get(instance)?.member;

/** An incarnation by its number, also a gone one that still has attempts. */
export const memberByNumber = (state: QueueState, number: number): Member | undefined => state.members.get(number);

/** Whether a queue that the state knows lives in a shard, or the shard is the default one. */
export function namesShard(state: QueueState, shard: string): boolean {
  if (shard === DEFAULT_SHARD) return true;
  for (const { config } of state.queues.values()) if (shardsOf(config).includes(shard)) return true;
  return false;
}

/** Jobs a member runs, by number. */
export const runningOf = (member: Member): readonly Job[] => [...member.running].sort((a, b) => a.number - b.number);

/** What the worker of a live attempt is told; the same again when a dispatch is repeated. */
export function runItem(_state: QueueState, job: Job, shard: string): readonly unknown[] {
  return [RUN, job.number, job.attempt, `${shard}.${job.id}`, job.topic, payloadToWire(job.input), runOptions(job)];
}

function runOptions(job: Job): RunOptions {
  const { queue, extra, failures } = job;
  const retries = queue.retriesOf(job);
  if (extra === undefined && job.timeoutMs === 0 && !queue.isOrdered) return { failures, retries };
  return {
    failures, retries,
    ...(job.timeoutMs === 0 ? {} : { timeoutMs: job.timeoutMs }),
    ...(extra?.properties === undefined ? {} : { properties: extra.properties }),
    ...(queue.isOrdered ? { exclusive: true } : {}),
    ...(extra?.inputs === undefined ? {} : { inputs: extra.inputs }),
  };
}
