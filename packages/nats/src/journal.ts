/**
 * A history on JetStream: one subject of the journal stream, one message per commit.
 *
 * The guard is `Nats-Expected-Last-Subject-Sequence`. There is no message id: its window is per stream, anyone may fill
 * it, and before 2.12 a repeat within it is answered as a duplicate before the guard is looked at. An append is one raw
 * request and one callback.
 *
 * Not every message of the subject is a commit: the server sends answers to whatever subject it is told, and nobody's permissions
 * say which (ADR 13). A commit names this stream in `Nats-Expected-Stream`. What the server says itself does not, and what it
 * reads to somebody from another stream is marked as that. So everything else is left out, as if it were not there.
 */
import { type AppendAnswer, type Journal, type StoredCommit, streamsOf, subjectsOf } from "@longshore/kernel";
import { headers } from "@nats-io/transport-node";
import { callApi, directMessage, EXPECTED_STREAM, leaderMessage, purgeBelow, type StoredMessage } from "./api.ts";
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
  const isCommit = ({ expectedStream, isAnswer }: Pick<StoredMessage, "expectedStream" | "isAnswer">): boolean => expectedStream === stream && !isAnswer;
  const readCommits: Journal["read"] = (after, onCommit, done) =>
    read.range(reading, { stream, filter: subject, after }, (message) => {
      if (isCommit(message)) onCommit({ version: message.sequence, bytes: message.data });
    }, done);
  return {
    append: (bytes, expected, done) => append(connection, stream, subject, bytes, expected, done),
    last(done) {
      read.message(connection, stream, { last_by_subj: subject }, (answer) => {
        if (answer.kind !== "message") return done(answer);
        const { message } = answer;
        if (message === undefined) return done({ kind: "last", commit: undefined });
        if (isCommit(message)) return done({ kind: "last", commit: { version: message.sequence, bytes: message.data } });
        // Rare, and slow: something else stands last, and what is before it can only be found from the front.
        let commit: StoredCommit | undefined;
        readCommits(0, (found) => { commit = found; }, (end) => done(end.kind === "end" ? { kind: "last", commit, tail: end.last } : end));
      });
    },
    read: readCommits,
    get(version, done) {
      directMessage(connection, stream, { seq: version }, (answer) => {
        // The stream holds other histories too.
        const isOurs = answer.kind === "message" && answer.message?.subject === subject && isCommit(answer.message);
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
  guard.set(EXPECTED_STREAM, stream);
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
