import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Received } from "./received.ts";

describe("what has arrived", () => {
  it("is whole when every number below has arrived, in whatever order and however often", () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 60 }), fc.nat(5)), { maxLength: 60 }), (runs) => {
      const received = new Received();
      const seen = new Set<number>();
      for (const [from, more] of runs) {
        received.add(from, from + more);
        for (let number = from; number <= from + more; number++) seen.add(number);
        let whole = 0;
        while (seen.has(whole + 1)) whole++;
        expect(received.upTo).toBe(whole);
        expect(received.hasGap).toBe([...seen].some((number) => number > whole));
      }
    }));
  });

  it("does not wait for what it was told to skip", () => {
    const received = new Received();
    received.add(1, 2);
    received.add(5, 6);
    received.skipTo(4);
    expect([received.upTo, received.hasGap]).toEqual([6, false]);
    received.skipTo(3);
    expect(received.upTo).toBe(6);
    received.reset();
    expect(received.upTo).toBe(0);
  });
});
