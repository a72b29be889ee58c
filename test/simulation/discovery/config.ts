/**
 * What a seed's cluster looks like, and which kinds of trouble it knows.
 *
 * Each family is on with p = ⅓, so that faults do not mask one another. A tenth of the seeds have none and must be
 * spotless, and a fifth know crashes alone, or one hang alone: there it is measured how long it takes until survivors are told.
 * In a fifth of the others some instances end for good, and in a sixth listeners get stuck for longer than a view waits for them.
 */
import { Random } from "@longshore/testkit/simulation";

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
  /** Crashes alone, far apart, or one hang. */
  readonly isMeasured: boolean;
  /** Where it is measured: an instance hangs, and none crashes. */
  readonly hangs: boolean;
  /** Deadlines are short, listeners do not return for long, and somebody asks for another view. */
  readonly isStuck: boolean;
  /** Instances that end for good at some time, with the rest of their machines; others stay, and one of them can host. */
  readonly lost: readonly string[];
  readonly troubleMs: number;
  readonly latencyMs: number;
  readonly jitterMs: number;
}

/** Has streams of chance of its own, so that what was found by a seed before is still found by it. */
export function drawConfig(seed: number, random: Random): Config {
  const drawn = drawWorld(seed, random);
  if (drawn.isMeasured && new Random(seed, "discovery hang").chance(0.5)) return { ...drawn, hangs: true, families: ["pause"] };
  if (drawn.isMeasured || drawn.families.length === 0) return drawn;
  const isStuck = new Random(seed, "discovery stuck").chance(1 / 6);
  const fate = new Random(seed, "discovery lost");
  if (!fate.chance(0.2)) return { ...drawn, isStuck };
  const names = namesOf(drawn);
  const stays = names[fate.int(0, drawn.hosts - 1)]!;
  return { ...drawn, isStuck, lost: names.filter((name) => name !== stays && fate.chance(0.4)) };
}

export const namesOf = ({ instances }: Pick<Config, "instances">): readonly string[] => Array.from({ length: instances }, (_, index) => `i${index + 1}`);

function drawWorld(seed: number, random: Random): Config {
  const dice = random.next();
  const isMeasured = dice < 0.2;
  const families = FAMILIES.filter(() => random.chance(1 / 3)).filter(() => dice >= 0.3);
  const instances = random.pick([2, 3, 3, 3, 4, 4, 5, 6, 7, 8, 9]);
  return {
    seed, instances, isMeasured, hangs: false, isStuck: false, lost: [], families: isMeasured ? ["crash"] : families,
    hosts: Math.max(isMeasured ? 2 : 1, Math.min(instances, random.pick([1, 2, 2, 3, 9]))),
    troubleMs: isMeasured ? 32_000 : Math.round(random.log(4_000, 40_000)),
    latencyMs: random.log(0.05, 2), jitterMs: random.log(0.02, families.includes("slow") ? 100 : 2),
  };
}
