/** What holds for every tracked text, whatever its language: the formatter is off, so this is the layout law. */
import { expect, test } from "vitest";
import { linesWith, matching, planted, type Repo, repo } from "./repo.ts";

const TEXT = /\.(?:ts|mjs|json|jsonc|md|conf|yaml|yml|html|css|sh|grit)$|^\.[^/]+$|^\.ci\/|^LICENSE$/;
const GENERATED = /^package-lock\.json$|^LICENSE$/;

/** Line ends are LF, no tabs, nothing trails, the last line is ended. */
const untidy = (files: Repo): readonly string[] =>
  matching(files, TEXT)
    .filter(([path]) => !GENERATED.test(path))
    .flatMap(([path, text]) => [...linesWith(path, text, /[ \r]$|\t/), ...(/[^\n]$|\n\n$/.test(text) ? [`${path} does not end in one line end`] : [])]);

/** Where a path or a registry of somebody's machine stands. */
const MACHINE = /(?:^|[^\w.-])\/(?:work|farm|root|Users|home\/\w+)\//;
const REGISTRY = /"resolved":\s*"https?:|^\s*(?:@[\w-]+:)?registry\s*=|\/\/[^/\s]+\/(?::_authToken|[^\s"]*npm-(?:group|proxy|hosted))/;

const machineTraces = (files: Repo): readonly string[] =>
  [...files].flatMap(([path, text]) => [...linesWith(path, text, MACHINE), ...linesWith(path, text, REGISTRY)]);

/** Work left for later needs an issue's number; a word for it in upper case is how it is found again. */
const unfinished = (files: Repo): readonly string[] =>
  matching(files, /^(?:packages|test)\/.*\.(?:ts|mjs)$/)
    .filter(([path]) => path !== "test/architecture/text.test.ts")
    .flatMap(([path, text]) => linesWith(path, text, /\b(?:TODO|FIXME|XXX)\b(?!.*#\d+)|[Nn]ot implemented/));

/** Only these may lie at the top. */
const TOP = ["package.json", "package-lock.json", "tsconfig.json", "packages", "test", "nats.conf", "turbo.json", "README.md", "LICENSE", "docs"];

const strangersOnTop = (files: Repo): readonly string[] =>
  [...new Set([...files.keys()].map((path) => path.split("/", 1)[0] ?? ""))].filter((name) => !name.startsWith(".") && !TOP.includes(name));

test("texts are tidy", () => {
  expect(untidy(repo)).toEqual([]);
});

test.each([
  ["a trailing blank", "export {}; \n"],
  ["a tab", "\texport {};\n"],
  ["a carriage return", "export {};\r\n"],
  ["a missing last line end", "export {};"],
  ["an empty last line", "export {};\n\n"],
])("planted: %s is found", (_what, text) => {
  expect(untidy(planted("packages/cli/src/bad.ts", text)).filter((found) => found.startsWith("packages/cli/src/bad.ts"))).not.toEqual([]);
});

test("no tracked file names a path or a registry of one machine", () => {
  expect(machineTraces(repo)).toEqual([]);
});

test.each([
  ["a path", "docs/bad.md", ["see ", "/wo", "rk/main/packages\n"].join("")],
  ["a home folder", "docs/bad.md", ["see ", "/home", "/alice/longshore\n"].join("")],
  ["a resolved address", "package-lock.json", ['"resolved": "', 'https://registry.example/x.tgz"\n'].join("")],
  ["a registry", ".npmrc", ["registry", "=http://registry.example/\n"].join("")],
])("planted: %s is found", (_what, path, text) => {
  expect(machineTraces(planted(path, text)).some((found) => found.startsWith(`${path}:1`))).toBe(true);
});

test("what is left for later has an issue", () => {
  expect(unfinished(repo)).toEqual([]);
});

test("planted: a note without an issue is found", () => {
  expect(unfinished(planted("packages/cli/src/bad.ts", "// TODO: later\n"))).toContain("packages/cli/src/bad.ts:1 // TODO: later");
  expect(unfinished(planted("packages/cli/src/bad.ts", "// TODO #12: later\n"))).toEqual(unfinished(repo));
});

test("the top folder holds what a newcomer must see, and dotfiles", () => {
  expect(strangersOnTop(repo)).toEqual([]);
});

test("planted: a stranger on top is found", () => {
  expect(strangersOnTop(planted("notes.txt", "…\n"))).toEqual(["notes.txt"]);
});
