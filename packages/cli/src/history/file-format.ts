/**
 * An exported history, in two forms with the same content.
 *
 * ndjson, for people and their tools: a head line, the snapshot if the oldest commits are gone, one line per commit, an
 * end line. A commit's `events` are there to be read; its `bytes` are the truth, and the only thing an import looks at,
 * because the chain is a hash of them.
 *
 * Binary, for size and speed: 8 bytes of name and format, then frames of one byte kind, four bytes length, and a body.
 *
 * Both end with a count and the last commit's hash, so a file that was cut off is known.
 */
import { decodeUntrusted, encode, type Snapshot } from "@longshore/kernel";
import { failed } from "../errors.ts";

export const FILE_FORMAT = 1;
export const MAGIC: Uint8Array = new TextEncoder().encode("LSHIST1\n");
const FRAME = { head: 1, snapshot: 2, chunk: 3, commit: 4, end: 5 } as const;
export const FRAME_HEAD_BYTES = 5;
/** No frame of ours is larger; a larger length means that the file is damaged. */
export const FRAME_BYTES_MAX: number = 64 * 1024 * 1024;

export interface FileHead {
  readonly format: number;
  readonly cluster: string;
  readonly kind: string;
  readonly actor: string;
  readonly software: string;
  readonly exportedAt: number;
}

export interface FileEnd {
  readonly commits: number;
  /** Hex. */
  readonly hash: string;
}

export type SnapshotHead = Omit<Snapshot, "chunks"> & { readonly chunks: number };

/** One part of a file, in the order in which they come. */
export type FilePart =
  | { readonly kind: "head"; readonly head: FileHead }
  | { readonly kind: "snapshot"; readonly snapshot: SnapshotHead }
  | { readonly kind: "chunk"; readonly bytes: Uint8Array }
  | { readonly kind: "commit"; readonly bytes: Uint8Array }
  | { readonly kind: "end"; readonly end: FileEnd };

export const damaged = (file: string, why: string): Error =>
  failed("history/damaged", `${file} is not a whole export: ${why}`, "export it again; what is missing cannot be guessed");

export function frameOf(part: FilePart): Uint8Array {
  const body = part.kind === "head" ? encode(part.head) : part.kind === "snapshot" ? encode(part.snapshot) : part.kind === "end" ? encode(part.end) : part.bytes;
  const frame = new Uint8Array(FRAME_HEAD_BYTES + body.length);
  frame[0] = FRAME[part.kind];
  new DataView(frame.buffer).setUint32(1, body.length);
  frame.set(body, FRAME_HEAD_BYTES);
  return frame;
}

/** The part in a frame. Commits and chunks are copied out of the buffer they were read into. */
export function partOfFrame(file: string, tag: number, body: Uint8Array): FilePart {
  if (tag === FRAME.commit) return { kind: "commit", bytes: body.slice() };
  if (tag === FRAME.chunk) return { kind: "chunk", bytes: body.slice() };
  const value = mapIn(file, body);
  if (tag === FRAME.head) return { kind: "head", head: headIn(file, value) };
  if (tag === FRAME.end) return { kind: "end", end: { commits: Number(value["commits"]), hash: String(value["hash"]) } };
  if (tag !== FRAME.snapshot) throw damaged(file, `it has a frame of an unknown kind (${tag})`);
  return { kind: "snapshot", snapshot: snapshotIn(file, value, (bytes) => (bytes instanceof Uint8Array ? bytes.slice() : undefined)) };
}

function mapIn(file: string, body: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value = decodeUntrusted(body);
    if (typeof value === "object" && value !== null) return value as Readonly<Record<string, unknown>>;
  } catch {
    // Told below.
  }
  throw damaged(file, "its head, snapshot or end cannot be read");
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
const fromBase64 = (value: unknown): Uint8Array | undefined => (typeof value === "string" ? Uint8Array.from(Buffer.from(value, "base64")) : undefined);

/** `readable` is what a commit's line says beside its bytes. */
export function lineOf(part: FilePart, readable: Readonly<Record<string, unknown>>): string {
  switch (part.kind) {
    case "head": return JSON.stringify({ longshore: "history", ...part.head });
    case "snapshot": return JSON.stringify({ snapshot: { ...part.snapshot, commitHash: base64(part.snapshot.commitHash), stateHash: base64(part.snapshot.stateHash) } });
    case "chunk": return JSON.stringify({ chunk: base64(part.bytes) });
    case "commit": return JSON.stringify({ ...readable, bytes: base64(part.bytes) });
    case "end": return JSON.stringify({ end: part.end });
  }
}

export function partOfLine(file: string, number: number, line: string): FilePart {
  const value = parsed(file, number, line);
  if (value["longshore"] === "history") return { kind: "head", head: headIn(file, value) };
  const { snapshot, end } = value as { readonly snapshot?: Readonly<Record<string, unknown>>; readonly end?: Readonly<Record<string, unknown>> };
  if (snapshot !== undefined) return { kind: "snapshot", snapshot: snapshotIn(file, snapshot, fromBase64) };
  if (end !== undefined) return { kind: "end", end: { commits: Number(end["commits"]), hash: String(end["hash"]) } };
  const chunk = fromBase64(value["chunk"]);
  if (chunk !== undefined) return { kind: "chunk", bytes: chunk };
  const bytes = fromBase64(value["bytes"]);
  if (bytes === undefined) throw damaged(file, `line ${number} is neither commit, snapshot nor end`);
  return { kind: "commit", bytes };
}

function parsed(file: string, number: number, line: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === "object" && value !== null) return value as Readonly<Record<string, unknown>>;
  } catch {
    // Told below.
  }
  throw damaged(file, `line ${number} is not a JSON object`);
}

function headIn(file: string, value: Readonly<Record<string, unknown>>): FileHead {
  const { format, cluster, kind, actor, software, exportedAt } = value;
  if (typeof cluster !== "string" || typeof kind !== "string" || typeof actor !== "string") throw damaged(file, "its first line names no history");
  if (format !== FILE_FORMAT) throw failed("history/format", `${file} has format ${String(format)}, and this program reads ${FILE_FORMAT}`, "use the release that wrote it, or a newer one");
  return { format, cluster, kind, actor, software: String(software), exportedAt: Number(exportedAt) };
}

function snapshotIn(file: string, value: Readonly<Record<string, unknown>>, bytes: (field: unknown) => Uint8Array | undefined): SnapshotHead {
  const commitHash = bytes(value["commitHash"]);
  const stateHash = bytes(value["stateHash"]);
  if (commitHash === undefined || stateHash === undefined) throw damaged(file, "its snapshot has no hashes");
  const [schema = 0, epoch = 0, number = 0, version = 0, chunks = 0] = ["schema", "epoch", "number", "version", "chunks"].map((name) => Number(value[name]));
  return { schema, epoch, number, version, chunks, commitHash, stateHash };
}
