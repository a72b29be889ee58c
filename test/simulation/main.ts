/**
 * The simulator: `npm run sim -- [--discovery | --offload] --seed N [--world 1|2] [--trace] [--shrink] | --seeds N [--from M] [--first] [--marks]`.
 *
 * Of the job queue, with `--discovery` of the topology, or with `--offload` of round trips between clusters.
 */
import { parseArgs } from "node:util";
import { simulateDiscovery } from "./discovery/main.ts";
import { simulateOffload } from "./offload/main.ts";
import { runSeeds } from "./seeds.ts";
import { describeRun, shrink } from "./shrink-run.ts";
import { run, scenarioOf } from "./simulate.ts";

const { values } = parseArgs({
  options: { discovery: { type: "boolean" }, offload: { type: "boolean" }, seed: { type: "string" }, world: { type: "string" }, seeds: { type: "string" }, from: { type: "string" }, trace: { type: "boolean" }, first: { type: "boolean" }, shrink: { type: "boolean" }, marks: { type: "boolean" } },
});

const say = (text: string): void => void process.stdout.write(`${text}\n`);

if (values.discovery === true) {
  process.exitCode = simulateDiscovery(values, say) ? 0 : 1;
} else if (values.offload === true) {
  process.exitCode = simulateOffload(values, say) ? 0 : 1;
} else if (values.seed !== undefined) {
  const scenario = scenarioOf(Number(values.seed), values.world === "1" ? 1 : values.world === "2" ? 2 : 3);
  const result = run(scenario, { keepsTrace: values.trace === true });
  for (const line of result.trace ?? []) say(line);
  say(describeRun(scenario, result));
  if (values.shrink === true && result.violations.length + result.alarms.length > 0) say(shrink(scenario));
  process.exitCode = result.violations.length + result.alarms.length > 0 ? 1 : 0;
} else {
  const summary = runSeeds({ count: Number(values.seeds ?? 100), from: Number(values.from ?? 1), onFailure: (text) => say(text), ...(values.first === true && { failuresMax: 1 }) });
  if (values.marks === true) for (const [mark, count] of [...summary.marks.counts].sort((a, b) => a[1] - b[1])) say(`${String(count).padStart(9)}  ${mark}`);
  for (const mark of summary.missing) say(`blind: ${mark}`);
  say(summary.text);
  process.exitCode = summary.failed.length > 0 ? 1 : 0;
}
