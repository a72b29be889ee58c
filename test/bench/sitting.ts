/** A program that measures our own parts: what it is given, what it prints, and where that goes. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { checkDocument, writeInto } from "./document.ts";
import { exitOnSignals } from "./launch.ts";
import { sweepDataDirectories } from "./servers.ts";

export interface Given {
  /** Measure nothing. */
  readonly render: boolean;
  /** Raw figures of earlier sittings, comma-separated. */
  readonly combine: string;
  readonly write?: string | undefined;
}

/** Measures, and shows that together with earlier sittings; into a document where one is named. */
export async function sit<Run>({ render, combine, write }: Given, measured: () => Promise<Run>, toMarkdown: (runs: readonly Run[]) => string): Promise<void> {
  exitOnSignals();
  const document = write === undefined ? undefined : resolve(write);
  if (document !== undefined) checkDocument(document);
  const earlier = combine.split(",").filter((path) => path !== "").map((path) => JSON.parse(readFileSync(resolve(path), "utf8")) as Run);
  sweepDataDirectories();
  const fresh = render ? [] : [await measured()];
  const text = toMarkdown([...earlier, ...fresh]);
  process.stdout.write(`\n${text}\n`);
  if (document !== undefined) writeInto(document, text);
  process.exit(0);
}
