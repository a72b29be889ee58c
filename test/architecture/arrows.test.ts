/**
 * Which package may know which. The table stands once, in `turbo.json`, and `turbo boundaries` holds imports to it; this
 * file holds the other places that repeat it (`package.json`, project references), and what turbo does not see.
 */
import { isBuiltin } from "node:module";
import ts from "typescript";
import { expect, test } from "vitest";
import { CODE, importsOf, matching, packageOf, planted, type Repo, repo, sourceOf } from "./repo.ts";

interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** What each package may take from others' work; a line here is a decision. */
const LIBRARIES: Readonly<Record<string, readonly string[]>> = {
  kernel: ["@msgpack/msgpack"],
  "job-queue": [],
  "discovery-agent": [],
  "offload-router": [],
  nats: ["@nats-io/jetstream", "@nats-io/transport-node"],
  client: ["@standard-schema/spec"],
  cli: ["pino", "tsx"],
  // Its contract suites only; nothing that `longshore/testing` loads.
  testkit: ["vitest"],
};

const read = (files: Repo, path: string): unknown => ts.parseConfigFileTextToJson(path, files.get(path) ?? "").config;

function manifests(files: Repo): ReadonlyMap<string, Manifest> {
  return new Map(matching(files, /^packages\/[^/]+\/package\.json$/).map(([path, text]) => [packageOf(path) ?? "", JSON.parse(text) as Manifest]));
}

/** Folder of a workspace package by its npm name. */
const foldersOf = (files: Repo): ReadonlyMap<string, string> => new Map([...manifests(files)].map(([folder, { name }]) => [name, folder]));

function allowedOf(files: Repo): ReadonlyMap<string, readonly string[]> {
  const { boundaries } = read(files, "turbo.json") as { boundaries: { tags: Record<string, { dependencies: { allow: string[] } }> } };
  return new Map(Object.entries(boundaries.tags).map(([folder, { dependencies }]) => [folder, dependencies.allow]));
}

/** Every arrow drawn by package.json, tsconfig.json or an import, that turbo.json does not allow. */
function forbiddenArrows(files: Repo): readonly string[] {
  const allowed = allowedOf(files);
  return [...declaredArrows(files), ...referencedArrows(files), ...importedArrows(files)]
    .filter(({ from, to }) => from !== to && allowed.get(from)?.includes(to) !== true)
    .map(({ from, to, place }) => `${place}: ${from} may not know ${to}`);
}

interface Arrow {
  readonly from: string;
  readonly to: string;
  readonly place: string;
}

function declaredArrows(files: Repo): readonly Arrow[] {
  const folders = foldersOf(files);
  return [...manifests(files)].flatMap(([from, { dependencies, devDependencies }]) =>
    Object.keys({ ...dependencies, ...devDependencies }).flatMap((name) => arrow(from, folders.get(name), `packages/${from}/package.json`)),
  );
}

function referencedArrows(files: Repo): readonly Arrow[] {
  return matching(files, /^packages\/[^/]+\/tsconfig\.json$/).flatMap(([path]) => {
    const { references = [] } = read(files, path) as { references?: { path: string }[] };
    return references.flatMap((reference) => arrow(packageOf(path) ?? "", reference.path.split("/").at(-1), path));
  });
}

function importedArrows(files: Repo): readonly Arrow[] {
  const folders = foldersOf(files);
  return matching(files, /^packages\/.*\.ts$/).flatMap(([path]) =>
    importsOf(sourceOf(files, path)).flatMap(({ specifier, place }) => arrow(packageOf(path) ?? "", folders.get(packageName(specifier)), place)),
  );
}

const arrow = (from: string, to: string | undefined, place: string): readonly Arrow[] => (to === undefined ? [] : [{ from, to, place }]);

const packageName = (specifier: string): string => specifier.split("/").slice(0, specifier.startsWith("@") ? 2 : 1).join("/");

/** Libraries that a package declares or imports and that its line above does not name. */
function foreignLibraries(files: Repo): readonly string[] {
  const folders = foldersOf(files);
  const declared = [...manifests(files)].flatMap(([from, { dependencies }]) =>
    Object.keys(dependencies ?? {}).map((name) => ({ from, name, place: `packages/${from}/package.json` })),
  );
  const imported = matching(files, /^packages\/.*(?<!\.test)\.ts$/).flatMap(([path]) =>
    importsOf(sourceOf(files, path))
      .filter(({ specifier }) => !specifier.startsWith(".") && !isBuiltin(specifier))
      .map(({ specifier, place }) => ({ from: packageOf(path) ?? "", name: packageName(specifier), place })),
  );
  return [...declared, ...imported]
    .filter(({ from, name }) => !folders.has(name) && LIBRARIES[from]?.includes(name) !== true)
    .map(({ from, name, place }) => `${place}: ${from} may not use ${name}`);
}

/** A package's sources reached by a path instead of its name, from tests or from another package. */
const sideDoors = (files: Repo): readonly string[] =>
  matching(files, CODE).flatMap(([path]) =>
    importsOf(sourceOf(files, path))
      .filter(({ specifier }) => specifier.startsWith("."))
      .map(({ specifier, place }) => ({ place, target: new URL(specifier, `file:///${path}`).pathname.slice(1) }))
      .filter(({ target }) => packageOf(target) !== packageOf(path) && target.startsWith("packages/"))
      .map(({ place, target }) => `${place}: reaches into ${target}`),
  );

test("every package is tagged with its folder's name, and turbo.json has its arrows", () => {
  const folders = [...manifests(repo).keys()];
  expect(folders.length).toBeGreaterThan(4);
  for (const folder of folders) expect(read(repo, `packages/${folder}/turbo.json`), folder).toMatchObject({ tags: [folder] });
  expect([...allowedOf(repo).keys()].sort()).toEqual(folders.sort());
  const { references } = read(repo, "tsconfig.json") as { references: { path: string }[] };
  expect(references.map(({ path }) => packageOf(`${path}/`)).sort()).toEqual(folders.sort());
});

test("no package knows another that its arrows do not reach", () => {
  expect(forbiddenArrows(repo)).toEqual([]);
});

test("planted: a forbidden arrow is found wherever it is drawn", () => {
  const imported = 'export type Bad = import("@longshore/nats").Connection;\n';
  expect(forbiddenArrows(planted("packages/job-queue/src/bad.ts", imported))).toContain("packages/job-queue/src/bad.ts:1: job-queue may not know nats");
  const manifest = JSON.stringify({ name: "@longshore/testkit", dependencies: { longshore: "0.1.0" } });
  expect(forbiddenArrows(planted("packages/testkit/package.json", manifest))).toContain("packages/testkit/package.json: testkit may not know client");
  const references = JSON.stringify({ references: [{ path: "../job-queue" }] });
  expect(forbiddenArrows(planted("packages/kernel/tsconfig.json", references))).toContain("packages/kernel/tsconfig.json: kernel may not know job-queue");
});

test("every library in use was decided on", () => {
  expect(foreignLibraries(repo)).toEqual([]);
});

test("planted: an undecided library is found", () => {
  expect(foreignLibraries(planted("packages/kernel/src/bad.ts", 'export * from "lodash";\n'))).toContain("packages/kernel/src/bad.ts:1: kernel may not use lodash");
});

test("packages are entered by their names", () => {
  expect(sideDoors(repo)).toEqual([]);
});

test("planted: a path into another package is found", () => {
  const bad = planted("test/simulation/bad.ts", 'import { History } from "../../packages/kernel/src/history.ts";\n');
  expect(sideDoors(bad)).toContain("test/simulation/bad.ts:1: reaches into packages/kernel/src/history.ts");
});
