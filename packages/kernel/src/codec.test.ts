/** Values as bytes: what travels, and why what does not cannot. */
import { Decoder } from "@msgpack/msgpack";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeTrusted, decodeUntrusted, encode, encodeCanonical, encodeJson, utf8, whyNotSerializable } from "./codec.ts";
import { ValueRun } from "./value-run.ts";

describe("canonical bytes", () => {
  test("the order of keys does not show", () => {
    expect(encodeCanonical({ b: 1, a: { d: 2, c: 3 } })).toEqual(encodeCanonical({ a: { c: 3, d: 2 }, b: 1 }));
  });

  test("a property that is undefined is a property that is absent", () => {
    expect(encodeCanonical({ a: 1, b: undefined })).toEqual(encodeCanonical({ a: 1 }));
  });

  test("what was decoded encodes to the same bytes", () => {
    const value = { n: [1, -1, 0.5, 2 ** 40], t: "é", b: new Uint8Array([1]), d: new Date(5), x: null };
    expect(encodeCanonical(decodeTrusted(encodeCanonical(value)))).toEqual(encodeCanonical(value));
  });
});

describe("a run of values", () => {
  const element = fc.letrec((tie) => ({
    value: fc.oneof({ depthSize: "small" }, fc.string({ unit: "grapheme", maxLength: 50 }), fc.integer(), fc.maxSafeInteger(), fc.double({ noNaN: true }), fc.boolean(),
      fc.constant(null), fc.uint8Array({ maxLength: 400 }), fc.array(tie("value"), { maxLength: 20 }), fc.dictionary(fc.string({ maxLength: 3 }).filter((key) => key !== "__proto__"), tie("value"), { maxKeys: 3 })),
  })).value;

  test("is what the library would have written", () => {
    fc.assert(fc.property(fc.array(element, { maxLength: 30 }), (values) => {
      const run = new ValueRun();
      for (const value of values) run.push(value);
      expect(run.count).toBe(values.length);
      const decoded = new Decoder().decode(run.sealBehind(encode(["head", 1]))) as unknown[];
      expect(decoded.slice(0, 2)).toEqual(["head", 1]);
      expect(encodeCanonical(decoded[2])).toEqual(encodeCanonical(values));
    }), { numRuns: 300, seed: 1 });
  });

  test("is empty after it was sealed", () => {
    const run = new ValueRun();
    run.push("x".repeat(10_000));
    run.sealBehind(encode([1]));
    expect([run.count, run.bytes]).toEqual([0, 0]);
    run.push(7);
    expect(new Decoder().decode(run.sealBehind(encode([1])))).toEqual([1, [7]]);
  });
});

describe("why a value cannot travel", () => {
  const circular: Record<string, unknown> = {};
  circular["self"] = { inner: circular };

  test.each<[string, unknown, string]>([
    ["a function", { a: { f: () => 0 } }, "input.a.f is a function"],
    ["a symbol", [Symbol("x")], "input[0] is a symbol"],
    ["a bigint", { n: 1n }, "input.n is a bigint"],
    ["NaN", { a: [0, Number.NaN] }, "input.a[1] is NaN"],
    ["infinity", Infinity, "input is Infinity"],
    ["minus zero", { z: -0 }, "input.z is -0"],
    ["undefined in a list", [undefined], "input[0] is undefined"],
    ["an instance of a class", { m: new Map() }, "input.m is an instance of a class"],
    ["an invalid date", { d: new Date(Number.NaN) }, "input.d is an invalid date"],
    ["half a surrogate pair", ["\ud800x"], "input[0] has half a surrogate pair"],
    ["half a surrogate pair in a key", { "\udc00": 1 }, "input has a key with half a surrogate pair"],
    ["a long key", { ["é".repeat(129)]: 1 }, "input has a key longer than 256 bytes"],
    ["a wide map", Object.fromEntries(Array.from({ length: 1_025 }, (_, i) => [i, 0])), "input has more than 1024 keys"],
    ["a prototype key", JSON.parse('{"a":{"__proto__":1}}'), 'input.a has the key "__proto__"'],
  ])("%s is named with its place", (_name, value, reason) => {
    expect(whyNotSerializable(value, "input")).toBe(reason);
  });

  test("a value that refers to itself is named, not followed for ever", () => {
    expect(whyNotSerializable(circular, "input")).toMatch(/nested deeper than 32 \(or refers to itself\)/);
  });

  test("whatever is said to travel comes back from an untrusted decode", () => {
    fc.assert(fc.property(fc.anything({ withDate: true, withNullPrototype: true, maxDepth: 4, key: fc.string({ unit: "binary" }), values: [fc.string({ unit: "binary" }), fc.integer(), fc.double(), fc.boolean(), fc.constant(null), fc.constant(undefined), fc.bigInt()] }), (value) => {
      if (whyNotSerializable(value, "v") !== undefined) return;
      let bytes: Uint8Array;
      try {
        bytes = encode(value);
      } catch {
        return expect.unreachable("said to travel, and cannot be encoded");
      }
      // Keys and integers that msgpack could carry but a receiver refuses are the sender's to know beforehand.
      expect(() => decodeUntrusted(bytes), JSON.stringify([...bytes])).not.toThrow();
    }), { numRuns: 2_000, seed: 2 });
  });
});

describe("JSON", () => {
  test("is read with the same care", () => {
    expect(decodeUntrusted(encodeJson({ a: [1] }), true)).toEqual({ a: [1] });
    expect(() => decodeUntrusted(utf8('{"a":1,"a":2}'), true)).toThrow(/key twice/);
  });
});
