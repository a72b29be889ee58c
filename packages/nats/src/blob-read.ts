/** Reading a payload piece by piece, in order, a few pieces ahead. */
import { createHash } from "node:crypto";
import type { ByteAnswer, ByteSource } from "@longshore/kernel";
import { type BlobPlace, getPiece } from "./blob-pieces.ts";
import { PIECES_IN_FLIGHT } from "./limits.ts";

/** `isHere`: it lies already where it is to be stored. */
export type PieceAnswer = Exclude<ByteAnswer, { readonly kind: "bytes" }> | { readonly kind: "bytes"; readonly bytes: Uint8Array; readonly isHere?: boolean };

/** A source whose parts are exactly the pieces. */
export interface PieceSource {
  next(done: (answer: PieceAnswer) => void): void;
  close(): void;
}

/** One piece, and how many there are as far as it says. */
export type Fetched = { readonly kind: "piece"; readonly data: Uint8Array; readonly count: number; readonly isHere?: boolean } | Extract<ByteAnswer, { readonly kind: "failed" }>;

export interface Pieces {
  fetch(piece: number, done: (fetched: Fetched) => void): void;
  /** Where it is known before piece 0 is there. */
  readonly count?: number;
  /** Pieces asked for or held at a time. */
  readonly ahead?: number;
  /** Checked at the end, unless somebody else does. */
  readonly digest?: string;
}

/** A copy in this cluster's store. */
export const readBlob = (place: BlobPlace, digest?: string): PieceSource & ByteSource => new PieceReading({
  ...(digest === undefined ? {} : { digest }),
  fetch: (piece, done) => getPiece(place, piece, true, (found) => {
    if (found.kind === "piece") done(found);
    else done({ kind: "failed", cause: found.kind, message: found.kind === "missing" ? `piece ${piece} of the payload is not there` : "the store of payloads cannot be reached" });
  }),
});

export class PieceReading implements PieceSource, ByteSource {
  readonly #pieces: Pieces;
  readonly #ahead: number;
  readonly #hash: ReturnType<typeof createHash> | undefined;
  readonly #held = new Map<number, Fetched>();
  #count: number | undefined;
  #asked = 0;
  #given = 0;
  #waiting: ((answer: PieceAnswer) => void) | undefined;
  #isClosed = false;

  constructor(pieces: Pieces) {
    this.#pieces = pieces;
    this.#ahead = pieces.ahead ?? PIECES_IN_FLIGHT;
    this.#count = pieces.count;
    this.#hash = pieces.digest === undefined ? undefined : createHash("sha256");
  }

  next(done: (answer: PieceAnswer) => void): void {
    this.#waiting = done;
    this.#ask();
    // Never within the call: whoever asks again at once would otherwise go ever deeper.
    if (this.#isReady()) setImmediate(() => this.#give());
  }

  close(): void {
    this.#isClosed = true;
    this.#waiting = undefined;
    this.#held.clear();
  }

  #isReady(): boolean {
    return this.#held.has(this.#given) || this.#given === this.#count;
  }

  #ask(): void {
    while (!this.#isClosed && this.#asked < (this.#count ?? 1) && this.#asked - this.#given < this.#ahead) {
      const piece = this.#asked++;
      this.#pieces.fetch(piece, (fetched) => this.#fetched(piece, fetched));
    }
  }

  #fetched(piece: number, fetched: Fetched): void {
    if (this.#isClosed) return;
    if (piece === 0 && fetched.kind === "piece") this.#count ??= fetched.count;
    this.#held.set(piece, fetched);
    this.#ask();
    this.#give();
  }

  #give(): void {
    const done = this.#waiting;
    if (done === undefined || !this.#isReady()) return;
    this.#waiting = undefined;
    done(this.#answer());
  }

  #answer(): PieceAnswer {
    const fetched = this.#held.get(this.#given);
    if (fetched === undefined) return this.#ending();
    if (fetched.kind === "failed") return this.#failed(fetched);
    if (!Number.isSafeInteger(this.#count) || this.#count! < 1) return this.#failed({ kind: "failed", cause: "corrupt", message: "it does not say how many pieces it has" });
    this.#held.delete(this.#given++);
    this.#hash?.update(fetched.data);
    return { kind: "bytes", bytes: fetched.data, ...(fetched.isHere === undefined ? {} : { isHere: fetched.isHere }) };
  }

  #failed(failure: Extract<ByteAnswer, { readonly kind: "failed" }>): PieceAnswer {
    this.close();
    return failure;
  }

  #ending(): PieceAnswer {
    this.close();
    if (this.#hash === undefined || this.#hash.digest("hex") === this.#pieces.digest) return { kind: "end" };
    return { kind: "failed", cause: "corrupt", message: "the bytes do not have the digest they are kept under" };
  }
}
