import { expect, it } from "vitest";
import { type Manifest, manifestIn, manifestText } from "./manifest.ts";

const manifest: Manifest = {
  id: "a",
  schema: 1,
  epoch: 2,
  number: 3,
  version: 4,
  pieces: 5,
  first: 6,
  digest: "d",
  chunkBytes: [0, 7],
  commitHash: new Uint8Array([1, 2]),
  stateHash: new Uint8Array([]),
};

it("a manifest comes back as it was written", () => {
  expect(manifestIn(manifestText(manifest))).toEqual(manifest);
});

it.each(["", "{", "null", "[]", "{}", JSON.stringify({ ...manifest, commitHash: "AA", stateHash: "AA", pieces: -1 }), JSON.stringify({ ...manifest, commitHash: "AA", stateHash: "AA", chunkBytes: ["7"] })])(
  "%s is no manifest",
  (text) => {
    expect(manifestIn(new TextEncoder().encode(text))).toBeUndefined();
  },
);
