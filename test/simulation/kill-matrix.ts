/** Runs the simulation with each planted bug in it, until it is found. */

import type { Mutant } from "./mutants.ts";

import { run, scenarioOf } from "./simulate.ts";

export interface Kill {
  readonly mutant: string;
  /** How many seeds it took; undefined when it lived. */
  readonly seeds: number | undefined;
  /** The promise or the alarm that gave it away. */
  readonly by: string;
}

export function hunt(mutant: Mutant, budget: number): Kill {
  for (let seed = 1; seed <= budget; seed++) {
    const scenario = scenarioOf(seed);
    const { violations, alarms } = run(mutant.scenario?.(scenario) ?? scenario, { mutation: mutant.mutation });
    const promises = [...new Set(violations.map(({ promise }) => promise))].join(" ");
    const [alarm = ""] = alarms;
    if (violations.length + alarms.length > 0) return { mutant: mutant.name, seeds: seed, by: promises || alarm };
  }
  return { mutant: mutant.name, seeds: undefined, by: "" };
}

export const matrixOf = (kills: readonly Kill[]): string =>
  kills.map(({ mutant, seeds, by }) => `${mutant.padEnd(44)} ${(seeds === undefined ? "LIVES" : `seed ${seeds}`).padEnd(9)} ${by}`).join("\n");
