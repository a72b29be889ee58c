import { expect, test } from "vitest";
import { CODE, matching, planted, type Repo, repo } from "./repo.ts";

const LINES_MAX = 400;

const tooLong = (files: Repo): readonly string[] =>
  matching(files, /^(?:packages|test)\/.*\.(?:ts|mjs)$/)
    .map(([path, text]) => ({ path, lines: text.split("\n").length - 1 }))
    .filter(({ lines }) => lines > LINES_MAX)
    .map(({ path, lines }) => `${path} has ${lines} lines`);

test(`no file of code has more than ${LINES_MAX} lines`, () => {
  expect(matching(repo, CODE).length).toBeGreaterThan(50);
  expect(tooLong(repo)).toEqual([]);
});

test("planted: a file of 401 lines is found", () => {
  expect(tooLong(planted("packages/kernel/src/long.ts", "export {};\n".repeat(LINES_MAX + 1)))).toContain("packages/kernel/src/long.ts has 401 lines");
});
