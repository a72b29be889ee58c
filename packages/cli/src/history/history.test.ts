import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { JobQueueEvent } from "@longshore/job-queue";
import { encode, History } from "@longshore/kernel";
import { type OffloadEvent, offloadRouter } from "@longshore/offload-router";
import { describe, expect, onTestFinished, test } from "vitest";
import { COMMANDS } from "../commands.ts";
import { fakeIo } from "../fake-io.ts";
import { runProgram } from "../program.ts";
import { tempFolder } from "../testing/temp-folder.ts";
import { historyAddress, isHistoryFile, JUDGED, showAddress } from "./address.ts";
import { difference } from "./describe.ts";
import { exportTo } from "./export-file.ts";
import { accepted, commitsOf, commitsWith, ended, SECOND_MS, sourceOf } from "./fake-source.ts";
import { fileSource } from "./file-source.ts";
import { actorOf, foldAny } from "./fold.ts";
import { sha256 } from "./hash.ts";

const COMMITS = commitsOf([accepted(1), accepted(2)], [ended(1)], [accepted(3)]);
const at = (number: number) => ({ kind: "commit", number }) as const;

async function exported(isBinary: boolean, commits = COMMITS): Promise<string> {
  const file = join(await tempFolder(onTestFinished), isBinary ? "h.lsh" : "h.ndjson");
  const written: Uint8Array[] = [];
  await exportTo(sourceOf(commits), { isBinary, nowMs: 0, put: (data) => written.push(data) });
  await writeFile(file, Buffer.concat(written));
  return file;
}

describe("a fold", () => {
  test("reaches the same state from the same commits, wherever they come from", async () => {
    const hash = (await foldAny(sourceOf(COMMITS))).history.stateHash();
    for (const isBinary of [true, false]) expect((await foldAny(await fileSource(await exported(isBinary)))).history.stateHash()).toEqual(hash);
  });

  test("stops behind a commit or an instant", async () => {
    expect((await foldAny(sourceOf(COMMITS), { to: at(2) })).history.kernel.number).toBe(2);
    expect((await foldAny(sourceOf(COMMITS), { to: { kind: "time", atMs: 3.5 * SECOND_MS } })).history.kernel.number).toBe(3);
    await expect(foldAny(sourceOf(COMMITS), { to: at(9) })).rejects.toMatchObject({ exitCode: 3, message: expect.stringContaining("ends at commit 4") });
  });

  test("does not go on over a gap", async () => {
    const [first, , third] = COMMITS;
    await expect(foldAny(sourceOf([first!, third!]))).rejects.toMatchObject({ code: "history/chain-broken" });
  });
});

test("a difference names the jobs that changed, and what they were", async () => {
  const { from, to, jobs, events } = await difference(sourceOf(COMMITS), new History(actorOf(sourceOf(COMMITS).address), sha256), at(2), at(4));
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
    await expect(foldAny(await fileSource(file))).rejects.toMatchObject({ code: "history/damaged" });
  });

  test("in which one bit was flipped is never folded to its end, wherever the bit is", async () => {
    const file = await exported(true);
    const whole = await readFile(file);
    const start = whole.indexOf("host");
    for (let at = start; at < whole.length; at += 7) {
      await writeFile(file, whole.map((byte, i) => (i === at ? byte ^ 4 : byte)));
      await expect(foldAny(await fileSource(file)), `bit at ${at} of ${whole.length}`).rejects.toMatchObject({ code: expect.stringMatching(/^history\//) });
    }
  });

  test("that is not there is not found, and another file is no export", async () => {
    await expect(fileSource("/nowhere/x.lsh")).rejects.toMatchObject({ exitCode: 3 });
    await expect(fileSource(new URL("history.test.ts", import.meta.url).pathname)).rejects.toMatchObject({ code: "history/damaged" });
  });
});

describe("the history of an offload router", () => {
  const ROUTER: readonly (readonly OffloadEvent[])[] = [
    [{ type: "RouteChanged", cluster: "far", pools: [{ topics: ["t"], slots: 4, labels: {} }] }],
    [{ type: "TripStarted", trip: 1, cluster: "far", shard: "main", job: 1, attempt: 1, id: "main.j1", topic: "t", input: encode({ n: 1 }), blobs: [], options: {} }, { type: "TripDispatched", trip: 1 }],
    [{ type: "TripEnded", trip: 1, how: "reclaimed", reason: "enough" }],
  ];
  const source = sourceOf(commitsWith(offloadRouter({ cluster: "main" }).events, ...ROUTER), { cluster: "main", kind: "offload-router", actor: "main" });
  const run = async (...words: readonly string[]) => {
    const folder = await tempFolder(onTestFinished);
    const written: Uint8Array[] = [];
    await exportTo(source, { isBinary: true, nowMs: 0, put: (data) => written.push(data) });
    await writeFile(join(folder, "r.lsh"), Buffer.concat(written));
    const io = fakeIo();
    expect(await runProgram(["replay", join(folder, "r.lsh"), ...words], COMMANDS, io)).toBe(0);
    return io.written.out;
  };

  test("is replayed from an export like a job queue's: its state, its hash, what changed between two commits", async () => {
    const hash = Buffer.from((await foldAny(source)).history.stateHash()).toString("hex");
    expect(await run("--hash")).toBe(`${hash}\n`);
    expect(await run("--to", "3")).toMatch(/trips +1 on their way, 0 ended[\s\S]*far +1 +4 +0 +1\n/);
    expect(JSON.parse(await run("--json"))).toMatchObject({ hash, state: { trips: 0, ended: 1, routes: [{ cluster: "far", away: 0 }] } });
    const { events, trips, from, to } = JSON.parse(await run("--diff", "3", "4", "--json")) as Record<string, unknown>;
    expect({ events, trips }).toEqual({ events: { TripEnded: 1 }, trips: [{ trip: 1, id: "main.j1", cluster: "far", before: "offered", after: "ended", how: "reclaimed" }] });
    expect([from, to]).toMatchObject([{ trips: 1 }, { trips: 0 }]);
    expect(await run("--diff", "1", "4")).toMatch(/1 +main\.j1 +far +absent +reclaimed/);
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
