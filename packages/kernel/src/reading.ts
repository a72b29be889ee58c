/** Reads values from outside, naming the field and the remedy where one is not what it must be. */
import type { Malformed } from "./actor.ts";
import { isToken } from "./subjects.ts";

/** Thrown while reading, caught by `parse`: it never leaves the package that reads. */
export class Unreadable extends Error implements Malformed {
  readonly code: string;
  readonly field: string;
  readonly remedy: string;
  constructor(field: string, remedy: string, code = "command/malformed") {
    super(`${field} ${remedy}`);
    this.code = code;
    this.field = field;
    this.remedy = remedy;
  }
}

export type Fields = Readonly<Record<string, unknown>>;

const isMap = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);

export function map(field: string, value: unknown): Fields {
  if (isMap(value)) return value;
  throw new Unreadable(field, "must be a map");
}

/** A map with no other fields than these: a misspelt one must not be silently without effect. */
export function fields(field: string, value: unknown, known: readonly string[]): Fields {
  const read = map(field, value);
  for (const name of Object.keys(read)) if (!known.includes(name)) throw new Unreadable(name, `is unknown: use ${known.join(", ")}`);
  return read;
}

export function list(field: string, value: unknown, max: number): readonly unknown[] {
  if (Array.isArray(value) && value.length <= max) return value as readonly unknown[];
  throw new Unreadable(field, `must be a list of at most ${max}`);
}

export function text(field: string, value: unknown, charsMax: number): string {
  if (typeof value === "string" && value.length > 0 && value.length <= charsMax) return value;
  throw new Unreadable(field, `must be text of 1 to ${charsMax} characters`);
}

/** Texts in order, each once. */
export const textSet = (field: string, value: unknown, max: number, read: (field: string, value: unknown) => string): readonly string[] =>
  [...new Set(list(field, value, max).map((item) => read(field, item)))].sort();

export function name(field: string, value: unknown): string {
  if (isToken(value)) return value;
  throw new Unreadable(field, "must be 1 to 128 of the characters A-Z a-z 0-9 _ -");
}

/** Text that tells a person something: too long is cut, because refusing it would lose what it came with. */
export function note(field: string, value: unknown, charsMax: number): string {
  if (typeof value !== "string") throw new Unreadable(field, "must be text");
  return value.length <= charsMax ? value : `${value.slice(0, charsMax - 1)}…`;
}

export function integer(field: string, value: unknown, min: number, max: number): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value;
  throw new Unreadable(field, `must be a whole number from ${min} to ${max}`);
}

export function number(field: string, value: unknown, min: number, max: number): number {
  if (typeof value === "number" && value >= min && value <= max) return value;
  throw new Unreadable(field, `must be a number from ${min} to ${max}`);
}

export function boolean(field: string, value: unknown): boolean {
  if (typeof value === "boolean") return value;
  throw new Unreadable(field, "must be true or false");
}

export function oneOf<T extends string>(field: string, value: unknown, choices: readonly T[]): T {
  const choice = choices.find((known) => known === value);
  if (choice !== undefined) return choice;
  throw new Unreadable(field, `must be one of ${choices.join(", ")}`);
}

/** Absent, undefined and null are the same: not said. */
export function optional<T>(value: unknown, read: (value: unknown) => T): T | undefined {
  return value === undefined || value === null ? undefined : read(value);
}

/** Refuses fields nobody reads: a misspelt option must not be silently without effect. */
export function onlyKnown(fields: Fields, known: ReadonlySet<string>, later: ReadonlySet<string>): void {
  for (const name of Object.keys(fields)) {
    if (known.has(name)) continue;
    if (later.has(name)) throw new Unreadable(name, "is not available yet: leave it out", "command/not-yet");
    throw new Unreadable(name, `is unknown: use ${[...known].join(", ")}`);
  }
}
