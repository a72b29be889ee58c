/** The bytes of a value: those the library would have written. */
import { Encoder } from "@msgpack/msgpack";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encode, encodeCanonical } from "./codec.ts";
import { Defect } from "./faults.ts";
import { ValueWriter } from "./value-writer.ts";

const library = (value: unknown, sortKeys = false): Uint8Array => new Encoder({ ignoreUndefined: true, sortKeys }).encode(value);

const instant = fc.oneof(fc.date({ noInvalidDate: true }), fc.integer({ min: -10, max: 10 }).map((ms) => new Date(2 ** 32 * 1_000 + ms)), fc.integer({ min: -10, max: 10 }).map((ms) => new Date(2 ** 34 * 1_000 + ms)));
const leaf = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 50 }), fc.string({ minLength: 60, maxLength: 300 }), fc.string({ unit: "grapheme", minLength: 90, maxLength: 300 }), fc.nat(300), fc.nat(70_000), fc.integer(), fc.integer({ min: -300, max: 0 }),
  fc.integer({ min: -70_000, max: 0 }), fc.maxSafeInteger(), fc.double(), fc.boolean(), fc.constant(null), fc.uint8Array({ maxLength: 300 }), instant,
);
const { value } = fc.letrec((tie) => ({
  value: fc.oneof({ depthSize: "small", maxDepth: 4 }, leaf, fc.array(tie("value"), { maxLength: 20 }), fc.dictionary(fc.string({ maxLength: 40 }), fc.oneof(tie("value"), fc.constant(undefined)), { maxKeys: 20 })),
}));

describe("the bytes of a value", () => {
  test("are the library's", () => {
    fc.assert(fc.property(value, (given) => {
      expect(Buffer.compare(encode(given), library(given))).toBe(0);
      expect(Buffer.compare(encodeCanonical(given), library(given, true))).toBe(0);
    }), { numRuns: 400, seed: 1 });
  });

  test.each([0, 15, 16, 31, 32, 199, 200, 201, 255, 256, 65_535, 65_536])("are the library's at a length of %i", (length) => {
    const texts = ["a", "é", "€", "𝄞"].map((unit) => unit.repeat(length));
    for (const given of [...texts, new Uint8Array(length), new Array(length).fill(1), Object.fromEntries(Array.from({ length }, (_, i) => [i, i]))]) {
      expect(Buffer.compare(encode(given), library(given))).toBe(0);
    }
  });

  test("there are none of a function", () => {
    expect(() => encode([() => 0])).toThrow(Defect);
    expect(encode(1), "and the next is as if nothing had been").toEqual(library(1));
  });
});

test("values stand one behind the other until the writer is reset", () => {
  const writer = new ValueWriter();
  writer.write("x".repeat(10_000));
  writer.write(7);
  expect(writer.length).toBe(10_004);
  expect(writer.written.slice(-1)).toEqual(library(7));
  writer.reset();
  writer.write(8);
  expect(writer.written).toEqual(library(8));
});
