/** Reads what only jobs have, from outside. */
import { integer, list, text, name as token, Unreadable } from "@longshore/kernel/reading";
import { INPUT_LIMITS } from "./limits.ts";
import type { BlobRef, NamedBlobWire, Payload, Scalar } from "./vocabulary.ts";

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

/** No separators and no dot in front, so that nobody takes it for a path; and nothing that cannot be seen. */
const BLOB_NAME = /^[^./\\\p{Cc}\p{Cs}][^/\\\p{Cc}\p{Cs}]*$/u;

/** The name of an input or an output. */
export function blobName(field: string, value: unknown): string {
  const name = text(field, value, INPUT_LIMITS.blobNameCharsMax);
  if (BLOB_NAME.test(name)) return name;
  throw new Unreadable(field, `must be a name and no path: ${JSON.stringify(name)} has a separator or a control character, or begins with a dot`);
}

/** `[name, principal, digest, bytes]`, each name once; undefined when there are none. */
export function namedBlobs(field: string, value: unknown): readonly NamedBlobWire[] | undefined {
  const names = new Set<string>();
  const read = list(field, value, INPUT_LIMITS.blobsMax).map((item): NamedBlobWire => {
    const [given, ...ref] = list(field, item, 4);
    const name = blobName(`${field}.name`, given);
    if (names.has(name)) throw new Unreadable(`${field}.name`, `must be there once: ${JSON.stringify(name)} is there twice`);
    names.add(name);
    const { principal, digest, bytes } = blob(field, ref);
    return [name, token(`${field}.principal`, principal), digest, integer(`${field}.bytes`, bytes, 0, INPUT_LIMITS.blobBytesMax)];
  });
  return read.length === 0 ? undefined : read;
}

function blob(field: string, value: readonly unknown[]): BlobRef {
  const [principal, digest, bytes] = value;
  if (typeof digest !== "string" || !/^[0-9a-f]{64}$/.test(digest)) throw new Unreadable(`${field}.digest`, "must be a SHA-256 in hex");
  return { principal: text(`${field}.principal`, principal, 128), digest, bytes: integer(`${field}.bytes`, bytes, 0, Number.MAX_SAFE_INTEGER) };
}
