/** The committed seeds of every failure found, and fresh ones: as many as LONGSHORE_SIM_SEEDS says. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { runSeeds } from "./seeds.ts";
import { describeRun } from "./shrink-run.ts";
import { run, scenarioOf } from "./simulate.ts";

interface FoundSeed {
  readonly seed: number;
  readonly found: string;
}

const found = JSON.parse(readFileSync(new URL("seeds.json", import.meta.url), "utf8")) as readonly FoundSeed[];
const count = Number(process.env["LONGSHORE_SIM_SEEDS"] ?? 1_000);

it.each(found)("seed $seed stays mended: $found", ({ seed }) => {
  const scenario = scenarioOf(seed);
  const result = run(scenario);
  expect([...result.violations, ...result.alarms], describeRun(scenario, result)).toEqual([]);
});

it(`${count} seeds keep every promise and come to rest`, () => {
  const failures: string[] = [];
  const summary = runSeeds({ count, from: 1, onFailure: (text) => failures.push(text) });
  process.stdout.write(`${summary.text}\n`);
  expect(failures).toEqual([]);
});
