/** Runs many seeds, some of them twice, and says how it went. */
import { Marks } from "@longshore/testkit/simulation";
import type { Mutation } from "./cluster.ts";
import type { ExpectedMark } from "./expected-marks.ts";
import { EXPECTED_MARKS } from "./expected-marks.ts";
import { describeRun } from "./shrink-run.ts";
import type { Run, Scenario } from "./simulate.ts";
import { run, scenarioOf } from "./simulate.ts";

export interface SeedsOptions {
  readonly count: number;
  readonly from: number;
  readonly mutation?: Mutation;
  readonly onFailure?: (text: string) => void;
  readonly failuresMax?: number;
}

export interface Summary {
  readonly failed: readonly number[];
  readonly marks: Marks;
  /** Marks that so many seeds should have hit more often. */
  readonly missing: readonly string[];
  readonly seedsPerSecond: number;
  readonly text: string;
}

/** Every so many seeds one is run twice and must leave the same trace. */
const TWICE_EVERY = 50;

export function runSeeds({ count, from, mutation, onFailure, failuresMax = 20 }: SeedsOptions): Summary {
  const marks = new Marks();
  const failed: number[] = [];
  let [steps, jobs, events, virtualMs, done] = [0, 0, 0, 0, 0];
  const startMs = performance.now();
  for (let seed = from; seed < from + count && failed.length < failuresMax; seed++) {
    const scenario = scenarioOf(seed);
    const result = runSafely(scenario, mutation);
    if (typeof result === "string") {
      failed.push(seed);
      onFailure?.(`seed ${seed} throws: ${result}`);
      continue;
    }
    const problems: string[] = [];
    if (result.violations.length + result.alarms.length > 0) problems.push(describeRun(scenario, result));
    if (seed % TWICE_EVERY === 0 && run(scenario, mutation === undefined ? {} : { mutation }).traceHash !== result.traceHash) problems.push(`seed ${seed} run twice leaves two traces`);
    if (problems.length > 0) {
      failed.push(seed);
      for (const problem of problems) onFailure?.(problem);
    }
    marks.addAll(result.marks);
    steps += result.steps;
    jobs += result.jobs;
    events += result.events;
    virtualMs += result.virtualMs;
    done++;
  }
  const seconds = (performance.now() - startMs) / 1_000;
  const text = `${done} seeds in ${seconds.toFixed(1)} s: ${(done / seconds).toFixed(1)} seeds/s, ${Math.round(jobs / done)} jobs, ${Math.round(steps / done)} steps and ${Math.round(events / done)} events per seed, `
    + `${Math.round(steps / seconds / 1_000)} k steps/s, ${Math.round(virtualMs / 1_000 / seconds)} × real time; ${failed.length === 0 ? "no failures" : `failed: ${failed.join(", ")}`}`;
  return { failed, marks, missing: missingOf(marks, done), seedsPerSecond: done / seconds, text };
}

/** What a run throws is a finding of its seed, and must not end the others. */
function runSafely(scenario: Scenario, mutation: Mutation | undefined): Run | string {
  try {
    return run(scenario, mutation === undefined ? {} : { mutation });
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}

/**
 * Below a thousand seeds, what should be there this often must be there at all. More cannot be asked for: one seed in
 * seven, say, has an overloaded host, and then a dozen times.
 */
const REACHED_FROM = 20;

/** Hard places that so many seeds should have reached more often, with how often they have. */
export function missingOf(marks: Marks, seeds: number, expected: readonly ExpectedMark[] = EXPECTED_MARKS): readonly string[] {
  return expected.flatMap(({ mark, perThousand }) => {
    const due = Math.floor((perThousand * seeds) / 1_000);
    const least = seeds >= 1_000 ? due : Number(due >= REACHED_FROM);
    const count = marks.counts.get(mark) ?? 0;
    return count < least ? [`${mark}: ${count} times in ${seeds} seeds, and at least ${least} are expected`] : [];
  });
}
