/** Which of a worker's pools takes a topic: the most specific pattern wins, among equals the one offered first. */
import type { Pool } from "./pool.ts";

/** Itself, its parent's children, then everything below each ancestor, the nearest first. */
function patternsOf(topic: string): readonly string[] {
  const patterns = [topic];
  let end = topic.lastIndexOf("/");
  if (end > 0) patterns.push(`${topic.slice(0, end)}/*`);
  for (; end > 0; end = topic.lastIndexOf("/", end - 1)) patterns.push(`${topic.slice(0, end)}/**`);
  return patterns;
}

export function poolFor(pools: readonly Pool[], topic: string): Pool | undefined {
  for (const pool of pools) if (pool.spec.topics.includes(topic)) return pool;
  for (const pattern of patternsOf(topic)) {
    const pool = pools.find((candidate) => candidate.spec.topics.includes(pattern));
    if (pool !== undefined) return pool;
  }
  return undefined;
}
