/** The simulator of discovery, for `npm run sim -- --discovery …`. */
import { describeRun, isBad, runSeeds } from "./seeds.ts";
import { shrink } from "./shrink-run.ts";
import { run, scenarioOf } from "./simulate.ts";

export interface SimulatorOptions {
  readonly seed?: string | undefined;
  readonly seeds?: string | undefined;
  readonly from?: string | undefined;
  readonly trace?: boolean | undefined;
  readonly first?: boolean | undefined;
  readonly shrink?: boolean | undefined;
  readonly marks?: boolean | undefined;
}

/** False when something failed. */
export function simulateDiscovery({ seed, seeds, from, trace, first, shrink: shrinks, marks }: SimulatorOptions, say: (text: string) => void): boolean {
  if (seed !== undefined) {
    const scenario = scenarioOf(Number(seed));
    const result = run(scenario, { keepsTrace: trace === true });
    for (const line of result.trace ?? []) say(line);
    say(describeRun(scenario, result));
    if (shrinks === true && isBad(result)) say(shrink(scenario));
    return !isBad(result);
  }
  const summary = runSeeds({ count: Number(seeds ?? 100), from: Number(from ?? 1), onFailure: say, ...(first === true && { failuresMax: 1 }) });
  if (marks === true) for (const [mark, count] of [...summary.marks.counts].sort((a, b) => a[1] - b[1])) say(`${String(count).padStart(9)}  ${mark}`);
  for (const mark of summary.missing) say(`blind: ${mark}`);
  say(summary.text);
  return summary.failed.length === 0;
}
