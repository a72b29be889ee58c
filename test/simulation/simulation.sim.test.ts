/** The committed seeds of every failure found, and fresh ones: as many as LONGSHORE_SIM_SEEDS says. */
import { readFileSync } from "node:fs";
import { Marks } from "@longshore/testkit/simulation";
import { expect, it } from "vitest";
import { runRelay } from "./relay.ts";
import { missingOf, runSeeds } from "./seeds.ts";
import { describeRun } from "./shrink-run.ts";
import { run, scenarioOf } from "./simulate.ts";

interface FoundSeed {
  readonly seed: number;
  /** Of which form the world was when it was found; 1 where it says nothing. */
  readonly world?: 2;
  readonly found: string;
}

const found = JSON.parse(readFileSync(new URL("seeds.json", import.meta.url), "utf8")) as readonly FoundSeed[];
const count = Number(process.env["LONGSHORE_SIM_SEEDS"] ?? 1_000);

it.each(found)("seed $seed stays mended: $found", ({ seed, world }) => {
  const scenario = scenarioOf(seed, world ?? 1);
  const result = run(scenario);
  expect([...result.violations, ...result.alarms], describeRun(scenario, result)).toEqual([]);
});

/** Between chunks the test runner gets its turn; a long silence would count as a crash. */
const CHUNK = 10;

it(`${count} seeds keep every promise, come to rest, and reach the hard places as often as they should`, async () => {
  const failures: string[] = [];
  const marks = new Marks();
  const startMs = performance.now();
  for (let from = 1; from <= count && failures.length < 20; from += CHUNK) {
    marks.addAll(runSeeds({ count: Math.min(CHUNK, count - from + 1), from, onFailure: (text) => failures.push(text) }).marks);
    await new Promise((resolve) => { setImmediate(resolve); });
  }
  process.stdout.write(`${count} seeds, ${(count / ((performance.now() - startMs) / 1_000)).toFixed(1)} seeds/s\n`);
  expect(failures).toEqual([]);
  expect(missingOf(marks, count)).toEqual([]);
});

it(`${count} seeds of the relay: each message between two actors has one effect`, async () => {
  for (let seed = 1; seed <= count; seed++) {
    const { violations, alarms } = runRelay(seed);
    expect([...violations, ...alarms], `relay seed ${seed}`).toEqual([]);
    if (seed % CHUNK === 0) await new Promise((resolve) => { setImmediate(resolve); });
  }
});

it("planted: a mark that is reached too seldom is named", () => {
  const marks = new Marks();
  marks.hit("a host crashes");
  expect(missingOf(marks, 1_000)).toContain("a host crashes: 1 times in 1000 seeds, and at least 550 are expected");
  expect(missingOf(marks, 50)).not.toContain(expect.stringContaining("a result is gone"));
});
