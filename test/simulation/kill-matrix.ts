/** Runs the simulation with each planted bug in it, until it is found. */

import type { Violation } from "@longshore/testkit/promises";
import type { LinkMutant, Mutant } from "./mutants.ts";
import { runRelay } from "./relay.ts";
import { run, scenarioOf } from "./simulate.ts";

export interface Kill {
  readonly mutant: string;
  /** How many seeds it took; undefined when it lived. */
  readonly seeds: number | undefined;
  /** The promise or the alarm that gave it away. */
  readonly by: string;
}

export function hunt(mutant: Mutant | LinkMutant, budget: number): Kill {
  for (let seed = 1; seed <= budget; seed++) {
    const { violations, alarms } = "relay" in mutant ? runRelay(seed, mutant.relay) : runWith(mutant, seed);
    const promises = [...new Set(violations.map(({ promise }) => promise))].join(" ");
    const [alarm = ""] = alarms;
    if (violations.length + alarms.length > 0) return { mutant: mutant.name, seeds: seed, by: promises || alarm };
  }
  return { mutant: mutant.name, seeds: undefined, by: "" };
}

function runWith({ scenario: change, mutation }: Mutant, seed: number): { readonly violations: readonly Violation[]; readonly alarms: readonly string[] } {
  const scenario = scenarioOf(seed);
  return run(change?.(scenario) ?? scenario, { mutation });
}

export const matrixOf = (kills: readonly Kill[]): string =>
  kills.map(({ mutant, seeds, by }) => `${mutant.padEnd(44)} ${(seeds === undefined ? "LIVES" : `seed ${seeds}`).padEnd(9)} ${by}`).join("\n");
