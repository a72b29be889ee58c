import { expect, it } from "vitest";
import { wrongWith } from "./check.ts";

const found = (fates: readonly (readonly [id: string, ends: number])[], ids: readonly string[]): readonly string[] =>
  [...wrongWith(fates.map(([id, ends]) => ({ id, ends })), ids)];

it("has nothing to say when every job was accepted once and has ended once", () => {
  expect(found([["a", 1], ["b", 1]], ["a", "b"])).toEqual([]);
});

it("names what was lost, doubled, or not ended", () => {
  expect(found([["a", 1]], ["a", "b"])).toContain("b was never accepted");
  expect(found([["a", 1], ["a", 1]], ["a"])).toContain("a was accepted 2 times");
  expect(found([["a", 2]], ["a"])).toEqual(["a has ended 2 times"]);
  expect(found([["a", 0]], ["a"])).toEqual(["a has ended 0 times"]);
  expect(found([["a", 1], ["x", 1]], ["a"])).toEqual(["1 jobs were added, and the history has 2"]);
});
