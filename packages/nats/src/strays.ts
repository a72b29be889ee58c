/**
 * Inbox messages for actors that do not exist, so that a typo in a subject becomes a recorded rejection, not silence.
 *
 * Found by asking now and then which subjects the stream holds: messages of living actors are purged after their
 * commit, so the list is short. A message is a stray only when it is the oldest of its subject on two looks, because an
 * actor may have just been started.
 */
import { type Inbox, type InboxMessage, streamsOf, subjectsOf } from "@longshore/kernel";
import { callApi, leaderMessage } from "./api.ts";
import type { Connection } from "./connect.ts";
import { isRecord } from "./faults.ts";
import { historiesOf } from "./histories.ts";
import { isJson } from "./wire.ts";

export interface StrayOptions {
  readonly cluster: string;
  /** Whether an actor reads its inbox itself, or will. One that has a history is known in any case. */
  readonly isKnown: (kind: string, actor: string) => boolean;
}

/** Subjects looked into per look. */
const SUBJECTS_MAX = 32;

export function strayInboxOf(connection: Connection, { cluster, isKnown }: StrayOptions): Inbox {
  const stream = streamsOf(cluster).inbox;
  const { prefix } = subjectsOf(cluster);
  const histories = historiesOf(connection, cluster);
  /** Per subject, the sequence seen at the last look. */
  let seen = new Map<string, number>();
  const delivered = new Map<number, string>();

  const collect = (subjects: readonly string[], done: (messages: InboxMessage[]) => void): void => {
    const messages: InboxMessage[] = [];
    const now = new Map<string, number>();
    const next = (i: number): void => {
      const subject = subjects[i];
      if (subject === undefined) {
        seen = now;
        messages.sort((a, b) => a.sequence - b.sequence);
        return done(messages);
      }
      leaderMessage(connection, stream, { seq: 1, next_by_subj: subject }, (answer) => {
        const message = answer.kind === "message" ? answer.message : undefined;
        if (message !== undefined) {
          now.set(subject, message.sequence);
          if (seen.get(subject) === message.sequence) messages.push({ ...message, json: isJson(message.contentType) });
        }
        next(i + 1);
      });
    };
    next(0);
  };

  /** Of these inbox subjects, those whose actor nobody has heard of. */
  const unowned = (subjects: readonly string[], done: (strays: readonly string[] | undefined) => void): void => {
    const unknown = subjects.filter((subject) => !isKnown(...actorIn(subject)));
    if (unknown.length === 0) return done(unknown);
    // An actor that has a history was there and comes back: what waits for it is no stray.
    histories((names) => {
      if (names === undefined) return done(undefined);
      const had = new Set(names.map((name) => name.join(".")));
      done(unknown.filter((subject) => !had.has(actorIn(subject).join("."))));
    });
  };

  return {
    stream: `${stream}#strays`,
    read(after, max, done) {
      callApi(connection, `STREAM.INFO.${stream}`, { subjects_filter: `${prefix}in.>` }, (answer) => {
        const state = answer.kind === "ok" ? answer.body["state"] : undefined;
        if (answer.kind !== "ok" || !isRecord(state)) return done({ kind: "unavailable" });
        const created = String(answer.body["created"] ?? "");
        unowned(isRecord(state["subjects"]) ? Object.keys(state["subjects"]) : [], (strays) => {
          if (strays === undefined) return done({ kind: "unavailable" });
          collect(strays.slice(0, SUBJECTS_MAX), (messages) => {
            const fresh = messages.filter((message) => message.sequence > after).slice(0, Math.max(0, max - 1));
            for (const message of fresh) delivered.set(message.sequence, message.subject);
            // Older strays may yet be found on another subject, so nothing is said about what lies below.
            done({ kind: "messages", messages: fresh, last: after, created });
          });
        });
      });
    },
    onArrival: () => () => undefined,
    purge(upTo) {
      for (const [sequence, subject] of delivered) {
        if (sequence > upTo) continue;
        delivered.delete(sequence);
        callApi(connection, `STREAM.PURGE.${stream}`, { filter: subject, seq: sequence + 1 }, () => undefined);
      }
    },
  };
}

/** Kind and name, from `ls.<cluster>.in.<kind>.<actor>.…`. */
function actorIn(subject: string): readonly [kind: string, actor: string] {
  const [, , , kind = "", actor = ""] = subject.split(".");
  return [kind, actor];
}
