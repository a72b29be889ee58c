import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BlobCarrier, BlobRef, CarryAnswer } from "@longshore/kernel";
import { MemoryBlobs } from "@longshore/testkit";
import { expect, it, onTestFinished } from "vitest";
import { sharedCarrier } from "./shared-folder.ts";

const noise = (length: number, seed = 1): Uint8Array => new Uint8Array(length).map((_, i) => (i * 31 + seed * 7) % 251);

const GUESTS = "offload-guest";

interface Side {
  readonly blobs: MemoryBlobs;
  readonly carrier: BlobCarrier;
  /** Digests that were brought over the link. */
  readonly brought: string[];
  readonly troubles: string[];
}

async function world(folder?: string) {
  const shared = folder ?? await mkdtemp(join(tmpdir(), "longshore-shared-"));
  if (folder === undefined) onTestFinished(() => rm(shared, { recursive: true, force: true }));
  const side = (): Side => {
    const blobs = new MemoryBlobs((run) => void setImmediate(run), () => 1_000_000);
    const brought: string[] = [];
    const troubles: string[] = [];
    const here: CarryAnswer = { kind: "here", travelled: 0 };
    const link: BlobCarrier = {
      check: ({ principal, digest }, done) => void setImmediate(() => done(blobs.held.has(`${principal}/${digest}`) ? here : { kind: "failed", failure: { kind: "missing", message: "it is not there" } })),
      copy: (ref, to, done) => blobs.write({ ...ref, principal: to }, blobs.read(ref), () => done(here)),
      bring: (_cluster, { digest, bytes }, _to, done) => void setImmediate(() => {
        brought.push(digest);
        done({ kind: "here", travelled: bytes });
      }),
      remove: (name, done) => blobs.removeOlder(name, Number.POSITIVE_INFINITY, () => done(true)),
    };
    return { blobs, brought, troubles, carrier: sharedCarrier({ carrier: link, blobs, folder: shared, onTrouble: (cause) => troubles.push(cause) }) };
  };
  return { shared, origin: side(), worker: side() };
}

const answered = (ask: (done: (answer: CarryAnswer) => void) => void): Promise<CarryAnswer> => new Promise(ask);

function stored(side: Side, bytes: Uint8Array, principal = "ann"): BlobRef {
  const digest = createHash("sha256").update(bytes).digest("hex");
  side.blobs.held.set(`${principal}/${digest}`, { bytes, putAt: 1_000_000 });
  return { principal, digest, bytes: bytes.length };
}

it("OFF-TRN-14 with a folder that both sides reach only the reference travels, out and home", async () => {
  const { origin, worker, shared } = await world();
  const input = stored(origin, noise(300_000));
  expect(await answered((done) => origin.carrier.check(input, done))).toEqual({ kind: "here", travelled: 0 });
  expect(await answered((done) => worker.carrier.bring("home", input, GUESTS, done))).toEqual({ kind: "here", travelled: 0 });
  const output = stored(worker, noise(70_000, 2), "bob");
  await answered((done) => worker.carrier.copy(output, GUESTS, done));
  expect(await answered((done) => origin.carrier.bring("far", { ...output, principal: GUESTS }, "offload-import", done))).toEqual({ kind: "here", travelled: 0 });
  expect([...origin.brought, ...worker.brought]).toEqual([]);
  expect(Buffer.from(worker.blobs.held.get(`${GUESTS}/${input.digest}`)!.bytes).equals(noise(300_000))).toBe(true);
  expect(Buffer.from(origin.blobs.held.get(`offload-import/${output.digest}`)!.bytes).equals(noise(70_000, 2))).toBe(true);
  await new Promise<boolean>((done) => worker.carrier.remove({ principal: GUESTS, digest: input.digest }, done));
  expect(await readdir(shared)).toEqual([output.digest]);
});

it("OFF-TRN-16 what the folder does not have yet, or has wrong, comes over the link", async () => {
  const { origin, worker, shared } = await world();
  const input = stored(origin, noise(1_000));
  expect(await answered((done) => worker.carrier.bring("home", input, GUESTS, done))).toEqual({ kind: "here", travelled: 1_000 });
  await writeFile(join(shared, input.digest), noise(1_000, 3));
  await answered((done) => worker.carrier.bring("home", input, GUESTS, done));
  await writeFile(join(shared, input.digest), noise(10));
  await answered((done) => worker.carrier.bring("home", input, GUESTS, done));
  expect(worker.brought).toEqual([input.digest, input.digest, input.digest]);
});

it("OFF-TRN-24 nothing is lent under a digest that it does not have, and what is not there is not lent", async () => {
  const { origin, shared } = await world();
  const good = stored(origin, noise(1_000));
  origin.blobs.held.set(`ann/${good.digest}`, { bytes: noise(1_000, 4), putAt: 1_000_000 });
  expect((await answered((done) => origin.carrier.check(good, done))).kind).toBe("here");
  expect((await answered((done) => origin.carrier.check({ ...good, digest: "0".repeat(64) }, done))).kind).toBe("failed");
  expect(await readdir(shared)).toEqual([]);
  expect(origin.troubles).toEqual(["corrupt"]);
});

it("a folder that cannot be used is only slower: the link is there, and the trouble is told", async () => {
  const { origin, worker } = await world("/dev/null/folder");
  const input = stored(origin, noise(1_000));
  expect((await answered((done) => origin.carrier.check(input, done))).kind).toBe("here");
  expect(origin.troubles).toEqual(["ENOTDIR"]);
  expect(await answered((done) => worker.carrier.bring("home", input, GUESTS, done))).toEqual({ kind: "here", travelled: 1_000 });
});

it("a name that is no digest is no path", async () => {
  const { origin, worker, shared } = await world();
  await writeFile(join(shared, "..", "secret-of-shared-folder-test"), noise(5)).then(() => onTestFinished(() => rm(join(shared, "..", "secret-of-shared-folder-test"))));
  const bad = { principal: "ann", digest: "../secret-of-shared-folder-test", bytes: 5 };
  origin.blobs.held.set(`ann/${bad.digest}`, { bytes: noise(5), putAt: 1_000_000 });
  await answered((done) => origin.carrier.check(bad, done));
  await answered((done) => worker.carrier.bring("home", bad, GUESTS, done));
  await new Promise<boolean>((done) => worker.carrier.remove(bad, done));
  expect(worker.brought).toEqual([bad.digest]);
  expect(await readFile(join(shared, "..", "secret-of-shared-folder-test"))).toHaveLength(5);
  expect(await readdir(shared)).toEqual([]);
});

it("files that nobody has taken away go after a day, and nothing else does", async () => {
  const { origin, shared } = await world();
  const old = join(shared, "a".repeat(64));
  const other = join(shared, "notes.txt");
  const longAgo = (Date.now() - 90_000_000) / 1_000;
  for (const path of [old, other]) {
    await writeFile(path, noise(5));
    await utimes(path, longAgo, longAgo);
  }
  const input = stored(origin, noise(1_000));
  await answered((done) => origin.carrier.check(input, done));
  expect((await readdir(shared)).sort()).toEqual([input.digest, "notes.txt"].sort());
  expect((await stat(join(shared, input.digest))).mode & 0o007).toBe(0);
});
