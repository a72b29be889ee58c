/**
 * Writing a payload from a source: piece after piece, a few at a time, under a digest that is known before.
 *
 * Piece 0 is held back and stored when all others are and the digest has been found right, so a payload is there when its piece 0
 * is. Bytes that turn out wrong leave pieces without it, which nobody takes for a payload.
 */
import { createHash } from "node:crypto";
import type { BlobRef, BlobWritten, ByteAnswer, ByteSource, StoreAnswer } from "@longshore/kernel";
import { type BlobPlace, storePiece } from "./blob-pieces.ts";
import type { PieceAnswer, PieceSource } from "./blob-read.ts";
import { PIECE_BYTES, PIECES_IN_FLIGHT } from "./limits.ts";

/** Closes the source in any case. */
export function writePieces(place: BlobPlace, ref: BlobRef, source: PieceSource, done: (answer: BlobWritten) => void): void {
  new Writing(place, ref, source, (answer) => {
    source.close();
    done(answer);
  }).more();
}

export function refusal(answer: Exclude<StoreAnswer, { readonly kind: "stored" }>): { readonly kind: "refused" | "unknown"; readonly message: string } {
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

const corrupt = (message: string): BlobWritten => ({ kind: "failed", cause: "corrupt", message });

class Writing {
  readonly #place: BlobPlace;
  readonly #ref: BlobRef;
  readonly #source: PieceSource;
  readonly #done: (answer: BlobWritten) => void;
  readonly #hash = createHash("sha256");
  #head: Uint8Array = new Uint8Array(0);
  #pieces = 0;
  #bytes = 0;
  #open = 0;
  #isReading = false;
  #end: BlobWritten | undefined;

  constructor(place: BlobPlace, ref: BlobRef, source: PieceSource, done: (answer: BlobWritten) => void) {
    this.#place = place;
    this.#ref = ref;
    this.#source = source;
    this.#done = done;
  }

  more(): void {
    if (this.#isReading) return;
    if (this.#end !== undefined) return this.#open === 0 ? this.#finish(this.#end) : undefined;
    if (this.#open >= PIECES_IN_FLIGHT) return;
    this.#isReading = true;
    this.#source.next((answer) => {
      this.#isReading = false;
      this.#take(answer);
      this.more();
    });
  }

  #take(answer: PieceAnswer): void {
    // Storing may have failed meanwhile.
    if (this.#end !== undefined) return;
    if (answer.kind === "failed") this.#end = answer;
    else if (answer.kind === "end") this.#end = this.#verdict();
    else this.#piece(answer.bytes, answer.isHere === true);
  }

  #piece(bytes: Uint8Array, isHere: boolean): void {
    const piece = this.#pieces++;
    this.#bytes += bytes.length;
    if (this.#bytes > this.#ref.bytes) {
      this.#end = corrupt(`there are more than the ${this.#ref.bytes} bytes that were said`);
      return;
    }
    this.#hash.update(bytes);
    if (piece === 0) this.#head = bytes.slice();
    if (piece === 0 || isHere) return;
    this.#open++;
    storePiece(this.#place, piece, bytes, undefined, (answer) => {
      this.#open--;
      if (answer.kind !== "stored") this.#end ??= refusal(answer);
      this.more();
    });
  }

  #verdict(): BlobWritten {
    if (this.#bytes !== this.#ref.bytes) return corrupt(`there are ${this.#bytes} bytes, and ${this.#ref.bytes} were said`);
    return this.#hash.digest("hex") === this.#ref.digest ? { kind: "stored" } : corrupt("the bytes do not have the digest that was said");
  }

  #finish(end: BlobWritten): void {
    if (end.kind !== "stored") return this.#done(end);
    storePiece(this.#place, 0, this.#head, Math.max(1, this.#pieces), (answer) => this.#done(answer.kind === "stored" ? end : refusal(answer)));
  }
}

/** The same bytes as pieces. */
export function cutting(source: ByteSource): PieceSource {
  let held: Uint8Array = new Uint8Array(0);
  let last: Exclude<ByteAnswer, { readonly kind: "bytes" }> | undefined;
  const take = (): PieceAnswer | undefined => {
    if (held.length >= PIECE_BYTES || (last?.kind === "end" && held.length > 0)) {
      const bytes = held.subarray(0, PIECE_BYTES);
      held = held.subarray(PIECE_BYTES);
      return { kind: "bytes", bytes };
    }
    return last;
  };
  const next = (done: (answer: PieceAnswer) => void): void => {
    const ready = take();
    if (ready !== undefined) return void setImmediate(() => done(ready));
    source.next((answer) => {
      if (answer.kind === "bytes") held = held.length === 0 ? answer.bytes : Buffer.concat([held, answer.bytes]);
      else last = answer;
      next(done);
    });
  };
  return { next, close: () => source.close() };
}
