import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { HighWater, Snapshot } from "@longshore/kernel";
import { blobsOf, marksOf, snapshotsOf } from "@longshore/nats";
import { describe, expect, it } from "vitest";
import { answerOf, bare, bytes, CLUSTER, connected, provisioned, server, tempDir, until, utf8 } from "./world.ts";

const ACTOR = { cluster: CLUSTER, kind: "job-queue", actor: "main" } as const;

describe("high-water marks", () => {
  const mark = (number: number): HighWater => ({ number, hash: bytes(32, number) });

  it("are kept in the stream and in a file, the newest of each", async () => {
    const { nats, connection } = await provisioned();
    const file = join(await tempDir(), "marks", "main");
    const marks = marksOf(connection, { ...ACTOR, file });
    expect(await answerOf(marks.read)).toEqual({ kind: "mark", mark: undefined });
    for (let i = 1; i <= 50; i++) marks.write(mark(i));
    const elsewhere = marksOf(await connected(nats), ACTOR);
    await until(async () => {
      const there = await answerOf(elsewhere.read);
      return there.kind === "mark" && there.mark?.number === 50;
    }, "in the stream");
    await until(async () => (await readFile(file, "utf8").catch(() => "")).includes('"number":50'), "in the file");
    expect(await answerOf(marks.read)).toEqual({ kind: "mark", mark: mark(50) });
    await until(async () => (await readdir(join(file, ".."))).length === 1, "nothing is left beside the file");
    const nc = await bare(nats);
    const info = (await nc.request("$JS.API.STREAM.INFO.LS_t_MARKS")).json<{ state: { messages: number } }>();
    expect(info.state.messages).toBe(1);
  });

  it("answer with the highest of the places that can be read", async () => {
    const { nats, connection } = await provisioned();
    const file = join(await tempDir(), "main");
    const marks = marksOf(connection, { ...ACTOR, file });
    await writeFile(file, JSON.stringify({ number: 9, hash: "AAAA" }));
    expect(await answerOf(marks.read)).toMatchObject({ mark: { number: 9 } });
    marksOf(connection, ACTOR).write(mark(12));
    await until(async () => (await answerOf(marks.read)).kind === "mark", "readable");
    expect(await answerOf(marks.read)).toMatchObject({ mark: { number: 12 } });
    await nats.stop();
    await until(() => !connection.isUp, "disconnected");
    expect(await answerOf(marks.read)).toMatchObject({ mark: { number: 9 } });
  });

  it("are unavailable when only a file that is not there could be asked, or a damaged one", async () => {
    const connection = await connected(await server());
    const file = join(await tempDir(), "main");
    expect(await answerOf(marksOf(connection, { ...ACTOR, file }).read)).toEqual({ kind: "unavailable" });
    await writeFile(file, '{"number":');
    expect(await answerOf(marksOf(connection, { ...ACTOR, file }).read)).toEqual({ kind: "unavailable" });
  });
});

describe("snapshots", () => {
  const snapshot = (number: number, chunks: readonly Uint8Array[]): Snapshot => ({
    schema: 3,
    epoch: 7,
    number,
    version: number * 10,
    commitHash: bytes(32, 1),
    stateHash: bytes(32, 2),
    chunks,
  });

  it("come back as they were saved, whatever the size of their chunks", async () => {
    const { connection } = await provisioned();
    const snapshots = snapshotsOf(connection, ACTOR);
    expect(await answerOf(snapshots.latest)).toBeUndefined();
    const one = snapshot(1, [bytes(3, 1), bytes(0), bytes(3_000_000, 2), bytes(1, 3)]);
    expect(await answerOf(snapshots.save.bind(null, one))).toBe(true);
    const latest = await answerOf(snapshots.latest);
    expect({ ...latest, chunks: [] }).toEqual({ ...one, chunks: [] });
    // Comparing megabytes value by value would take the test runner longer than the server waits for a ping.
    expect(latest?.chunks.map((chunk, i) => Buffer.compare(chunk, one.chunks[i] ?? bytes(1)))).toEqual([0, 0, 0, 0]);
    const empty = snapshot(2, []);
    expect(await answerOf(snapshots.save.bind(null, empty))).toBe(true);
    expect(await answerOf(snapshots.latest)).toEqual(empty);
  });

  it("are kept apart by actor", async () => {
    const { connection } = await provisioned();
    await answerOf(snapshotsOf(connection, ACTOR).save.bind(null, snapshot(1, [bytes(3)])));
    expect(await answerOf(snapshotsOf(connection, { ...ACTOR, actor: "other" }).latest)).toBeUndefined();
  });

  it("keep two, so that a damaged one is not the end", async () => {
    const { nats, connection } = await provisioned();
    const snapshots = snapshotsOf(connection, ACTOR);
    for (let i = 1; i <= 5; i++) expect(await answerOf(snapshots.save.bind(null, snapshot(i, [bytes(600_000, i)])))).toBe(true);
    const nc = await bare(nats);
    const info = (await nc.request("$JS.API.STREAM.INFO.LS_t_SNAPSHOTS")).json<{ state: { messages: number; last_seq: number } }>();
    expect(info.state.messages).toBe(2 * (3 + 1));
    await nc.request("$JS.API.STREAM.MSG.DELETE.LS_t_SNAPSHOTS", JSON.stringify({ seq: info.state.last_seq - 2 }));
    expect(await answerOf(snapshots.latest)).toMatchObject({ number: 4 });
    expect(await answerOf(snapshots.save.bind(null, snapshot(6, [bytes(1)])))).toBe(true);
    expect(await answerOf(snapshots.latest)).toMatchObject({ number: 6 });
  });

  it("are not seen before they are whole, and leave nothing behind when they fail", async () => {
    const { nats, connection } = await provisioned();
    const snapshots = snapshotsOf(connection, ACTOR);
    await answerOf(snapshots.save.bind(null, snapshot(1, [bytes(1)])));
    const nc = await bare(nats);
    const info = (await nc.request("$JS.API.STREAM.INFO.LS_t_SNAPSHOTS")).json<{ config: object }>();
    await nc.request("$JS.API.STREAM.UPDATE.LS_t_SNAPSHOTS", JSON.stringify({ ...info.config, max_bytes: 1_000_000 }));
    expect(await answerOf(snapshots.save.bind(null, snapshot(2, [bytes(3_000_000)])))).toBe(false);
    expect(await answerOf(snapshots.latest)).toMatchObject({ number: 1 });
    const after = (await nc.request("$JS.API.STREAM.INFO.LS_t_SNAPSHOTS")).json<{ state: { messages: number } }>();
    expect(after.state.messages).toBe(2);
  });

  it("let one of two writers at once fail", async () => {
    const { nats, connection } = await provisioned();
    const two = [snapshotsOf(connection, ACTOR), snapshotsOf(await connected(nats), ACTOR)];
    const saved = await Promise.all(two.map((each, i) => answerOf(each.save.bind(null, snapshot(i + 1, [bytes(2_000_000, i)])))));
    expect(saved.filter((ok) => ok).length).toBeGreaterThanOrEqual(1);
    const latest = await answerOf(snapshotsOf(connection, ACTOR).latest);
    expect(latest?.chunks[0]?.length).toBe(2_000_000);
  });

  it("are absent, not wrong, without a server", async () => {
    const { nats, connection } = await provisioned();
    await nats.stop();
    await until(() => !connection.isUp, "disconnected");
    expect(await answerOf(snapshotsOf(connection, ACTOR).latest)).toBeUndefined();
    expect(await answerOf(snapshotsOf(connection, ACTOR).save.bind(null, snapshot(1, [])))).toBe(false);
  });
});

describe("payloads", () => {
  it("come back by their digest, whatever their size", async () => {
    const { connection } = await provisioned();
    const blobs = blobsOf(connection, CLUSTER);
    for (const size of [0, 1, 262_144, 262_145, 5_000_000]) {
      const payload = bytes(size, 9);
      const put = await answerOf(blobs.put.bind(null, "host", payload));
      if (put.kind !== "stored") throw new Error(put.message);
      expect(put.digest).toMatch(/^[0-9a-f]{64}$/);
      const got = await answerOf(blobs.get.bind(null, "host", put.digest));
      expect(got.kind).toBe("found");
      if (got.kind === "found") expect(Buffer.compare(got.bytes, payload)).toBe(0);
    }
  });

  it("may be put twice", async () => {
    const { nats, connection } = await provisioned();
    const blobs = blobsOf(connection, CLUSTER);
    const twice = [await answerOf(blobs.put.bind(null, "host", bytes(600_000))), await answerOf(blobs.put.bind(null, "host", bytes(600_000)))];
    expect(twice[0]).toEqual(twice[1]);
    const nc = await bare(nats);
    const info = (await nc.request("$JS.API.STREAM.INFO.LS_t_BLOBS")).json<{ state: { messages: number } }>();
    expect(info.state.messages).toBe(3);
  });

  it("are missing when they were removed, were never there, or are not what their digest says", async () => {
    const { nats, connection } = await provisioned();
    const blobs = blobsOf(connection, CLUSTER);
    const put = await answerOf(blobs.put.bind(null, "host", utf8("payload")));
    if (put.kind !== "stored") throw new Error(put.message);
    expect(await answerOf(blobs.get.bind(null, "other", put.digest))).toEqual({ kind: "missing" });
    const nc = await bare(nats);
    await nc.request(`ls.t.bl.host.${put.digest}.0`, "another payload");
    expect(await answerOf(blobs.get.bind(null, "host", put.digest))).toEqual({ kind: "missing" });
    await answerOf(blobs.put.bind(null, "host", utf8("payload")));
    expect(await answerOf(blobs.get.bind(null, "host", put.digest))).toMatchObject({ kind: "found" });
    expect(await answerOf(blobs.removeOlder.bind(null, { principal: "host", digest: put.digest }, Number.MAX_SAFE_INTEGER))).toEqual({ kind: "removed" });
    expect(await answerOf(blobs.get.bind(null, "host", put.digest))).toEqual({ kind: "missing" });
  });

  it("are refused when there is no room, and say so", async () => {
    const { nats, connection } = await provisioned();
    const nc = await bare(nats);
    const info = (await nc.request("$JS.API.STREAM.INFO.LS_t_BLOBS")).json<{ config: object }>();
    await nc.request("$JS.API.STREAM.UPDATE.LS_t_BLOBS", JSON.stringify({ ...info.config, max_bytes: 1_000_000 }));
    const blobs = blobsOf(connection, CLUSTER);
    expect(await answerOf(blobs.put.bind(null, "host", bytes(3_000_000)))).toMatchObject({ kind: "refused", message: expect.stringContaining("full") });
  });

  it("are unavailable without a server", async () => {
    const { nats, connection } = await provisioned();
    await nats.stop();
    await until(() => !connection.isUp, "disconnected");
    const blobs = blobsOf(connection, CLUSTER);
    expect(await answerOf(blobs.get.bind(null, "host", "00"))).toEqual({ kind: "unavailable" });
    expect(await answerOf(blobs.put.bind(null, "host", bytes(1)))).toMatchObject({ kind: "unknown" });
  });
});
