/** Large values in a stream: cut into pieces, sent a few at a time, each acknowledged. */
import type { StoreAnswer } from "@longshore/kernel";
import type { MsgHdrs } from "@nats-io/transport-node";
import type { Connection } from "./connect.ts";
import { storeAnswer } from "./faults.ts";
import { PIECE_BYTES, PIECES_IN_FLIGHT, STORE_TIMEOUT_MS } from "./limits.ts";

export interface Piece {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers?: MsgHdrs;
}

export type PiecesAnswer =
  /** `first` and `last`: the lowest and highest sequence taken. */
  | { readonly kind: "stored"; readonly first: number; readonly last: number }
  | Exclude<StoreAnswer, { readonly kind: "stored" }>;

/** Views of `bytes`, at least one. */
export function cut(bytes: Uint8Array): readonly Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let from = 0; from < bytes.length; from += PIECE_BYTES) pieces.push(bytes.subarray(from, from + PIECE_BYTES));
  return pieces.length === 0 ? [bytes] : pieces;
}

/** Stores them all, in any order; stops at the first that is not stored. */
export function storePieces(connection: Connection, pieces: readonly Piece[], done: (answer: PiecesAnswer) => void): void {
  let next = 0;
  let open = 0;
  let first = Number.POSITIVE_INFINITY;
  let last = 0;
  let failure: Exclude<StoreAnswer, { readonly kind: "stored" }> | undefined;

  const stored = (answer: StoreAnswer): void => {
    open--;
    if (answer.kind === "stored") {
      first = Math.min(first, answer.sequence);
      last = Math.max(last, answer.sequence);
    } else {
      failure ??= answer;
    }
    more();
  };
  const more = (): void => {
    while (failure === undefined && next < pieces.length && open < PIECES_IN_FLIGHT) {
      const piece = pieces[next++];
      if (piece === undefined) break;
      open++;
      send(connection, piece, stored);
    }
    if (open === 0) done(failure ?? { kind: "stored", first, last });
  };
  more();
}

export function send(connection: Connection, { subject, data, headers }: Piece, done: (answer: StoreAnswer) => void): void {
  const options = { timeoutMs: STORE_TIMEOUT_MS, whileDown: "fail" as const, ...(headers === undefined ? {} : { headers }) };
  connection.calls.request(subject, data, options, (answer) => done(storeAnswer(answer)));
}
