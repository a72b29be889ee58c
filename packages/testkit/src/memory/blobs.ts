/** Payloads in memory. */
import type { BlobLook, BlobName, BlobRef, BlobRemoval, Blobs, BlobWritten, ByteSource } from "@longshore/kernel";
import { BLOB_YOUNG_MS } from "@longshore/kernel";
import type { Defer } from "./defer.ts";
import { sha256Hex } from "./hash.ts";

export interface HeldBlob {
  readonly bytes: Uint8Array;
  readonly putAt: number;
}

/** Bytes of one part that is read or travels. */
export const MEMORY_PIECE_BYTES = 65_536;

const WRITTEN_BYTES_MAX = 2 ** 40;

export const blobKey = ({ principal, digest }: BlobName): string => `${principal}/${digest}`;
const nameOf = (key: string): BlobName => ({ principal: key.slice(0, -65), digest: key.slice(-64) });

export class MemoryBlobs implements Blobs {
  readonly held: Map<string, HeldBlob> = new Map();
  away = false;
  full = false;
  /** Bytes that were sent to be stored so far. */
  sentBytes = 0;
  private readonly defer: Defer;
  private readonly now: () => number;

  /** `now`: server time, milliseconds. */
  constructor(defer: Defer, now: () => number) {
    this.defer = defer;
    this.now = now;
  }

  put(principal: string, bytes: Uint8Array, done: Parameters<Blobs["put"]>[2]): void {
    const copy = bytes.slice();
    this.defer(() => {
      const digest = sha256Hex(copy);
      const answer = this.store({ principal, digest, bytes: copy.length }, copy);
      this.defer(() => done(answer.kind === "stored" ? { kind: "stored", digest } : answer));
    });
  }

  get(principal: string, digest: string, done: Parameters<Blobs["get"]>[2]): void {
    this.defer(() => {
      if (this.away) return this.defer(() => done({ kind: "unavailable" }));
      const bytes = this.held.get(blobKey({ principal, digest }))?.bytes;
      const isSound = bytes !== undefined && sha256Hex(bytes) === digest;
      this.defer(() => done(isSound ? { kind: "found", bytes: bytes.slice() } : { kind: "missing" }));
    });
  }

  write(ref: BlobRef, source: ByteSource, done: (answer: BlobWritten) => void): void {
    const finish = (answer: BlobWritten): void => {
      source.close();
      this.defer(() => done(answer));
    };
    if (ref.bytes > WRITTEN_BYTES_MAX) return finish({ kind: "refused", message: `a payload has at most ${WRITTEN_BYTES_MAX} bytes, this one has ${ref.bytes}` });
    const parts: Uint8Array[] = [];
    const more = (): void => source.next((answer) => {
      if (answer.kind === "failed") return finish(answer);
      if (answer.kind === "end") return finish(this.storeChecked(ref, Buffer.concat(parts)));
      parts.push(answer.bytes.slice());
      more();
    });
    this.defer(() => {
      if (this.isYoung(ref)) finish({ kind: "stored" });
      else more();
    });
  }

  private storeChecked(ref: BlobRef, bytes: Uint8Array): BlobWritten {
    if (bytes.length !== ref.bytes) return { kind: "failed", cause: "corrupt", message: `there are ${bytes.length} bytes, and ${ref.bytes} were said` };
    if (sha256Hex(bytes) !== ref.digest) return { kind: "failed", cause: "corrupt", message: "the bytes do not have the digest that was said" };
    return this.store(ref, new Uint8Array(bytes));
  }

  /** At once; young and whole: nothing is sent. */
  store(ref: BlobRef, bytes: Uint8Array): { readonly kind: "stored" } | { readonly kind: "refused" | "unknown"; readonly message: string } {
    if (this.away) return { kind: "unknown", message: "the server is away" };
    if (this.isYoung(ref)) return { kind: "stored" };
    if (this.full) return { kind: "refused", message: "the payload stream is full" };
    this.sentBytes += bytes.length;
    this.held.set(blobKey(ref), { bytes, putAt: this.now() });
    return { kind: "stored" };
  }

  isYoung(ref: BlobRef): boolean {
    const held = this.held.get(blobKey(ref));
    return !this.away && held !== undefined && held.bytes.length === ref.bytes && held.putAt > this.now() - BLOB_YOUNG_MS;
  }

  read(name: BlobName): ByteSource {
    let at = 0;
    return {
      next: (done) => this.defer(() => {
        if (this.away) return done({ kind: "failed", cause: "unavailable", message: "the server is away" });
        const bytes = this.held.get(blobKey(name))?.bytes;
        if (bytes === undefined) return done({ kind: "failed", cause: "missing", message: "it is not there" });
        const part = bytes.slice(at, at + MEMORY_PIECE_BYTES);
        at += part.length;
        if (part.length > 0) done({ kind: "bytes", bytes: part });
        else done(sha256Hex(bytes) === name.digest ? { kind: "end" } : { kind: "failed", cause: "corrupt", message: "the bytes do not have the digest they are kept under" });
      }),
      close: () => undefined,
    };
  }

  look(ref: BlobRef, done: (found: BlobLook) => void): void {
    this.defer(() => {
      const isThere = this.held.get(blobKey(ref))?.bytes.length === ref.bytes;
      const found = this.away ? "unavailable" : !isThere ? "absent" : this.isYoung(ref) ? "young" : "old";
      this.defer(() => done(found));
    });
  }

  find(digest: string, done: Parameters<Blobs["find"]>[1]): void {
    this.defer(() => {
      if (this.away) return this.defer(() => done({ kind: "unavailable" }));
      const copies = [...this.held].filter(([key]) => nameOf(key).digest === digest)
        .map(([key, { bytes, putAt }]) => ({ principal: nameOf(key).principal, pieces: Math.max(1, Math.ceil(bytes.length / MEMORY_PIECE_BYTES)), putAt }));
      this.defer(() => done({ kind: "found", copies }));
    });
  }

  list(done: Parameters<Blobs["list"]>[0]): void {
    this.defer(() => {
      const names = this.away ? undefined : [...this.held.keys()].map(nameOf);
      this.defer(() => done(names));
    });
  }

  removeOlder(name: BlobName, beforeMs: number, done: (answer: BlobRemoval) => void): void {
    this.defer(() => {
      if (this.away) return this.defer(() => done({ kind: "unavailable" }));
      const key = blobKey(name);
      const putAt = this.held.get(key)?.putAt;
      if (putAt !== undefined && putAt >= beforeMs) return this.defer(() => done({ kind: "kept", putAt }));
      this.held.delete(key);
      this.defer(() => done({ kind: "removed" }));
    });
  }
}
