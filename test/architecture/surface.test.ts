/** A package's public surface is a short explicit list, and what package.json promises is there. */
import ts from "typescript";
import { expect, test } from "vitest";
import { linesWith, matching, packageOf, placeOf, planted, type Repo, repo, sourceOf } from "./repo.ts";

interface Manifest {
  readonly exports?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly bin?: Readonly<Record<string, string>>;
}

const manifests = (files: Repo): readonly (readonly [folder: string, manifest: Manifest])[] =>
  matching(files, /^packages\/[^/]+\/package\.json$/).map(([path, text]) => [`packages/${packageOf(path)}`, JSON.parse(text) as Manifest]);

/** In an index: anything but `export { … } from`. */
const codeInIndexes = (files: Repo): readonly string[] =>
  matching(files, /^packages\/[^/]+\/src\/index\.ts$/).flatMap(([path]) =>
    sourceOf(files, path).statements.filter((statement) => !isNamedExport(statement)).map((statement) => `${placeOf(statement)} is no named export`),
  );

const isNamedExport = (node: ts.Statement): boolean => ts.isExportDeclaration(node) && node.exportClause !== undefined && ts.isNamedExports(node.exportClause);

/** Every door of a package has a source, the declaration and the code built from it, in the order that resolvers need. */
const brokenDoors = (files: Repo): readonly string[] =>
  manifests(files).flatMap(([folder, { exports = {} }]) =>
    Object.entries(exports).flatMap(([door, targets]) => {
      const source = targets["@longshore/source"] ?? "";
      const built = source.replace("./src/", "./dist/").replace(/\.ts$/, "");
      const wanted = { "@longshore/source": source, types: `${built}.d.ts`, default: `${built}.js` };
      const known = files.has(`${folder}/${source.slice(2)}`);
      return known && JSON.stringify(targets) === JSON.stringify(wanted) ? [] : [`${folder}/package.json: ${door} does not lead to a source and what is built from it`];
    }),
  );

/** One version for all packages, which name each other by exactly it. */
const looseVersions = (files: Repo): readonly string[] => {
  const all = matching(files, /^packages\/[^/]+\/package\.json$/);
  const versions = new Map(all.map(([, text]) => JSON.parse(text) as { name: string; version: string }).map(({ name, version }) => [name, version]));
  const [version = ""] = versions.values();
  return all.flatMap(([path, text]) => {
    const { dependencies = {}, ...manifest } = JSON.parse(text) as { version: string; dependencies?: Record<string, string> };
    const loose = Object.entries(dependencies).filter(([name, range]) => (versions.has(name) ? range !== version : !/^\d/.test(range)));
    return [...(manifest.version === version ? [] : [`${path} is ${manifest.version}`]), ...loose.map(([name, range]) => `${path} takes ${name} ${range}`)];
  });
};

/** A skipped test owes the reason beside it; a focused one hides the others. */
const idleTests = (files: Repo): readonly string[] =>
  matching(files, /^(?:packages|test)\/(?!architecture\/).*\.test\.ts$/).flatMap(([path, text]) => {
    const lines = text.split("\n");
    const focused = linesWith(path, text, /\b(?:test|it|describe|suite)(?:\.\w+)*\.only\b/);
    const skipped = lines.flatMap((line, index) => {
      const isIdle = /\b(?:test|it|describe|suite)(?:\.\w+)*\.(?:skip|skipIf|runIf|todo|fails)\b/.test(line);
      const hasReason = /\/\/\s*\S|\*\/\s*$/.test(line) || /^\s*(?:\/\/|\*|\/\*\*?).*\S/.test(lines[index - 1] ?? "");
      return isIdle && !hasReason ? [`${path}:${index + 1} ${line.trim()}`] : [];
    });
    return [...focused, ...skipped];
  });

test("an index is a list of names", () => {
  expect(matching(repo, /^packages\/[^/]+\/src\/index\.ts$/).length).toBeGreaterThan(4);
  expect(codeInIndexes(repo)).toEqual([]);
});

test.each([["export * from './host.ts';"], ["export const late = 1;"], ["import './host.ts';"]])("planted: %s in an index is found", (text) => {
  expect(codeInIndexes(planted("packages/kernel/src/index.ts", text))).toContain("packages/kernel/src/index.ts:1 is no named export");
});

test("every door that package.json shows is there", () => {
  expect(brokenDoors(repo)).toEqual([]);
});

test("planted: a door without a source is found", () => {
  const manifest = { exports: { "./gone": { "@longshore/source": "./src/gone.ts", types: "./dist/gone.d.ts", default: "./dist/gone.js" } } };
  const found = brokenDoors(planted("packages/kernel/package.json", JSON.stringify(manifest)));
  expect(found).toContain("packages/kernel/package.json: ./gone does not lead to a source and what is built from it");
});

test("packages have one version and exact dependencies", () => {
  expect(looseVersions(repo)).toEqual([]);
});

test("planted: a range is found", () => {
  const manifest = JSON.stringify({ name: "@longshore/cli", version: "0.1.0", dependencies: { pino: "^10.0.0" } });
  expect(looseVersions(planted("packages/cli/package.json", manifest))).toContain("packages/cli/package.json takes pino ^10.0.0");
});

test("no test is skipped without a reason, none hides the others", () => {
  expect(idleTests(repo)).toEqual([]);
});

test.each([
  ["test.only('x', () => {});"],
  ["describe.skip('x', () => {});"],
  ["test.skipIf(true)('x', () => {});"],
  ["test.todo('x');"],
])("planted: %s is found", (line) => {
  expect(idleTests(planted("packages/kernel/src/bad.test.ts", `${line}\n`))).toContain(`packages/kernel/src/bad.test.ts:1 ${line}`);
});

test("a skipped test with its reason above is none of these", () => {
  const text = "// Needs atomic batches, which 2.10 has not.\ntest.skipIf(true)('x', () => {});\n";
  expect(idleTests(planted("packages/kernel/src/good.test.ts", text))).toEqual(idleTests(repo));
});
