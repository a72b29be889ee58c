/** All who can be measured. Ours comes first in every table; a new contender is one line here. */
import type { Contender } from "./contender.ts";
import { longshore } from "./longshore.ts";
import { bullmq } from "./peers/bullmq.ts";
import { graphileWorker } from "./peers/graphile-worker.ts";
import { pgBoss } from "./peers/pg-boss.ts";

export const contenders: readonly Contender[] = [...longshore, ...bullmq, ...pgBoss, ...graphileWorker];

/** Contenders whose names begin so are ours: ratios are of them to everyone else. */
export const ours = "longshore";

export function contenderNamed(name: string): Contender {
  const contender = contenders.find((candidate) => candidate.name === name);
  if (!contender) throw new Error(`no contender named ${name}; there are ${contenders.map((one) => one.name).join(", ")}`);
  return contender;
}
