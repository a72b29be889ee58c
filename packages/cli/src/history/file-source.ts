/** Reads an exported history, either form, with a bounded memory. Places in it are commit numbers. */
import { createReadStream } from "node:fs";
import { decodeCommit, type Snapshot, type StoredCommit } from "@longshore/kernel";
import { notFound } from "../errors.ts";
import { linesOf } from "../io.ts";
import { hex } from "../render/quantities.ts";
import { damaged, type FileHead, type FilePart, FRAME_BYTES_MAX, FRAME_HEAD_BYTES, MAGIC, partOfFrame, partOfLine, type SnapshotHead } from "./file-format.ts";
import { sha256 } from "./hash.ts";
import type { HistorySource } from "./source.ts";

export interface FileSource extends HistorySource {
  readonly head: FileHead;
  /** As `read`, for whoever has something slow to do with each. */
  stored(): AsyncGenerator<StoredCommit>;
}

/** @throws {CommandFailure} when it is not there or not an export. */
export async function fileSource(file: string): Promise<FileSource> {
  const first = await parts(file).next();
  if (first.done === true || first.value.kind !== "head") throw damaged(file, "it does not begin like one");
  const { head } = first.value;
  return {
    head,
    address: head,
    name: file,
    commits: undefined,
    snapshot: () => snapshotIn(file),
    stored: () => storedIn(file),
    async first() {
      const next = await storedIn(file).next();
      return next.done === true ? undefined : next.value;
    },
    async read(onCommit) {
      for await (const commit of storedIn(file)) onCommit(commit);
    },
    close: () => Promise.resolve(),
  };
}

async function* storedIn(file: string): AsyncGenerator<StoredCommit> {
  let count = 0;
  let last: Uint8Array | undefined;
  for await (const part of parts(file)) {
    if (part.kind === "commit") {
      count++;
      last = part.bytes;
      yield { version: numberIn(file, part.bytes), bytes: part.bytes };
    } else if (part.kind === "end") {
      if (part.end.commits !== count) throw damaged(file, `it holds ${count} commits of ${part.end.commits}`);
      if (last !== undefined && hex(sha256(last)) !== part.end.hash) throw damaged(file, "its last commit was changed");
      return;
    }
  }
  throw damaged(file, "its end is missing");
}

function numberIn(file: string, bytes: Uint8Array): number {
  try {
    return decodeCommit(bytes).number;
  } catch {
    throw damaged(file, "a commit cannot be read");
  }
}

async function snapshotIn(file: string): Promise<Snapshot | undefined> {
  let head: SnapshotHead | undefined;
  const chunks: Uint8Array[] = [];
  for await (const part of parts(file)) {
    if (part.kind === "snapshot") head = part.snapshot;
    else if (part.kind === "chunk") chunks.push(part.bytes);
    else if (part.kind !== "head") break;
  }
  if (head === undefined) return undefined;
  if (head.chunks !== chunks.length) throw damaged(file, `its snapshot has ${chunks.length} of ${head.chunks} chunks`);
  return { ...head, version: head.number, chunks };
}

async function* parts(file: string): AsyncGenerator<FilePart> {
  const input = createReadStream(file, { highWaterMark: 1024 * 1024 });
  try {
    const bytes = input as AsyncIterable<Uint8Array>;
    const [head, whole] = await peek(bytes, MAGIC.length);
    if (Buffer.compare(head, MAGIC) === 0) yield* framesIn(file, whole);
    else yield* linesIn(file, whole);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") throw notFound(`there is no file ${file}`, "give the path of an export, or the name of a history such as job-queue.main");
    throw error;
  } finally {
    input.destroy();
  }
}

/** The first bytes, and everything with them still in front. */
async function peek(input: AsyncIterable<Uint8Array>, length: number): Promise<[head: Uint8Array, whole: AsyncIterable<Uint8Array>]> {
  const iterator = input[Symbol.asyncIterator]();
  let head: Uint8Array = new Uint8Array(0);
  while (head.length < length) {
    const next = await iterator.next();
    if (next.done === true) break;
    head = head.length === 0 ? next.value : Buffer.concat([head, next.value]);
  }
  return [head.subarray(0, length), rejoined(head, iterator)];
}

async function* rejoined(head: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield head;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}

async function* linesIn(file: string, input: AsyncIterable<Uint8Array>): AsyncGenerator<FilePart> {
  let number = 0;
  for await (const line of linesOf(input)) {
    number++;
    if (line !== "") yield partOfLine(file, number, line);
  }
}

async function* framesIn(file: string, input: AsyncIterable<Uint8Array>): AsyncGenerator<FilePart> {
  let buffer = Buffer.alloc(0);
  let skip = MAGIC.length;
  for await (const chunk of input) {
    buffer = buffer.length === 0 ? Buffer.from(chunk) : Buffer.concat([buffer, chunk]);
    let at = skip;
    skip = 0;
    while (buffer.length - at >= FRAME_HEAD_BYTES) {
      const length = buffer.readUInt32BE(at + 1);
      if (length > FRAME_BYTES_MAX) throw damaged(file, `a frame claims ${length} bytes`);
      if (buffer.length - at < FRAME_HEAD_BYTES + length) break;
      yield partOfFrame(file, buffer[at] ?? 0, buffer.subarray(at + FRAME_HEAD_BYTES, at + FRAME_HEAD_BYTES + length));
      at += FRAME_HEAD_BYTES + length;
    }
    buffer = buffer.subarray(at);
  }
  if (buffer.length > 0) throw damaged(file, "it ends in the middle of a commit");
}
