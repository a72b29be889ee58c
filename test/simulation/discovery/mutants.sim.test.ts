/** Every planted bug is found: a simulation that lets one live has gone blind. */
import { afterAll, expect, it } from "vitest";
import type { Kill } from "../kill-matrix.ts";
import { matrixOf } from "../kill-matrix.ts";
import type { Mutant } from "./mutants.ts";
import { MUTANTS } from "./mutants.ts";
import { isBad } from "./seeds.ts";
import { run, scenarioOf } from "./simulate.ts";

const BUDGET = Number(process.env["LONGSHORE_MUTANT_SEEDS"] ?? 300);
const kills: Kill[] = [];

function hunt({ name, mutation, scenario }: Mutant): Kill {
  for (let seed = 1; seed <= BUDGET; seed++) {
    const drawn = scenarioOf(seed);
    const result = run(scenario?.(drawn) ?? drawn, { mutation });
    if (isBad(result)) return { mutant: name, seeds: seed, by: [...new Set([...result.violations, ...result.alarms].map((text) => text.split(/[ :]/)[0]!))].join(" ") };
  }
  return { mutant: name, seeds: undefined, by: "" };
}

it.each(MUTANTS)("$name: it is noticed that $breaks no more", (mutant) => {
  const kill = hunt(mutant);
  kills.push(kill);
  expect(kill.seeds, `${mutant.name} lives after ${BUDGET} seeds`).toBeDefined();
});

/** A world made for a bug must be sound without it. */
it.each(MUTANTS.filter(({ scenario }) => scenario !== undefined))("the world of $name is sound without it", ({ scenario }) => {
  for (let seed = 1; seed <= 20; seed++) {
    const { violations, alarms } = run(scenario!(scenarioOf(seed)));
    expect([...violations, ...alarms]).toEqual([]);
  }
});

afterAll(() => {
  process.stdout.write(`${matrixOf(kills)}\n`);
});
