/** The simulator of offloading, for `npm run sim -- --offload …`. */
import { Marks } from "@longshore/testkit/simulation";
import type { Mutation } from "./cluster.ts";
import type { OffloadRun } from "./simulate.ts";
import { run } from "./simulate.ts";

export interface OffloadOptions {
  readonly seed?: string | undefined;
  readonly seeds?: string | undefined;
  readonly from?: string | undefined;
  readonly trace?: boolean | undefined;
  readonly first?: boolean | undefined;
  readonly marks?: boolean | undefined;
}

/** Every so many seeds one is run twice and must end in the same states. */
const TWICE_EVERY = 50;

export interface OffloadSummary {
  readonly failed: readonly number[];
  readonly marks: Marks;
  readonly trips: number;
  readonly text: string;
}

/** False when something failed. */
export function simulateOffload({ seed, seeds, from, trace, first, marks }: OffloadOptions, say: (text: string) => void): boolean {
  if (seed !== undefined) {
    const result = run(Number(seed));
    if (trace === true) for (const line of result.trace) say(line);
    say(describeRun(result));
    return result.violations.length === 0;
  }
  const summary = runSeeds({ count: Number(seeds ?? 100), from: Number(from ?? 1), onFailure: say, failuresMax: first === true ? 1 : 20 });
  if (marks === true) for (const [mark, count] of [...summary.marks.counts].sort((a, b) => a[1] - b[1])) say(`${String(count).padStart(9)}  ${mark}`);
  say(summary.text);
  return summary.failed.length === 0;
}

export interface SeedsOptions {
  readonly count: number;
  readonly from: number;
  readonly mutation?: Mutation;
  readonly failuresMax: number;
  readonly onFailure?: (text: string) => void;
}

export function runSeeds({ count, from, mutation = {}, failuresMax, onFailure }: SeedsOptions): OffloadSummary {
  const marks = new Marks();
  const failed: number[] = [];
  const startMs = performance.now();
  let [trips, done] = [0, 0];
  for (let seed = from; seed < from + count && failed.length < failuresMax; seed++) {
    const result = run(seed, mutation);
    done++;
    trips += result.trips;
    marks.addAll(result.marks);
    const isTwofold = seed % TWICE_EVERY === 0 && run(seed, mutation).traceHash !== result.traceHash;
    if (result.violations.length === 0 && !isTwofold) continue;
    failed.push(seed);
    onFailure?.(isTwofold ? `seed ${seed} run twice ends in two states` : describeRun(result));
  }
  const seconds = (performance.now() - startMs) / 1_000;
  const text = `${done} seeds in ${seconds.toFixed(1)} s: ${(done / seconds).toFixed(1)} seeds/s, ${trips} round trips; ${failed.length === 0 ? "no failures" : `failed: ${failed.join(", ")}`}`;
  return { failed, marks, trips, text };
}

export function describeRun({ config, violations, trips }: OffloadRun): string {
  const { seed, clusters, jobs, steps, families } = config;
  const head = `seed ${seed}: ${violations.length} violations; ${clusters.length} clusters, up to ${jobs} jobs, ${trips} trips, ${steps} steps; ${families.join(" ") || "no faults"}`;
  return [head, ...violations.slice(0, 8).map((text) => `  ${text}`)].join("\n");
}
