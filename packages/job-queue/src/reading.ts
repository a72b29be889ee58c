/** Reads values from outside, naming the field and the remedy where one is not what it must be. */
import type { Malformed } from "@longshore/kernel";
import { INPUT_LIMITS } from "./limits.ts";
import type { BlobRef, Payload, Scalar } from "./vocabulary.ts";

/** Thrown while reading, caught by `parse`: it never leaves this package. */
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

export function list(field: string, value: unknown, max: number): readonly unknown[] {
  if (Array.isArray(value) && value.length <= max) return value as readonly unknown[];
  throw new Unreadable(field, `must be a list of at most ${max}`);
}

export function text(field: string, value: unknown, charsMax: number): string {
  if (typeof value === "string" && value.length > 0 && value.length <= charsMax) return value;
  throw new Unreadable(field, `must be text of 1 to ${charsMax} characters`);
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

export const jobNumber = (value: unknown): number => integer("job", value, 1, Number.MAX_SAFE_INTEGER);
export const attemptNumber = (value: unknown): number => integer("attempt", value, 1, Number.MAX_SAFE_INTEGER);
export const millis = (field: string, value: unknown): number => integer(field, value, 0, INPUT_LIMITS.delayMsMax);

const RESERVED_PROPERTY = /^(?::?slingevent:|event\.job\.|job\.|[<>=])/;

export function propertyName(field: string, value: unknown): string {
  const name = text(field, value, 200);
  if (RESERVED_PROPERTY.test(name)) throw new Unreadable(field, `"${name}" is reserved: a name must not begin with slingevent:, event.job., job., <, > or =`);
  return name;
}

export function scalar(field: string, value: unknown): Scalar {
  if (value === null || typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value))) return value;
  if (typeof value === "string" && value.length <= INPUT_LIMITS.propertyCharsMax) return value;
  throw new Unreadable(field, `must be text of at most ${INPUT_LIMITS.propertyCharsMax} characters, a number, true, false or null`);
}

/** Encoded msgpack as it came, or where it is: `[principal, digest, bytes]`. */
export function payload(field: string, value: unknown): Payload {
  if (value instanceof Uint8Array) return inline(field, value);
  if (Array.isArray(value)) return blob(field, value);
  throw new Unreadable(field, "must be encoded bytes, or [principal, digest, bytes]");
}

export function inline(field: string, bytes: Uint8Array): Uint8Array {
  if (bytes.length > 0 && bytes.length <= INPUT_LIMITS.payloadBytesMax) return bytes;
  throw new Unreadable(field, `must have 1 to ${INPUT_LIMITS.payloadBytesMax} bytes: send a larger one by reference`);
}

function blob(field: string, value: readonly unknown[]): BlobRef {
  const [principal, digest, bytes] = value;
  if (typeof digest !== "string" || !/^[0-9a-f]{64}$/.test(digest)) throw new Unreadable(`${field}.digest`, "must be a SHA-256 in hex");
  return { principal: text(`${field}.principal`, principal, 128), digest, bytes: integer(`${field}.bytes`, bytes, 0, Number.MAX_SAFE_INTEGER) };
}
