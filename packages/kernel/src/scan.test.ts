/** The look at bytes from outside: the bomb corpus is refused quickly, and what passes decodes harmlessly. */
import { Buffer } from "node:buffer";
import { Decoder, decode, Encoder } from "@msgpack/msgpack";
import fc from "fast-check";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { decodeUntrusted, encode, encodeJson, utf8 } from "./codec.ts";
import { Fault } from "./faults.ts";
import { SCAN_LIMITS } from "./limits.ts";
import { scanMsgpack } from "./scan.ts";
import { scanJson } from "./scan-json.ts";

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(" ", ""), "hex"));
const repeat = (part: string, times: number, end = ""): Uint8Array => hex(part.repeat(times) + end);

/** `{ "<key>": 0 … }` with these raw key bytes. */
const mapOf = (...keys: readonly Uint8Array[]): Uint8Array =>
  new Uint8Array([0x80 | keys.length, ...keys.flatMap((key) => [0xd9, key.length, ...key, 0])]);

const duplicates = new Uint8Array(3 + 65_535 * 3);
duplicates.set([0xde, 0xff, 0xff]);
for (let i = 0; i < 65_535; i++) duplicates.set([0xa1, 0x61, 0xc0], 3 + i * 3);

const BOMBS: readonly (readonly [name: string, bytes: Uint8Array])[] = [
  ["an array of 33 million in 5 bytes", hex("dd01ffffff")],
  ["50 nested arrays of 8 million", repeat("dd00800000", 50)],
  ["24,000 nested arrays of 65,535", repeat("dcffff", 24_000)],
  ["20,000 nested arrays of 100,000", repeat("dd000186a0", 20_000)],
  ["a map of 4 billion", hex("dfffffffff")],
  ["a text of 4 billion bytes", hex("dbffffffff")],
  ["100,000 nested arrays of one", repeat("91", 100_000, "c0")],
  ["bytes claiming 4 GiB", hex("c6ffffffff")],
  ["an extension of 255 bytes", hex("c7ff01")],
  ["an extension of 4 GiB", hex("c9ffffffff01")],
  ["a record extension", hex("d47201")],
  ["a map with 65,535 equal keys", duplicates],
  ["nothing", new Uint8Array(0)],
  ["a reserved byte", hex("c1")],
];

const TRICKS: readonly (readonly [name: string, bytes: Uint8Array])[] = [
  ["the key __proto__", mapOf(utf8("__proto__"))],
  ["the key constructor", mapOf(utf8("constructor"))],
  ["the key prototype", mapOf(utf8("prototype"))],
  ["the key prototype with an overlong letter", mapOf(new Uint8Array([...utf8("prototyp"), 0xc1, 0xa5]))],
  ["the key constructor with an overlong letter", mapOf(new Uint8Array([0xe0, 0x81, 0xa3, ...utf8("onstructor")]))],
  ["a key twice", mapOf(utf8("a"), utf8("b"), utf8("a"))],
  ["a key that is a number", hex("810102")],
  ["a key that is an array", hex("819001")],
  ["a key of 257 bytes", new Uint8Array([0x81, 0xda, 1, 1, ...new Uint8Array(257).fill(0x61), 0])],
  ["NaN", hex("cb7ff8000000000000")],
  ["a short NaN", hex("ca7fc00000")],
  ["minus zero", hex("cb8000000000000000")],
  ["an unsigned integer of 2^53", hex("cf0020000000000000")],
  ["a signed integer below -2^53", hex("d3ffd0000000000000")],
  ["a byte behind the end", hex("c0c0")],
  ["broken UTF-8", hex("a2c328")],
  ["half a surrogate in UTF-8", hex("a3eda080")],
  ["a text beyond Unicode", hex("a4f4908080")],
  ["a date beyond all calendars", hex("c70cff000000007fffffffffffffff")],
];

/** The same bytes, and how many of them were looked at, one by one; of a part of them, too. */
function counted(bytes: Uint8Array): { readonly bytes: Uint8Array; readonly reads: () => number } {
  let reads = 0;
  const watch = (real: Uint8Array): Uint8Array => new Proxy(real, {
    get(target, name) {
      if (typeof name === "string" && /^\d+$/.test(name)) {
        reads++;
        return target[Number(name)];
      }
      if (name === "subarray") return (from: number, to: number) => watch(target.subarray(from, to));
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return { bytes: watch(bytes), reads: () => reads };
}

/** Each byte is looked at a few times at most: as itself, as part of a text, of a key, of a key compared. */
const LOOKS_MAX = 4;

describe("msgpack", () => {
  test.each([...BOMBS, ...TRICKS])("%s is refused, by looking a few times at each byte, and without a decoder", (_name, bytes) => {
    const watched = counted(bytes);
    expect(scanMsgpack(watched.bytes)).toEqual(expect.any(String));
    expect(watched.reads()).toBeLessThanOrEqual(LOOKS_MAX * bytes.length);
    const decoding = vi.spyOn(Decoder.prototype, "decode");
    onTestFinished(() => decoding.mockRestore());
    expect(() => decodeUntrusted(bytes)).toThrow(Fault);
    expect(decoding).not.toHaveBeenCalled();
  });

  test.each([
    ["the largest safe integers", [Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER]],
    ["depth up to the limit", nested(SCAN_LIMITS.depthMax)],
    ["a wide map", Object.fromEntries(Array.from({ length: 1_024 }, (_, i) => [`k${i}`, i]))],
    ["text of all planes", { "ключ": "🜂 日本 \u{10ffff}", plain: "x".repeat(70_000) }],
    ["bytes, dates, numbers", [new Uint8Array([1, 2]), new Date(1_700_000_000_123), 0.5, -1, 1e300, null, true]],
  ])("%s passes and comes back as it was", (_name, value) => {
    expect(decodeUntrusted(encode(value))).toEqual(value);
  });

  test.each([
    ["one level deeper than allowed", encode(nested(SCAN_LIMITS.depthMax + 1))],
    ["more elements than allowed", encode(new Array(SCAN_LIMITS.elementsMax + 1).fill(0))],
    ["more bytes than allowed", encode(new Uint8Array(SCAN_LIMITS.bytesMax))],
  ])("%s is refused", (_name, bytes) => {
    expect(() => decodeUntrusted(bytes)).toThrow(Fault);
  });

  test("keys of a map as wide as allowed are not compared each with each, whatever they are", () => {
    const wide = new Encoder().encode(Array.from({ length: 3 }, () =>
      Object.fromEntries(Array.from({ length: 1_024 }, (_, i) => [`${"k".repeat(250)}${String(i).padStart(5, "0")}`, 0]))));
    const watched = counted(wide);
    expect(scanMsgpack(watched.bytes)).toBeUndefined();
    expect(watched.reads()).toBeLessThanOrEqual(LOOKS_MAX * wide.length);
  });

  test("the scan never throws, and what passes decodes to no more values than it has bytes", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      check(bytes);
    }), { numRuns: 3_000, seed: 1 });
  });

  test("a damaged message is refused or still harmless", () => {
    const message = encode({ session: "abc-12345678", first: 7, submit: [[null, "mail/send", new Uint8Array(40), { retries: 3 }], [null, "a/b", new Uint8Array(3), null]] });
    const damage = fc.array(fc.tuple(fc.nat(message.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(fc.property(damage, fc.nat(message.length), (changes, length) => {
      const bytes = message.slice(0, Math.max(1, message.length - (length % 5 === 0 ? length : 0)));
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      check(bytes);
    }), { numRuns: 3_000, seed: 2 });
  });

  test("whatever travels plainly passes", () => {
    const value = fc.letrec((tie) => ({
      value: fc.oneof({ depthSize: "small" }, fc.string({ unit: "grapheme" }), fc.maxSafeInteger(), fc.boolean(), fc.constant(null),
        fc.uint8Array({ maxLength: 20 }), fc.array(tie("value"), { maxLength: 5 }),
        fc.dictionary(fc.string({ maxLength: 20 }).filter((key) => !["__proto__", "constructor", "prototype"].includes(key)), tie("value"), { maxKeys: 5 })),
    })).value;
    fc.assert(fc.property(value, (given) => {
      expect(plain(decodeUntrusted(encode(given)))).toEqual(plain(given));
    }), { numRuns: 500, seed: 3 });
  });
});

describe("JSON", () => {
  test.each([
    ["100,000 opening brackets", "[".repeat(100_000)],
    ["100,000 nested objects", '{"a":'.repeat(100_000)],
    ["a number beyond all bounds", "[1e999]"],
    ["a number beyond all bounds, negative", "-1e999"],
    ["an integer beyond 2^53", '{"a":9007199254740993}'],
    ["minus zero", "[-0]"],
    ["minus zero with digits", "[-0.000]"],
    ["half a surrogate pair", '["\\ud800"]'],
    ["the other half", '["\\udc00x"]'],
    ["half a surrogate pair in a key", '{"\\ud800":1}'],
    ["a key twice", '{"a":1,"b":2,"a":3}'],
    ["a key twice, once escaped", '{"a":1,"\\u0061":2}'],
    ["the key __proto__", '{"__proto__":{"x":1}}'],
    ["the key constructor, escaped", '{"\\u0063onstructor":1}'],
    ["a byte order mark", "\ufeff[]"],
    ["a bracket too few", "[1,2"],
    ["nothing", ""],
    ["two values", "1 2"],
  ])("%s is refused", (_name, text) => {
    expect(() => decodeUntrusted(utf8(text), true)).toThrow(Fault);
  });

  test("a number of a megabyte is refused before it is parsed", () => {
    const parsing = vi.spyOn(JSON, "parse");
    onTestFinished(() => parsing.mockRestore());
    expect(() => decodeUntrusted(utf8("1".repeat(1_000_000)), true)).toThrow(Fault);
    expect(parsing).not.toHaveBeenCalled();
  });

  test("bytes that are not UTF-8 are refused", () => {
    expect(() => decodeUntrusted(new Uint8Array([0x22, 0xff, 0x22]), true)).toThrow(Fault);
  });

  test.each(['{"a":[1,2.5,-3,"x\\"y\\\\",null,true,{"b":{}}],"c":"\\ud83d\\ude00"}', "1e300", '"a\\\\ud800"', "[9007199254740991,-1.5e-7,0]", '{"a":"b:c","d":{"a":1}}'])(
    "%s passes", (text) => {
      expect(decodeUntrusted(utf8(text), true)).toEqual(JSON.parse(text));
    });

  test("the scan never throws, and passes whatever the parser gives back as it was", () => {
    fc.assert(fc.property(fc.string({ maxLength: 60 }), (text) => {
      scanJson(text);
    }), { numRuns: 2_000, seed: 4 });
    fc.assert(fc.property(fc.jsonValue({ depthSize: "small" }), (value) => {
      if (JSON.stringify(value).includes('"__proto__"') || hasOddNumber(value)) return;
      expect(decodeUntrusted(encodeJson(value), true)).toEqual(JSON.parse(JSON.stringify(value)));
    }), { numRuns: 500, seed: 5 });
  });
});

function nested(depth: number): unknown {
  let value: unknown = 0;
  for (let i = 0; i < depth; i++) value = [value];
  return value;
}

function check(bytes: Uint8Array): void {
  if (scanMsgpack(bytes) !== undefined) {
    expect(() => decodeUntrusted(bytes)).toThrow(Fault);
    return;
  }
  // What the scan lets through, the decoder must be able to read: nothing is left to its error handling.
  expect(count(decode(bytes))).toBeLessThanOrEqual(bytes.length);
}

function count(value: unknown): number {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array || value instanceof Date) return 1;
  return Object.values(value).reduce((sum: number, inner) => sum + count(inner), 1);
}

const hasOddNumber = (value: unknown): boolean =>
  Object.is(value, -0) || (Number.isInteger(value) && !Number.isSafeInteger(value))
  || (typeof value === "object" && value !== null && Object.values(value).some(hasOddNumber));

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value, (_key, inner: unknown) =>
  inner instanceof Uint8Array ? [...inner] : inner)) as unknown;
