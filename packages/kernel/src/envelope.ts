/**
 * What travels to a host and back: one message with many commands, and its one answer.
 *
 * A command message is a map, msgpack or JSON: verbs with lists of items, and beside them, all optional, what a
 * session needs: `session` (id), `first` (number of the first item), `unanswered` (the first number whose outcome the
 * client does not know), `notAfter` (server ms), and `after` (inbox sequence that must be applied before). Between
 * actors: `from` and `first` (number of the first message).
 *
 * In an inbox `notAfter` may be missing: the message waits for a host however long, and its numbers, remembered from when
 * it is read, tell a second copy of it.
 *
 * The answer: `{ epoch, commit, count, rejected: [[index, code, message, detail]…], answers: [[index, answer]…] }`;
 * an item in neither list is accepted. Or `{ overloaded: true, retryInMs }`, or `{ error: { code, message } }`.
 */
import type { Sender } from "./actor.ts";
import { decodeUntrusted, encode, encodeJson } from "./codec.ts";
import { Fault } from "./faults.ts";
import { KERNEL_LIMITS } from "./limits.ts";
import type { RecordedOutcome } from "./sessions.ts";
import { sessionBirth, sessionKey } from "./sessions.ts";

export interface SessionUse {
  readonly key: string;
  readonly birth: number;
  readonly first: number;
  readonly firstUnanswered: number;
  readonly notAfter: number;
}

export interface Link {
  readonly sender: string;
  readonly first: number;
}

/** One message's commands, in order. */
export interface CommandMessage {
  readonly sender: Sender;
  readonly session: SessionUse | undefined;
  readonly link: Link | undefined;
  readonly after: number | undefined;
  readonly verbs: readonly string[];
  readonly items: readonly unknown[];
}

const META = new Set(["session", "first", "unanswered", "notAfter", "after", "from"]);

/**
 * `inboxReadAt`: server time when a message was read from an inbox; undefined for a direct one.
 * @throws {Fault} `codec/refused` or `message/…` naming what is wrong and what would be right.
 */
export function readCommandMessage(data: Uint8Array, json: boolean, sender: Sender, inboxReadAt?: number): CommandMessage {
  const message = decodeUntrusted(data, json);
  if (typeof message !== "object" || message === null || Array.isArray(message)) throw bad("message", "must be a map of verbs to lists of items");
  const map = message as Record<string, unknown>;
  const verbs: string[] = [];
  const items: unknown[] = [];
  for (const verb of Object.keys(map)) {
    if (META.has(verb)) continue;
    const list = map[verb];
    if (!Array.isArray(list)) throw bad(verb, "must be a list of items");
    for (const item of list) {
      verbs.push(verb);
      items.push(item);
    }
  }
  if (items.length === 0) throw bad("message", "has no command: name a verb, for example {\"submit\": [{\"topic\": …}]}");
  const after = optionalInteger(map, "after");
  return { sender, session: readSession(map, sender, inboxReadAt), link: readLink(map, sender), after, verbs, items };
}

function readSession(map: Record<string, unknown>, sender: Sender, inboxReadAt: number | undefined): SessionUse | undefined {
  const id = map["session"];
  if (id === undefined) return undefined;
  const birth = typeof id === "string" ? sessionBirth(id) : undefined;
  if (birth === undefined) throw bad("session", "must be `<birth in base36 ms>-<8 to 64 random characters>`");
  const first = integer(map, "first");
  const numbers = { key: sessionKey(sender.principal, id as string), first, firstUnanswered: optionalInteger(map, "unanswered") ?? first };
  if (inboxReadAt !== undefined && map["notAfter"] === undefined) return { ...numbers, birth: inboxReadAt, notAfter: inboxReadAt + KERNEL_LIMITS.sessionKeepMs };
  return { ...numbers, birth, notAfter: integer(map, "notAfter") };
}

function readLink(map: Record<string, unknown>, sender: Sender): Link | undefined {
  const from = map["from"];
  if (from === undefined) return undefined;
  if (typeof from !== "string" || from.length > 300) throw bad("from", "must be the address of the sending actor");
  if (sender.role !== "actor" && sender.role !== "peer") throw bad("from", "is for actors only");
  // A cluster may be called like a user here: what it says of its links must not touch that user's.
  const speaker = sender.role === "peer" ? `peer ${sender.principal}` : sender.principal;
  return { sender: `${speaker}/${from}`, first: integer(map, "first") };
}

function integer(map: Record<string, unknown>, field: string): number {
  const value = map[field];
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) throw bad(field, "must be a whole number, 0 or more");
  return value;
}

const optionalInteger = (map: Record<string, unknown>, field: string): number | undefined =>
  map[field] === undefined ? undefined : integer(map, field);

const bad = (field: string, remedy: string): Fault => new Fault("message/malformed", `${field} ${remedy}`, { retry: "never" });

/** What one message is answered, collected while its items are decided. */
export class AnswerSheet {
  private readonly rejected: unknown[][] = [];
  private readonly answers: unknown[][] = [];

  note(index: number, outcome: RecordedOutcome): void {
    if (outcome.kind === "rejected") this.rejected.push([index, outcome.code, outcome.message, outcome.detail ?? null]);
    else if (outcome.answer !== undefined) this.answers.push([index, outcome.answer]);
  }

  toMessage(epoch: number, commit: number, count: number): Record<string, unknown> {
    const message: Record<string, unknown> = { epoch, commit, count };
    if (this.rejected.length > 0) message["rejected"] = this.rejected;
    if (this.answers.length > 0) message["answers"] = this.answers;
    return message;
  }
}

export const encodeAnswer = (message: unknown, json: boolean): Uint8Array => (json ? encodeJson(readable(message)) : encode(message));

export const errorAnswer = (error: unknown): Record<string, unknown> => ({
  error: error instanceof Fault ? { code: error.code, message: error.message } : { code: "kernel/defect", message: "the host failed on this message" },
});

const READABLE_DEPTH_MAX = 40;

/** JSON has no bytes: encoded payloads are shown as the values they hold, other bytes as `{ "bytes": <length> }`. */
function readable(value: unknown, depth = 0): unknown {
  if (value instanceof Uint8Array) {
    try {
      return readable(decodeUntrusted(value), depth + 1);
    } catch {
      return { bytes: value.length };
    }
  }
  if (typeof value !== "object" || value === null || depth > READABLE_DEPTH_MAX || value instanceof Date) return value;
  if (Array.isArray(value)) return value.map((inner) => readable(inner, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, readable(inner, depth + 1)]));
}
