/**
 * Payloads too large for a message, by the digest of their bytes.
 *
 * Pieces `ls.<c>.bl.<principal>.<digest>.<n>`. Piece 0 is stored after all others and says how many there are, so a
 * payload is there when its piece 0 is. Putting the same bytes again replaces each piece by itself. A payload is
 * verified by its digest whenever it is read: nobody can pass off other bytes.
 */
import { createHash } from "node:crypto";
import { type BlobName, type BlobRemoval, type Blobs, type StoreAnswer, streamsOf, subjectsOf } from "@longshore/kernel";
import { headers } from "@nats-io/transport-node";
import { directAnswer, lastStored, purgeBelow, subjectsIn } from "./api.ts";
import type { CallAnswer } from "./calls.ts";
import type { Connection } from "./connect.ts";
import { API_TIMEOUT_MS, BLOB_BYTES_MAX, PIECES_IN_FLIGHT } from "./limits.ts";
import { cut, send, storePieces } from "./pieces.ts";

const COUNT = "Longshore-Pieces";
/** A replica may not have yet what its leader has acknowledged. */
const MISSING_AGAIN_AFTER_MS: readonly number[] = [50, 250, 1_000];

/** Only hosts may list and remove. */
export function blobsOf(connection: Connection, cluster: string): Blobs {
  const subjects = subjectsOf(cluster);
  const stream = streamsOf(cluster).blobs;
  return {
    put(principal, bytes, done) {
      if (bytes.length > BLOB_BYTES_MAX) {
        setImmediate(() => done({ kind: "refused", message: `a payload has at most ${BLOB_BYTES_MAX} bytes, this one has ${bytes.length}` }));
        return;
      }
      const digest = digestOf(bytes);
      put(connection, (piece) => subjects.blob(principal, digest, piece), bytes, (answer) => done(answer.kind === "stored" ? { kind: "stored", digest } : why(answer)));
    },
    get(principal, digest, done) {
      const reader = { connection, stream, subjectOf: (piece: number) => subjects.blob(principal, digest, piece) };
      getAll(reader, (answer) => done(answer.kind === "found" && digestOf(answer.bytes) !== digest ? { kind: "missing" } : answer));
    },
    list(done) {
      subjectsIn(connection, stream, `${subjects.prefix}bl.>`, (found) => done(found === undefined ? undefined : namesIn(found)));
    },
    removeOlder: ({ principal, digest }, beforeMs, done) => removeOlder(connection, stream, `${subjects.prefix}bl.${principal}.${digest}.*`, beforeMs, done),
  };
}

function namesIn(subjects: readonly string[]): readonly BlobName[] {
  const names = new Map<string, BlobName>();
  for (const subject of subjects) {
    const [, , , principal = "", digest = ""] = subject.split(".");
    names.set(`${principal}.${digest}`, { principal, digest });
  }
  return [...names.values()];
}

/**
 * The piece stored last says when the payload was put, and bounds what is purged: one that is put again meanwhile stands behind
 * it, whole, because each of its pieces has replaced the older one.
 */
function removeOlder(connection: Connection, stream: string, pieces: string, beforeMs: number, done: (answer: BlobRemoval) => void): void {
  lastStored(connection, stream, pieces, (last) => {
    if (last === "unavailable") return done({ kind: "unavailable" });
    if (last === undefined) return done({ kind: "removed" });
    if (last.at >= beforeMs) return done({ kind: "kept", putAt: last.at });
    purgeBelow(connection, stream, pieces, last.sequence + 1, (ok) => done({ kind: ok ? "removed" : "unavailable" }));
  });
}

/** SHA-256, hex. */
const digestOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

function why(answer: Exclude<StoreAnswer, { readonly kind: "stored" }>): { readonly kind: "refused" | "unknown"; readonly message: string } {
  if (answer.kind === "unknown") return { kind: "unknown", message: "the server did not answer; putting it again is safe" };
  return { kind: "refused", message: REFUSED[answer.cause] };
}

const REFUSED = {
  full: "the space for payloads is full: remove what is not needed, or give the stream more bytes",
  "too-large": "a piece is larger than the server's max_payload: set it to the value of nats.conf",
  denied: "this user may not put payloads under that name",
  "no-stream": "the stream for payloads does not exist: run `longshore setup`",
  "no-leader": "nobody leads the stream for payloads now: see that more than half of the servers run (`longshore doctor`)",
} as const;

function put(connection: Connection, subjectOf: (piece: number) => string, bytes: Uint8Array, done: (answer: StoreAnswer) => void): void {
  const pieces = cut(bytes).map((data, i) => ({ subject: subjectOf(i), data }));
  const [head, ...rest] = pieces;
  if (head === undefined) return;
  const sendHead = (): void => {
    const count = headers();
    count.set(COUNT, String(pieces.length));
    send(connection, { ...head, headers: count }, done);
  };
  if (rest.length === 0) sendHead();
  else storePieces(connection, rest, (answer) => (answer.kind === "stored" ? sendHead() : done(answer)));
}

interface Reader {
  readonly connection: Connection;
  readonly stream: string;
  readonly subjectOf: (piece: number) => string;
}

type Failure = { readonly kind: "missing" | "unavailable" };
type Bytes = { readonly kind: "found"; readonly bytes: Uint8Array } | Failure;

function getAll(reader: Reader, done: (answer: Bytes) => void): void {
  getPiece(reader, 0, 0, (head) => {
    if (head.kind !== "piece") return done(head);
    if (!Number.isInteger(head.count) || head.count < 1) return done({ kind: "missing" });
    getRest(reader, head.data, head.count, done);
  });
}

function getRest(reader: Reader, head: Uint8Array, count: number, done: (answer: Bytes) => void): void {
  const pieces: Uint8Array[] = [head];
  let next = 1;
  let open = 0;
  let failure: Failure | undefined;
  const more = (): void => {
    while (failure === undefined && next < count && open < PIECES_IN_FLIGHT) {
      const piece = next++;
      open++;
      getPiece(reader, piece, 0, (answer) => {
        open--;
        if (answer.kind === "piece") pieces[piece] = answer.data;
        else failure ??= answer;
        more();
      });
    }
    if (open === 0) done(failure ?? { kind: "found", bytes: joined(pieces) });
  };
  more();
}

type PieceAnswer = { readonly kind: "piece"; readonly data: Uint8Array; readonly count: number } | Failure;

/** The subject is part of the request's own subject: the one form of a direct get that permissions can bound. */
function getPiece(reader: Reader, piece: number, tries: number, done: (answer: PieceAnswer) => void): void {
  const subject = `$JS.API.DIRECT.GET.${reader.stream}.${reader.subjectOf(piece)}`;
  reader.connection.calls.request(subject, NOTHING, { timeoutMs: API_TIMEOUT_MS, whileDown: "fail" }, (answer) => {
    const direct = directAnswer(answer);
    if (direct.kind !== "message") return done({ kind: "unavailable" });
    if (direct.message !== undefined) return done({ kind: "piece", data: direct.message.data, count: countIn(answer) });
    const waitMs = MISSING_AGAIN_AFTER_MS[tries];
    if (waitMs === undefined) return done({ kind: "missing" });
    setTimeout(() => getPiece(reader, piece, tries + 1, done), waitMs);
  });
}

const countIn = (answer: CallAnswer): number => (answer.kind === "answer" ? Number(answer.message.headers?.get(COUNT)) : 0);
const NOTHING = new Uint8Array(0);

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
