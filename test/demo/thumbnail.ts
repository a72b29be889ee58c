/** The demo's one kind of job: an image file in, a thumbnail and what the image is like out. */
import { createHash } from "node:crypto";
import { rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Cancel, defineJob } from "longshore";
import sharp, { type Metadata } from "sharp";
import { z } from "zod";

export const thumbnail = defineJob("demo/thumbnail", {
  input: z.object({ file: z.string(), folder: z.string() }),
  output: z.object({
    format: z.string(),
    width: z.number(),
    height: z.number(),
    /** As in CSS. */
    color: z.string(),
    thumbnail: z.string(),
  }),
  retries: 2,
  timeoutMs: 60_000,
});

export interface ImageFacts {
  readonly format: string;
  readonly width: number;
  readonly height: number;
  readonly color: string;
  readonly thumbnail: string;
}

const SIDE_PX = 160;
export const FILE_BYTES_MAX = 64 * 1024 * 1024;

// One thread for each image: the worker takes several images at a time instead.
sharp.concurrency(1);
sharp.cache(false);

/**
 * Makes the thumbnail. Running it twice leaves one file: its name comes from the path, and it appears in one step.
 *
 * A file that is no image will not become one by trying again, so that cancels the job instead of failing the attempt.
 */
export async function makeThumbnail({ file, folder }: { readonly file: string; readonly folder: string }): Promise<ImageFacts> {
  const { size } = await stat(file);
  if (size > FILE_BYTES_MAX) throw new Cancel(`larger than ${FILE_BYTES_MAX} bytes`);
  const { small, ...facts } = await seen(file);
  const path = join(folder, `${createHash("sha256").update(file).digest("hex").slice(0, 16)}.webp`);
  const unfinished = `${path}.${process.pid}`;
  await writeFile(unfinished, small);
  await rename(unfinished, path);
  return { ...facts, thumbnail: path };
}

/** What an image is like, and it made small. @throws {Cancel} when it is none. */
export async function seen(image: string | Buffer): Promise<Omit<ImageFacts, "thumbnail"> & { readonly small: Buffer }> {
  const { metadata: { format, width, height }, small, color } = await read(image).catch((error: unknown) => {
    throw new Cancel(reasonOf(error));
  });
  return { format, width, height, color, small };
}

async function read(image: string | Buffer): Promise<{ readonly metadata: Metadata; readonly small: Buffer; readonly color: string }> {
  const metadata = await sharp(image).metadata();
  const small = await sharp(image).resize(SIDE_PX, SIDE_PX, { fit: "inside", withoutEnlargement: true }).webp().toBuffer();
  const { dominant } = await sharp(small).flatten({ background: "white" }).stats();
  return { metadata, small, color: `rgb(${dominant.r}, ${dominant.g}, ${dominant.b})` };
}

/** The first line says what is wrong; the rest is about the library. */
function reasonOf(error: unknown): string {
  const [first = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
  return first.trim();
}
