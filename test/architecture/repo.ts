/**
 * The repository as data: what git tracks or would track, read once.
 *
 * A rule is a function from a `Repo` to what breaks it, so that every rule can be shown to fail: `planted` gives it a
 * copy of the repository with one bad file.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Paths from the root, with `/`, and their text. */
export type Repo = ReadonlyMap<string, string>;

export const repo: Repo = new Map(trackedFiles().map((path) => [path, readFileSync(join(ROOT, path), "utf8")]));

function trackedFiles(): readonly string[] {
  const answer = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: ROOT, encoding: "utf8" });
  // What was deleted and not yet committed is still listed; a link to a folder is no text.
  return answer.split("\0").filter((path) => path !== "" && statSync(join(ROOT, path), { throwIfNoEntry: false })?.isFile() === true);
}

/** The repository with one file added or replaced. */
export const planted = (path: string, text: string): Repo => new Map([...repo, [path, text]]);

export const matching = (files: Repo, pattern: RegExp): readonly (readonly [path: string, text: string])[] =>
  [...files].filter(([path]) => pattern.test(path));

/** TypeScript written by us, in packages and tests. */
export const CODE = /^(?:packages|test)\/.*\.ts$/;
export const PURE = /^packages\/(?:kernel|job-queue|discovery-agent|offload-router)\/src\/(?!.*\.test\.ts$).*\.ts$/;

export const packageOf = (path: string): string | undefined => /^packages\/([^/]+)\//.exec(path)?.[1];

const parsed = new Map<string, ts.SourceFile>();

export function sourceOf(files: Repo, path: string): ts.SourceFile {
  const text = files.get(path) ?? "";
  const known = parsed.get(path);
  if (known?.text === text) return known;
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.ESNext, true);
  parsed.set(path, source);
  return source;
}

const listed = new WeakMap<ts.SourceFile, readonly ts.Node[]>();

/** Every node of a file, outer before inner. */
export function nodesOf(source: ts.SourceFile): readonly ts.Node[] {
  const known = listed.get(source);
  if (known !== undefined) return known;
  const nodes: ts.Node[] = [];
  const visit = (node: ts.Node): void => {
    nodes.push(node);
    ts.forEachChild(node, visit);
  };
  visit(source);
  listed.set(source, nodes);
  return nodes;
}

export function placeOf(node: ts.Node): string {
  const source = node.getSourceFile();
  return `${source.fileName}:${source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1}`;
}

/** Lines of a text that match, as `path:line`. */
export function linesWith(path: string, text: string, pattern: RegExp): readonly string[] {
  return text.split("\n").flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1} ${line.trim().slice(0, 120)}`] : []));
}

export interface Import {
  readonly specifier: string;
  readonly place: string;
}

/** What a file imports in any form: `import`, `export … from`, `import()`, `import("x").Type`. */
export function importsOf(source: ts.SourceFile): readonly Import[] {
  return nodesOf(source).flatMap((node) => {
    const target = importTarget(node);
    return target === undefined || !ts.isStringLiteralLike(target) ? [] : [{ specifier: target.text, place: placeOf(node) }];
  });
}

function importTarget(node: ts.Node): ts.Node | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return node.moduleSpecifier;
  if (ts.isImportTypeNode(node)) return ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined;
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) return node.arguments[0];
  return undefined;
}
