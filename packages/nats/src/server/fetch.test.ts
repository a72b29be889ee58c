import { expect, it } from "vitest";
import { mirrorIn } from "./fetch.ts";

it.each([
  ["Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm\n", "http://mirror.example/debian"],
  ["Types: deb\nURIs: http://mirror.example/debian-security\nSuites: x\n\nTypes: deb\nURIs: http://mirror.example/debian/\n", "http://mirror.example/debian"],
  ["# a comment\ndeb http://mirror.example/debian bookworm main\n", "http://mirror.example/debian"],
  ["deb [signed-by=/a arch=amd64] http://mirror.example/debian bookworm main\n", "http://mirror.example/debian"],
  ["deb http://mirror.example/ubuntu jammy main\n", undefined],
  ["#deb http://mirror.example/debian bookworm main\n", undefined],
  ["", undefined],
])("the mirror is read out of %j", (sources, mirror) => {
  expect(mirrorIn(sources)).toBe(mirror);
});
