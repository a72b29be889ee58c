/** The committed seeds of every failure found, and fresh ones: as many as LONGSHORE_SIM_SEEDS says. */
import { readFileSync } from "node:fs";
import { Marks } from "@longshore/testkit/simulation";
import { expect, it } from "vitest";
import { describeRun, isBad, runSeeds, Summary } from "./seeds.ts";
import { run, scenarioOf } from "./simulate.ts";

interface FoundSeed {
  readonly seed: number;
  readonly found: string;
}

const found = JSON.parse(readFileSync(new URL("seeds.json", import.meta.url), "utf8")) as readonly FoundSeed[];
const count = Number(process.env["LONGSHORE_SIM_SEEDS"] ?? 1_000);

it.each(found)("INV-1 to INV-16: seed $seed stays mended: $found", ({ seed }) => {
  const scenario = scenarioOf(seed);
  const result = run(scenario);
  expect(isBad(result), describeRun(scenario, result)).toBe(false);
});

/** Between chunks the test runner gets its turn; a long silence would count as a crash. */
const CHUNK = 20;

it(`INV-1 to INV-16: ${count} seeds keep every rule, agree in the end, and reach the hard places as often as they should`, async () => {
  const failures: string[] = [];
  const summary = new Summary();
  for (let from = 1; from <= count && failures.length < 20; from += CHUNK) {
    runSeeds({ count: Math.min(CHUNK, count - from + 1), from, onFailure: (text) => failures.push(text) }, summary);
    await new Promise((resolve) => { setImmediate(resolve); });
  }
  process.stdout.write(`${summary.text}\n`);
  expect(failures).toEqual([]);
  expect(summary.missing).toEqual([]);
});

it("planted: a mark that is reached too seldom is named", () => {
  const summary = new Summary();
  const calmest = { ...run(scenarioOf(1)), marks: new Marks() };
  for (let seed = 1; seed <= 1_000; seed++) summary.add(seed, calmest, []);
  expect(summary.missing).toContain("a host opens: 0 times in 1000 seeds, and at least 1000 are expected");
});
