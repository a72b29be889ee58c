import { expect, it } from "vitest";
import { canOpenStore, compareVersions } from "./version.ts";

it.each([
  ["2.10.0", "2.9.10", 1],
  ["2.9.10", "2.10.0", -1],
  ["2.15.1", "2.15.1", 0],
  ["v2.15.1", "2.15.0", 1],
  ["nonsense", "0.0.1", -1],
])("%s against %s", (left, right, sign) => {
  expect(Math.sign(compareVersions(left, right))).toBe(sign);
});

it.each([
  ["2.15.1", "2.15.9", true],
  ["2.15.1", "2.10.27", true],
  ["2.10.27", "2.15.1", false],
  ["3.0.0", "2.15.1", true],
])("a server %s opens a store of %s: %s", (version, stamp, can) => {
  expect(canOpenStore(version, stamp)).toBe(can);
});
