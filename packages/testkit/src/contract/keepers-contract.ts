/** What the small stores must do: marks and snapshots. Run by the twins and by the NATS adapters. */
import type { HighWater, HighWaterMarks, Snapshot, Snapshots } from "@longshore/kernel";
import { describe, expect, test } from "vitest";
import type { ContractWorld } from "./world.ts";
import { answerTo, bytesOf, noise, within } from "./world.ts";

export interface MarksFixture extends ContractWorld {
  readonly marks: HighWaterMarks;
  /** The marks as another process sees them. */
  readonly elsewhere: HighWaterMarks;
}

export interface SnapshotsFixture extends ContractWorld {
  readonly snapshots: Snapshots;
  readonly elsewhere: Snapshots;
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
