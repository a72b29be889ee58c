/**
 * Payloads between clusters by way of a folder that both sides reach: then only their digests travel over the link.
 *
 * What is to be read by another cluster is put there as a file that is called like its digest, and whoever is to bring it looks
 * there first. Nothing depends on it: what is not there, cannot be written or is not what it is called comes over the link. A file
 * goes when the cluster that brought it needs it no more, and in any case after a day.
 */
import { randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readdir, rename, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { BlobCarrier, BlobRef, Blobs, ByteAnswer, ByteSource, CarryAnswer } from "@longshore/kernel";
import { isDigest } from "@longshore/nats";
import { sourceOf } from "longshore/internal";

export interface SharedFolder {
  readonly carrier: BlobCarrier;
  readonly blobs: Blobs;
  /** Made when it is not there. */
  readonly folder: string;
  /** It cannot be used now, and why. */
  readonly onTrouble?: (cause: string) => void;
}

const KEPT_MS = 86_400_000;
const SWEEP_EVERY_MS = 3_600_000;
const READ_BYTES = 524_288;

export function sharedCarrier({ carrier, blobs, folder, onTrouble = () => undefined }: SharedFolder): BlobCarrier {
  let sweptAt = Number.NEGATIVE_INFINITY;
  const fileOf = (digest: string): string => join(folder, digest);
  const troubled = (problem: unknown): void => onTrouble((problem as NodeJS.ErrnoException).code ?? "unknown");
  /** Answers as the carrier did, when the payload lies in the folder, too, or cannot. */
  const lend = (ref: BlobRef, answer: CarryAnswer, done: (answer: CarryAnswer) => void): void => {
    if (answer.kind === "failed" || !isDigest(ref.digest)) return done(answer);
    void put(ref).catch(troubled).then(() => done(answer));
  };

  async function put({ principal, digest, bytes }: BlobRef): Promise<void> {
    if (await isThere(fileOf(digest), bytes)) return;
    await mkdir(folder, { recursive: true, mode: 0o750 });
    await sweep();
    const part = `${fileOf(digest)}.${randomUUID()}.part`;
    try {
      await writeTo(part, blobs.read({ principal, digest }));
      await rename(part, fileOf(digest));
    } catch (problem) {
      await unlink(part).catch(() => undefined);
      throw problem;
    }
  }

  async function sweep(): Promise<void> {
    const nowMs = Date.now();
    if (nowMs - sweptAt < SWEEP_EVERY_MS) return;
    sweptAt = nowMs;
    for (const name of (await readdir(folder)).filter((file) => isDigest(file.slice(0, 64)))) {
      const path = join(folder, name);
      const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: nowMs }));
      if (nowMs - mtimeMs > KEPT_MS) await unlink(path).catch(() => undefined);
    }
  }

  return {
    check: (ref, done) => carrier.check(ref, (answer) => lend(ref, answer, done)),
    copy: (ref, to, done) => carrier.copy(ref, to, (answer) => lend({ ...ref, principal: to }, answer, done)),
    bring(cluster, ref, to, done) {
      if (!isDigest(ref.digest)) return carrier.bring(cluster, ref, to, done);
      void isThere(fileOf(ref.digest), ref.bytes).then((isHere) => {
        if (!isHere) return carrier.bring(cluster, ref, to, done);
        blobs.write({ ...ref, principal: to }, sourceOf(createReadStream(fileOf(ref.digest), { highWaterMark: READ_BYTES }) as AsyncIterable<Uint8Array>), (answer) => {
          if (answer.kind === "stored") return done({ kind: "here", travelled: 0 });
          carrier.bring(cluster, ref, to, done);
        });
      });
    },
    remove(name, done) {
      if (!isDigest(name.digest)) return carrier.remove(name, done);
      // A file that stays behind is swept away later.
      carrier.remove(name, (ok) => void unlink(fileOf(name.digest)).catch(() => undefined).then(() => done(ok)));
    },
  };
}

const isThere = (path: string, bytes: number): Promise<boolean> => stat(path).then((file) => file.isFile() && file.size === bytes, () => false);

async function writeTo(path: string, source: ByteSource): Promise<void> {
  const file = await open(path, "wx", 0o640);
  try {
    for (let answer = await nextOf(source); answer.kind !== "end"; answer = await nextOf(source)) {
      if (answer.kind === "failed") throw Object.assign(new Error(answer.message), { code: answer.cause });
      await file.writeFile(answer.bytes);
    }
  } finally {
    source.close();
    await file.close();
  }
}

const nextOf = (source: ByteSource): Promise<ByteAnswer> => new Promise((resolve) => source.next(resolve));
