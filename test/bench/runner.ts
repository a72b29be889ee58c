/**
 * One measurement of one contender in a process of its own, so that no contender meets the heap, the
 * compiled code or the open handles of another. Forked by `main.ts` with one JSON argument; answers once.
 */
import type { Endpoint } from "./contender.ts";
import { contenderNamed } from "./contenders.ts";
import { type Size, scenarios } from "./scenarios.ts";
import { Session } from "./session.ts";

export interface Assignment {
  readonly contender: string;
  readonly scenario: string;
  readonly endpoint: Endpoint;
  readonly size: Size;
}

/** Figures by metric key, or why there are none. What could not be measured here, NaN, arrives as null. */
export type Outcome = { readonly figures: Readonly<Record<string, number | null>> } | { readonly failed: string };

process.on("disconnect", () => process.exit(1));
const outcome = await measure(JSON.parse(process.argv[2] ?? "{}") as Assignment).catch(
  (error: unknown): Outcome => ({ failed: error instanceof Error ? error.message : String(error) }),
);
process.send?.(outcome, () => process.exit(0));

async function measure({ contender: name, scenario: scenarioName, endpoint, size }: Assignment): Promise<Outcome> {
  const contender = contenderNamed(name);
  const scenario = scenarios(size).find((candidate) => candidate.name === scenarioName);
  if (!scenario) throw new Error(`no scenario named ${scenarioName}`);
  const client = await contender.connect(endpoint);
  const session = new Session(contender, endpoint, client, scenario, size);
  await session.warmUp();
  const figures = await scenario.run(session);
  await client.close();
  return { figures };
}
