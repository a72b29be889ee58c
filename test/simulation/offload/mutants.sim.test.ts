/** Every planted bug is found: a simulation that lets one live has gone blind. */
import { expect, it } from "vitest";
import { MUTANTS } from "./mutants.ts";
import { run } from "./simulate.ts";

const BUDGET = Number(process.env["LONGSHORE_MUTANT_SEEDS"] ?? 300);

it.each(MUTANTS)("P12 $name: it is noticed that $breaks no more", ({ name, mutation }) => {
  for (let seed = 1; seed <= BUDGET; seed++) {
    const { violations } = run(seed, mutation);
    if (violations.length === 0) continue;
    process.stdout.write(`${name}: seed ${seed}: ${violations[0]}\n`);
    return;
  }
  expect.fail(`${name} lives after ${BUDGET} seeds`);
});
