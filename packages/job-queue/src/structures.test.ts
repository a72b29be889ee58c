import { sameBytes } from "@longshore/kernel";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { digestOf } from "./digest.ts";
import { Fifo } from "./fifo.ts";
import type { HeapItem } from "./heap.ts";
import { Heap } from "./heap.ts";
import { hashOf, IdMap } from "./id-map.ts";
import { NumberIndex } from "./number-index.ts";
import { Payloads } from "./payloads.ts";
import { RowIndex } from "./row-index.ts";
import { Texts } from "./texts.ts";

describe("structures", () => {
  it("a heap gives the lowest, whatever was changed or taken out between", () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.constantFrom("push", "pop", "remove", "change"), fc.nat(20), fc.nat(50)), { maxLength: 300 }), (steps) => {
      const heap = new Heap<HeapItem>();
      const model = new Set<HeapItem>();
      let tie = 0;
      for (const [what, key, n] of steps) {
        const chosen = [...model][n % Math.max(1, model.size)];
        if (what === "push") {
          const item = { key, tie: tie++, place: -1 };
          heap.push(item);
          model.add(item);
        } else if (what === "pop") {
          const lowest = [...model].sort((a, b) => a.key - b.key || a.tie - b.tie)[0];
          expect(heap.pop()).toBe(lowest);
          if (lowest !== undefined) model.delete(lowest);
        } else if (chosen !== undefined && what === "remove") {
          heap.remove(chosen);
          heap.remove(chosen);
          model.delete(chosen);
        } else if (chosen !== undefined) {
          chosen.key = key;
          heap.settle(chosen);
        }
        expect(heap.size).toBe(model.size);
      }
    }), { seed: 1 });
  });

  it("a heap goes over many pages", () => {
    const heap = new Heap<HeapItem>();
    for (let i = 0; i < 5_000; i++) heap.push({ key: (i * 7_919) % 5_000, tie: 0, place: -1 });
    expect(Array.from({ length: 5_000 }, () => heap.pop()!.key)).toEqual(Array.from({ length: 5_000 }, (_, i) => i));
    expect(heap.pop()).toBeUndefined();
  });

  it("payloads know which others they name, whatever is freed or moved", () => {
    const payloads = new Payloads(() => undefined);
    const blob = (digest: string): { principal: string; digest: string; bytes: number } => ({ principal: "p", digest, bytes: 1 });
    const [a, b] = [payloads.storeInput(1, "id1", blob("a")), payloads.storeResult(1, blob("a"))];
    const c = payloads.storeInput(2, "id2", blob("c"));
    expect(["a", "c", "d"].map((digest) => payloads.names(blob(digest)))).toEqual([true, true, false]);
    payloads.free(a);
    payloads.free(c);
    expect(["a", "c"].map((digest) => payloads.names(blob(digest)))).toEqual([true, false]);
    payloads.free(b);
    expect([payloads.names(blob("a")), payloads.names({ principal: "q", digest: "a" })]).toEqual([false, false]);
  });

  it("a fifo keeps its order over many chunks", () => {
    const fifo = new Fifo<number>();
    for (let i = 0; i < 5_000; i++) fifo.push(i);
    for (let i = 0; i < 2_500; i++) expect(fifo.shift()).toBe(i);
    expect([...fifo]).toEqual(Array.from({ length: 2_500 }, (_, i) => i + 2_500));
    for (let i = 2_500; i < 5_000; i++) expect(fifo.peek()).toBe(fifo.shift());
    expect(fifo.shift()).toBeUndefined();
    expect(fifo.size).toBe(0);
  });

  it("an index of rows finds what was added and not removed, also when hashes collide", () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(40)), { maxLength: 400 }), (steps) => {
      const index = new RowIndex();
      const rows = new Set<number>();
      const hash = (row: number): number => (row % 5) * 1_024 * 8 + 3;
      for (const [adds, row] of steps) {
        if (adds && !rows.has(row)) {
          index.add(hash(row), row);
          rows.add(row);
        } else if (!adds) {
          index.remove(hash(row), row);
          rows.delete(row);
        }
        const found = Array.from({ length: 41 }, (_, r) => r).filter((r) => index.find(hash(r), (candidate) => candidate === r) === r);
        expect(found).toEqual([...rows].sort((a, b) => a - b));
      }
    }), { numRuns: 30, seed: 1 });
  });

  it("an index of rows grows and shrinks", () => {
    const index = new RowIndex();
    const rows = Array.from({ length: 100_000 }, (_, row) => row);
    const isFound = (row: number): boolean => index.find(hashOf(`id${row}`), (candidate) => candidate === row) === row;
    for (const row of rows) index.add(hashOf(`id${row}`), row);
    expect(rows.every(isFound)).toBe(true);
    for (const row of rows) if (row % 2 === 0) index.remove(hashOf(`id${row}`), row);
    expect(rows.every((row) => isFound(row) === (row % 2 === 1))).toBe(true);
    for (const row of rows) index.remove(hashOf(`id${row}`), row);
    expect(index.find(hashOf("id1"), () => true)).toBe(-1);
  });

  it("an index by number walks upwards from anywhere, over gaps", () => {
    const index = new NumberIndex();
    const numbers = [1, 63, 64, 65, 70_000, 200_000, 200_001];
    numbers.forEach((number, row) => index.add(number, row));
    const from = (n: number): number[] => [...index.from(n)].map((row) => numbers[row]!);
    expect(from(0)).toEqual(numbers);
    expect(from(64)).toEqual([64, 65, 70_000, 200_000, 200_001]);
    expect(from(66)).toEqual([70_000, 200_000, 200_001]);
    expect(from(200_002)).toEqual([]);
    index.remove(70_000);
    index.remove(70_000);
    expect(index.get(70_000)).toBe(-1);
    expect(index.get(65)).toBe(3);
    expect(from(66)).toEqual([200_000, 200_001]);
  });

  it("texts are kept once and forgotten when nobody uses them", () => {
    const texts = new Texts();
    const a = texts.acquire("a");
    expect(texts.acquire("a")).toBe(a);
    texts.release(a);
    expect(texts.get(a)).toBe("a");
    texts.release(a);
    expect(texts.acquire("b")).toBe(a);
    expect(texts.get(a)).toBe("b");
  });

  it("a map by id forgets", () => {
    const map = new IdMap<number>();
    map.set("a", 1);
    map.set("a", 2);
    expect(map.get("a")).toBe(2);
    map.delete("a");
    map.delete("a");
    expect(map.get("a")).toBeUndefined();
  });

  it("a digest tells inputs apart and is the same for the same", () => {
    const digests = new Set(Array.from({ length: 1_000 }, (_, i) => digestOf(new Uint8Array([i & 255, i >> 8]))));
    expect(digests.size).toBe(1_000);
    expect(digestOf(new Uint8Array([1, 2]))).toBe(digestOf(new Uint8Array([1, 2])));
    expect(digestOf({ principal: "a", digest: "x", bytes: 1 })).not.toBe(digestOf({ principal: "a", digest: "y", bytes: 1 }));
    for (const digest of digests) expect(Number.isSafeInteger(digest)).toBe(true);
  });
});

describe("payloads", () => {
  /** A store whose owners follow the moves. */
  function setup() {
    const refs = new Map<number, number>();
    const payloads = new Payloads((row, _use, ref) => void refs.set(row, ref));
    const put = (row: number, length: number): void => void refs.set(row, payloads.storeInput(row, `id-${row}`, new Uint8Array(length).fill(row % 251)));
    const check = (row: number, length: number): void => {
      const ref = refs.get(row)!;
      const ids = payloads.idOf(ref) === `id-${row}` && payloads.idEquals(ref, `id-${row}`) && !payloads.idEquals(ref, `id_${row}`);
      const bytes = sameBytes(payloads.read(ref) as Uint8Array, new Uint8Array(length).fill(row % 251));
      expect([ids, bytes, payloads.lengthOf(ref)]).toEqual([true, true, length]);
    };
    return { payloads, refs, put, check };
  }

  it("keep what they were given, small and large", () => {
    const { put, check, payloads } = setup();
    const lengths = [1, 48, 49, 1_000, 100_000, 200_000, 262_144];
    lengths.forEach((length, row) => put(row, length));
    lengths.forEach((length, row) => check(row, length));
    expect(payloads.bytes).toBe(lengths.reduce((a, b) => a + b));
  });

  it("a large one has a slab of its own and gives it back", () => {
    const { payloads, put, refs } = setup();
    put(1, 200_000);
    expect(payloads.slabCount).toBe(1);
    payloads.free(refs.get(1)!);
    expect(payloads.slabCount).toBe(0);
    expect(payloads.bytes).toBe(0);
  });

  it("slabs that have become nearly empty are compacted, and their owners told", () => {
    const { payloads, put, check, refs } = setup();
    for (let row = 0; row < 6_000; row++) put(row, 2_000);
    const full = payloads.slabCount;
    for (let row = 0; row < 6_000; row++) if (row % 10 !== 0) payloads.free(refs.get(row)!);
    expect(payloads.slabCount).toBeLessThan(full / 3);
    for (let row = 0; row < 6_000; row += 10) check(row, 2_000);
    expect(payloads.bytes).toBe(600 * 2_000);
  });

  it("a view that was handed out stays right after its record has moved or gone", () => {
    const { payloads, put, refs } = setup();
    for (let row = 0; row < 10_000; row++) put(row, 500);
    const view = payloads.read(refs.get(7)!);
    for (let row = 0; row < 10_000; row++) payloads.free(refs.get(row)!);
    for (let row = 0; row < 10_000; row++) put(row, 500);
    expect(sameBytes(view as Uint8Array, new Uint8Array(500).fill(7))).toBe(true);
  });

  it("a reference is kept as one, for inputs and for results", () => {
    const { payloads } = setup();
    const blob = { principal: "ann", digest: "0".repeat(64), bytes: 5_000_000 };
    expect(payloads.read(payloads.storeInput(1, "x", blob))).toEqual(blob);
    expect(payloads.read(payloads.storeResult(1, blob))).toEqual(blob);
  });
});
