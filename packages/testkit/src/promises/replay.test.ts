/** P8: snapshots and tails meet, and a checker that sees two states says so. */
import { jobQueue } from "@longshore/job-queue";
import type { Snapshot } from "@longshore/kernel";
import { History } from "@longshore/kernel";
import { describe, expect, test } from "vitest";
import { sha256 } from "../memory/hash.ts";
import { accepted, ended, failed, HistoryBuilder, started } from "./history-builder.ts";
import { checkReplay } from "./replay.ts";
import { Findings } from "./report.ts";

const actor = jobQueue({ cluster: "t", shard: "main" });

function setup(): { history: HistoryBuilder; snapshots: Snapshot[]; hash: Uint8Array } {
  const history = HistoryBuilder.begun();
  for (let job = 1; job <= 5; job++) history.commit(accepted(job), started(job)).commit(failed(job, 1, history.at + 10)).wait(20).commit({ type: "JobsDue", count: 1 }, started(job, 2)).commit(ended(job, 2));
  const snapshots: Snapshot[] = [];
  const folded = new History(actor, sha256);
  for (const commit of history.commits) {
    folded.fold(commit);
    snapshots.push(folded.snapshot());
  }
  return { history, snapshots, hash: folded.stateHash() };
}

describe("replay", () => {
  test("from the start and from every snapshot gives one hash, and the host's", () => {
    const { history, snapshots, hash } = setup();
    const findings = new Findings();
    expect(Buffer.from(checkReplay(actor, sha256, history.commits, snapshots, findings, hash)!).equals(hash)).toBe(true);
    expect(findings.violations).toEqual([]);
  });

  test("of a purged history goes on from its snapshots", () => {
    const { history, snapshots, hash } = setup();
    const findings = new Findings();
    checkReplay(actor, sha256, history.commits.slice(8), snapshots.slice(7), findings, hash);
    expect(findings.violations).toEqual([]);
  });

  test.each<[string, (snapshot: Snapshot) => Snapshot]>([
    ["taken one commit too early", (snapshot) => ({ ...snapshot, version: snapshot.version + 2 })],
    ["damaged", (snapshot) => ({ ...snapshot, chunks: snapshot.chunks.map((chunk) => chunk.map((byte, i) => (i === 9 ? byte ^ 1 : byte))) })],
  ])("from a snapshot %s is found", (_name, change) => {
    const { history, snapshots } = setup();
    const findings = new Findings();
    checkReplay(actor, sha256, history.commits, [change(snapshots[6]!)], findings);
    expect(findings.violations.map(({ promise }) => promise)).toContain("P8");
  });

  test("a host with another state than its journal gives is found", () => {
    const { history } = setup();
    const findings = new Findings();
    checkReplay(actor, sha256, history.commits, [], findings, new Uint8Array(32));
    expect(findings.violations).toMatchObject([{ promise: "P8" }]);
  });
});
