/**
 * Pure packages decide from their arguments alone. The compiler holds most of it (`lib: ["ES2023"]`, `types: []`: see
 * `tools.test.ts`); `Date` and `Math` are part of the language, so they are held here.
 */
import { isBuiltin } from "node:module";
import ts from "typescript";
import { expect, test } from "vitest";
import { importsOf, matching, nodesOf, PURE, placeOf, planted, type Repo, repo, sourceOf } from "./repo.ts";

const AMBIENT = ["Date", "Intl", "process", "globalThis", "performance", "crypto", "console", "fetch", "setTimeout", "setInterval", "setImmediate", "queueMicrotask"];
/** Members whose answer depends on the machine's clock, chance, language or time zone. */
const AMBIENT_MEMBERS = ["Math.random", "localeCompare", "toLocaleString", "toLocaleLowerCase", "toLocaleUpperCase"];

const impurities = (files: Repo): readonly string[] =>
  matching(files, PURE).flatMap(([path]) => {
    const source = sourceOf(files, path);
    const imports = importsOf(source).filter(({ specifier }) => isBuiltin(specifier));
    const names = nodesOf(source).flatMap((node) => {
      const name = ambientName(node);
      return name === undefined ? [] : [`${placeOf(node)} ${name}`];
    });
    return [...names, ...imports.map(({ specifier, place }) => `${place} ${specifier}`)];
  });

function ambientName(node: ts.Node): string | undefined {
  if (ts.isPropertyAccessExpression(node)) {
    return AMBIENT_MEMBERS.find((member) => member === node.getText() || member === node.name.text);
  }
  if (!ts.isIdentifier(node) || !AMBIENT.includes(node.text) || isOwnName(node)) return undefined;
  return node.text;
}

/** A field called `process` is no ambient `process`, and asking whether a value is a `Date` asks no clock. */
function isOwnName(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isBinaryExpression(parent) && parent.operatorToken.kind === ts.SyntaxKind.InstanceOfKeyword) return parent.right === node;
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node;
  return (ts.isPropertySignature(parent) || ts.isPropertyAssignment(parent) || ts.isMethodDeclaration(parent)) && parent.name === node;
}

test("pure packages use no clock, no chance, no process and no platform", () => {
  expect(matching(repo, PURE).length).toBeGreaterThan(20);
  expect(impurities(repo)).toEqual([]);
});

test.each([
  ["the clock", "export const now = (): number => Date.now();", "Date"],
  ["the clock as an object", "export const now = (): Date => new Date();", "Date"],
  ["chance", "export const roll = (): number => Math.random();", "Math.random"],
  ["the process", "export const id = (): number => process.pid;", "process"],
  ["a timer", "setTimeout(() => undefined, 1);", "setTimeout"],
  ["the platform", 'export { readFile } from "node:fs/promises";', "node:fs/promises"],
  ["the machine's language", "export const order = (a: string, b: string): number => a.localeCompare(b);", "localeCompare"],
])("planted: %s is found", (_what, text, name) => {
  expect(impurities(planted("packages/job-queue/src/bad.ts", text))).toContain(`packages/job-queue/src/bad.ts:1 ${name}`);
});

test("asking for a Date's class, and fields of those names, are no impurity", () => {
  const text = "export const isDate = (value: { readonly process: unknown }): boolean => value.process instanceof Date;";
  expect(impurities(planted("packages/kernel/src/good.ts", text))).toEqual(impurities(repo));
});
