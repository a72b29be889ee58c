/** Runs many seeds, some of them twice, and says how it went and how long crashes took to be told. */
import { Marks } from "@longshore/testkit/simulation";
import { missingOf } from "../seeds.ts";
import { EXPECTED_MARKS } from "./expected-marks.ts";
import type { Run, Scenario } from "./simulate.ts";
import { run, scenarioOf } from "./simulate.ts";
import type { Detection } from "./verdict.ts";

export interface SeedsOptions {
  readonly count: number;
  readonly from: number;
  readonly onFailure?: (text: string) => void;
  readonly failuresMax?: number;
}

/** Every so many seeds one is run twice and must leave the same trace. */
const TWICE_EVERY = 50;

export const isBad = ({ violations, alarms }: Run): boolean => violations.length + alarms.length > 0;

export class Summary {
  readonly marks: Marks = new Marks();
  readonly failed: number[] = [];
  private readonly startMs = performance.now();
  private readonly startedWith = process.cpuUsage();
  private readonly detections: Detection[] = [];
  private readonly settledMs: number[] = [];
  /** Evictions by what explains them. */
  private readonly evictions = new Map<string, number>();
  private done = 0;
  private steps = 0;
  private virtualMs = 0;

  add(seed: number, result: Run, problems: readonly string[]): void {
    if (problems.length > 0) this.failed.push(seed);
    this.marks.addAll(result.marks);
    this.detections.push(...result.detections);
    if (result.settledMs !== undefined) this.settledMs.push(result.settledMs);
    for (const { because = "nothing", cause } of result.evictions) {
      const key = because === "dead" ? "a crash" : `${because} (${cause})`;
      this.evictions.set(key, (this.evictions.get(key) ?? 0) + 1);
    }
    this.done++;
    this.steps += result.steps;
    this.virtualMs += result.virtualMs;
  }

  /** Hard places that so many seeds should have reached more often. */
  get missing(): readonly string[] {
    return missingOf(this.marks, this.done, EXPECTED_MARKS);
  }

  get text(): string {
    const { done, steps, virtualMs, failed } = this;
    const seconds = (performance.now() - this.startMs) / 1_000;
    const { user, system } = process.cpuUsage(this.startedWith);
    const falseOnes = [...this.evictions].reduce((sum, [key, count]) => sum + (key.startsWith("nothing") ? count : 0), 0);
    return [
      `${done} seeds in ${seconds.toFixed(1)} s: ${(done / seconds).toFixed(1)} seeds/s (${(done / ((user + system) / 1e6)).toFixed(1)} per second of a core), ${Math.round(steps / done)} steps per seed, ${Math.round(virtualMs / 1_000 / seconds)} × real time; ${failed.length === 0 ? "no failures" : `failed: ${failed.join(", ")}`}`,
      ...(["crash", "hang", "hang of one of two"] as const).flatMap((what) => [this.detected(what, "a member", false), this.detected(what, "the host of the history", true)]),
      `last fault → one current view ${percentiles(this.settledMs)}`,
      `false evictions: ${falseOnes}; explained ones: ${[...this.evictions].filter(([key]) => !key.startsWith("nothing")).sort((a, b) => b[1] - a[1]).map(([key, count]) => `${count} by ${key}`).join(", ") || "none"}`,
    ].join("\n");
  }

  private detected(what: Detection["what"], whose: string, wasHost: boolean): string {
    const found = this.detections.filter((one) => one.wasHost === wasHost && one.what === what);
    return `${what}: ${whose} → CHANGING ${percentiles(found.map(({ changingMs }) => changingMs))}; → CHANGED ${percentiles(found.map(({ changedMs }) => changedMs))}`;
  }
}

export function runSeeds({ count, from, onFailure, failuresMax = 20 }: SeedsOptions, summary: Summary = new Summary()): Summary {
  for (let seed = from; seed < from + count && summary.failed.length < failuresMax; seed++) {
    const scenario = scenarioOf(seed);
    const result = run(scenario);
    const problems: string[] = [];
    if (isBad(result)) problems.push(describeRun(scenario, result));
    if (seed % TWICE_EVERY === 0 && run(scenario).traceHash !== result.traceHash) problems.push(`seed ${seed} run twice leaves two traces`);
    summary.add(seed, result, problems);
    for (const problem of problems) onFailure?.(problem);
  }
  return summary;
}

export function describeRun({ config, plan }: Scenario, result: Run): string {
  const { violations, alarms, views, events, steps, virtualMs } = result;
  return [
    `seed ${config.seed}: ${violations.length} violations, ${alarms.length} alarms; ${config.instances} instances, ${config.hosts} can host, ${plan.length} actions, ${views} views, ${events} events, `
    + `${steps} steps, ${Math.round(virtualMs / 1_000)} s; ${config.families.join(" ") || "no faults"}`,
    ...violations.slice(0, 8).map((text) => `  ${text}`), ...alarms.slice(0, 8).map((text) => `  alarm: ${text}`),
  ].join("\n");
}

function percentiles(given: readonly number[]): string {
  if (given.length === 0) return "not measured";
  const sorted = [...given].sort((a, b) => a - b);
  const at = (share: number): number => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!);
  return `p50 ${at(0.5)} p90 ${at(0.9)} p99 ${at(0.99)} max ${at(1)} ms (${sorted.length})`;
}
