import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JobQueueEvent } from "@longshore/job-queue";
import { describe, expect, test } from "vitest";
import { COMMANDS } from "../commands.ts";
import { fakeIo } from "../fake-io.ts";
import { runProgram } from "../program.ts";
import { historyAddress, isHistoryFile, JUDGED, showAddress } from "./address.ts";
import { difference } from "./describe.ts";
import { exportTo } from "./export-file.ts";
import { accepted, commitsOf, ended, SECOND_MS, sourceOf } from "./fake-source.ts";
import { fileSource } from "./file-source.ts";
import { fold } from "./fold.ts";

const COMMITS = commitsOf([accepted(1), accepted(2)], [ended(1)], [accepted(3)]);
const at = (number: number) => ({ kind: "commit", number }) as const;

async function exported(isBinary: boolean, commits = COMMITS): Promise<string> {
  const file = join(await mkdtemp(join(tmpdir(), "longshore-export-")), isBinary ? "h.lsh" : "h.ndjson");
  const written: Uint8Array[] = [];
  await exportTo(sourceOf(commits), { isBinary, nowMs: 0, put: (data) => written.push(data) });
  await writeFile(file, Buffer.concat(written));
  return file;
}

describe("a fold", () => {
  test("reaches the same state from the same commits, wherever they come from", async () => {
    const hash = (await fold(sourceOf(COMMITS))).history.stateHash();
    for (const isBinary of [true, false]) expect((await fold(await fileSource(await exported(isBinary)))).history.stateHash()).toEqual(hash);
  });

  test("stops behind a commit or an instant", async () => {
    expect((await fold(sourceOf(COMMITS), { to: at(2) })).history.kernel.number).toBe(2);
    expect((await fold(sourceOf(COMMITS), { to: { kind: "time", atMs: 3.5 * SECOND_MS } })).history.kernel.number).toBe(3);
    await expect(fold(sourceOf(COMMITS), { to: at(9) })).rejects.toMatchObject({ exitCode: 3, message: expect.stringContaining("ends at commit 4") });
  });

  test("does not go on over a gap", async () => {
    const [first, , third] = COMMITS;
    await expect(fold(sourceOf([first!, third!]))).rejects.toMatchObject({ code: "history/chain-broken" });
  });
});

test("a difference names the jobs that changed, and what they were", async () => {
  const { from, to, jobs, events } = await difference(sourceOf(COMMITS), at(2), at(4));
  expect([from.queued, to.queued]).toEqual([2, 2]);
  expect(events).toEqual({ JobEnded: 1, JobAccepted: 1 });
  expect(jobs.map(({ id, before, after }) => [id, before, after])).toEqual([["main.j1", "queued", "stopped"], ["main.j3", "absent", "queued"]]);
});

describe("an exported history", () => {
  test("shows its events to people, and carries the exact bytes", async () => {
    const lines = (await readFile(await exported(false), "utf8")).trim().split("\n").map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines[0]).toMatchObject({ longshore: "history", kind: "job-queue", actor: "main" });
    expect(lines[2]).toMatchObject({ number: 2, at: 2 * SECOND_MS, events: [{ type: "JobAccepted", id: "j1", input: { n: 1 } }, { type: "JobAccepted", id: "j2" }] });
    expect(lines.at(-1)).toMatchObject({ end: { commits: 4 } });
  });

  test.each([true, false])("that was cut off is not taken for a whole one (binary %s)", async (isBinary) => {
    const file = await exported(isBinary);
    const whole = await readFile(file);
    await writeFile(file, whole.subarray(0, whole.length - (isBinary ? 60 : 110)));
    await expect(fold(await fileSource(file))).rejects.toMatchObject({ code: "history/damaged" });
  });

  test("in which one bit was flipped is never folded to its end, wherever the bit is", async () => {
    const file = await exported(true);
    const whole = await readFile(file);
    const start = whole.indexOf("host");
    for (let at = start; at < whole.length; at += 7) {
      await writeFile(file, whole.map((byte, i) => (i === at ? byte ^ 4 : byte)));
      await expect(fold(await fileSource(file)), `bit at ${at} of ${whole.length}`).rejects.toMatchObject({ code: expect.stringMatching(/^history\//) });
    }
  });

  test("that is not there is not found, and another file is no export", async () => {
    await expect(fileSource("/nowhere/x.lsh")).rejects.toMatchObject({ exitCode: 3 });
    await expect(fileSource(new URL("history.test.ts", import.meta.url).pathname)).rejects.toMatchObject({ code: "history/damaged" });
  });
});

describe("an audit of a file", () => {
  const audited = async (...groups: readonly (readonly JobQueueEvent[])[]) => {
    const io = fakeIo();
    const exitCode = await runProgram(["audit", await exported(true, commitsOf(...groups)), "--json"], COMMANDS, io);
    return { exitCode, report: JSON.parse(io.written.out) as { readonly violations: readonly { readonly promise: string; readonly position: unknown }[] } };
  };

  test("ends with 0 when every promise holds", async () => {
    expect(await audited([accepted(1)], [ended(1)])).toMatchObject({ exitCode: 0, report: { violations: [] } });
  });

  test("ends with 1 and names the place where a job ends twice", async () => {
    const { exitCode, report } = await audited([accepted(1)], [ended(1)], [ended(1)]);
    expect(exitCode).toBe(1);
    expect(report.violations).toContainEqual(expect.objectContaining({ promise: "P2", position: { commit: 4, version: 4, event: 0 } }));
  });
});

test("a history is named by kind and shard, a file by its path", () => {
  const names = [undefined, "main", "job-queue", "job-queue.eu", "eu"].map((name) => historyAddress("c", name));
  expect(names.map(({ kind, actor }) => `${kind}.${actor}`)).toEqual(["job-queue.main", "job-queue.main", "job-queue.main", "job-queue.eu", "job-queue.eu"]);
  expect(() => historyAddress("c", "discovery.x")).toThrow("there is no history");
  expect(["discovery-agent", "discovery-agent.main", "main"].map((name) => showAddress(historyAddress("c", name, JUDGED)))).toEqual(["discovery-agent.main", "discovery-agent.main", "job-queue.main"]);
  expect(() => historyAddress("c", "discovery-agent")).not.toThrow();
  expect(() => historyAddress("c", "discovery-agent.main")).toThrow("there is no history");
  expect(["./x", "a.lsh", "b.ndjson", "main", "job-queue.main"].map(isHistoryFile)).toEqual([true, true, true, false, false]);
});
