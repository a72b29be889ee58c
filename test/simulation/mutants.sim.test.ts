/** Every planted bug is found: a simulation that lets one live has gone blind. */
import { afterAll, expect, it } from "vitest";
import type { Kill } from "./kill-matrix.ts";
import { hunt, matrixOf } from "./kill-matrix.ts";
import { LINK_MUTANTS, MUTANTS } from "./mutants.ts";

const BUDGET = Number(process.env["LONGSHORE_MUTANT_SEEDS"] ?? 300);
const kills: Kill[] = [];

it.each([...MUTANTS, ...LINK_MUTANTS])("$name: it is noticed that $breaks no more", (mutant) => {
  const kill = hunt(mutant, BUDGET);
  kills.push(kill);
  expect(kill.seeds, `${mutant.name} lives after ${BUDGET} seeds`).toBeDefined();
});

afterAll(() => {
  process.stdout.write(`${matrixOf(kills)}\n`);
});
