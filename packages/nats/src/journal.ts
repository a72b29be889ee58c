/**
 * A history on JetStream: one subject of the journal stream, one message per commit.
 *
 * The guard is `Nats-Expected-Last-Subject-Sequence`. There is no message id: its window is per stream, anyone may fill
 * it, and before 2.12 a repeat within it is answered as a duplicate before the guard is looked at. An append is one raw
 * request and one callback.
 */
import { type AppendAnswer, type Journal, streamsOf, subjectsOf } from "@longshore/kernel";
import { headers } from "@nats-io/transport-node";
import { callApi, directMessage, leaderMessage, purgeBelow } from "./api.ts";
import type { Connection } from "./connect.ts";
import { appendAnswer, isRecord } from "./faults.ts";
import { API_TIMEOUT_MS } from "./limits.ts";
import { type ReadFrom, readingFrom } from "./reading.ts";

export interface JournalOptions {
  readonly cluster: string;
  readonly kind: string;
  readonly actor: string;
  /** A connection of its own for reading back, so that acknowledgements do not wait behind it. */
  readonly reading?: Connection;
  /** `leader` for hosts. Observers have `replica`: they may not create consumers. */
  readonly from?: ReadFrom;
}

export function journalOf(connection: Connection, { cluster, kind, actor, reading = connection, from = "leader" }: JournalOptions): Journal {
  const subject = subjectsOf(cluster).journal(kind, actor);
  const stream = streamsOf(cluster).journal;
  const read = readingFrom(from);
  return {
    append: (bytes, expected, done) => append(connection, stream, subject, bytes, expected, done),
    last(done) {
      read.message(connection, stream, { last_by_subj: subject }, (answer) => {
        if (answer.kind !== "message") return done(answer);
        const { message } = answer;
        done({ kind: "last", commit: message === undefined ? undefined : { version: message.sequence, bytes: message.data } });
      });
    },
    read(after, onCommit, done) {
      read.range(reading, { stream, filter: subject, after }, ({ sequence, data }) => onCommit({ version: sequence, bytes: data }), done);
    },
    get(version, done) {
      directMessage(connection, stream, { seq: version }, (answer) => {
        // The stream holds other histories too.
        const isOurs = answer.kind === "message" && answer.message?.subject === subject;
        done(isOurs && answer.message !== undefined ? { version, bytes: answer.message.data } : undefined);
      });
    },
    purge(below, done) {
      // The last commit carries the guard: without it a first append would be right again.
      leaderMessage(connection, stream, { last_by_subj: subject }, (answer) => {
        if (answer.kind !== "message" || answer.message === undefined) return done(false);
        purgeBelow(connection, stream, subject, Math.min(below, answer.message.sequence), done);
      });
    },
    size: (done) => size(connection, stream, subject, done),
  };
}

function append(connection: Connection, stream: string, subject: string, bytes: Uint8Array, expected: number, done: (answer: AppendAnswer) => void): void {
  const guard = headers();
  guard.set("Nats-Expected-Stream", stream);
  guard.set("Nats-Expected-Last-Subject-Sequence", String(expected));
  connection.calls.request(subject, bytes, { timeoutMs: API_TIMEOUT_MS, headers: guard, whileDown: "fail" }, (answer) => done(appendAnswer(answer)));
}

type Size = Parameters<Parameters<Journal["size"]>[0]>[0];

/** Bytes are those of the whole stream, in proportion: the server counts messages per subject, bytes only in all. */
function size(connection: Connection, stream: string, subject: string, done: (size: Size) => void): void {
  callApi(connection, `STREAM.INFO.${stream}`, { subjects_filter: subject }, (answer) => {
    const { state, config } = answer.kind === "ok" ? answer.body : {};
    if (!isRecord(state)) return done(undefined);
    const subjects = isRecord(state["subjects"]) ? state["subjects"] : {};
    const commits = Number(subjects[subject] ?? 0);
    const messages = Number(state["messages"] ?? 0);
    const share = messages === 0 ? 1 : commits / messages;
    const bytes = Math.ceil(Number(state["bytes"] ?? 0) * share);
    const streamBytesMax = isRecord(config) ? Number(config["max_bytes"] ?? -1) : -1;
    directMessage(connection, stream, { seq: 1, next_by_subj: subject }, (first) => {
      if (first.kind !== "message") return done(undefined);
      done({ bytes, commits, first: first.message?.sequence ?? 0, ...(streamBytesMax > 0 ? { bytesMax: streamBytesMax * share } : {}) });
    });
  });
}
