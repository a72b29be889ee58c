/** What a stored snapshot says about itself, as JSON. */
import type { Snapshot } from "@longshore/kernel";
import { isRecord } from "./faults.ts";

export interface Manifest extends Omit<Snapshot, "chunks"> {
  readonly id: string;
  readonly pieces: number;
  /** SHA-256 of all pieces in order, base64url. */
  readonly digest: string;
  /** The lowest sequence of its pieces. */
  readonly first: number;
  readonly chunkBytes: readonly number[];
}

export function manifestText(manifest: Manifest): Uint8Array {
  const { commitHash, stateHash, ...rest } = manifest;
  return new TextEncoder().encode(JSON.stringify({ ...rest, commitHash: toText(commitHash), stateHash: toText(stateHash) }));
}

/** Undefined for everything that is not a whole manifest. */
export function manifestIn(data: Uint8Array): Manifest | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(data));
    return isRecord(value) ? manifestOf(value) : undefined;
  } catch {
    return undefined;
  }
}

const COUNTS = ["schema", "epoch", "number", "version", "pieces", "first"] as const;

function manifestOf(value: Readonly<Record<string, unknown>>): Manifest | undefined {
  const { id, digest, commitHash, stateHash, chunkBytes } = value;
  if (typeof id !== "string" || typeof digest !== "string" || typeof commitHash !== "string" || typeof stateHash !== "string") return undefined;
  if (!Array.isArray(chunkBytes) || !chunkBytes.every(isCount)) return undefined;
  const counts = COUNTS.map((key) => value[key]);
  if (!counts.every(isCount)) return undefined;
  const [schema = 0, epoch = 0, number = 0, version = 0, pieces = 0, first = 0] = counts;
  return { id, digest, commitHash: fromText(commitHash), stateHash: fromText(stateHash), chunkBytes, schema, epoch, number, version, pieces, first };
}

const isCount = (value: unknown): value is number => typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
const toText = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");
const fromText = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "base64url"));
