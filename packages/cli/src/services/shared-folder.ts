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
import type { BlobCarrier, BlobName, BlobRef, Blobs, ByteAnswer, ByteSource, CarryAnswer } from "@longshore/kernel";

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
  const fileOf = (digest: string): string => join(folder, isDigest(digest) ? digest : "no-digest");
  const troubled = (problem: unknown): void => onTrouble((problem as NodeJS.ErrnoException).code ?? "unknown");
  /** Answers as the carrier did, when the payload lies in the folder, too, or cannot. */
  const lend = (ref: BlobRef, answer: CarryAnswer, done: (answer: CarryAnswer) => void): void => {
    if (answer.kind === "failed") return done(answer);
    void put(ref).catch(troubled).then(() => done(answer));
  };

  async function put({ principal, digest, bytes }: BlobRef): Promise<void> {
    if (!isDigest(digest) || await isThere(fileOf(digest), bytes)) return;
    await mkdir(folder, { recursive: true, mode: 0o750 });
    await sweep();
    const part = `${fileOf(digest)}.${randomUUID()}.part`;
    try {
      await writeFile(part, blobs.read({ principal, digest }));
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
    for (const name of (await readdir(folder)).filter((file) => /^[0-9a-f]{64}(\..*)?$/.test(file))) {
      const path = join(folder, name);
      const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: nowMs }));
      if (nowMs - mtimeMs > KEPT_MS) await unlink(path).catch(() => undefined);
    }
  }

  return {
    check: (ref, done) => carrier.check(ref, (answer) => lend(ref, answer, done)),
    copy: (ref, to, done) => carrier.copy(ref, to, (answer) => lend({ ...ref, principal: to }, answer, done)),
    bring(cluster, ref, to, done) {
      void isThere(fileOf(ref.digest), ref.bytes).then((isHere) => {
        if (!isHere) return carrier.bring(cluster, ref, to, done);
        blobs.write({ ...ref, principal: to }, fileSource(fileOf(ref.digest)), (answer) => {
          if (answer.kind === "stored") return done({ kind: "here", travelled: 0 });
          carrier.bring(cluster, ref, to, done);
        });
      });
    },
    remove(name: BlobName, done) {
      carrier.remove(name, (ok) => void unlink(fileOf(name.digest)).catch(() => undefined).then(() => done(ok)));
    },
  };
}

/** What comes from outside names files only in this form. */
const isDigest = (text: string): boolean => /^[0-9a-f]{64}$/.test(text);

const isThere = (path: string, bytes: number): Promise<boolean> => stat(path).then((file) => file.isFile() && file.size === bytes, () => false);

async function writeFile(path: string, source: ByteSource): Promise<void> {
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

/** A file as a source; one that is gone, or cannot be read, is not there now. */
function fileSource(path: string): ByteSource {
  const stream = createReadStream(path, { highWaterMark: READ_BYTES });
  const parts = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  return {
    next(done) {
      parts.next().then(
        ({ done: isOver, value }) => done(isOver === true ? { kind: "end" } : { kind: "bytes", bytes: value }),
        (problem: Error) => done({ kind: "failed", cause: "unavailable", message: problem.message }),
      );
    },
    close: () => void stream.destroy(),
  };
}
