/**
 * What a host knows of the topology: who has left it, and which topics an instance works on. Told by whoever follows the
 * topology in this process; without one, hellos and silence are all there is.
 */
import type { WorkerPool } from "../vocabulary.ts";

export interface Departed {
  readonly instance: string;
  readonly incarnation: string;
}

export interface Roster {
  /** Calls back for each incarnation that has left an activated view: those of the last while at once, then as they leave. Returns a way to stop. */
  onGone(gone: (who: Departed) => void): () => void;
  /** Calls back when another answer of `isEnabled` is possible. Returns a way to stop. */
  onTopics(changed: () => void): () => void;
  /** Instances of the activated view in its order, the leader first; undefined before one is known. */
  order(): readonly string[] | undefined;
  /** Calls back when another answer of `order` is possible. Returns a way to stop. */
  onOrder(changed: () => void): () => void;
  /** The instance works on what it offers under this pattern. */
  isEnabled(instance: string, pattern: string): boolean;
}

const nothing = (): (() => void) => () => undefined;

export const NO_ROSTER: Roster = { onGone: nothing, onTopics: nothing, order: () => undefined, onOrder: nothing, isEnabled: () => true };

/**
 * What of a worker's offer is enabled. A pool of which nothing is keeps its place and its topics, without a slot: what it runs
 * it runs to its end, and that is still counted when it is enabled again.
 */
export function enabledPools(roster: Roster, instance: string, pools: readonly WorkerPool[]): readonly WorkerPool[] {
  return pools.map((pool) => {
    const topics = pool.topics.filter((topic) => roster.isEnabled(instance, topic));
    if (topics.length === pool.topics.length) return pool;
    return topics.length === 0 ? { topics: pool.topics, slots: 0 } : { topics, slots: pool.slots };
  });
}
