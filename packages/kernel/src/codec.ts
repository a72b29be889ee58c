/**
 * Values as bytes: msgpack inside, JSON beside it for senders without a library of ours.
 *
 * One door for bytes from outside, `decodeUntrusted`: the scan comes first, always. Our own commits and snapshots are
 * read with `decodeTrusted`, because their hash has been checked.
 */
import { Decoder } from "@msgpack/msgpack";
import { Fault } from "./faults.ts";
import type { ScanLimits } from "./limits.ts";
import { SCAN_LIMITS } from "./limits.ts";
import { KEYS_MAX, PROTOTYPE_KEYS, scanMsgpack } from "./scan.ts";
import { scanJson } from "./scan-json.ts";
import { isWellFormed } from "./utf8.ts";
import { ValueWriter } from "./value-writer.ts";

const writer = new ValueWriter();
const canonicalWriter = new ValueWriter({ sortsKeys: true });
const decoder = new Decoder();
const textDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const textEncoder = new TextEncoder();

/** Bytes of a plain value, in a buffer of their own. */
export const encode = (value: unknown): Uint8Array<ArrayBuffer> => writtenBy(writer, value).slice();

/** As `encode`, but in a shared buffer that the next call overwrites: copy at once. */
export const encodeShared = (value: unknown): Uint8Array<ArrayBuffer> => writtenBy(writer, value);

/** One value, one sequence of bytes: keys sorted. What state hashes are made of. */
export const encodeCanonical = (value: unknown): Uint8Array<ArrayBuffer> => writtenBy(canonicalWriter, value).slice();

function writtenBy(by: ValueWriter, value: unknown): Uint8Array<ArrayBuffer> {
  by.reset();
  by.write(value);
  return by.written;
}

/** Bytes we wrote ourselves and whose hash was checked. */
export const decodeTrusted = (bytes: Uint8Array): unknown => decoder.decode(bytes);

/** @throws {Fault} `codec/refused` when the scan or the decoder refuses the bytes. */
export function decodeUntrusted(bytes: Uint8Array, json = false, limits: ScanLimits = SCAN_LIMITS): unknown {
  if (json) return decodeJson(bytes, limits);
  const problem = scanMsgpack(bytes, limits);
  if (problem !== undefined) throw refused(`the message ${problem}`);
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw refused("the message is not valid msgpack", cause);
  }
}

function decodeJson(bytes: Uint8Array, limits: ScanLimits): unknown {
  if (bytes.length > limits.bytesMax) throw refused(`the message is longer than ${limits.bytesMax} bytes`);
  try {
    const text = textDecoder.decode(bytes);
    const problem = scanJson(text, limits);
    if (problem !== undefined) throw refused(`the message ${problem}`);
    return JSON.parse(text);
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    throw refused("the message is not valid JSON", cause);
  }
}

const refused = (message: string, cause?: unknown): Fault => new Fault("codec/refused", message, { retry: "never", cause });

/** JSON for people and for clients in other languages. Bytes must have been turned into something readable before. */
export const encodeJson = (value: unknown): Uint8Array<ArrayBuffer> => textEncoder.encode(JSON.stringify(value));

export const utf8 = (text: string): Uint8Array<ArrayBuffer> => textEncoder.encode(text);

/**
 * Why a value cannot travel, naming the place (`input.user.born`); undefined when it can.
 *
 * Plain objects, arrays, text, finite numbers, booleans, null, dates and bytes travel; properties that are undefined are left out.
 */
export function whyNotSerializable(value: unknown, path: string, depthLeft: number = SCAN_LIMITS.depthMax): string | undefined {
  switch (typeof value) {
    case "boolean": return undefined;
    case "string": return isWellFormed(value) ? undefined : `${path} has half a surrogate pair`;
    case "number": return Number.isFinite(value) && !Object.is(value, -0) ? undefined : `${path} is ${Object.is(value, -0) ? "-0" : String(value)}`;
    case "object": return value === null ? undefined : whyNotObject(value, path, depthLeft);
    case "undefined": return `${path} is undefined`;
    default: return `${path} is a ${typeof value}`;
  }
}

function whyNotObject(value: object, path: string, depthLeft: number): string | undefined {
  if (value instanceof Uint8Array) return undefined;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? `${path} is an invalid date` : undefined;
  if (depthLeft === 0) return `${path} is nested deeper than ${SCAN_LIMITS.depthMax} (or refers to itself)`;
  if (Array.isArray(value)) return firstReason(value.entries(), path, depthLeft);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return `${path} is an instance of a class`;
  const keys = Object.keys(value);
  if (keys.length > KEYS_MAX) return `${path} has more than ${KEYS_MAX} keys`;
  for (const key of keys) {
    const inner = (value as Record<string, unknown>)[key];
    const reason = whyNotKey(key, path) ?? (inner === undefined ? undefined : whyNotSerializable(inner, `${path}.${key}`, depthLeft - 1));
    if (reason !== undefined) return reason;
  }
  return undefined;
}

function whyNotKey(key: string, path: string): string | undefined {
  if (PROTOTYPE_KEYS.has(key)) return `${path} has the key "${key}"`;
  const isLong = key.length * 3 > SCAN_LIMITS.keyBytesMax && utf8(key).length > SCAN_LIMITS.keyBytesMax;
  if (isLong) return `${path} has a key longer than ${SCAN_LIMITS.keyBytesMax} bytes`;
  return isWellFormed(key) ? undefined : `${path} has a key with half a surrogate pair`;
}

function firstReason(entries: Iterable<[number, unknown]>, path: string, depthLeft: number): string | undefined {
  for (const [index, inner] of entries) {
    const reason = whyNotSerializable(inner, `${path}[${index}]`, depthLeft - 1);
    if (reason !== undefined) return reason;
  }
  return undefined;
}
