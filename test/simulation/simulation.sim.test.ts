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

/** Between chunks the test runner gets its turn; a long silence would count as a crash. */
const CHUNK = 10;

it(`${count} seeds keep every promise and come to rest`, async () => {
  const failures: string[] = [];
  const startMs = performance.now();
  for (let from = 1; from <= count && failures.length < 20; from += CHUNK) {
    runSeeds({ count: Math.min(CHUNK, count - from + 1), from, onFailure: (text) => failures.push(text) });
    await new Promise((resolve) => { setImmediate(resolve); });
  }
  process.stdout.write(`${count} seeds, ${(count / ((performance.now() - startMs) / 1_000)).toFixed(1)} seeds/s\n`);
  expect(failures).toEqual([]);
});
