/**
 * What a seed's cluster looks like, and which kinds of trouble it knows.
 *
 * Each family is on with p = ⅓, so that faults do not mask one another. A tenth of the seeds have none and must be
 * spotless, and a fifth know crashes alone: there it is measured how long it takes until survivors are told.
 */
import type { Random } from "@longshore/testkit/simulation";

export const FAMILIES = [
  "crash", "power", "pause", "leave", "cut", "drop", "apart", "listeners", "properties", "leaders", "clocks",
  "outage", "no-streams", "full", "lost-answers", "late-appends", "deposed", "loss", "doubles", "reorder", "slow",
] as const;
export type Family = (typeof FAMILIES)[number];

export interface Config {
  readonly seed: number;
  readonly families: readonly Family[];
  /** 2 to 9. */
  readonly instances: number;
  /** The first so many can host the history. */
  readonly hosts: number;
  /** Crashes alone, far apart. */
  readonly isMeasured: boolean;
  readonly troubleMs: number;
  readonly latencyMs: number;
  readonly jitterMs: number;
}

export function drawConfig(seed: number, random: Random): Config {
  const dice = random.next();
  const isMeasured = dice < 0.2;
  const families = FAMILIES.filter(() => random.chance(1 / 3)).filter(() => dice >= 0.3);
  const instances = random.pick([2, 3, 3, 3, 4, 4, 5, 6, 7, 8, 9]);
  return {
    seed, instances, isMeasured, families: isMeasured ? ["crash"] : families,
    hosts: Math.max(isMeasured ? 2 : 1, Math.min(instances, random.pick([1, 2, 2, 3, 9]))),
    troubleMs: isMeasured ? 32_000 : Math.round(random.log(4_000, 40_000)),
    latencyMs: random.log(0.05, 2), jitterMs: random.log(0.02, families.includes("slow") ? 100 : 2),
  };
}
