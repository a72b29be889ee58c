/**
 * Planted violations for the tools: a checker that sees no files is green, so each is shown a file it must refuse.
 * Rules of our own plant theirs beside the rule.
 */
import { expect, test } from "vitest";
import { repo } from "./repo.ts";
import { runIn, scratchWith } from "./scratch.ts";

const lines = (count: number, line: string): string => `${line}\n`.repeat(count);

/** One bad file for each lint rule we count on: where it lies, what it holds. */
const LINT: Readonly<Record<string, readonly [path: string, text: string]>> = {
  noExplicitAny: ["packages/nats/src/bad-any.ts", "export const bad = (value: any): unknown => value;"],
  noFloatingPromises: ["packages/nats/src/bad-floating.ts", "async function later(): Promise<void> {}\nexport function bad(): void {\n  later();\n}"],
  noMisusedPromises: ["packages/nats/src/bad-misused.ts", "async function later(): Promise<boolean> { return true; }\nexport const bad = (): number => (later() ? 1 : 2);"],
  useExhaustiveSwitchCases: [
    "packages/nats/src/bad-switch.ts",
    'export function bad(kind: "a" | "b"): void {\n  switch (kind) {\n    case "a":\n      break;\n  }\n}',
  ],
  noDefaultExport: ["packages/nats/src/bad-default.ts", "export default 1;"],
  useImportExtensions: ["packages/nats/src/bad-extension.ts", 'export { connect } from "./connect";'],
  noReExportAll: ["packages/nats/src/bad-all.ts", 'export * from "./connect.ts";'],
  noImportCycles: ["packages/nats/src/bad-cycle.ts", 'import { other } from "./bad-cycle-other.ts";\nexport const bad = (): number => other();'],
  noConsole: ["packages/nats/src/bad-console.ts", 'console.log("free-form");'],
  noUndeclaredDependencies: ["packages/nats/src/bad-dependency.ts", 'export { pino } from "pino";'],
  noExcessiveLinesPerFunction: ["packages/nats/src/bad-lines.ts", `export function bad(list: number[]): void {\n${lines(61, "  list.push(1);")}}`],
  noExcessiveCognitiveComplexity: [
    "packages/nats/src/bad-complexity.ts",
    `export function bad(list: number[]): void {\n${lines(7, "  for (const item of list) if (item > 0) list.pop();")}}`,
  ],
  noRestrictedGlobals: ["packages/kernel/src/bad-global.ts", "export const bad = (): unknown => globalThis;"],
  noJsRestrictedProperties: ["packages/job-queue/src/bad-chance.ts", "export const bad = (): number => Math.random();"],
  organizeImports: ["packages/nats/src/bad-order.ts", 'import { journalOf } from "./journal.ts";\nimport { connect } from "./connect.ts";\nexport const bad = [journalOf, connect];'],
};
const OTHER_HALF = { "packages/nats/src/bad-cycle-other.ts": 'import { bad } from "./bad-cycle.ts";\nexport const other = (): number => bad();\n' };

test("biome refuses what we count on it to refuse", async () => {
  const bad = Object.fromEntries(Object.values(LINT).map(([path, text]) => [path, `${text}\n`]));
  const { ok, said } = await runIn(scratchWith({ ...bad, ...OTHER_HALF }), "biome", "check", "--reporter=concise", "--max-diagnostics=none", ...Object.keys(bad));
  expect(ok).toBe(false);
  const missed = Object.entries(LINT).filter(([rule, [path]]) => !said.split("\n").some((line) => line.includes(`${path}:`) && line.includes(`/${rule}`)));
  expect(missed.map(([rule]) => rule), said).toEqual([]);
});

test("the compiler keeps the platform out of the pure packages", async () => {
  const ambient = "export const bad = [setTimeout, console, crypto, fetch, process, performance];\n";
  const scratch = scratchWith({ "packages/kernel/src/bad.ts": ambient, "packages/kernel/src/bad-import.ts": 'export { readFile } from "node:fs/promises";\n' });
  const { ok, said } = await runIn(scratch, "tsc", "-p", "packages/kernel", "--noEmit", "--pretty", "false");
  expect(ok).toBe(false);
  for (const name of ["setTimeout", "console", "crypto", "fetch", "process", "performance"]) expect(said).toMatch(new RegExp(`bad\\.ts.*Cannot find name '${name}'`));
  expect(said).toMatch(/bad-import\.ts.*node:fs\/promises/);
});

test("turbo boundaries keeps packages to their arrows", async () => {
  const nats = JSON.parse(repo.get("packages/nats/package.json") ?? "") as { dependencies: Record<string, string> };
  const scratch = scratchWith({
    "packages/job-queue/src/bad.ts": 'export type { Connection } from "@longshore/nats";\n',
    "packages/job-queue/src/bad-path.ts": 'export { History } from "../../kernel/src/history.ts";\n',
    "packages/nats/package.json": JSON.stringify({ ...nats, dependencies: { ...nats.dependencies, "@longshore/job-queue": "0.1.0" } }),
  });
  const { ok, said } = await runIn(scratch, "turbo", "boundaries");
  expect(ok).toBe(false);
  expect(said).toContain("cannot import package `@longshore/nats` because it is not a dependency");
  expect(said).toContain("leaves the package");
  expect(said).toContain("`@longshore/job-queue` found without any tag listed in allowlist");
});

test("knip finds what nobody reaches", async () => {
  const scratch = scratchWith({ "packages/kernel/src/forgotten.ts": "export const forgotten = 1;\n" });
  const { ok, said } = await runIn(scratch, "knip", "--no-progress");
  expect(ok).toBe(false);
  expect(said).toContain("packages/kernel/src/forgotten.ts");
});
