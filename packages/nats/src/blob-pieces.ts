/** The pieces of one principal's copy of a payload: where they lie, and getting and storing one. */
import { createHash } from "node:crypto";
import { type BlobName, type StoreAnswer, streamsOf, subjectsOf } from "@longshore/kernel";
import { headers } from "@nats-io/transport-node";
import { directAnswer, said } from "./api.ts";
import type { CallAnswer } from "./calls.ts";
import type { Connection } from "./connect.ts";
import { storeAnswer } from "./faults.ts";
import { API_TIMEOUT_MS, PIECE_BYTES, STORE_TIMEOUT_MS } from "./limits.ts";

/** The header of piece 0, which is stored last: how many pieces there are. */
export const COUNT = "Longshore-Pieces";

export interface BlobPlace {
  readonly connection: Connection;
  readonly cluster: string;
  readonly stream: string;
  subjectOf(piece: number): string;
  /** The filter of all its pieces. */
  readonly all: string;
}

export function placeOf(connection: Connection, cluster: string, { principal, digest }: BlobName): BlobPlace {
  const subjects = subjectsOf(cluster);
  return { connection, cluster, stream: streamsOf(cluster).blobs, subjectOf: (piece) => subjects.blob(principal, digest, piece), all: `${subjects.prefix}bl.${principal}.${digest}.*` };
}

/** How many pieces so many bytes are cut into: at least one. */
export const pieceCount = (bytes: number): number => Math.max(1, Math.ceil(bytes / PIECE_BYTES));

/** SHA-256, hex. */
export const digestOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

const DIGEST = /^[0-9a-f]{64}$/;
/** Whether it is a SHA-256 in 64 lowercase hex digits: what comes from outside names payloads, and files, only so. */
export const isDigest = (text: unknown): text is string => typeof text === "string" && DIGEST.test(text);

export type PieceFound =
  /** `count`: as piece 0 says, NaN for others. `at`: when it was stored, milliseconds of server time. */
  | { readonly kind: "piece"; readonly data: Uint8Array; readonly count: number; readonly at: number }
  | { readonly kind: "missing" }
  | { readonly kind: "unavailable" };

/** A replica may not have yet what its leader has acknowledged. */
const MISSING_AGAIN_AFTER_MS: readonly number[] = [50, 250, 1_000];
/** A connection may break in the middle of a large payload. */
const TRIES = 3;

/** `isExpected`: what is not there is asked for again, because a replica may just not have it yet. */
export function getPiece(place: BlobPlace, piece: number, isExpected: boolean, done: (found: PieceFound) => void): void {
  let missed = 0;
  let tries = 0;
  const ask = (): void => getOnce(place, piece, tries > 0, (found) => {
    if (found.kind === "unavailable" && ++tries < TRIES) return ask();
    const waitMs = isExpected && found.kind === "missing" ? MISSING_AGAIN_AFTER_MS[missed++] : undefined;
    if (waitMs === undefined) done(found);
    else setTimeout(ask, waitMs);
  });
  ask();
}

/** The subject is part of the request's own subject: the one form of a direct get that permissions can bound. */
function getOnce(place: BlobPlace, piece: number, waits: boolean, done: (found: PieceFound) => void): void {
  const subject = `$JS.API.DIRECT.GET.${place.stream}.${place.subjectOf(piece)}`;
  place.connection.calls.request(subject, NOTHING, { timeoutMs: API_TIMEOUT_MS, whileDown: waits ? "wait" : "fail" }, (answer) => {
    const direct = directAnswer(answer);
    if (direct.kind !== "message") done({ kind: "unavailable" });
    else if (direct.message === undefined) done({ kind: "missing" });
    else done({ kind: "piece", data: direct.message.data, ...labelOf(answer) });
  });
}

/** Storing a piece again changes nothing, so doubt is no obstacle. `count`: for piece 0. */
export function storePiece(place: BlobPlace, piece: number, data: Uint8Array, count: number | undefined, done: (answer: StoreAnswer) => void, tries = 1): void {
  const label = headers();
  if (count !== undefined) label.set(COUNT, String(count));
  const options = { timeoutMs: STORE_TIMEOUT_MS, whileDown: tries === 1 ? "fail" as const : "wait" as const, ...(count === undefined ? {} : { headers: label }) };
  place.connection.calls.request(place.subjectOf(piece), data, options, (answer) => {
    const stored = storeAnswer(answer, place.connection.nc.info?.cluster !== undefined);
    if (stored.kind === "unknown" && tries < TRIES) storePiece(place, piece, data, count, done, tries + 1);
    else done(stored);
  });
}

function labelOf(answer: CallAnswer): { readonly count: number; readonly at: number } {
  const found = answer.kind === "answer" ? answer.message.headers : undefined;
  return { count: Number.parseInt(found?.get(COUNT) ?? "", 10), at: found === undefined ? Number.NaN : Date.parse(said(found, "Nats-Time-Stamp")) };
}

const NOTHING = new Uint8Array(0);
