/**
 * A promise that nobody waits for is an error that nobody sees. Biome's rules for it know one package at a time; the
 * compiler knows all types, so it is asked here.
 *
 * A promise is looked after when it is awaited, returned, stored, given to somebody who takes promises, handed a `catch`,
 * or marked with `void`, which says that its rejection is handled elsewhere.
 */
import { join } from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";
import { nodesOf, placeOf, ROOT } from "./repo.ts";

const PLANTED = join(ROOT, "test/architecture/planted.ts");
const BAD = `
import { findServer } from "@longshore/nats";
findServer();
findServer().then(() => undefined);
[1].forEach(async () => { await findServer(); });
findServer().catch(() => undefined);
void findServer();
export let later: Promise<unknown> | undefined = findServer();
later ??= findServer();
await Promise.all([1].map(async () => { await findServer(); }));
`;

/** All sources and tests as the compiler sees them, with one bad file among them. */
function programWith(path: string, text: string): ts.Program {
  const config = join(ROOT, "test/tsconfig.json");
  const host: ts.ParseConfigFileHost = { ...ts.sys, onUnRecoverableConfigFileDiagnostic: ({ messageText }) => expect.fail(String(messageText)) };
  const { options = {}, fileNames = [] } = ts.getParsedCommandLineOfConfigFile(config, {}, host) ?? {};
  const files = ts.createCompilerHost(options);
  const { fileExists, getSourceFile } = files;
  files.fileExists = (name) => name === path || fileExists(name);
  files.getSourceFile = (name, target, ...rest) => (name === path ? ts.createSourceFile(name, text, target, true) : getSourceFile(name, target, ...rest));
  return ts.createProgram([...fileNames, path], options, files);
}

function unwatchedIn(program: ts.Program, source: ts.SourceFile): readonly string[] {
  const checker = program.getTypeChecker();
  return nodesOf(source)
    .filter((node) => (ts.isExpressionStatement(node) ? isFloating(checker, node.expression) : ts.isCallExpression(node) && hasUnwatchedCallback(checker, node)))
    .map(placeOf);
}

function isFloating(checker: ts.TypeChecker, expression: ts.Expression): boolean {
  if (ts.isAwaitExpression(expression) || ts.isVoidExpression(expression)) return false;
  if (ts.isBinaryExpression(expression) && isAssignment(expression.operatorToken.kind)) return false;
  return !hasCatch(expression) && isPromise(checker, checker.getTypeAtLocation(expression));
}

const isAssignment = (kind: ts.SyntaxKind): boolean => kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment;

function hasCatch(expression: ts.Expression): boolean {
  if (!ts.isCallExpression(expression) || !ts.isPropertyAccessExpression(expression.expression)) return false;
  const { text } = expression.expression.name;
  if (text === "finally") return hasCatch(expression.expression.expression);
  return text === "catch" || (text === "then" && expression.arguments.length > 1);
}

/** An async function where the receiver expects one that answers nothing: nobody will look at its promise. */
function hasUnwatchedCallback(checker: ts.TypeChecker, call: ts.CallExpression): boolean {
  return call.arguments.some((argument) => {
    if (!ts.isArrowFunction(argument) && !ts.isFunctionExpression(argument)) return false;
    if (argument.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.AsyncKeyword) !== true) return false;
    const wanted = checker.getContextualType(argument)?.getCallSignatures() ?? [];
    return wanted.length > 0 && wanted.every((signature) => (signature.getReturnType().flags & ts.TypeFlags.Void) !== 0);
  });
}

function isPromise(checker: ts.TypeChecker, type: ts.Type): boolean {
  return (type.isUnion() ? type.types : [type]).some((part) => {
    const then = part.getProperty("then");
    return then !== undefined && checker.getTypeOfSymbol(then).getCallSignatures().length > 0;
  });
}

const program = programWith(PLANTED, BAD);
const ours = program.getSourceFiles().filter(({ fileName }) => fileName !== PLANTED && /\/(?:packages|test)\/(?!.*node_modules).*(?<!\.d)\.ts$/.test(fileName));

test("every promise is looked after", () => {
  expect(ours.length).toBeGreaterThan(50);
  expect(ours.flatMap((source) => unwatchedIn(program, source))).toEqual([]);
});

test("planted: promises left alone are found, across packages, and only those", () => {
  const planted = program.getSourceFile(PLANTED);
  expect(planted && unwatchedIn(program, planted)).toEqual([3, 4, 5].map((line) => `${PLANTED}:${line}`));
});
