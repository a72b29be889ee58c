/**
 * Where other clusters ask for pieces of payloads: a request `{ digest, piece }` on `ls.<c>.cm.offload-blobs.main.peer.<cluster>`,
 * answered with `{ bytes, pieces }` or `{ error, message }`.
 *
 * Which cluster asks is taken from the subject, where its permissions bind it to its own name; whose payload it is and whether that
 * cluster may have it is for `mayRead` to say. A peer needs no right in the store, and finds out nothing about what is not given to it.
 */
import { type BlobRef, decodeUntrusted, encode, senderOf, subjectsOf, type WireMessage } from "@longshore/kernel";
import { getPiece, isDigest, pieceCount, placeOf } from "./blob-pieces.ts";
import type { Connection } from "./connect.ts";
import { isRecord } from "./faults.ts";
import { DOOR_PIECES_MAX, DOOR_PIECES_PER_PEER_MAX } from "./limits.ts";
import { wireOf } from "./wire.ts";

export interface BlobDoorOptions {
  readonly cluster: string;
  /** The payload that a cluster may read now under a digest; undefined when there is none. */
  mayRead(peer: string, digest: string): BlobRef | undefined;
}

/** A request names a digest and a number, and nothing else. */
const SCAN = { bytesMax: 512, depthMax: 2, elementsMax: 16, keyBytesMax: 32 } as const;

type Refusal = "malformed" | "denied" | "missing" | "busy" | "unavailable";
const MESSAGES: Readonly<Record<Refusal, string>> = {
  malformed: "ask for { digest, piece }: a SHA-256 in 64 lowercase hex digits, and the number of a piece",
  denied: "no job on its way between the two clusters names that digest",
  missing: "it is not there",
  busy: "too many pieces are being read: ask again in a moment",
  unavailable: "the store cannot be reached now",
};
const refused = (error: Refusal): Uint8Array => encode({ error, message: MESSAGES[error] });

/** Answers until it is closed by what it returns. */
export function openBlobDoor(connection: Connection, { cluster, mayRead }: BlobDoorOptions): () => void {
  const openOf = new Map<string, number>();
  let open = 0;
  const count = (peer: string, change: 1 | -1): void => {
    open += change;
    const left = (openOf.get(peer) ?? 0) + change;
    if (left === 0) openOf.delete(peer);
    else openOf.set(peer, left);
  };
  const answer = ({ subject, data }: WireMessage, reply: (data: Uint8Array) => void): void => {
    const peer = senderOf(subject)?.principal;
    const wanted = readRequest(data);
    if (peer === undefined || wanted === undefined) return reply(refused("malformed"));
    if (open >= DOOR_PIECES_MAX || (openOf.get(peer) ?? 0) >= DOOR_PIECES_PER_PEER_MAX) return reply(refused("busy"));
    const ref = mayRead(peer, wanted.digest);
    if (ref === undefined) return reply(refused("denied"));
    const pieces = pieceCount(ref.bytes);
    if (wanted.piece >= pieces) return reply(refused("missing"));
    count(peer, 1);
    getPiece(placeOf(connection, cluster, ref), wanted.piece, true, (found) => {
      count(peer, -1);
      reply(found.kind === "piece" ? encode({ bytes: found.data, pieces }) : refused(found.kind));
    });
  };
  const close = wireOf(connection, cluster).subscribe(subjectsOf(cluster).blobDoor("*"), (message) => {
    const { reply } = message;
    if (reply !== undefined) answer(message, reply);
  });
  return () => close();
}

function readRequest(data: Uint8Array): { readonly digest: string; readonly piece: number } | undefined {
  try {
    const value = decodeUntrusted(data, false, SCAN);
    if (!isRecord(value)) return undefined;
    const { digest, piece } = value;
    return isDigest(digest) && Number.isSafeInteger(piece) && Number(piece) >= 0 ? { digest, piece: Number(piece) } : undefined;
  } catch {
    return undefined;
  }
}
