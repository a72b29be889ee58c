/** Puts an answer on stdout: as one JSON document, or as text for people. */
import type { Shared } from "./command.ts";
import type { Io } from "./io.ts";
import { toJson } from "./render/json.ts";

interface Output {
  readonly shared: Pick<Shared, "json">;
  readonly io: Io;
}

/** `text` is made only when it is wanted. */
export async function present({ shared, io }: Output, document: unknown, text: () => string): Promise<void> {
  await io.out(shared.json ? `${toJson(document, io.outScreen.isTerminal ? 2 : undefined)}\n` : text());
}

/** One of many lines that follow. */
export async function presentLine({ shared, io }: Output, document: unknown, text: () => string): Promise<void> {
  await io.out(shared.json ? `${toJson(document)}\n` : text());
}

/** Said to people only: what to do next, where something went. Never part of the data. */
export function hint({ shared, io }: Output, text: string): void {
  if (!shared.json) io.err(`${text}\n`);
}
