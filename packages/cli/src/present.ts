/** Puts an answer on stdout: as one JSON document, or as text for people. */
import type { Common } from "./command.ts";
import type { Io } from "./io.ts";
import { toJson } from "./render/json.ts";

interface Output {
  readonly common: Pick<Common, "json">;
  readonly io: Io;
}

/** `text` is made only when it is wanted. */
export async function present({ common, io }: Output, document: unknown, text: () => string): Promise<void> {
  await io.out(common.json ? `${toJson(document, io.outScreen.isTerminal ? 2 : undefined)}\n` : text());
}

/** One of many lines that follow. */
export async function presentLine({ common, io }: Output, document: unknown, text: () => string): Promise<void> {
  await io.out(common.json ? `${toJson(document)}\n` : text());
}

/** Said to people only: what to do next, where something went. Never part of the data. */
export function hint({ common, io }: Output, text: string): void {
  if (!common.json) io.err(`${text}\n`);
}
