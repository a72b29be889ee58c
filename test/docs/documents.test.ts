import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { DOCUMENTS, filled, root, textOf } from "./fill.ts";

describe.each(DOCUMENTS)("%s", (document) => {
  it("holds what the code says (else run: npx tsx --conditions=@longshore/source test/docs/write.ts)", () => {
    expect(textOf(document)).toBe(filled(textOf(document)));
  });

  it("links to nothing that is not there", () => {
    expect(linksOf(document).filter((link) => !leadsSomewhere(document, link))).toEqual([]);
  });
});

/** Links to places of this repository. */
const linksOf = (document: string): readonly string[] =>
  [...textOf(document).replaceAll(/```[\s\S]*?```/g, "").matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1]!).filter((link) => !/^https?:/.test(link));

function leadsSomewhere(document: string, link: string): boolean {
  const [path = "", anchor] = link.split("#");
  const target = path === "" ? document : join(dirname(document), path);
  if (!existsSync(join(root, target))) return false;
  return anchor === undefined || anchorsOf(target).includes(anchor);
}

/** As GitHub makes them from headings. */
const anchorsOf = (document: string): readonly string[] =>
  [...textOf(document).matchAll(/^#+ (.+)$/gm)].map((match) =>
    match[1]!.trim().toLowerCase().replaceAll(/[^\p{Letter}\p{Number} _-]/gu, "").replaceAll(" ", "-"));
