/**
 * The durable way in of one actor: its subjects in one of the two inbox streams.
 *
 * What is read is complete: the stream's last sequence is taken first, and everything of this actor up to it then read.
 */
import { type Inbox, type InboxAnswer, type InboxMessage, type Role, streamsOf, subjectsOf } from "@longshore/kernel";
import { callApi, purgeBelow } from "./api.ts";
import type { Connection } from "./connect.ts";
import { faultOf, isRecord } from "./faults.ts";
import { type Range, readRange } from "./range.ts";
import { isJson } from "./wire.ts";

export interface InboxOptions {
  readonly cluster: string;
  readonly kind: string;
  readonly actor: string;
  /** `inbox`: from clients, workers and operators. `peers`: from actors, also of other clusters. */
  readonly stream: "inbox" | "peers";
}

/** Which senders' messages each stream keeps. */
export const INBOX_ROLES: Readonly<Record<InboxOptions["stream"], readonly Role[]>> = {
  inbox: ["submit", "outcome", "operate", "hello"],
  peers: ["actor", "peer"],
};

export function inboxOf(connection: Connection, options: InboxOptions): Inbox {
  const { cluster, kind, actor } = options;
  const subjects = subjectsOf(cluster);
  const stream = streamsOf(cluster)[options.stream];
  const filter = subjects.inboxes(kind, actor);
  return {
    stream,
    read(after, max, done) {
      streamEnd(connection, stream, (end) => {
        if (end === undefined) done({ kind: "unavailable" });
        else if (end.last <= after || max <= 0) done({ kind: "messages", messages: [], ...end });
        else readUpTo(connection, { stream, filter, after, max }, end, done);
      });
    },
    onArrival: (hint) => hints(connection, INBOX_ROLES[options.stream].map((role) => subjects.inbox(kind, actor, role, "*")), hint),
    purge(upTo) {
      purgeBelow(connection, stream, filter, upTo + 1, () => {});
    },
  };
}

interface StreamEnd {
  readonly last: number;
  readonly created: string;
}

function streamEnd(connection: Connection, stream: string, done: (end: StreamEnd | undefined) => void): void {
  callApi(connection, `STREAM.INFO.${stream}`, undefined, (answer) => {
    if (answer.kind === "ok") {
      const { state, created } = answer.body;
      done({ last: isRecord(state) ? Number(state["last_seq"] ?? 0) : 0, created: String(created) });
      return;
    }
    if (answer.kind === "error" || answer.cause === "denied") connection.report(faultOf(`reading stream ${stream}`, answer));
    done(undefined);
  });
}

function readUpTo(connection: Connection, range: Range, { last, created }: StreamEnd, done: (answer: InboxAnswer) => void): void {
  const messages: InboxMessage[] = [];
  readRange(
    connection,
    range,
    // Nobody who may speak on this subject has said what the server was made to send here: it is read as nothing, and refused as such.
    ({ sequence, subject, data, contentType, isAnswer }) => messages.push({ sequence, subject, data: isAnswer ? NOTHING : data, json: isJson(contentType) }),
    (end) => {
      // A message may have arrived after the last sequence was taken.
      if (end.kind === "end") done({ kind: "messages", messages, last: Math.max(last, end.last), created });
      else done({ kind: "unavailable" });
    },
  );
}

const NOTHING = new Uint8Array(0);

/**
 * Hints from a plain subscription, which sees a message before it is stored. So each arrival hints three times; the
 * last is late enough for a slow disk.
 */
export function hints(connection: Connection, subjects: readonly string[], hint: () => void): () => void {
  const timers = new Map<number, NodeJS.Timeout>();
  let isStopped = false;
  const arrived = (): void => {
    if (isStopped) return;
    for (const afterMs of HINT_AFTER_MS) {
      if (timers.has(afterMs)) continue;
      const timer = setTimeout(() => {
        timers.delete(afterMs);
        connection.guarded(hint);
      }, afterMs);
      timers.set(afterMs, timer);
    }
  };
  const subscriptions = subjects.map((subject) =>
    connection.nc.subscribe(subject, {
      callback: (error) => {
        if (error === null) arrived();
      },
    }),
  );
  const stopReconnect = connection.onReconnect(arrived);
  // What came before the server knew of the subscription was not seen.
  void connection.nc.flush().then(arrived, () => undefined);
  return () => {
    isStopped = true;
    stopReconnect();
    for (const subscription of subscriptions) subscription.unsubscribe();
    for (const timer of timers.values()) clearTimeout(timer);
    timers.clear();
  };
}

const HINT_AFTER_MS: readonly number[] = [2, 20, 500];
