/** Reads what only travelling jobs have, from outside. */
import type { EndState, ErrorInfo } from "@longshore/job-queue";
import { END_STATES } from "@longshore/job-queue";
import { blobName } from "@longshore/job-queue/reading";
import { fields, integer, list, map, name, note, oneOf, text, Unreadable } from "@longshore/kernel/reading";
import { INPUT_LIMITS } from "./limits.ts";
import type { NamedBlob } from "./vocabulary.ts";
import { INPUT_BLOB, RESULT_BLOB } from "./vocabulary.ts";

export const words = (field: string, value: unknown): string => text(field, value, INPUT_LIMITS.textCharsMax);
export const cutText = (field: string, value: unknown): string => note(field, value, INPUT_LIMITS.textCharsMax);
export const count = (field: string, value: unknown): number => integer(field, value, 0, Number.MAX_SAFE_INTEGER);
export const listOf = <T>(field: string, value: unknown, max: number, read: (item: unknown) => T): readonly T[] => list(field, value, max).map(read);
export const endState = (field: string, value: unknown): EndState => oneOf(field, value, END_STATES);

const DIGEST = /^[0-9a-f]{64}$/;

export function digest(field: string, value: unknown): string {
  if (typeof value === "string" && DIGEST.test(value)) return value;
  throw new Unreadable(field, "must be a SHA-256 in 64 lowercase hex digits");
}

/** Blobs by name, each once: those of a job, and the one that its input or result lies in. */
export function blobs(field: string, value: unknown): readonly NamedBlob[] {
  const seen = new Set<string>();
  return listOf(field, value ?? [], INPUT_LIMITS.blobsMax, (item) => {
    const read = fields(field, item, ["name", "principal", "digest", "bytes"]);
    const given = read["name"] === INPUT_BLOB || read["name"] === RESULT_BLOB ? read["name"] : blobName(`${field}.name`, read["name"]);
    if (seen.has(given)) throw new Unreadable(`${field}.name`, `must be there once: "${given}" is there twice`);
    seen.add(given);
    return {
      name: given, principal: name(`${field}.principal`, read["principal"]), digest: digest(`${field}.digest`, read["digest"]),
      bytes: integer(`${field}.bytes`, read["bytes"], 0, INPUT_LIMITS.bytesMax),
    };
  });
}

export function errorInfo(field: string, value: unknown): ErrorInfo {
  const read = map(field, value);
  const error = { name: cutText(`${field}.name`, read["name"]), message: cutText(`${field}.message`, read["message"]) };
  return read["stack"] === undefined || read["stack"] === null ? error : { ...error, stack: cutText(`${field}.stack`, read["stack"]) };
}
