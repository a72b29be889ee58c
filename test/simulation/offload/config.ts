/** What a seed's world looks like, and which kinds of trouble it knows: each family is on with p = ½, a tenth of the seeds have none. */
import type { OffloadPolicy, OffloadWhen } from "@longshore/job-queue";
import type { OutboxLimits } from "@longshore/kernel";
import { OUTBOX_LIMITS } from "@longshore/kernel";
import { Random } from "@longshore/testkit/simulation";

export const FAMILIES = ["cuts", "loss", "doubles", "crashes", "torn-commits", "missing", "corrupt", "operators", "topics", "drain", "handlers", "silence"] as const;
/** `narrow`: an outbox is soon full. `unserved`: the last consumer of a cluster goes, also for good. `hours`: cut off for longer than anybody waits. `files`: named inputs and outputs. `sweeps`: what nobody names is removed. `shards`: guests come to a shard that sends them on. */
const MORE_FAMILIES = ["narrow", "unserved", "hours", "files", "sweeps", "shards"] as const;
export type Family = (typeof FAMILIES)[number] | (typeof MORE_FAMILIES)[number];

export interface Config {
  readonly seed: number;
  readonly families: readonly Family[];
  readonly clusters: readonly string[];
  readonly jobs: number;
  readonly steps: number;
  readonly policies: readonly OffloadPolicy[];
  readonly isOrdered: boolean;
  readonly failedKeepMs: number;
  /** Clusters whose worker takes jobs; the last one always does. */
  readonly working: readonly boolean[];
  readonly triesMax: number;
  readonly unservedMs: number;
  readonly outbox: OutboxLimits;
}

const WHENS: readonly OffloadWhen[] = ["no-local-consumer", "no-local-consumer", "always", "behind", "never"];

export function drawConfig(seed: number, random: Random): Config {
  const isSpotless = random.chance(0.1);
  const clusters = ["home", "far", "off"].slice(0, random.pick([2, 2, 3]));
  const policies = clusters.map((_, i): OffloadPolicy => {
    const when = i === 0 ? random.pick(WHENS.slice(0, 4)) : random.pick(WHENS);
    return { when, ...(when === "behind" && { backlog: random.int(0, 3), waitMs: random.int(100, 3_000) }), ...(random.chance(0.2) && { prefer: [clusters.at(-1)!] }) };
  });
  const more = new Random(seed, "more");
  const added = MORE_FAMILIES.filter(() => more.chance(0.5)).filter(() => !isSpotless);
  const narrow = { messagesMax: more.int(1, 8), bytesMax: more.pick([200, 100_000]) };
  return {
    unservedMs: more.pick([300, 3_000]), outbox: added.includes("narrow") ? narrow : OUTBOX_LIMITS,
    seed, clusters, policies, isOrdered: random.chance(0.2), families: [...FAMILIES.filter(() => random.chance(0.5)).filter(() => !isSpotless), ...added],
    jobs: Math.round(random.log(5, 40)), steps: Math.round(random.log(300, 1_500)), failedKeepMs: random.pick([0, 5_000]),
    working: clusters.map((_, i) => i === clusters.length - 1 || random.chance(i === 0 ? 0.3 : 0.8)), triesMax: random.pick([1, 3, 5]),
  };
}
