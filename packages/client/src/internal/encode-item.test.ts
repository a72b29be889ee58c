import { decodeTrusted, encode } from "@longshore/kernel";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeItem } from "./encode-item.ts";

const value = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 80 }), fc.string({ maxLength: 40 }), fc.nat(), fc.nat(300), fc.nat(70_000), fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }), fc.maxSafeInteger(), fc.boolean(), fc.constant(null), fc.uint8Array({ maxLength: 400 }), fc.dictionary(fc.string().filter((key) => key !== "__proto__"), fc.nat()),
  fc.array(fc.nat()),
);

describe("an item", () => {
  it("is encoded as the library would", () => {
    fc.assert(fc.property(fc.array(value, { maxLength: 20 }), (values) => {
      expect(decodeTrusted(encodeItem(values).slice())).toEqual(decodeTrusted(encode(values)));
    }));
  });

  it("takes as few bytes as the library does, whatever the width of a number or of bytes", () => {
    for (const number of [0, 127, 128, 255, 256, 65_535, 65_536, 4_294_967_295, 4_294_967_296, -1, 0.5]) {
      expect(encodeItem([number]).slice()).toEqual(encode([number]));
    }
    for (const length of [0, 1, 255, 256, 65_535, 65_536]) expect(encodeItem([new Uint8Array(length)]).slice()).toEqual(encode([new Uint8Array(length)]));
  });
});
