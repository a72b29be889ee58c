/**
 * Documents include what runs: a fence after `<!-- sample: path#region -->` holds that region of that file, or the whole
 * file, and what stands between `<!-- table: name -->` and `<!-- end -->` is made from the code. `write.ts` fills them
 * in, and `documents.test.ts` compares.
 *
 * A region of a file lies between the comments `#region name` and `#endregion`.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { tables } from "./tables.ts";

export const root: string = fileURLToPath(new URL("../..", import.meta.url));

/** The documents with parts to fill in. */
export const DOCUMENTS: readonly string[] = ["README.md", "docs/guide.md", "docs/protocol.md", "docs/operations.md", "docs/benchmarks.md", "docs/detection.md", "docs/offloading.md"];

const SAMPLE = /(<!-- sample: (\S+?)(?:#(\S+))? -->\n\n?```\w*\n)[\s\S]*?```/g;
const TABLE = /(<!-- table: (\S+) -->\n)[\s\S]*?(<!-- end -->)/g;

export const textOf = (path: string): string => readFileSync(`${root}/${path}`, "utf8");

/** The document as it must be. */
export function filled(document: string): string {
  return document
    .replaceAll(SAMPLE, (_, head: string, path: string, region: string | undefined) => `${head}${sample(path, region)}\n\`\`\``)
    .replaceAll(TABLE, (_, head: string, name: string, end: string) => `${head}\n${tableNamed(name)}\n\n${end}`);
}

function sample(path: string, region: string | undefined): string {
  const text = textOf(path).trimEnd();
  if (region === undefined) return text;
  const lines = text.split("\n");
  const from = lines.findIndex((line) => line.trim() === `// #region ${region}`);
  if (from === -1) throw new Error(`${path} has no region "${region}"`);
  const length = lines.slice(from).findIndex((line) => line.trim() === "// #endregion");
  if (length === -1) throw new Error(`region "${region}" of ${path} has no end`);
  return dedented(lines.slice(from + 1, from + length));
}

function dedented(lines: readonly string[]): string {
  const indents = lines.filter((line) => line.trim() !== "").map((line) => line.length - line.trimStart().length);
  const indent = Math.min(...indents);
  return lines.map((line) => line.slice(indent)).join("\n").trim();
}

function tableNamed(name: string): string {
  const table = tables[name];
  if (table === undefined) throw new Error(`no table "${name}"`);
  return table();
}
