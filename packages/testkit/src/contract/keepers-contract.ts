/** What the small stores must do: marks, snapshots, payloads. Run by the twins and by the NATS adapters. */
import type { BlobName, BlobRemoval, Blobs, HighWater, HighWaterMarks, Snapshot, Snapshots } from "@longshore/kernel";
import { describe, expect, test } from "vitest";
import type { ContractWorld } from "./world.ts";
import { answerTo, bytesOf, noise } from "./world.ts";

export interface MarksFixture extends ContractWorld {
  readonly marks: HighWaterMarks;
  /** The marks as another process sees them. */
  readonly elsewhere: HighWaterMarks;
}

export interface SnapshotsFixture extends ContractWorld {
  readonly snapshots: Snapshots;
  readonly elsewhere: Snapshots;
}

export interface BlobsFixture extends ContractWorld {
  readonly blobs: Blobs;
  /** Two principals that may each have payloads of their own. */
  readonly principals: readonly [string, string];
}

async function within<Fixture extends ContractWorld>(made: Promise<Fixture> | Fixture, body: (fixture: Fixture) => Promise<void>): Promise<void> {
  const fixture = await made;
  try {
    await body(fixture);
  } finally {
    await fixture.close?.();
  }
}

export function marksContract(name: string, makeFixture: () => Promise<MarksFixture> | MarksFixture): void {
  const read = async (fixture: MarksFixture, marks: HighWaterMarks): Promise<HighWater | undefined> => {
    const answer = await answerTo<Parameters<Parameters<HighWaterMarks["read"]>[0]>[0]>(fixture, (done) => marks.read(done));
    if (answer.kind !== "mark") throw new Error("the marks cannot be read");
    return answer.mark;
  };
  /** A write is not answered: reads until it shows. */
  const untilMark = async (fixture: MarksFixture, number: number): Promise<HighWater> => {
    for (let tries = 0; tries < 500; tries++) {
      const mark = await read(fixture, fixture.elsewhere);
      if (mark?.number === number) return mark;
    }
    throw new Error("the mark did not show");
  };

  describe(`marks: ${name}`, () => {
    test("there is no mark before the first", () => within(makeFixture(), async (fixture) => {
      expect(await read(fixture, fixture.marks)).toBeUndefined();
    }));

    test("the mark written last is read, by another process too", () => within(makeFixture(), async (fixture) => {
      fixture.marks.write({ number: 7, hash: noise(32, 1) });
      await untilMark(fixture, 7);
      fixture.marks.write({ number: 9, hash: noise(32, 2) });
      const mark = await untilMark(fixture, 9);
      expect(Buffer.from(mark.hash).equals(noise(32, 2))).toBe(true);
      expect((await read(fixture, fixture.marks))?.number).toBe(9);
    }));

    test("a lower mark replaces a higher one: a rewind that was accepted goes on from there", () => within(makeFixture(), async (fixture) => {
      fixture.marks.write({ number: 9, hash: noise(32, 1) });
      await untilMark(fixture, 9);
      fixture.marks.write({ number: 5, hash: noise(32, 2) });
      await untilMark(fixture, 5);
    }));
  });
}

const snapshotAt = (version: number, chunks: readonly Uint8Array[]): Snapshot =>
  ({ schema: 3, epoch: 2, number: version * 2, version, commitHash: noise(32, version), stateHash: noise(32, version + 1), chunks });

const plain = (snapshot: Snapshot | undefined): unknown => snapshot === undefined ? undefined : ({
  ...snapshot, commitHash: [...snapshot.commitHash], stateHash: [...snapshot.stateHash],
  chunks: snapshot.chunks.map((chunk) => Buffer.from(chunk).toString("base64")),
});

export function snapshotsContract(name: string, makeFixture: () => Promise<SnapshotsFixture> | SnapshotsFixture): void {
  const latest = (fixture: SnapshotsFixture, snapshots: Snapshots): Promise<Snapshot | undefined> => answerTo(fixture, (done) => snapshots.latest(done));
  const save = (fixture: SnapshotsFixture, snapshot: Snapshot): Promise<boolean> => answerTo(fixture, (done) => fixture.snapshots.save(snapshot, done));

  describe(`snapshots: ${name}`, () => {
    test("there is none before the first", () => within(makeFixture(), async (fixture) => {
      expect(await latest(fixture, fixture.snapshots)).toBeUndefined();
    }));

    test("a saved snapshot comes back whole, to another process too", () => within(makeFixture(), async (fixture) => {
      const snapshot = snapshotAt(10, [noise(300_000, 1), noise(1, 2), noise(700_000, 3)]);
      expect(await save(fixture, snapshot)).toBe(true);
      for (const snapshots of [fixture.snapshots, fixture.elsewhere]) expect(plain(await latest(fixture, snapshots))).toEqual(plain(snapshot));
    }));

    test("the latest is the one with the highest version", () => within(makeFixture(), async (fixture) => {
      const [older, newer] = [snapshotAt(10, [bytesOf("older")]), snapshotAt(20, [bytesOf("newer"), bytesOf("more")])];
      await save(fixture, newer);
      await save(fixture, older);
      expect(plain(await latest(fixture, fixture.elsewhere))).toEqual(plain(newer));
    }));

    test("a snapshot of one empty state comes back", () => within(makeFixture(), async (fixture) => {
      await save(fixture, snapshotAt(1, [bytesOf("x")]));
      expect((await latest(fixture, fixture.snapshots))?.chunks).toHaveLength(1);
    }));
  });
}

type PutAnswer = Parameters<Parameters<Blobs["put"]>[2]>[0];
type GetAnswer = Parameters<Parameters<Blobs["get"]>[2]>[0];

export function blobsContract(name: string, makeFixture: () => Promise<BlobsFixture> | BlobsFixture): void {
  const put = async (fixture: BlobsFixture, bytes: Uint8Array): Promise<string> => {
    const answer = await answerTo<PutAnswer>(fixture, (done) => fixture.blobs.put(fixture.principals[0], bytes, done));
    if (answer.kind !== "stored") throw new Error(answer.message);
    return answer.digest;
  };
  const get = (fixture: BlobsFixture, digest: string, principal = fixture.principals[0]): Promise<GetAnswer> =>
    answerTo(fixture, (done) => fixture.blobs.get(principal, digest, done));

  describe(`blobs: ${name}`, () => {
    test.each([["a short payload", 100], ["a payload of many messages", 3_500_000]])("%s comes back under the digest of its bytes", (_name, length) =>
      within(makeFixture(), async (fixture) => {
        const bytes = noise(length, 5);
        const digest = await put(fixture, bytes);
        expect(digest).toMatch(/^[0-9a-f]{64}$/);
        const answer = await get(fixture, digest);
        expect(answer.kind === "found" && Buffer.from(answer.bytes).equals(bytes)).toBe(true);
      }));

    test("the same bytes put twice are one payload", () => within(makeFixture(), async (fixture) => {
      expect(await put(fixture, noise(2_000))).toBe(await put(fixture, noise(2_000)));
      expect((await get(fixture, await put(fixture, noise(2_000)))).kind).toBe("found");
    }));

    test("what is not there is missing, and so is another principal's", () => within(makeFixture(), async (fixture) => {
      const digest = await put(fixture, noise(500));
      expect(await get(fixture, "0".repeat(64))).toEqual({ kind: "missing" });
      expect(await get(fixture, digest, fixture.principals[1])).toEqual({ kind: "missing" });
    }));

    const removeOlder = (fixture: BlobsFixture, digest: string, beforeMs: number): Promise<BlobRemoval> =>
      answerTo(fixture, (done) => fixture.blobs.removeOlder({ principal: fixture.principals[0], digest }, beforeMs, done));
    const list = (fixture: BlobsFixture): Promise<readonly BlobName[] | undefined> => answerTo(fixture, (done) => fixture.blobs.list(done));

    test("a removed payload is missing, and removing it again changes nothing", () => within(makeFixture(), async (fixture) => {
      const digest = await put(fixture, noise(2_500_000));
      for (let i = 0; i < 2; i++) expect(await removeOlder(fixture, digest, Number.MAX_SAFE_INTEGER)).toEqual({ kind: "removed" });
      expect(await get(fixture, digest)).toEqual({ kind: "missing" });
    }));

    test("only what was put before an instant is removed", () => within(makeFixture(), async (fixture) => {
      const bytes = noise(1_500_000);
      const digest = await put(fixture, bytes);
      const kept = await removeOlder(fixture, digest, 1);
      if (kept.kind !== "kept") throw new Error(`it was ${kept.kind}`);
      expect(await removeOlder(fixture, digest, kept.putAt)).toEqual(kept);
      expect((await get(fixture, digest)).kind).toBe("found");
      expect(await removeOlder(fixture, digest, kept.putAt + 1)).toEqual({ kind: "removed" });
    }));

    test("all are listed, each once, and no more when they are removed", () => within(makeFixture(), async (fixture) => {
      expect(await list(fixture)).toEqual([]);
      const [large, small] = [await put(fixture, noise(1_500_000)), await put(fixture, noise(10))];
      const [principal] = fixture.principals;
      const listed = await list(fixture);
      expect([...(listed ?? [])].sort((a, b) => a.digest.localeCompare(b.digest))).toEqual([large, small].sort((a, b) => a.localeCompare(b)).map((digest) => ({ principal, digest })));
      for (const digest of [large, small]) await removeOlder(fixture, digest, Number.MAX_SAFE_INTEGER);
      expect(await list(fixture)).toEqual([]);
    }));
  });
}
