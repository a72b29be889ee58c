/** From what was typed to a command and its typed values. Every refusal names the right word. */
import { parseArgs } from "node:util";
import { type Command, type OptionSpec, type OptionSpecs, optionsOf, type Shared, typed } from "./command.ts";
import { wrongUsage } from "./errors.ts";
import { nearest } from "./nearest.ts";
import { parseDuration, parseInstant, parseNumber, parsePoint } from "./values.ts";

export interface Invocation {
  readonly command: Command;
  readonly shared: Shared;
  readonly options: Readonly<Record<string, unknown>>;
  readonly args: Readonly<Record<string, unknown>>;
}

export type Typed =
  | { readonly kind: "run"; readonly invocation: Invocation }
  /** `--help` of a command, or of everything. */
  | { readonly kind: "help"; readonly command: Command | undefined }
  | { readonly kind: "version" };

interface Word {
  readonly index: number;
  readonly value: string;
}

interface Given {
  readonly index: number;
  readonly rawName: string;
  readonly name: string;
  readonly value: string | undefined;
  readonly isInline: boolean;
}

/** @throws {CommandFailure} `cli/usage`. */
export function parse(argv: readonly string[], commands: readonly Command[], nowMs: number): Typed {
  const { words, given } = tokens(argv, commands);
  const wantsHelp = given.some(({ name }) => name === "help");
  if (words.length === 0) {
    if (given.some(({ name }) => name === "version")) return { kind: "version" };
    const wrong = given.find(({ name }) => name !== "help");
    if (wrong !== undefined) throw wrongUsage(`there is no option ${wrong.rawName} without a command`, "`longshore help` lists the commands");
    return { kind: "help", command: undefined };
  }
  const command = commandNamed(words, commands);
  if (wantsHelp) return { kind: "help", command };
  const specs = optionsOf(command);
  const pairs = new Map<number, Word>();
  for (const option of given) takePair(option, specs, words, pairs);
  const taken = new Set(pairs.values());
  const values = words.slice(command.name.split(" ").length).filter((word) => !taken.has(word));
  const options: Record<string, unknown> = {};
  for (const option of given) readOption(option, specs, options, { command, pairs, nowMs });
  for (const [name, spec] of Object.entries(specs)) options[name] ??= spec.kind === "flag" ? false : spec.kind === "list" ? [] : undefined;
  const args = argumentsOf(command, values.map(({ value }) => value));
  return { kind: "run", invocation: { command, options, args, shared: options as unknown as Shared } };
}

/** Which options take a value does not differ between commands (a test says so), so one pass reads any of them. */
function tokens(argv: readonly string[], commands: readonly Command[]): { readonly words: Word[]; readonly given: readonly Given[] } {
  const config: Record<string, { type: "boolean" | "string"; short?: string }> = { version: { type: "boolean" } };
  for (const spec of commands.map(optionsOf)) {
    for (const [name, { kind, short }] of Object.entries(spec)) {
      config[typed(name).slice(2)] = { type: kind === "flag" ? "boolean" : "string", ...(short === undefined ? {} : { short }) };
    }
  }
  const words: Word[] = [];
  const given: Given[] = [];
  const { tokens: read } = parseArgs({ args: [...argv], options: config, strict: false, allowPositionals: true, tokens: true });
  for (const token of read) {
    if (token.kind === "positional") words.push({ index: token.index, value: token.value });
    else if (token.kind === "option") given.push({ index: token.index, rawName: token.rawName, name: token.name, value: token.value, isInline: token.inlineValue === true });
  }
  return { words, given };
}

function commandNamed(words: readonly Word[], commands: readonly Command[]): Command {
  const [first = "", second] = words.map(({ value }) => value);
  const two = commands.find(({ name }) => name === `${first} ${second}`);
  const one = commands.find(({ name }) => name === first);
  const found = two ?? one;
  if (found !== undefined) return found;
  const names = [...new Set(commands.map(({ name }) => name.split(" ")[0] ?? name))];
  const meant = nearest(first, names);
  throw wrongUsage(`there is no command "${first}"`, meant === undefined ? "`longshore help` lists the commands" : `did you mean \`longshore ${meant}\`?`);
}

/** `--diff a b`: the second word stands directly behind the first. */
function takePair(option: Given, specs: OptionSpecs, words: readonly Word[], pairs: Map<number, Word>): void {
  if (specs[camel(option.name)]?.kind !== "pair") return;
  const behind = words.find(({ index }) => index === option.index + (option.isInline ? 1 : 2));
  if (behind === undefined) throw wrongUsage(`${option.rawName} needs two values`, `for example ${option.rawName} 100 200`);
  pairs.set(option.index, behind);
}

interface Reading {
  readonly command: Command;
  readonly pairs: ReadonlyMap<number, Word>;
  readonly nowMs: number;
}

function readOption(option: Given, specs: OptionSpecs, into: Record<string, unknown>, { command, pairs, nowMs }: Reading): void {
  const { rawName, value } = option;
  const name = camel(option.name);
  const spec = Object.hasOwn(specs, name) ? specs[name] : undefined;
  if (spec === undefined) throw unknownOption(rawName, command, specs);
  if (spec.kind === "flag") {
    if (value !== undefined) throw wrongUsage(`${rawName} takes no value`, `write ${rawName} alone`);
    into[name] = true;
    return;
  }
  if (value === undefined || (!option.isInline && value.startsWith("--"))) {
    throw wrongUsage(`${rawName} needs a value`, `${rawName} ${spec.value ?? "<value>"}: ${spec.help}`);
  }
  if (spec.kind === "list") into[name] = [...((into[name] as readonly string[] | undefined) ?? []), value];
  else if (into[name] !== undefined) throw wrongUsage(`${rawName} is given twice`, "give it once");
  else if (spec.kind === "pair") into[name] = [value, pairs.get(option.index)?.value ?? ""].map((text) => parsePoint(rawName, text, nowMs));
  else into[name] = single(rawName, value, spec, nowMs);
}

function single(rawName: string, value: string, spec: OptionSpec, nowMs: number): unknown {
  if (spec.choices !== undefined && !spec.choices.includes(value)) {
    const meant = nearest(value, spec.choices);
    const choices = `one of ${spec.choices.join(", ")}`;
    throw wrongUsage(`${rawName} cannot be "${value}"`, meant === undefined ? choices : `did you mean ${meant}? It is ${choices}`);
  }
  switch (spec.kind) {
    case "integer":
    case "number":
      return parseNumber(rawName, value, spec.kind === "integer");
    case "duration":
      return parseDuration(rawName, value);
    case "instant":
      return parseInstant(rawName, value, nowMs);
    case "point":
      return parsePoint(rawName, value, nowMs);
    case "flag": case "text": case "list": case "pair":
      return value;
  }
}

function unknownOption(rawName: string, command: Command, specs: OptionSpecs): Error {
  if (command.laterOptions?.includes(rawName.replace(/^-+/, "")) === true) {
    return wrongUsage(`${rawName} is not available yet: it comes with a later release`, `see \`longshore ${command.name} --help\` for what is`);
  }
  const meant = nearest(rawName.replace(/^-+/, ""), Object.keys(specs).map((name) => typed(name).slice(2)));
  return wrongUsage(`\`longshore ${command.name}\` has no option ${rawName}`, meant === undefined ? `see \`longshore ${command.name} --help\`` : `did you mean --${meant}?`);
}

function argumentsOf(command: Command, values: readonly string[]): Readonly<Record<string, unknown>> {
  const args: Record<string, unknown> = {};
  let at = 0;
  for (const [name, spec] of Object.entries(command.args)) {
    if (spec.kind === "many") {
      args[name] = values.slice(at);
      at = values.length;
    } else {
      const value = values[at++];
      if (value === undefined && spec.kind === "required") {
        throw wrongUsage(`\`longshore ${command.name}\` needs <${spec.shown ?? name}>: ${spec.help}`, `see \`longshore ${command.name} --help\``);
      }
      args[name] = value;
    }
  }
  if (at < values.length) {
    const remedy = "out" in (command.options ?? {}) ? `to write to that file: --out ${values[at]}` : `see \`longshore ${command.name} --help\``;
    throw wrongUsage(`\`longshore ${command.name}\` does not know what to do with "${values[at]}"`, remedy);
  }
  return args;
}

const camel = (name: string): string => name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
