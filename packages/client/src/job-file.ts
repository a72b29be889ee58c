/** A file that a job was added with, or has left, as programs hold it. */
import { randomBytes } from "node:crypto";
import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { ReadableStream } from "node:stream/web";
import type { NamedBlob } from "@longshore/job-queue";
import type { Blobs } from "@longshore/kernel";
import { PayloadError } from "./errors.ts";
import { partsOf } from "./internal/byte-sources.ts";

/**
 * Its bytes are where they were stored until somebody asks for them, and are checked against their digest whenever they are read:
 * what does not fit is an error at the end of the reading, never another file.
 */
export class JobFile {
  readonly name: string;
  /** Its length. */
  readonly bytes: number;
  /** SHA-256, hex. */
  readonly digest: string;
  /** Whose the stored bytes are, and where; not for programs, and not shown. */
  readonly #principal: string;
  readonly #blobs: Blobs | undefined;

  constructor({ name, principal, digest, bytes }: NamedBlob, blobs: Blobs | undefined) {
    this.name = name;
    this.bytes = bytes;
    this.digest = digest;
    this.#principal = principal;
    this.#blobs = blobs;
  }

  /** Its bytes, a part at a time. Ends with `PayloadError` `payload/missing`, `payload/corrupt` or `payload/unavailable` where they cannot be had. */
  stream(): ReadableStream<Uint8Array> {
    const parts = this.#parts();
    return new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        const { done, value } = await parts.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
      cancel: async () => void (await parts.return(undefined)),
    }, { highWaterMark: 0 });
  }

  /** All of its bytes in memory. @throws {PayloadError} */
  async read(): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    for await (const part of this.#parts()) parts.push(part);
    return new Uint8Array(Buffer.concat(parts));
  }

  /** Writes it to a file, which is there only when all of it is and is right. @throws {PayloadError} */
  async save(path: string): Promise<void> {
    const part = `${path}.${randomBytes(6).toString("hex")}.part`;
    try {
      await pipeline(this.#parts(), createWriteStream(part, { flags: "wx" }));
      await rename(part, path);
    } catch (error) {
      await rm(part, { force: true });
      throw error;
    }
  }

  toJSON(): { readonly name: string; readonly bytes: number; readonly digest: string } {
    const { name, bytes, digest } = this;
    return { name, bytes, digest };
  }

  /** What names it to a history. */
  static refOf(file: JobFile): NamedBlob {
    const { name, bytes, digest } = file;
    return { name, principal: file.#principal, digest, bytes };
  }

  /** Its bytes as somebody else's file. */
  static partsOf(file: JobFile): AsyncIterable<Uint8Array> {
    return file.#parts();
  }

  #parts(): AsyncGenerator<Uint8Array> {
    if (this.#blobs === undefined) throw new PayloadError("payload/no-blobs", "this client has no store for files");
    return partsOf(this.#blobs.read({ principal: this.#principal, digest: this.digest }), `the file "${this.name}"`, this.bytes);
  }
}

export const filesByName = (files: readonly JobFile[]): ReadonlyMap<string, JobFile> => new Map(files.map((file) => [file.name, file]));
