/**
 * One word, one meaning: the synonyms that the glossary sets aside must not come back as names of ours or in the docs.
 *
 * Only words are listed that nothing else here needs: `batch`, `topic`, `offset`, `cursor` and `lock` have honest uses beside the
 * one they are set aside for, so people judge those.
 */
import ts from "typescript";
import { expect, test } from "vitest";
import { CODE, linesWith, matching, nodesOf, placeOf, planted, type Repo, repo, sourceOf } from "./repo.ts";

/** What is not said, and the word for it. */
const SYNONYMS: Readonly<Record<string, string>> = {
  aggregate: "decider",
  reducer: "decider",
  "read model": "view",
  checkpoint: "snapshot",
  "dead letter": "given-up job",
  saga: "workflow",
  lease: "guard",
  gossip: "announcement",
  cancelled: "canceled",
  cancelling: "canceling",
  "cluster state": "topology view",
  "side effect": "intent",
};

/** Of these, what prose cannot mean otherwise: to explain that there is no lease, one has to say lease. */
const NEVER_SAID = ["read model", "dead letter", "cluster state", "cancelled", "cancelling"];

/** Names that say nothing. */
const EMPTY_WORDS = ["util", "utils", "common", "helper", "helpers", "manager", "impl", "misc", "stuff"];

/** Tests of other people's systems speak their language. */
const OURS = /^(?!test\/bench\/peers\/)/;

const wordsOf = (name: string): string =>
  ` ${name.replace(/([a-z0-9])([A-Z])/g, "$1 $2").replace(/[_\-./]+/g, " ").toLowerCase()} `;

function verdictOn(name: string): string | undefined {
  const words = wordsOf(name);
  const empty = EMPTY_WORDS.find((word) => words.includes(` ${word} `));
  if (empty !== undefined) return `${name}: "${empty}" says nothing`;
  const synonym = Object.keys(SYNONYMS).find((word) => words.includes(` ${word} `) || words.includes(` ${word}s `));
  return synonym === undefined ? undefined : `${name}: say "${SYNONYMS[synonym]}", not "${synonym}"`;
}

const strayNames = (files: Repo): readonly string[] =>
  matching(files, CODE)
    .filter(([path]) => OURS.test(path))
    .flatMap(([path]) => {
      const fileName = verdictOn(path.replace(/\.ts$/, "").split("/").slice(1).join("/"));
      const declared = nodesOf(sourceOf(files, path)).flatMap((node) => {
        const name = declaredName(node);
        const verdict = name === undefined ? undefined : verdictOn(name);
        return verdict === undefined ? [] : [`${placeOf(node)} ${verdict}`];
      });
      return fileName === undefined ? declared : [`${path} ${fileName}`, ...declared];
    });

/** The name a node brings into the world; names that are only used may be other people's. */
function declaredName(node: ts.Node): string | undefined {
  if (ts.isObjectLiteralElementLike(node) || !("name" in node)) return undefined;
  const isDeclaration =
    ts.isVariableDeclaration(node) || ts.isParameter(node) || ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node) || ts.isTypeElement(node) ||
    ts.isClassElement(node) || ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node);
  const name = node.name as ts.Node | undefined;
  return isDeclaration && name !== undefined && (ts.isIdentifier(name) || ts.isStringLiteral(name) || ts.isPrivateIdentifier(name)) ? name.text : undefined;
}

/** In prose only the whole words; the glossary itself, wherever it stands, names what it sets aside. */
const strayProse = (files: Repo): readonly string[] =>
  matching(files, /^(?:README\.md|docs\/.*\.md)$/)
    .filter(([path]) => !/glossary|sling|compar|migrat/i.test(path))
    .flatMap(([path, text]) => {
      const prose = text.replace(/```[\s\S]*?```/g, (block) => block.replace(/[^\n]/g, "")).replace(/`[^`\n]*`/g, "");
      return NEVER_SAID.flatMap((word) => linesWith(path, prose, new RegExp(`\\b${word}s?\\b`, "i")).map((line) => `${line} (${SYNONYMS[word]})`));
    });

test("names are the glossary's", () => {
  expect(strayNames(repo)).toEqual([]);
});

test.each([
  ["export interface JobAggregate { readonly id: string }", 'JobAggregate: say "decider", not "aggregate"'],
  ["export const find = (readModels: unknown): unknown => readModels;", 'readModels: say "view", not "read model"'],
  ["export interface Job { readonly isCancelled: boolean }", 'isCancelled: say "canceled", not "cancelled"'],
  ["export class QueueManager {}", 'QueueManager: "manager" says nothing'],
])("planted: %s", (text, verdict) => {
  expect(strayNames(planted("packages/kernel/src/bad.ts", text))).toContain(`packages/kernel/src/bad.ts:1 ${verdict}`);
});

test("planted: a file whose name says nothing is found", () => {
  expect(strayNames(planted("packages/kernel/src/utils.ts", "export {};\n"))).toContain('packages/kernel/src/utils.ts kernel/src/utils: "utils" says nothing');
});

test("the docs speak the glossary's words", () => {
  expect(strayProse(repo)).toEqual([]);
});

test("planted: a synonym in the docs is found, one in code is left alone", () => {
  expect(strayProse(planted("docs/bad.md", "The job was cancelled.\n"))).toContain("docs/bad.md:1 The job was cancelled. (canceled)");
  expect(strayProse(planted("docs/good.md", "BullMQ calls it `cancelled`.\n"))).toEqual(strayProse(repo));
});
