/**
 * How far a history was seen to reach, kept in two places outside its stream: another stream, and a local file.
 *
 * A journal with one flipped bit can lose its tail without an error and hand out the same sequences again. The marks
 * are how that is noticed, so a place that holds no mark is not the same as one that cannot be read.
 */
import { randomUUID } from "node:crypto";
import { mkdir, open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { type HighWater, type HighWaterMarks, streamsOf, subjectsOf } from "@longshore/kernel";
import { leaderMessage } from "./api.ts";
import type { Connection } from "./connect.ts";
import { isRecord } from "./faults.ts";
import { API_TIMEOUT_MS } from "./limits.ts";

export interface MarksOptions {
  readonly cluster: string;
  readonly kind: string;
  readonly actor: string;
  /** The local file; without it the stream is the only place. */
  readonly file?: string;
}

type Place = { readonly kind: "mark"; readonly mark: HighWater | undefined } | { readonly kind: "unreadable" };

export function marksOf(connection: Connection, { cluster, kind, actor, file }: MarksOptions): HighWaterMarks {
  const subject = subjectsOf(cluster).mark(kind, actor);
  const stream = streamsOf(cluster).marks;
  const toStream = newestOnly((text, done) =>
    connection.calls.request(subject, encoder.encode(text), { timeoutMs: API_TIMEOUT_MS, whileDown: "fail" }, () => done()),
  );
  const toFile = file === undefined ? undefined : newestOnly((text, done) => void replaceFile(file, text).then(done, done));
  return {
    read(done) {
      leaderMessage(connection, stream, { last_by_subj: subject }, (answer) => {
        const isOurs = answer.kind === "message" && answer.message?.isAnswer !== true;
        const stored: Place = isOurs ? placeOf(answer.message === undefined ? undefined : decoder.decode(answer.message.data)) : { kind: "unreadable" };
        void fileMark(file).then((local) => connection.guarded(() => done(highest(stored, local))));
      });
    },
    write(mark) {
      const text = JSON.stringify({ number: mark.number, hash: Buffer.from(mark.hash).toString("base64url") });
      toStream(text);
      toFile?.(text);
    },
  };
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A machine without the file says nothing about the history: only the stream can say that there is no mark. */
function highest(stored: Place, local: Place): { readonly kind: "mark"; readonly mark: HighWater | undefined } | { readonly kind: "unavailable" } {
  const marks = [stored, local].flatMap((place) => (place.kind === "mark" && place.mark !== undefined ? [place.mark] : []));
  if (stored.kind === "unreadable" && marks.length === 0) return { kind: "unavailable" };
  return { kind: "mark", mark: marks.sort((a, b) => b.number - a.number)[0] };
}

async function fileMark(file: string | undefined): Promise<Place> {
  if (file === undefined) return { kind: "unreadable" };
  return placeOf(await readFile(file, "utf8").catch(() => undefined));
}

function placeOf(text: string | undefined): Place {
  if (text === undefined) return { kind: "mark", mark: undefined };
  try {
    const value: unknown = JSON.parse(text);
    if (!isRecord(value) || !Number.isSafeInteger(value["number"]) || typeof value["hash"] !== "string") return { kind: "unreadable" };
    return { kind: "mark", mark: { number: Number(value["number"]), hash: Uint8Array.from(Buffer.from(value["hash"], "base64url")) } };
  } catch {
    return { kind: "unreadable" };
  }
}

/** One write at a time; what came meanwhile is written after it, the newest only. */
function newestOnly(write: (text: string, done: () => void) => void): (text: string) => void {
  let next: string | undefined;
  let isWriting = false;
  const go = (text: string): void => {
    isWriting = true;
    write(text, () => {
      isWriting = false;
      if (next === undefined) return;
      const following = next;
      next = undefined;
      go(following);
    });
  };
  return (text) => {
    if (isWriting) next = text;
    else go(text);
  };
}

/** After a crash the file holds the old mark or the new one. */
async function replaceFile(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const fresh = `${file}.${randomUUID()}`;
  const handle = await open(fresh, "w", 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(fresh, file);
}
