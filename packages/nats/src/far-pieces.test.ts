/** In which order pieces are asked for, seen without a server. */
import { decodeTrusted } from "@longshore/kernel";
import { expect, it } from "vitest";
import type { CallAnswer } from "./calls.ts";
import type { Connection } from "./connect.ts";
import { FarPieces } from "./far-pieces.ts";
import { FAR_PIECES_IN_FLIGHT } from "./limits.ts";

interface Open {
  readonly cluster: string;
  readonly wanted: { readonly digest: string; readonly piece: number };
  readonly done: (answer: CallAnswer) => void;
}

function setup() {
  const open: Open[] = [];
  const request = (subject: string, data: Uint8Array, _options: object, done: (answer: CallAnswer) => void): void =>
    void open.push({ cluster: subject.split(".")[1]!, wanted: decodeTrusted(data) as Open["wanted"], done });
  const far = new FarPieces({ calls: { request }, callsAcross: () => ({ request }) } as unknown as Connection, "own", 1_000);
  const failed: string[] = [];
  const ask = (cluster: string, digest: string, pieces: number): void => {
    for (let piece = 0; piece < pieces; piece++) far.get({ cluster, digest, piece }, (fetched) => void (fetched.kind === "failed" && failed.push(`${cluster} ${digest} ${piece}`)));
  };
  return { open, ask, failed };
}

it("a short payload does not wait for a long one, nor one cluster for another", () => {
  const { open, ask } = setup();
  ask("far", "long", 100);
  ask("far", "short", 1);
  expect(open.map(({ wanted }) => wanted.digest)).toEqual(Array.from({ length: FAR_PIECES_IN_FLIGHT }, () => "long"));
  ask("other", "any", 1);
  expect(open.at(-1)?.cluster).toBe("other");
  for (let i = 0; i < 2; i++) open[i]!.done({ kind: "no-responders" });
  expect(open.slice(-2).map(({ wanted }) => wanted)).toEqual([{ digest: "long", piece: FAR_PIECES_IN_FLIGHT }, { digest: "short", piece: 0 }]);
});

it("every piece is asked for once and answered once, in whatever order", () => {
  const { open, ask, failed } = setup();
  for (const digest of ["a", "b", "c"]) ask("far", digest, 40);
  for (let i = 0; i < 120; i++) open[i]!.done({ kind: "timeout" });
  expect([open.length, failed.length, new Set(failed).size]).toEqual([120, 120, 120]);
});
