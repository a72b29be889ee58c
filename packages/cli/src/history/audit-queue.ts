/** The audit of a job queue's history. */
import { decodeCommit, type StoredCommit } from "@longshore/kernel";
import { Audit, type AuditReport } from "@longshore/testkit/promises";
import { actorOf, readably } from "./fold.ts";
import { sha256 } from "./hash.ts";
import type { HistorySource } from "./source.ts";
import { TwoWays } from "./two-ways.ts";

export async function auditQueue(source: HistorySource, progress: (commits: number) => void): Promise<AuditReport> {
  const first = await source.first();
  const snapshot = await source.snapshot();
  const isWhole = first === undefined || numberOf(first) === 1;
  const start = { shard: source.address.actor, hash: sha256 };
  const pass = new Audit(isWhole || snapshot === undefined ? start : { ...start, horizon: snapshot });
  const replayed = new TwoWays(actorOf(source.address), isWhole ? snapshot : undefined);
  await readBoth(source, pass, replayed, progress);
  return replayed.judge(pass.finish());
}

interface Taking {
  add(stored: StoredCommit): void;
}

/** Every commit goes to both. */
export async function readBoth(source: HistorySource, pass: Taking, replayed: Taking, progress: (commits: number) => void): Promise<void> {
  let commits = 0;
  await source.read((stored) => {
    readably(source.name, commits, () => {
      pass.add(stored);
      replayed.add(stored);
    });
    progress(++commits);
  });
}

export const numberOf = (stored: StoredCommit): number => decodeCommit(stored.bytes).number;
