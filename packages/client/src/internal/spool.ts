/**
 * Bytes that are to be stored, with their digest and length: both must be known before the first of them is sent.
 *
 * Bytes at hand are hashed where they are, a file is read twice. What can be read once only is put aside in a temporary file
 * meanwhile, for this user's eyes only, and removed afterwards: memory stays small, whatever the size.
 */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { InvalidOption } from "../errors.ts";
import { only } from "./byte-sources.ts";
import { onAbort } from "./on-abort.ts";

export interface Spooled {
  /** SHA-256, hex. */
  readonly digest: string;
  readonly bytes: number;
  /** Reads them, again if need be. */
  open(): AsyncIterable<Uint8Array>;
  /** Removes what was put aside. */
  remove(): Promise<void>;
}

const nothing = async (): Promise<void> => undefined;

export const spoolBytes = (bytes: Uint8Array): Spooled =>
  ({ digest: createHash("sha256").update(bytes).digest("hex"), bytes: bytes.length, open: () => only(bytes), remove: nothing });

export async function spoolFile(path: string, signal: AbortSignal | undefined): Promise<Spooled> {
  const open = (): AsyncIterable<Uint8Array> => createReadStream(path, { ...(signal === undefined ? {} : { signal }) }) as AsyncIterable<Uint8Array>;
  const hashing = new Hashing(path);
  for await (const _ of hashing.through(open()));
  return { ...hashing.result(), open, remove: nothing };
}

/** `field`: how whoever gave the bytes knows them. */
export async function spoolParts(parts: AsyncIterable<unknown>, field: string, signal: AbortSignal | undefined): Promise<Spooled> {
  const folder = await mkdtemp(join(tmpdir(), "longshore-spool-"));
  const path = join(folder, "bytes");
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const hashing = new Hashing(field);
    await pipeline(heeding(parts, signal), (given) => hashing.through(given), createWriteStream(path, { flags: "wx", mode: 0o600 }));
    return { ...hashing.result(), open: () => createReadStream(path) as AsyncIterable<Uint8Array>, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Ends when the signal says so, whatever it is that the parts wait for. */
async function* heeding(parts: AsyncIterable<unknown>, signal: AbortSignal | undefined): AsyncGenerator<unknown> {
  const iterator = parts[Symbol.asyncIterator]();
  try {
    for (;;) {
      signal?.throwIfAborted();
      const step = await new Promise<IteratorResult<unknown>>((resolve, reject) => {
        const stopListening = onAbort(signal, () => reject(signal?.reason));
        void iterator.next().then(resolve, reject).finally(stopListening);
      });
      if (step.done === true) return;
      yield step.value;
    }
  } finally {
    // It may be stuck: then it is left alone.
    void iterator.return?.().catch(() => undefined);
  }
}

/** Passes bytes on and remembers their digest and length. */
class Hashing {
  private readonly hash = createHash("sha256");
  private readonly field: string;
  private bytes = 0;

  constructor(field: string) {
    this.field = field;
  }

  async *through(parts: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
    for await (const part of parts) {
      if (!(part instanceof Uint8Array)) throw new InvalidOption(this.field, `must give bytes (Uint8Array), and gives ${typeof part}`);
      this.hash.update(part);
      this.bytes += part.length;
      yield part;
    }
  }

  result(): { readonly digest: string; readonly bytes: number } {
    return { digest: this.hash.digest("hex"), bytes: this.bytes };
  }
}
