/** How much of a long payload is in memory at a time, seen without a server. */
import { createHash } from "node:crypto";
import type { BlobWritten, ByteSource } from "@longshore/kernel";
import type { Msg } from "@nats-io/transport-node";
import { describe, expect, it } from "vitest";
import { placeOf } from "./blob-pieces.ts";
import { type Fetched, type PieceAnswer, PieceReading } from "./blob-read.ts";
import { cutting, writePieces } from "./blob-write.ts";
import type { CallAnswer } from "./calls.ts";
import type { Connection } from "./connect.ts";
import { PIECE_BYTES, PIECES_IN_FLIGHT } from "./limits.ts";

/** A server that answers when it is told to. */
class SlowServer {
  readonly open: { readonly piece: number; readonly done: (answer: CallAnswer) => void }[] = [];
  readonly connection = {
    nc: { info: {} },
    calls: { request: (subject: string, _data: Uint8Array, _options: object, done: (answer: CallAnswer) => void) => void this.open.push({ piece: Number(subject.split(".").at(-1)), done }) },
  } as unknown as Connection;

  storeOldest(): void {
    const message = { data: new TextEncoder().encode(JSON.stringify({ stream: "s", seq: 1 })) } as unknown as Msg;
    this.open.shift()?.done({ kind: "answer", message });
  }
}

/** So many pieces of zeros, and how many of them were asked for. */
function zeros(pieces: number): { readonly source: ByteSource; asked(): number } {
  let asked = 0;
  return {
    source: { next: (done) => void setImmediate(() => done(asked++ < pieces ? { kind: "bytes", bytes: new Uint8Array(PIECE_BYTES) } : { kind: "end" })), close: () => undefined },
    asked: () => asked,
  };
}

const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((next) => setImmediate(next));
};

describe("writing a long payload", () => {
  const PIECES = 40;
  const bytes = PIECES * PIECE_BYTES;
  const ref = { principal: "alice", digest: createHash("sha256").update(new Uint8Array(bytes)).digest("hex"), bytes };

  it("asks for no more than what is being stored, and stores piece 0 last, when all others are", async () => {
    const server = new SlowServer();
    const { source, asked } = zeros(PIECES);
    const answers: BlobWritten[] = [];
    writePieces(placeOf(server.connection, "c", ref), ref, cutting(source), (answer) => answers.push(answer));
    await turns(200);
    expect([asked(), server.open.map(({ piece }) => piece)]).toEqual([PIECES_IN_FLIGHT + 1, Array.from({ length: PIECES_IN_FLIGHT }, (_, i) => i + 1)]);
    for (let stored = 0; stored < PIECES - 1; stored++) {
      expect(server.open.every(({ piece }) => piece !== 0)).toBe(true);
      server.storeOldest();
      await turns(6);
      expect(asked() - stored).toBeLessThanOrEqual(PIECES_IN_FLIGHT + 3);
    }
    expect(server.open.map(({ piece }) => piece)).toEqual([0]);
    expect(answers).toEqual([]);
    server.storeOldest();
    expect(answers).toEqual([{ kind: "stored" }]);
  });
});

describe("reading a long payload", () => {
  it("fetches no further ahead than it was told, and gives the pieces in order however they come", async () => {
    const open: { readonly piece: number; readonly done: (fetched: Fetched) => void }[] = [];
    const reading = new PieceReading({ count: 100, ahead: 5, fetch: (piece, done) => void open.push({ piece, done }) });
    const given: PieceAnswer[] = [];
    const want = (): void => reading.next((answer) => given.push(answer));
    want();
    expect(open.map(({ piece }) => piece)).toEqual([0, 1, 2, 3, 4]);
    for (const { piece, done } of open.splice(0).reverse()) done({ kind: "piece", data: Uint8Array.of(piece), count: 100 });
    expect(given).toEqual([{ kind: "bytes", bytes: Uint8Array.of(0) }]);
    for (let i = 1; i < 5; i++) {
      want();
      await turns(1);
    }
    expect(given.map((answer) => answer.kind === "bytes" && answer.bytes[0])).toEqual([0, 1, 2, 3, 4]);
    expect(open.map(({ piece }) => piece)).toEqual([5, 6, 7, 8]);
    reading.close();
    for (const { piece, done } of open.splice(0)) done({ kind: "piece", data: Uint8Array.of(piece), count: 100 });
    expect([given.length, open.length]).toEqual([5, 0]);
  });
});
