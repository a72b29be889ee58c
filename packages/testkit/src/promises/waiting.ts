/** P2, the other half: at rest, every job that has not ended waits for something that has a name. */
import { workerPatternsOf } from "@longshore/job-queue";
import type { Facts, JobFacts, MemberFacts, PoolFacts } from "./facts.ts";

/** What a job waits for; undefined when it could go on and does not. */
export function namedWait(facts: Facts, job: JobFacts, at: number): string | undefined {
  const { queue, run } = job;
  if (run !== undefined) return run.member.hasLeft ? undefined : "its worker";
  if (job.notBefore > at) return "an instant";
  if (queue.isSuspended) return "a suspended queue";
  if (queue.isOrdered) {
    if (queue.head(facts.isOpen) !== job.number) return "the job before it";
    if (queue.heldUntil > at) return "a worker that may still run it";
  }
  const capable = capableOf(facts, job.topic);
  if (capable.length === 0) return "a capable instance";
  return capable.every(({ member, pool }) => isFull(job, member, pool)) ? "a free slot" : undefined;
}

/** Of each member the pool with the most specific pattern, the first announced among equals. */
function capableOf(facts: Facts, topic: string): readonly { readonly member: MemberFacts; readonly pool: PoolFacts }[] {
  const patterns = workerPatternsOf(topic);
  const found: { readonly member: MemberFacts; readonly pool: PoolFacts }[] = [];
  for (const member of facts.members.values()) {
    if (member.hasLeft || member.isDraining) continue;
    const pool = patterns.map((pattern) => member.pools.find(({ topics }) => topics.includes(pattern))).find((match) => match !== undefined);
    if (pool !== undefined) found.push({ member, pool });
  }
  return found;
}

const isFull = (job: JobFacts, member: MemberFacts, pool: PoolFacts): boolean =>
  pool.used >= pool.slots || (member.running.get(job.queue) ?? 0) >= job.queue.parallelOn(member.processors);
