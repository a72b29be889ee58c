import { describe, expect, test } from "vitest";
import { parseConditions, parseDuration, parseInstant, parsePoint, parseScalar } from "./values.ts";

const NOW = Date.parse("2026-05-01T12:00:00Z");

describe("a duration", () => {
  test.each([["250ms", 250], ["10s", 10_000], ["1h30m", 5_400_000], ["1.5s", 1_500], ["2d", 172_800_000], ["0", 0]])("%s is %i ms", (text, ms) => expect(parseDuration("--d", text)).toBe(ms));
  test.each(["10", "", "s", "1x", "-1s", "1s2"])("%j is refused", (text) => expect(() => parseDuration("--d", text)).toThrow("is not a duration"));
});

describe("an instant", () => {
  test.each([
    ["2026-05-01T15:30Z", Date.parse("2026-05-01T15:30:00Z")],
    ["2026-05-01T15:30", Date.parse("2026-05-01T15:30")],
    ["2026-05-01 15:30:10.250+02:00", Date.parse("2026-05-01T13:30:10.250Z")],
    ["2026-05-01", new Date(2026, 4, 1).getTime()],
    ["now", NOW],
    ["+10m", NOW + 600_000],
    ["-1h", NOW - 3_600_000],
    ["17:30", new Date(NOW).setHours(17, 30, 0, 0)],
  ])("%s", (text, ms) => expect(parseInstant("--at", text, NOW)).toBe(ms));
  test.each(["tomorrow", "2026-13-45", "1", "12"])("%j is refused", (text) => expect(() => parseInstant("--at", text, NOW)).toThrow("is not an instant"));
});

test("a point is a commit's number, or else an instant", () => {
  expect(parsePoint("--to", "120", NOW)).toEqual({ kind: "commit", number: 120 });
  expect(parsePoint("--to", "-1h", NOW)).toEqual({ kind: "time", atMs: NOW - 3_600_000 });
});

test("scalars are what JSON would make of them, and text otherwise", () => {
  expect(["1", "-2.5", "true", "null", "abc", '"12"', "1a"].map(parseScalar)).toEqual([1, -2.5, true, null, "abc", "12", "1a"]);
});

test("conditions carry their comparison in the key", () => {
  expect(parseConditions("--where", ["a=1", "b>=2", "c<x"])).toEqual({ a: 1, ">=b": 2, "<c": "x" });
  expect(() => parseConditions("--where", ["a"])).toThrow("is not a condition");
});
