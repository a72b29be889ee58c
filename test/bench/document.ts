/** Puts the tables into a document, between the two comments that say where. */
import { readFileSync, writeFileSync } from "node:fs";

const BEGIN = "<!-- bench -->";
const END = "<!-- end of bench -->";

/** @throws {Error} when there is no such document, or no place in it. */
export function checkDocument(path: string): void {
  partsOf(path);
}

export function writeInto(path: string, tables: string): void {
  const [before, after] = partsOf(path);
  writeFileSync(path, `${before}${BEGIN}\n\n${tables}\n\n${END}${after}`);
}

function partsOf(path: string): readonly [before: string, after: string] {
  const [before, rest] = readFileSync(path, "utf8").split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error(`${path} has no place for the tables: it needs the lines "${BEGIN}" and "${END}"`);
  return [before, after];
}
