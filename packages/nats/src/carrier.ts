/**
 * Moves payloads for a router: within this cluster's store, and into it from another cluster's.
 *
 *   copy, bring ─▶ a young copy is there: nothing to do
 *               ─▶ read what is here, the own old copy first, and store it (again) under the wanted principal
 *               ─▶ bring: ask the other cluster's blob door, piece by piece, except for what an earlier try has left here
 *
 * What is here already is not trusted for having been here: everything is hashed on its way into the store. Where the bytes turn
 * out wrong and some were left by an earlier try, all of them are asked for once more.
 */
import { BLOB_YOUNG_MS, type BlobCarrier, type BlobCopy, type BlobName, type BlobRef, type BlobWritten, type CarryAnswer, type CarryFailure } from "@longshore/kernel";
import { lastStored, purgeBelow, subjectsIn } from "./api.ts";
import { findCopies, lookAtCopy } from "./blob-look.ts";
import { type BlobPlace, getPiece, pieceCount, placeOf } from "./blob-pieces.ts";
import { type Fetched, PieceReading, readBlob } from "./blob-read.ts";
import { writePieces } from "./blob-write.ts";
import type { Connection } from "./connect.ts";
import { FarPieces } from "./far-pieces.ts";
import { FAR_PIECE_TIMEOUT_MS, FAR_PIECES_IN_FLIGHT, PIECE_BYTES } from "./limits.ts";
import { serverTimeOf } from "./server-time.ts";

export interface CarrierOptions {
  /** How long after it was put a copy may be relied on, milliseconds; `BLOB_YOUNG_MS` when absent. */
  readonly youngMs?: number;
  /** How long one piece may take from another cluster, milliseconds. */
  readonly pieceTimeoutMs?: number;
}

type Done = (answer: CarryAnswer) => void;

/** For hosts only: `cluster` is whose process this is. */
export function carrierOf(connection: Connection, cluster: string, options: CarrierOptions = {}): BlobCarrier {
  const carrier = new Carrier(connection, cluster, options);
  return {
    check: (ref, done) => carrier.check(ref, done),
    copy: (ref, to, done) => carrier.inTurn(ref, to, done, (end) => carrier.place(ref, to, undefined, end)),
    bring: (far, ref, to, done) => carrier.inTurn(ref, to, done, (end) => carrier.place(ref, to, far, end)),
    remove: (name, done) => carrier.inTurn(name, name.principal, done, (end) => carrier.remove(name, end)),
  };
}

const HERE: CarryAnswer = { kind: "here", travelled: 0 };
const failed = (kind: CarryFailure["kind"], message: string): CarryAnswer => ({ kind: "failed", failure: { kind, message } });
const STORE_AWAY = failed("unreachable", "the store of payloads cannot be reached");

const isWhole = (copy: BlobCopy | "absent", { bytes }: BlobRef): copy is BlobCopy => copy !== "absent" && copy.pieces === pieceCount(bytes);

class Carrier {
  readonly #connection: Connection;
  readonly #cluster: string;
  readonly #youngMs: number;
  readonly #far: FarPieces;
  /** By the copy that is made: who waits for it to be finished. */
  readonly #turns = new Map<string, (() => void)[]>();

  constructor(connection: Connection, cluster: string, { youngMs = BLOB_YOUNG_MS, pieceTimeoutMs = FAR_PIECE_TIMEOUT_MS }: CarrierOptions) {
    this.#connection = connection;
    this.#cluster = cluster;
    this.#youngMs = youngMs;
    this.#far = new FarPieces(connection, cluster, pieceTimeoutMs);
  }

  check(ref: BlobRef, done: Done): void {
    lookAtCopy(this.#connection, this.#cluster, ref, (copy) => {
      if (copy === "unavailable") return done(STORE_AWAY);
      done(isWhole(copy, ref) ? HERE : failed("missing", `the payload of ${ref.principal} is not there`));
    });
  }

  /** Never later than what is there now: a purge that is late must not take what has been stored since. */
  remove(name: BlobName, done: (ok: boolean) => void): void {
    const { connection, stream, all } = placeOf(this.#connection, this.#cluster, name);
    lastStored(connection, stream, all, (last) => {
      if (last === "unavailable" || last === undefined) done(last === undefined);
      else purgeBelow(connection, stream, all, last.sequence + 1, done);
    });
  }

  /** One at a time makes the same copy, or removes it: the next finds it made, and nothing is stored behind a removal. */
  inTurn<Answer>({ digest }: BlobName, to: string, done: (answer: Answer) => void, run: (end: (answer: Answer) => void) => void): void {
    const key = `${to}.${digest}`;
    const begin = (): void => run((answer) => {
      const next = this.#turns.get(key)?.shift();
      if (next === undefined) this.#turns.delete(key);
      done(answer);
      next?.();
    });
    const waiting = this.#turns.get(key);
    if (waiting !== undefined) return void waiting.push(begin);
    this.#turns.set(key, []);
    begin();
  }

  /** `far`: the cluster to bring it from, where no copy is here. */
  place(ref: BlobRef, to: string, far: string | undefined, done: Done): void {
    lookAtCopy(this.#connection, this.#cluster, { ...ref, principal: to }, (own) => {
      if (own === "unavailable") return done(STORE_AWAY);
      this.#ages((isYoung) => {
        if (isWhole(own, ref) && isYoung(own.putAt)) return done(HERE);
        const first = isWhole(own, ref) ? [to] : [];
        if (far === undefined) return this.#fromHere(ref, to, [...first, ref.principal], done);
        findCopies(this.#connection, this.#cluster, ref.digest, (answer) => {
          if (answer.kind === "unavailable") return done(STORE_AWAY);
          const others = answer.copies.filter((copy) => copy.principal !== to && isWhole(copy, ref)).map(({ principal }) => principal);
          this.#fromHere(ref, to, [...first, ...others], (here) => {
            if (here.kind === "failed" && here.failure.kind !== "unreachable") this.#fromFar(far, ref, to, true, 0, done);
            else done(here);
          });
        });
      });
    });
  }

  /** What is young by server time; nothing is while nobody knows the time. */
  #ages(done: (isYoung: (putAt: number) => boolean) => void): void {
    serverTimeOf(this.#connection, this.#cluster).sample((nowMs) => done((putAt) => nowMs !== undefined && putAt > nowMs - this.#youngMs));
  }

  /** From the first of these principals whose copy is good. */
  #fromHere(ref: BlobRef, to: string, principals: readonly string[], done: Done, last: CarryAnswer = failed("missing", "no copy is here")): void {
    const [principal, ...rest] = principals;
    if (principal === undefined) return done(last);
    writePieces(this.#at(ref, to), ref, readBlob(this.#at(ref, principal)), (written) => {
      const answer = answerOf(written, 0);
      if (answer.kind === "failed" && answer.failure.kind !== "unreachable") this.#fromHere(ref, to, rest, done, answer);
      else done(answer);
    });
  }

  #fromFar(far: string, ref: BlobRef, to: string, isResumed: boolean, before: number, done: Done): void {
    this.#left(this.#at(ref, to), isResumed, (left) => {
      if (left === undefined) return done(STORE_AWAY);
      this.#ages((isYoung) => {
        const fetching = new Fetching(this.#at(ref, to), this.#far, far, ref, left, isYoung);
        const reading = new PieceReading({ count: pieceCount(ref.bytes), ahead: FAR_PIECES_IN_FLIGHT, fetch: (piece, got) => fetching.fetch(piece, got) });
        writePieces(this.#at(ref, to), ref, reading, (written) => {
          const travelled = before + fetching.travelled;
          const isWrong = written.kind === "failed" && written.cause === "corrupt";
          if (isWrong && left.size > 0) this.#fromFar(far, ref, to, false, travelled, done);
          else done(answerOf(written, travelled));
        });
      });
    });
  }

  /** The pieces an earlier try has left. Piece 0 is never among them: where it is there, the copy is whole, or not to be trusted. */
  #left({ stream, all }: BlobPlace, isResumed: boolean, done: (pieces: ReadonlySet<number> | undefined) => void): void {
    if (!isResumed) return done(new Set());
    subjectsIn(this.#connection, stream, all, (subjects) => done(subjects === undefined ? undefined : new Set(subjects.map((subject) => Number(subject.split(".").at(-1))).filter((piece) => piece > 0))));
  }

  #at({ digest }: BlobRef, principal: string): BlobPlace {
    return placeOf(this.#connection, this.#cluster, { principal, digest });
  }
}

/** Pieces from the other cluster, except for those that are here. */
class Fetching {
  travelled = 0;
  readonly #place: BlobPlace;
  readonly #far: FarPieces;
  readonly #cluster: string;
  readonly #ref: BlobRef;
  readonly #left: ReadonlySet<number>;
  readonly #isYoung: (putAt: number) => boolean;

  constructor(place: BlobPlace, far: FarPieces, cluster: string, ref: BlobRef, left: ReadonlySet<number>, isYoung: (putAt: number) => boolean) {
    this.#place = place;
    this.#far = far;
    this.#cluster = cluster;
    this.#ref = ref;
    this.#left = left;
    this.#isYoung = isYoung;
  }

  fetch(piece: number, done: (fetched: Fetched) => void): void {
    if (!this.#left.has(piece)) return this.#fromFar(piece, done);
    getPiece(this.#place, piece, false, (found) => {
      if (found.kind !== "piece" || !this.#fits(piece, found.data)) return this.#fromFar(piece, done);
      done({ kind: "piece", data: found.data, count: found.count, isHere: this.#isYoung(found.at) });
    });
  }

  #fromFar(piece: number, done: (fetched: Fetched) => void): void {
    const { digest, bytes } = this.#ref;
    this.#far.get({ cluster: this.#cluster, digest, piece }, (fetched) => {
      if (fetched.kind === "failed") return done(fetched);
      this.travelled += fetched.data.length;
      if (fetched.count === pieceCount(bytes) && this.#fits(piece, fetched.data)) done(fetched);
      else done({ kind: "failed", cause: "corrupt", message: `${this.#cluster} has something else under that digest` });
    });
  }

  #fits(piece: number, data: Uint8Array): boolean {
    return data.length === Math.min(PIECE_BYTES, this.#ref.bytes - piece * PIECE_BYTES);
  }
}

function answerOf(written: BlobWritten, travelled: number): CarryAnswer {
  if (written.kind === "stored") return { kind: "here", travelled };
  if (written.kind !== "failed" || written.cause === "unavailable") return failed("unreachable", written.message);
  return failed(written.cause, written.message);
}
