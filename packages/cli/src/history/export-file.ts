/** Writes a history as an export file. */
import { DISCOVERY_KIND, discoveryAgent } from "@longshore/discovery-agent";
import { decodeCommit } from "@longshore/kernel";
import { OFFLOAD_KIND, offloadRouter } from "@longshore/offload-router";
import { hex } from "../render/quantities.ts";
import { VERSION } from "../version.ts";
import { FILE_FORMAT, type FilePart, frameOf, lineOf, MAGIC } from "./file-format.ts";
import { actorOf } from "./fold.ts";
import { sha256 } from "./hash.ts";
import { readableCommit } from "./readable.ts";
import type { HistorySource } from "./source.ts";

export interface ExportOptions {
  readonly isBinary: boolean;
  readonly nowMs: number;
  readonly put: (data: Uint8Array) => void;
  readonly progress?: (commits: number) => void;
}

/** Returns the number of commits. Where the oldest commits are gone, the latest snapshot stands in front of the rest. */
export async function exportTo(source: HistorySource, { isBinary, nowMs, put, progress }: ExportOptions): Promise<number> {
  const actor = actorWith(source.address);
  const write = (part: FilePart, readable: Readonly<Record<string, unknown>> = {}): void => put(isBinary ? frameOf(part) : Buffer.from(`${lineOf(part, readable)}\n`));
  if (isBinary) put(MAGIC);
  const { cluster, kind, actor: name } = source.address;
  write({ kind: "head", head: { format: FILE_FORMAT, cluster, kind, actor: name, software: `longshore/${VERSION}`, exportedAt: nowMs } });
  const first = await source.first();
  if (first !== undefined && decodeCommit(first.bytes).number > 1) await writeSnapshot(source, write);
  let commits = 0;
  let hash: Uint8Array = new Uint8Array(0);
  await source.read((stored) => {
    hash = sha256(stored.bytes);
    write({ kind: "commit", bytes: stored.bytes }, isBinary ? {} : readableCommit(decodeCommit(stored.bytes), hash, actor));
    commits++;
    progress?.(commits);
  });
  write({ kind: "end", end: { commits, hash: hex(hash) } });
  return commits;
}

function actorWith(address: HistorySource["address"]): Parameters<typeof readableCommit>[2] {
  switch (address.kind) {
    case DISCOVERY_KIND: return discoveryAgent(address);
    case OFFLOAD_KIND: return offloadRouter(address);
    default: return actorOf(address);
  }
}

async function writeSnapshot(source: HistorySource, write: (part: FilePart) => void): Promise<void> {
  const snapshot = await source.snapshot();
  if (snapshot === undefined) return;
  const { chunks, ...head } = snapshot;
  write({ kind: "snapshot", snapshot: { ...head, version: snapshot.number, chunks: chunks.length } });
  for (const chunk of chunks) write({ kind: "chunk", bytes: chunk });
}
