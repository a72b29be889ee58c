/**
 * Ids and payload bytes of jobs, packed into slabs outside the heap.
 *
 * A million small Uint8Arrays cost the garbage collector more than everything else of a job together. So bytes are
 * copied once, into slabs of up to 1 MiB, and a number says where: `slab × 2^20 + offset`. A record is
 * `[row of its job: 4][length and marks: 4][id length: 2][id][payload]`; a payload that lies elsewhere is its encoded
 * reference. Memory is written once and never reused, so a view that was handed out stays right for as long as somebody
 * holds it.
 *
 * A slab whose last record is freed is dropped. One that is nearly empty is compacted: its live records move on and
 * their jobs are told. Compactions are spread over later frees, so that no single step walks many slabs.
 */
import { decodeTrusted, encode } from "@longshore/kernel";
import type { PayloadWire } from "./events.ts";
import { payloadFromWire, payloadToWire } from "./events.ts";
import type { BlobRef, NamedBlobWire, Payload } from "./vocabulary.ts";

const SLAB_BYTES = 1 << 20;
/** Of the first slab: a shard of few jobs needs no full one. The next are four times as large each, up to the full size. */
const FIRST_SLAB_BYTES = 1 << 16;
const HEADER_BYTES = 10;
const FREED = 0x8000_0000;
const RESULT = 0x4000_0000;
const ELSEWHERE = 0x2000_0000;
const LENGTH = 0x1fff_ffff;
/** Frees between two compactions of full slabs; a small one, quickly compacted, counts for its share. */
const COMPACTION_EVERY = 512;

interface Slab {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  used: number;
  liveBytes: number;
  records: number;
  /** Waits for compaction. */
  sparse: boolean;
}

/** What a record is to its job. */
export type PayloadUse = "input" | "result";

export class Payloads {
  private readonly slabs: (Slab | undefined)[] = [];
  private readonly freeIndexes: number[] = [];
  private readonly sparse: number[] = [];
  private readonly onMoved: (row: number, use: PayloadUse, ref: number) => void;
  private current = -1;
  private freesSinceCompaction = 0;
  private live = 0;
  /** By principal and digest: how many records, inputs and outputs name a payload that lies elsewhere. */
  private readonly named = new Map<string, number>();

  /** `onMoved` is called when a compaction has given a record another place. */
  constructor(onMoved: (row: number, use: PayloadUse, ref: number) => void) {
    this.onMoved = onMoved;
  }

  /** Bytes of all payloads held. */
  get bytes(): number {
    return this.live;
  }

  get slabCount(): number {
    return this.slabs.length - this.freeIndexes.length;
  }

  /** Blobs that are named, each once. */
  get namedCount(): number {
    return this.named.size;
  }

  /** Whether a job has this one as its payload, or among its inputs and outputs. */
  names({ principal, digest }: Pick<BlobRef, "principal" | "digest">): boolean {
    return this.named.has(`${principal}/${digest}`);
  }

  /** Keeps an input together with its job's id. */
  storeInput(row: number, id: string, payload: Payload): number {
    const bytes = payload instanceof Uint8Array ? payload : encode(payloadToWire(payload));
    const ref = this.allocate(row, payload instanceof Uint8Array ? 0 : ELSEWHERE, id.length, bytes.length);
    const slab = this.slabOf(ref);
    const offset = (ref % SLAB_BYTES) + HEADER_BYTES;
    for (let i = 0; i < id.length; i++) slab.bytes[offset + i] = id.charCodeAt(i);
    copy(bytes, slab.bytes, offset + id.length);
    this.count(payload, 1);
    return ref;
  }

  storeResult(row: number, payload: Payload): number {
    const bytes = payload instanceof Uint8Array ? payload : encode(payloadToWire(payload));
    const ref = this.allocate(row, payload instanceof Uint8Array ? RESULT : RESULT | ELSEWHERE, 0, bytes.length);
    copy(bytes, this.slabOf(ref).bytes, (ref % SLAB_BYTES) + HEADER_BYTES);
    this.count(payload, 1);
    return ref;
  }

  /** A view, not a copy. */
  read(ref: number): Payload {
    const { bytes, view } = this.slabOf(ref);
    const offset = ref % SLAB_BYTES;
    const mark = view.getUint32(offset + 4);
    const from = offset + HEADER_BYTES + view.getUint16(offset + 8);
    const payload = bytes.subarray(from, from + (mark & LENGTH));
    return (mark & ELSEWHERE) === 0 ? payload : payloadFromWire(decodeTrusted(payload) as PayloadWire);
  }

  idOf(ref: number): string {
    const { bytes, view } = this.slabOf(ref);
    const offset = ref % SLAB_BYTES;
    const from = offset + HEADER_BYTES;
    return String.fromCharCode.apply(null, bytes.subarray(from, from + view.getUint16(offset + 8)) as unknown as number[]);
  }

  idEquals(ref: number, id: string): boolean {
    const { bytes, view } = this.slabOf(ref);
    const offset = ref % SLAB_BYTES;
    if (view.getUint16(offset + 8) !== id.length) return false;
    const from = offset + HEADER_BYTES;
    for (let i = 0; i < id.length; i++) if (bytes[from + i] !== id.charCodeAt(i)) return false;
    return true;
  }

  lengthOf(ref: number): number {
    return this.slabOf(ref).view.getUint32((ref % SLAB_BYTES) + 4) & LENGTH;
  }

  free(ref: number): void {
    const index = Math.floor(ref / SLAB_BYTES);
    const slab = this.slabs[index]!;
    const offset = ref % SLAB_BYTES;
    const mark = slab.view.getUint32(offset + 4);
    if ((mark & ELSEWHERE) !== 0) this.count(this.read(ref), -1);
    slab.view.setUint32(offset + 4, (mark | FREED) >>> 0);
    this.live -= mark & LENGTH;
    slab.liveBytes -= sizeAt(slab, offset);
    slab.records--;
    if (index !== this.current) this.shrink(index, slab);
    if (++this.freesSinceCompaction >= COMPACTION_EVERY) this.compactOne();
  }

  /** Inputs and outputs are kept with what few jobs have: here they are only counted. */
  nameAll(blobs: readonly NamedBlobWire[], by: 1 | -1): void {
    for (const [, principal, digest] of blobs) this.countKey(`${principal}/${digest}`, by);
  }

  private count(payload: Payload, by: 1 | -1): void {
    if (!(payload instanceof Uint8Array)) this.countKey(`${payload.principal}/${payload.digest}`, by);
  }

  private countKey(key: string, by: 1 | -1): void {
    const count = (this.named.get(key) ?? 0) + by;
    if (count === 0) this.named.delete(key);
    else this.named.set(key, count);
  }

  private slabOf(ref: number): Slab {
    return this.slabs[Math.floor(ref / SLAB_BYTES)]!;
  }

  private allocate(row: number, marks: number, idLength: number, length: number): number {
    const size = HEADER_BYTES + idLength + length;
    const index = this.slabFor(size);
    const slab = this.slabs[index]!;
    const offset = slab.used;
    slab.view.setUint32(offset, row);
    slab.view.setUint32(offset + 4, (length | marks) >>> 0);
    slab.view.setUint16(offset + 8, idLength);
    slab.used = offset + size;
    slab.liveBytes += size;
    slab.records++;
    this.live += length;
    return index * SLAB_BYTES + offset;
  }

  private shrink(index: number, slab: Slab): void {
    if (slab.records === 0) {
      this.drop(index);
    } else if (!slab.sparse && slab.liveBytes < slab.used / 4) {
      slab.sparse = true;
      this.sparse.push(index);
    }
  }

  private drop(index: number): void {
    this.slabs[index] = undefined;
    this.freeIndexes.push(index);
  }

  private slabFor(size: number): number {
    if (size > SLAB_BYTES / 8) return this.newSlab(size);
    const current = this.slabs[this.current];
    if (current !== undefined && current.used + size <= current.bytes.length) return this.current;
    const previous = this.current;
    const capacity = current === undefined ? FIRST_SLAB_BYTES : Math.min(SLAB_BYTES, current.bytes.length * 4);
    this.current = this.newSlab(Math.max(capacity, size));
    if (current !== undefined) this.shrink(previous, current);
    return this.current;
  }

  private newSlab(capacity: number): number {
    const bytes = new Uint8Array(capacity);
    const slab: Slab = { bytes, view: new DataView(bytes.buffer), used: 0, liveBytes: 0, records: 0, sparse: false };
    const index = this.freeIndexes.pop() ?? this.slabs.length;
    this.slabs[index] = slab;
    return index;
  }

  private compactOne(): void {
    this.freesSinceCompaction = 0;
    const index = this.sparse.pop();
    const slab = index === undefined ? undefined : this.slabs[index];
    if (index === undefined || slab === undefined || !slab.sparse) return;
    this.freesSinceCompaction = Math.floor(COMPACTION_EVERY * (1 - Math.min(1, slab.bytes.length / SLAB_BYTES)));
    for (let offset = 0; offset < slab.used; offset += sizeAt(slab, offset)) {
      if (slab.view.getUint32(offset + 4) < FREED) this.move(slab, offset);
    }
    this.drop(index);
  }

  private move(slab: Slab, offset: number): void {
    const row = slab.view.getUint32(offset);
    const mark = slab.view.getUint32(offset + 4);
    const idLength = slab.view.getUint16(offset + 8);
    const length = mark & LENGTH;
    this.live -= length;
    const ref = this.allocate(row, mark & ~LENGTH, idLength, length);
    const from = offset + HEADER_BYTES;
    this.slabOf(ref).bytes.set(slab.bytes.subarray(from, from + idLength + length), (ref % SLAB_BYTES) + HEADER_BYTES);
    this.onMoved(row, (mark & RESULT) === 0 ? "input" : "result", ref);
  }
}

const sizeAt = (slab: Slab, offset: number): number =>
  HEADER_BYTES + slab.view.getUint16(offset + 8) + (slab.view.getUint32(offset + 4) & LENGTH);

/** `set` has a fixed cost that a short copy does not repay. */
function copy(from: Uint8Array, to: Uint8Array, offset: number): void {
  if (from.length > 48) to.set(from, offset);
  else for (let i = 0; i < from.length; i++) to[offset + i] = from[i]!;
}
