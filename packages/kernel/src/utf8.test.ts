import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isUtf8, isWellFormed } from "./utf8.ts";

const strict = new TextDecoder("utf-8", { fatal: true });

function decodes(bytes: Uint8Array): boolean {
  try {
    strict.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

describe("UTF-8", () => {
  it("is judged as the platform's strict decoder judges it, wherever it lies in a message", () => {
    const mostlyAscii = fc.oneof({ weight: 20, arbitrary: fc.integer({ min: 0, max: 0x7f }) }, { weight: 1, arbitrary: fc.integer({ min: 0x80, max: 0xff }) });
    const bytes = fc.oneof(fc.string({ unit: "binary", maxLength: 80 }).map((text) => new TextEncoder().encode(text)), fc.array(mostlyAscii, { maxLength: 90 }).map((list) => Uint8Array.from(list)));
    fc.assert(fc.property(bytes, fc.integer({ min: 0, max: 9 }), (text, offset) => {
      const message = new Uint8Array(offset + text.length + 3).fill(0xff);
      message.set(text, offset);
      expect(isUtf8(message, offset, offset + text.length)).toBe(decodes(text));
    }), { numRuns: 2_000 });
  });

  it.each(["a".repeat(40), "\ud83d\ude00".repeat(20), "", "é"])("%s has whole pairs", (text) => {
    expect(isWellFormed(text)).toBe(true);
  });

  it.each(["\ud83d", "\ude00\ud83d", `${"a".repeat(50)}\ud83d`, `\ude00${"a".repeat(50)}`])("half a pair is found in a text of any length (%#)", (text) => {
    expect(isWellFormed(text)).toBe(false);
  });
});
