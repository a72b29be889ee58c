/** Decisions are numbered, found from one index, and keep to the form. */
import { expect, test } from "vitest";
import { matching, planted, type Repo, repo } from "./repo.ts";

const INDEX = "docs/adr/README.md";
const RECORD = /^docs\/adr\/(\d{4}-[a-z0-9-]+\.md)$/;
const SECTIONS = ["Context", "Decision", "Consequences"];

const records = (files: Repo): readonly string[] => matching(files, RECORD).map(([path]) => path.slice("docs/adr/".length));

function misfiled(files: Repo): readonly string[] {
  const index = files.get(INDEX) ?? "";
  const linked = [...index.matchAll(/\]\((?:\.\/)?([^)#:]+\.md)/g)].map(([, name]) => name ?? "");
  const known = records(files);
  const numbers = known.map((name) => name.slice(0, 4));
  return [
    ...matching(files, /^docs\/adr\//).filter(([path]) => path !== INDEX && !RECORD.test(path)).map(([path]) => `${path} is not named NNNN-title.md`),
    ...known.filter((name) => !linked.includes(name)).map((name) => `${name} is not in ${INDEX}`),
    ...linked.filter((name) => !files.has(`docs/adr/${name}`)).map((name) => `${INDEX} names ${name}, which is not there`),
    ...known.filter((name, at) => numbers.indexOf(name.slice(0, 4)) !== at).map((name) => `${name} has a number that is taken`),
    ...known.flatMap((name) => missingSections(files.get(`docs/adr/${name}`) ?? "").map((section) => `${name} has no section ${section}`)),
  ];
}

const missingSections = (text: string): readonly string[] => SECTIONS.filter((section) => !new RegExp(`^#+ ${section}\\b`, "m").test(text));

test("every decision is in the index, and the index names only what is there", () => {
  expect(misfiled(repo)).toEqual([]);
});

test("planted: a decision that the index does not name is found", () => {
  const text = "# 9999\n\n## Context\n\n## Decision\n\n## Consequences\n";
  expect(misfiled(planted("docs/adr/9999-forgotten.md", text))).toContain(`9999-forgotten.md is not in ${INDEX}`);
  expect(misfiled(planted("docs/adr/9999-forgotten.md", "# 9999\n"))).toContain("9999-forgotten.md has no section Context");
});

test("planted: a decision that is gone is found", () => {
  expect(misfiled(planted(INDEX, "[gone](0000-gone.md)\n"))).toContain(`${INDEX} names 0000-gone.md, which is not there`);
});
