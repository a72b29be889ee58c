/** `npm ci` in a fresh clone takes what package-lock.json says or nothing at all, so it has to say everything. */
import { expect, test } from "vitest";
import { matching, planted, type Repo, repo } from "./repo.ts";

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}
interface Lock {
  readonly packages: Readonly<Record<string, Manifest>>;
}

const { missingIn } = (await import(new URL("../lock.mjs", import.meta.url).href)) as {
  missingIn(lock: Lock): readonly (readonly [name: string, version: string, isDev: boolean])[];
};

const lockOf = (files: Repo): Lock => JSON.parse(files.get("package-lock.json") ?? "") as Lock;

const wantedBy = ({ dependencies = {}, devDependencies = {} }: Manifest): readonly string[] =>
  Object.entries({ ...dependencies, ...devDependencies }).map(([name, version]) => `${name}@${version}`).sort();

/** What a manifest and its copy in the lock do not agree on. */
const outOfStep = (files: Repo): readonly string[] => {
  const { packages } = lockOf(files);
  return matching(files, /^(?:packages\/[^/]+\/)?package\.json$/).flatMap(([path, text]) => {
    const wanted = wantedBy(JSON.parse(text) as Manifest);
    const locked = wantedBy(packages[path.replace(/\/?package\.json$/, "")] ?? {});
    const different = [...wanted.filter((name) => !locked.includes(name)), ...locked.filter((name) => !wanted.includes(name))];
    return different.map((name) => `${path}: ${name}: run npm install`);
  });
};

test("the lock holds what every package.json asks for", () => {
  expect(outOfStep(repo)).toEqual([]);
});

test("planted: a dependency that was never locked is found", () => {
  const manifest = JSON.stringify({ dependencies: { pino: "10.4.0" } });
  expect(outOfStep(planted("packages/kernel/package.json", manifest))).toContain("packages/kernel/package.json: pino@10.4.0: run npm install");
});

test("the lock holds the builds for all platforms, or: node test/lock.mjs", () => {
  expect(missingIn(lockOf(repo))).toEqual([]);
});

test("planted: a build for another platform that the lock leaves out is found", () => {
  const packages = { "node_modules/a": { optionalDependencies: { "a-darwin-arm64": "1.0.0", "a-linux-x64": "1.0.0" } }, "node_modules/a/node_modules/a-linux-x64": {} };
  expect(missingIn({ packages })).toEqual([["a-darwin-arm64", "1.0.0", false]]);
});
