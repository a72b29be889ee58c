/** Which payloads of this cluster's store the router names: for whoever removes what nobody names any more. */
import { list, text } from "@longshore/kernel/reading";
import type { OffloadState } from "./state.ts";
import { GUEST_BLOBS, IMPORTED_BLOBS } from "./vocabulary.ts";

const NAMED_MAX = 1_000;

/**
 * Inputs of trips where they lie at home, what guests need, and what came home: until its job's queue must have heard of it, and
 * names it itself. `endedAfter`: of trips that ended later than that.
 */
export function named(state: OffloadState, blobs: unknown, endedAfter: number): readonly boolean[] {
  const asked = list("blobs", blobs, NAMED_MAX).map((blob) => {
    const [principal, digest] = list("blobs", blob, 2);
    return keyOf(text("principal", principal, 128), text("digest", digest, 64));
  });
  const wanted = new Set(asked);
  const found = new Set<string>();
  for (const key of keysOf(state, endedAfter)) if (wanted.has(key)) found.add(key);
  return asked.map((key) => found.has(key));
}

function* keysOf(state: OffloadState, endedAfter: number): Generator<string> {
  for (const { blobs, outcome } of state.trips.values()) {
    for (const { principal, digest } of blobs) yield keyOf(principal, digest);
    for (const { digest } of outcome?.blobs ?? []) yield keyOf(IMPORTED_BLOBS, digest);
  }
  for (const { how, endedAt, outcome } of state.ended.values()) {
    if (how !== "returned" || endedAt <= endedAfter) continue;
    for (const { digest } of outcome?.blobs ?? []) yield keyOf(IMPORTED_BLOBS, digest);
  }
  for (const digest of state.needed.keys()) yield keyOf(GUEST_BLOBS, digest);
}

const keyOf = (principal: string, digest: string): string => `${principal}/${digest}`;
