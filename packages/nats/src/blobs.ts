/**
 * Payloads too large for a message, by the digest of their bytes.
 *
 * Pieces `ls.<c>.bl.<principal>.<digest>.<n>`. Piece 0 is stored after all others and says how many there are, so a
 * payload is there when its piece 0 is. Putting the same bytes again replaces each piece by itself. A payload is
 * verified by its digest whenever it is read: nobody can pass off other bytes.
 */
import { BLOB_YOUNG_MS, type BlobName, type BlobRef, type BlobRemoval, type Blobs, type BlobWritten, type ByteSource, type StoreAnswer, streamsOf, subjectsOf } from "@longshore/kernel";
import { lastStored, purgeBelow, subjectsIn } from "./api.ts";
import { findCopies, lookAtHead } from "./blob-look.ts";
import { type BlobPlace, digestOf, isDigest, pieceCount, placeOf, storePiece } from "./blob-pieces.ts";
import { readBlob } from "./blob-read.ts";
import { cutting, refusal, writePieces } from "./blob-write.ts";
import type { Connection } from "./connect.ts";
import { BLOB_BYTES_MAX, WRITTEN_BYTES_MAX } from "./limits.ts";
import { cut, storePieces } from "./pieces.ts";

export interface BlobsOptions {
  /** How long after it was put a payload may be relied on, milliseconds; `BLOB_YOUNG_MS` when absent. */
  readonly youngMs?: number;
}

/** Only hosts may find, list and remove. */
export function blobsOf(connection: Connection, cluster: string, { youngMs = BLOB_YOUNG_MS }: BlobsOptions = {}): Blobs {
  const stream = streamsOf(cluster).blobs;
  const at = (name: BlobName): BlobPlace => placeOf(connection, cluster, name);
  return {
    put(principal, bytes, done) {
      const problem = tooLong(bytes.length, BLOB_BYTES_MAX);
      if (problem !== undefined) return void setImmediate(() => done({ kind: "refused", message: problem }));
      const digest = digestOf(bytes);
      put(at({ principal, digest }), bytes, youngMs, (answer) => done(answer.kind === "stored" ? { kind: "stored", digest } : refusal(answer)));
    },
    get(principal, digest, done) {
      const parts: Uint8Array[] = [];
      const source = readBlob(at({ principal, digest }), digest);
      const more = (): void => source.next((answer) => {
        if (answer.kind === "end") return done({ kind: "found", bytes: joined(parts) });
        if (answer.kind === "failed") return done({ kind: answer.cause === "unavailable" ? "unavailable" : "missing" });
        parts.push(answer.bytes);
        more();
      });
      more();
    },
    write(ref, source, done) {
      const problem = isDigest(ref.digest) ? tooLong(ref.bytes, WRITTEN_BYTES_MAX) : "a digest is a SHA-256 in 64 lowercase hex digits";
      if (problem === undefined) return write(at(ref), ref, source, youngMs, done);
      source.close();
      setImmediate(() => done({ kind: "refused", message: problem }));
    },
    read: (name) => readBlob(at(name), name.digest),
    look: (ref, done) => lookAtHead(at(ref), pieceCount(ref.bytes), youngMs, done),
    find: (digest, done) => findCopies(connection, cluster, digest, done),
    list(done) {
      subjectsIn(connection, stream, `${subjectsOf(cluster).prefix}bl.>`, (found) => done(found === undefined ? undefined : namesIn(found)));
    },
    removeOlder: (name, beforeMs, done) => removeOlder(at(name), beforeMs, done),
  };
}

const tooLong = (bytes: number, max: number): string | undefined => (bytes > max ? `a payload has at most ${max} bytes, this one has ${bytes}` : undefined);

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
function removeOlder({ connection, stream, all }: BlobPlace, beforeMs: number, done: (answer: BlobRemoval) => void): void {
  lastStored(connection, stream, all, (last) => {
    if (last === "unavailable") return done({ kind: "unavailable" });
    if (last === undefined) return done({ kind: "removed" });
    if (last.at >= beforeMs) return done({ kind: "kept", putAt: last.at });
    purgeBelow(connection, stream, all, last.sequence + 1, (ok) => done({ kind: ok ? "removed" : "unavailable" }));
  });
}

/** A single piece is stored again sooner than it is looked for. */
function put(place: BlobPlace, bytes: Uint8Array, youngMs: number, done: (answer: StoreAnswer) => void): void {
  const [head = bytes, ...rest] = cut(bytes);
  const sendHead = (): void => storePiece(place, 0, head, rest.length + 1, done);
  if (rest.length === 0) return sendHead();
  lookAtHead(place, rest.length + 1, youngMs, (found) => {
    if (found === "young") return done({ kind: "stored", sequence: 0 });
    storePieces(place.connection, rest.map((data, i) => ({ subject: place.subjectOf(i + 1), data })), (answer) => (answer.kind === "stored" ? sendHead() : done(answer)));
  });
}

/**
 * An old copy is stored again from itself: others may rely on it, and a source that turns out wrong would have replaced its
 * pieces by then.
 */
function write(place: BlobPlace, ref: BlobRef, source: ByteSource, youngMs: number, done: (answer: BlobWritten) => void): void {
  const finish = (answer: BlobWritten): void => {
    source.close();
    done(answer);
  };
  lookAtHead(place, pieceCount(ref.bytes), youngMs, (found) => {
    if (found === "young") return finish({ kind: "stored" });
    if (found === "unavailable") return finish(refusal({ kind: "unknown" }));
    if (found === "absent") return writePieces(place, ref, cutting(source), done);
    writePieces(place, ref, readBlob(place), (answer) => {
      if (answer.kind === "failed" && answer.cause !== "unavailable") writePieces(place, ref, cutting(source), done);
      else finish(answer);
    });
  });
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
