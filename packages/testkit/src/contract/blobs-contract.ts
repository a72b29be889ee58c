/** What a store of payloads must do. Run by the twin and by the NATS adapter. */
import type { BlobLook, BlobName, BlobPut, BlobRef, BlobRemoval, Blobs, BlobsFound, BlobWritten, ByteAnswer, ByteSource } from "@longshore/kernel";
import { describe, expect, test } from "vitest";
import { sha256Hex } from "../memory/hash.ts";
import type { ContractWorld } from "./world.ts";
import { answerTo, bytesOf, noise, within } from "./world.ts";

export interface BlobsFixture extends ContractWorld {
  readonly blobs: Blobs;
  /** Two principals that may each have payloads of their own. */
  readonly principals: readonly [string, string];
  /** The same store when everything in it has grown old. */
  aged(): Blobs;
  /** How much was sent to be stored so far, in whatever unit. */
  sent(): Promise<number> | number;
}

type GetAnswer = Parameters<Parameters<Blobs["get"]>[2]>[0];
type Rule = (title: string, body: (fixture: BlobsFixture) => Promise<void>) => void;

const put = async ({ principals: [principal], ...fixture }: BlobsFixture, bytes: Uint8Array, blobs = fixture.blobs): Promise<string> => {
  const answer = await answerTo<BlobPut>(fixture, (done) => blobs.put(principal, bytes, done));
  if (answer.kind !== "stored") throw new Error(answer.message);
  return answer.digest;
};
const get = (fixture: BlobsFixture, digest: string, principal = fixture.principals[0]): Promise<GetAnswer> =>
  answerTo(fixture, (done) => fixture.blobs.get(principal, digest, done));
const write = (fixture: BlobsFixture, ref: BlobRef, source: ByteSource, blobs = fixture.blobs): Promise<BlobWritten> => answerTo(fixture, (done) => blobs.write(ref, source, done));
const removeOlder = (fixture: BlobsFixture, digest: string, beforeMs: number): Promise<BlobRemoval> =>
  answerTo(fixture, (done) => fixture.blobs.removeOlder({ principal: fixture.principals[0], digest }, beforeMs, done));
const list = (fixture: BlobsFixture): Promise<readonly BlobName[] | undefined> => answerTo(fixture, (done) => fixture.blobs.list(done));
const found = async (fixture: BlobsFixture, digest: string): Promise<readonly string[]> => {
  const answer = await answerTo<BlobsFound>(fixture, (done) => fixture.blobs.find(digest, done));
  return answer.kind === "found" ? answer.copies.map(({ principal }) => principal).sort() : [answer.kind];
};

/** Gives bytes in parts, and ends as it is told. */
class Parts implements ByteSource {
  asked = 0;
  isClosed = false;
  private readonly answers: readonly ByteAnswer[];

  constructor(parts: readonly Uint8Array[], end: ByteAnswer = { kind: "end" }) {
    this.answers = [...parts.map((bytes) => ({ kind: "bytes", bytes }) as const), end];
  }

  next(done: (answer: ByteAnswer) => void): void {
    done(this.answers[this.asked++]!);
  }

  close(): void {
    this.isClosed = true;
  }
}

/** What a source gives, to its end. */
async function drained(world: ContractWorld, source: ByteSource): Promise<{ readonly bytes: Uint8Array; readonly end: ByteAnswer; readonly partMax: number }> {
  const parts: Uint8Array[] = [];
  for (;;) {
    const answer = await answerTo<ByteAnswer>(world, (done) => source.next(done));
    if (answer.kind !== "bytes") return { bytes: new Uint8Array(Buffer.concat(parts)), end: answer, partMax: Math.max(0, ...parts.map(({ length }) => length)) };
    parts.push(answer.bytes);
  }
}

const LONG = 3_500_000;
const PART_MAX = 1_048_576;

export function blobsContract(name: string, makeFixture: () => Promise<BlobsFixture> | BlobsFixture): void {
  const rule: Rule = (title, body) => {
    test(title, () => within(makeFixture(), body));
  };
  const refOf = ({ principals: [principal] }: BlobsFixture, bytes: Uint8Array): BlobRef => ({ principal, digest: sha256Hex(bytes), bytes: bytes.length });

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

  describe(`blobs that are written and read a part at a time: ${name}`, () => {
    rule("what is written in parts of any length comes back whole, and in parts", async (fixture) => {
      const bytes = noise(LONG, 3);
      const source = new Parts([bytes.subarray(0, 1), bytes.subarray(1, 300_000), bytes.subarray(300_000)]);
      expect(await write(fixture, refOf(fixture, bytes), source)).toEqual({ kind: "stored" });
      expect(source.isClosed).toBe(true);
      const read = await drained(fixture, fixture.blobs.read(refOf(fixture, bytes)));
      expect([read.end, Buffer.from(read.bytes).equals(bytes), read.partMax <= PART_MAX]).toEqual([{ kind: "end" }, true, true]);
      expect((await get(fixture, sha256Hex(bytes))).kind).toBe("found");
    });

    rule("a payload without a byte is one too", async (fixture) => {
      const ref = refOf(fixture, new Uint8Array(0));
      expect(await write(fixture, ref, new Parts([]))).toEqual({ kind: "stored" });
      expect(await drained(fixture, fixture.blobs.read(ref))).toEqual({ bytes: new Uint8Array(0), end: { kind: "end" }, partMax: 0 });
      expect(await found(fixture, ref.digest)).toEqual([ref.principal]);
    });

    rule("OFF-TRN-24 bytes that have another digest or length than was said are not stored", async (fixture) => {
      const bytes = noise(LONG, 3);
      const others = Uint8Array.from(bytes, (byte, i) => (i === 2_000_000 ? byte ^ 1 : byte));
      for (const wrong of [others, bytes.subarray(1), new Uint8Array(LONG + 1)]) {
        const source = new Parts([wrong]);
        expect(await write(fixture, refOf(fixture, bytes), source)).toMatchObject({ kind: "failed", cause: "corrupt" });
        expect(source.isClosed).toBe(true);
      }
      expect(await get(fixture, sha256Hex(bytes))).toEqual({ kind: "missing" });
      expect(await found(fixture, sha256Hex(bytes))).toEqual([]);
    });

    rule("a source that fails is passed on, and nothing is stored", async (fixture) => {
      const bytes = noise(LONG, 3);
      const failure = { kind: "failed", cause: "unavailable", message: "the disk is gone" } as const;
      expect(await write(fixture, refOf(fixture, bytes), new Parts([bytes.subarray(0, 1_000_000)], failure))).toEqual(failure);
      expect(await get(fixture, sha256Hex(bytes))).toEqual({ kind: "missing" });
    });

    rule("what lies there young is not sent again, by nobody", async (fixture) => {
      const bytes = noise(LONG, 3);
      await put(fixture, bytes);
      const before = await fixture.sent();
      await put(fixture, bytes);
      const source = new Parts([bytes]);
      expect(await write(fixture, refOf(fixture, bytes), source)).toEqual({ kind: "stored" });
      expect([source.asked, source.isClosed, await fixture.sent()]).toEqual([0, true, before]);
    });

    rule("what has grown old is stored again", async (fixture) => {
      const bytes = noise(LONG, 3);
      await put(fixture, bytes);
      const before = await fixture.sent();
      const aged = fixture.aged();
      await put(fixture, bytes, aged);
      const between = await fixture.sent();
      expect(between).toBeGreaterThan(before);
      expect(await write(fixture, refOf(fixture, bytes), new Parts([bytes]), fixture.aged())).toEqual({ kind: "stored" });
      expect(await fixture.sent()).toBeGreaterThan(between);
      expect((await get(fixture, sha256Hex(bytes))).kind).toBe("found");
    });

    rule("a look says whether a copy may be relied on", async (fixture) => {
      const bytes = noise(LONG, 3);
      const look = (ref: BlobRef, blobs = fixture.blobs): Promise<BlobLook> => answerTo(fixture, (done) => blobs.look(ref, done));
      const ref = refOf(fixture, bytes);
      expect(await look(ref)).toBe("absent");
      await put(fixture, bytes);
      expect([await look(ref), await look({ ...ref, principal: fixture.principals[1] }), await look({ ...ref, bytes: 1 })]).toEqual(["young", "absent", "absent"]);
      expect(await look(ref, fixture.aged())).toBe("old");
    });

    rule("a source that gives the wrong bytes harms no older copy", async (fixture) => {
      const bytes = noise(LONG, 3);
      await put(fixture, bytes);
      await write(fixture, refOf(fixture, bytes), new Parts([noise(LONG, 4)]), fixture.aged());
      expect((await get(fixture, sha256Hex(bytes))).kind).toBe("found");
    });

    rule("reading what is not there, or was removed meanwhile, fails", async (fixture) => {
      const bytes = noise(LONG, 3);
      expect((await drained(fixture, fixture.blobs.read(refOf(fixture, bytes)))).end).toMatchObject({ kind: "failed", cause: "missing" });
      await put(fixture, bytes);
      await removeOlder(fixture, sha256Hex(bytes), Number.MAX_SAFE_INTEGER);
      expect((await drained(fixture, fixture.blobs.read(refOf(fixture, bytes)))).end).toMatchObject({ kind: "failed", cause: "missing" });
    });

    rule("every principal's whole copy is found", async (fixture) => {
      const bytes = noise(LONG, 3);
      const digest = await put(fixture, bytes);
      expect(await found(fixture, digest)).toEqual([fixture.principals[0]]);
      await write(fixture, { ...refOf(fixture, bytes), principal: fixture.principals[1] }, fixture.blobs.read(refOf(fixture, bytes)));
      expect(await found(fixture, digest)).toEqual([...fixture.principals].sort());
      const answer = await answerTo<BlobsFound>(fixture, (done) => fixture.blobs.find(digest, done));
      if (answer.kind !== "found") throw new Error(answer.kind);
      const [one, other] = answer.copies;
      expect([one!.pieces, one!.putAt > 1_600_000_000_000]).toEqual([other!.pieces, true]);
      expect(await found(fixture, sha256Hex(bytesOf("another")))).toEqual([]);
    });

    rule("OFF-TRN-32 more than a store takes at all is refused before it is read", async (fixture) => {
      const source = new Parts([]);
      const answer = await write(fixture, { ...refOf(fixture, new Uint8Array(0)), bytes: 2 ** 40 + 1 }, source);
      expect(answer).toMatchObject({ kind: "refused", message: expect.stringContaining(String(2 ** 40)) });
      expect([source.asked, source.isClosed]).toEqual([0, true]);
    });
  });
}
