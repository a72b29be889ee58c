/**
 * One measurement of one contender in a process of its own, so that no contender meets the heap, the
 * compiled code or the open handles of another. It starts the system and stops it, whatever happens between. Forked by `main.ts` with one
 * JSON argument; answers once.
 */
import type { Contender, Server } from "./contender.ts";
import { contenderNamed } from "./contenders.ts";
import { exitOnSignals } from "./launch.ts";
import type { Size } from "./scenario.ts";
import { scenarios } from "./scenarios.ts";
import { Session } from "./session.ts";

export interface Assignment {
  readonly contender: string;
  readonly scenario: string;
  /** Empty; the system's files go here. */
  readonly directory: string;
  readonly size: Size;
}

/** Figures by metric key, or why there are none. What could not be measured here, NaN, arrives as null. */
export type Outcome = { readonly software: string; readonly figures: Readonly<Record<string, number | null>> } | { readonly failed: string };

exitOnSignals();

process.on("disconnect", () => process.exit(1));
const outcome = await measure(JSON.parse(process.argv[2] ?? "{}") as Assignment).catch(
  (error: unknown): Outcome => ({ failed: error instanceof Error ? error.message : String(error) }),
);
process.send?.(outcome, () => process.exit(0));

async function measure({ contender: name, scenario, directory, size }: Assignment): Promise<Outcome> {
  const contender = contenderNamed(name);
  const server = await contender.start(directory);
  try {
    return { software: server.software, figures: await figuresOf(contender, server, scenario, size) };
  } finally {
    await server.stop();
  }
}

async function figuresOf(contender: Contender, server: Server, name: string, size: Size): Promise<Readonly<Record<string, number>>> {
  const scenario = scenarios(size).find((candidate) => candidate.name === name);
  if (!scenario) throw new Error(`no scenario named ${name}`);
  const client = await contender.connect(server.endpoint);
  const session = new Session(contender, server, client, scenario, size);
  await session.warmUp();
  const figures = await scenario.run(session);
  await client.close();
  return figures;
}
