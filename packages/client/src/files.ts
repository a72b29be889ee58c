/**
 * Stores files, and hands them out again.
 *
 * A file that is stored already is named, not sent again, as long as it is young enough to be relied on; an older one might be
 * swept away before anything names it, and is stored once more. What a job that runs has is named by that job.
 */
import type { ReadableStream } from "node:stream/web";
import type { NamedBlob, NamedBlobWire } from "@longshore/job-queue";
import { INPUT_LIMITS, namedBlobFromWire, namedBlobToWire } from "@longshore/job-queue";
import { blobName } from "@longshore/job-queue/reading";
import type { BlobRef, Blobs, BlobWritten, Clock } from "@longshore/kernel";
import { BLOB_YOUNG_MS } from "@longshore/kernel";
import { Unreadable } from "@longshore/kernel/reading";
import { InvalidOption, PayloadError } from "./errors.ts";
import { sourceOf } from "./internal/byte-sources.ts";
import { onAbort } from "./internal/on-abort.ts";
import type { Spooled } from "./internal/spool.ts";
import { spoolBytes, spoolFile, spoolParts } from "./internal/spool.ts";
import { JobFile } from "./job-file.ts";

/** Where the bytes of a file come from: at hand, a stream of them, a file of this machine, or what another job has or has left. */
export type FileSource = Uint8Array | AsyncIterable<Uint8Array> | ReadableStream<Uint8Array> | { readonly file: string } | JobFile;

const WRITE_TRIES = 3;
/** Files that were stored so long ago are made young again: what is twice as old may no longer be relied on. */
const REFRESH_AFTER_MS: number = BLOB_YOUNG_MS / 2;

export interface StoreOptions {
  readonly signal?: AbortSignal | undefined;
  /** Whether a history names this very blob for as long as it matters. */
  readonly isNamed?: (blob: NamedBlob) => boolean;
}

export class Files {
  private readonly principal: string;
  private readonly blobs: Blobs | undefined;
  private readonly clock: Clock;

  constructor(principal: string, blobs: Blobs | undefined, clock: Clock) {
    this.principal = principal;
    this.blobs = blobs;
    this.clock = clock;
  }

  of(blobs: readonly NamedBlobWire[] | undefined): readonly JobFile[] {
    return (blobs ?? []).map((wire) => this.one(namedBlobFromWire(wire)));
  }

  one(blob: NamedBlob): JobFile {
    return new JobFile(blob, this.blobs);
  }

  /** One after the other; resolves when all are durable and may be named. */
  async storeAll(field: string, sources: Readonly<Record<string, FileSource>>, signal: AbortSignal | undefined): Promise<readonly NamedBlobWire[]> {
    const stored: { readonly blob: NamedBlob; readonly atMs: number }[] = [];
    for (const [name, source] of Object.entries(sources)) stored.push({ atMs: this.clock.monotonicMs(), blob: await this.store(`${field}.${name}`, name, source, { signal }) });
    for (const { blob, atMs } of stored) if (this.clock.monotonicMs() - atMs > REFRESH_AFTER_MS) await this.refresh(blob, signal);
    return stored.map(({ blob }) => namedBlobToWire(blob));
  }

  /** @throws {InvalidOption} @throws {PayloadError} when it cannot be stored; what the source throws; the signal's reason. */
  async store(field: string, name: string, source: FileSource, { signal, isNamed }: StoreOptions = {}): Promise<NamedBlob> {
    signal?.throwIfAborted();
    if (source instanceof JobFile) return this.passOn(field, name, source, signal, isNamed);
    const spooled = await this.spooled(field, source, signal);
    try {
      const ref = { principal: this.principal, digest: spooled.digest, bytes: spooled.bytes };
      await this.write(field, ref, () => spooled.open(), signal);
      return { name, ...ref };
    } finally {
      await spooled.remove();
    }
  }

  /** Makes a blob of this principal young again; one that is young stays as it is. */
  async refresh(blob: NamedBlob, signal?: AbortSignal): Promise<void> {
    if (blob.principal === this.principal) await this.write(blob.name, blob, () => JobFile.partsOf(this.one(blob)), signal);
  }

  /** Makes blobs that nothing names yet young again, every so often, until it is stopped. */
  keepYoung(blobs: () => Iterable<NamedBlob>): () => void {
    let cancel = (): void => undefined;
    const later = (): void => {
      cancel = this.clock.after(REFRESH_AFTER_MS, () => {
        // What cannot be done now is tried again before it matters.
        for (const blob of blobs()) this.refresh(blob).catch(() => undefined);
        later();
      });
    };
    later();
    return () => cancel();
  }

  private async passOn(field: string, name: string, file: JobFile, signal: AbortSignal | undefined, isNamed: StoreOptions["isNamed"]): Promise<NamedBlob> {
    const blob = { ...JobFile.refOf(file), name };
    if (isNamed?.(blob) === true || (await this.isYoung(blob))) return blob;
    const own = { ...blob, principal: this.principal };
    await this.write(field, own, () => JobFile.partsOf(file), signal);
    return own;
  }

  private isYoung(ref: BlobRef): Promise<boolean> {
    return new Promise((resolve) => this.ensuredBlobs.look(ref, (found) => resolve(found === "young")));
  }

  private async spooled(field: string, source: Exclude<FileSource, JobFile>, signal: AbortSignal | undefined): Promise<Spooled> {
    try {
      if (source instanceof Uint8Array) return spoolBytes(source);
      if (isFile(source)) return await spoolFile(source.file, signal);
      if (isIterable(source)) return await spoolParts(source, field, signal);
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
    throw new InvalidOption(field, "must be bytes (Uint8Array), a stream or another async iterable of bytes, { file: path }, or a file of a job");
  }

  private write(field: string, ref: BlobRef, open: () => AsyncIterable<Uint8Array>, signal: AbortSignal | undefined): Promise<void> {
    const blobs = this.ensuredBlobs;
    return new Promise((resolve, reject) => {
      let close: () => void = () => undefined;
      const stopListening = onAbort(signal, () => {
        close();
        reject(signal?.reason);
      });
      const ask = (triesLeft: number): void => {
        const source = sourceOf(open());
        close = () => source.close();
        blobs.write(ref, source, (answer) => {
          if (answer.kind === "unknown" && triesLeft > 0 && signal?.aborted !== true) return ask(triesLeft - 1);
          stopListening();
          if (answer.kind === "stored") resolve();
          else reject(notStored(field, answer));
        });
      };
      ask(WRITE_TRIES);
    });
  }

  private get ensuredBlobs(): Blobs {
    if (this.blobs === undefined) throw new PayloadError("payload/no-blobs", "this client has no store for files");
    return this.blobs;
  }
}

/** The names of files as a program gives them. @throws {InvalidOption} */
export function checkFileName(field: string, name: unknown): string {
  try {
    return blobName(field, name);
  } catch (problem) {
    if (problem instanceof Unreadable) throw new InvalidOption(problem.field, problem.remedy);
    throw problem;
  }
}

/** @throws {InvalidOption} */
export function checkFileNames(field: string, names: readonly unknown[]): void {
  if (names.length > INPUT_LIMITS.blobsMax) throw new InvalidOption(field, `must be at most ${INPUT_LIMITS.blobsMax}`);
  for (const name of names) checkFileName(field, name);
}

const isFile = (source: object): source is { readonly file: string } => typeof (source as { readonly file?: unknown } | null)?.file === "string";
const isIterable = (source: unknown): source is AsyncIterable<unknown> => typeof source === "object" && source !== null && Symbol.asyncIterator in source;

function notStored(field: string, answer: Exclude<BlobWritten, { kind: "stored" }>): PayloadError {
  switch (answer.kind) {
    case "refused": return new PayloadError("payload/refused", `${field} was not stored: ${answer.message}`);
    case "unknown": return new PayloadError("payload/unavailable", `${field} was not stored: ${answer.message}`);
    case "failed": return new PayloadError(`payload/${answer.cause}`, `${field} was not stored: ${answer.cause === "corrupt" ? "it was changed while it was read" : answer.message}`);
  }
}
