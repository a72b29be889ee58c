/** JetStream's API, by callback for the ports and by promise for setting up. */
import type { Msg, MsgHdrs } from "@nats-io/transport-node";
import type { CallAnswer } from "./calls.ts";
import type { Connection } from "./connect.ts";
import { type ApiAnswer, apiAnswer, faultOf, isRecord, readFailure } from "./faults.ts";
import { API_TIMEOUT_MS, SETUP_TIMEOUT_MS, SUBJECTS_MAX } from "./limits.ts";
import { plain } from "./plain.ts";

const encoder = new TextEncoder();
const NOTHING = new Uint8Array(0);

/** `verb` as in `STREAM.INFO.<stream>`. */
export function callApi(connection: Connection, verb: string, body: object | undefined, done: (answer: ApiAnswer) => void, timeoutMs: number = API_TIMEOUT_MS): void {
  const data = body === undefined ? NOTHING : encoder.encode(JSON.stringify(body));
  connection.calls.request(`$JS.API.${verb}`, data, { timeoutMs, whileDown: "fail" }, (answer) => done(apiAnswer(answer)));
}

export const askApi = (connection: Connection, verb: string, body?: object): Promise<ApiAnswer> =>
  new Promise((resolve) => callApi(connection, verb, body, resolve, SETUP_TIMEOUT_MS));

/** @throws {Fault} for everything that is not a body; `doing` begins its message. */
export async function requireApi(connection: Connection, doing: string, verb: string, body?: object): Promise<Readonly<Record<string, unknown>>> {
  const answer = await askApi(connection, verb, body);
  if (answer.kind === "ok") return answer.body;
  throw faultOf(doing, answer);
}

/**
 * Forgets the messages of a filter below a sequence. Below 1 there is none, and the server must not be asked: 0 means
 * everything to it, and to servers before 2.11 so does 1.
 */
export function purgeBelow(connection: Connection, stream: string, filter: string, below: number, done: (ok: boolean) => void): void {
  if (below <= 1) setImmediate(() => connection.guarded(() => done(true)));
  else callApi(connection, `STREAM.PURGE.${stream}`, { filter, seq: below }, (answer) => done(answer.kind === "ok"));
}

/** Forgets all messages of a filter. */
export function purgeAll(connection: Connection, stream: string, filter: string, done: (ok: boolean) => void): void {
  callApi(connection, `STREAM.PURGE.${stream}`, { filter }, (answer) => done(answer.kind === "ok"));
}

/** The subjects of a filter that have a message, page by page; undefined when they cannot be had. */
export function subjectsIn(connection: Connection, stream: string, filter: string, done: (subjects: readonly string[] | undefined) => void): void {
  const found: string[] = [];
  const page = (): void => callApi(connection, `STREAM.INFO.${stream}`, { subjects_filter: filter, offset: found.length }, (answer) => {
    if (answer.kind !== "ok") return done(undefined);
    const { state } = answer.body;
    const subjects = isRecord(state) && isRecord(state["subjects"]) ? Object.keys(state["subjects"]) : [];
    found.push(...subjects);
    // Without a total the server sent all there are.
    if (subjects.length === 0 || found.length >= Number(answer.body["total"] ?? 0) || found.length >= SUBJECTS_MAX) return done(found);
    page();
  }, SETUP_TIMEOUT_MS);
  page();
}

/** How many subjects of a filter have a message; undefined when that cannot be known. */
export function subjectCount(connection: Connection, stream: string, filter: string, done: (count: number | undefined) => void): void {
  // From beyond them all: the server then says how many there are, and lists none.
  callApi(connection, `STREAM.INFO.${stream}`, { subjects_filter: filter, offset: BEYOND_ALL }, (answer) => done(answer.kind === "ok" ? Number(answer.body["total"] ?? 0) : undefined), SETUP_TIMEOUT_MS);
}

const BEYOND_ALL = 2 ** 31 - 1;

export interface LastStored {
  readonly sequence: number;
  /** Server time, milliseconds. */
  readonly at: number;
  /** As they were sent; empty when there are none. */
  readonly headers: string;
}

/** Where and when the last message of a filter was stored; undefined when there is none. */
export function lastStored(connection: Connection, stream: string, filter: string, done: (last: LastStored | undefined | "unavailable") => void): void {
  callApi(connection, `STREAM.MSG.GET.${stream}`, { last_by_subj: filter }, (answer) => {
    if (answer.kind !== "ok") return done(readFailure(answer) === "absent" ? undefined : "unavailable");
    const message = answer.body["message"];
    const at = isRecord(message) ? Date.parse(String(message["time"])) : Number.NaN;
    if (!isRecord(message) || Number.isNaN(at)) return done("unavailable");
    done({ sequence: Number(message["seq"]), at, headers: Buffer.from(String(message["hdrs"] ?? ""), "base64").toString("utf8") });
  });
}

export interface StoredMessage {
  readonly sequence: number;
  readonly subject: string;
  readonly data: Uint8Array;
  readonly contentType: string | undefined;
  /** The stream its publisher meant: of messages that the server itself was made to send here there is none. */
  readonly expectedStream: string | undefined;
  /** It is a stored message that the server has sent here, because somebody asked for it and named this subject for the answer. */
  readonly isAnswer: boolean;
}

export type MessageAnswer =
  | { readonly kind: "message"; readonly message: StoredMessage | undefined }
  | { readonly kind: "unavailable" }
  | { readonly kind: "stop"; readonly cause: "no-stream" | "denied" };

export type MessageQuery = { readonly last_by_subj: string } | { readonly seq: number; readonly next_by_subj?: string };

/** One message from the stream's leader; never a direct get, which a replica that is behind may answer. */
export function leaderMessage(connection: Connection, stream: string, query: MessageQuery, done: (answer: MessageAnswer) => void): void {
  callApi(connection, `STREAM.MSG.GET.${stream}`, query, (answer) => {
    if (answer.kind === "ok") {
      const message = messageIn(answer.body["message"]);
      done(message === undefined ? { kind: "unavailable" } : { kind: "message", message });
      return;
    }
    const failure = readFailure(answer);
    if (failure === "absent") done({ kind: "message", message: undefined });
    else if (failure === "unavailable") done({ kind: "unavailable" });
    else done({ kind: "stop", cause: failure });
  });
}

/** One message from any replica, which may be behind. */
export function directMessage(connection: Connection, stream: string, query: MessageQuery, done: (answer: MessageAnswer) => void): void {
  const options = { timeoutMs: API_TIMEOUT_MS, whileDown: "fail" as const };
  connection.calls.request(`$JS.API.DIRECT.GET.${stream}`, encoder.encode(JSON.stringify(query)), options, (answer) => done(directAnswer(answer)));
}

export function directAnswer(answer: CallAnswer): MessageAnswer {
  if (answer.kind === "denied") return { kind: "stop", cause: "denied" };
  if (answer.kind !== "answer") return { kind: "unavailable" };
  const { headers } = answer.message;
  if (headers === undefined || headers.code >= 300) return headers?.code === 404 ? { kind: "message", message: undefined } : { kind: "unavailable" };
  return { kind: "message", message: directMessageIn(answer.message) };
}

/** What the server says of a message in the answer to a direct get: it stands behind what the message came with, which may say the same of somewhere else. */
export const said = (headers: MsgHdrs, name: string): string => headers.values(name).at(-1) ?? "";

/** A direct get sends a message as it was, with its place in further headers. */
export function directMessageIn({ headers, data }: Msg): StoredMessage | undefined {
  if (headers === undefined) return undefined;
  return { sequence: Number(said(headers, "Nats-Sequence")), subject: said(headers, "Nats-Subject"), data: plain(data), contentType: headers.get("Content-Type", "insensitive"), expectedStream: headers.get(EXPECTED_STREAM), isAnswer: headers.values(ANSWER_STREAM).length > 1 };
}

export const EXPECTED_STREAM = "Nats-Expected-Stream";
/** In the answer to a direct get. */
export const ANSWER_STREAM = "Nats-Stream";
// Exact, as the server reads them.
const ANSWER = new RegExp(`^${ANSWER_STREAM}:`, "m");
const EXPECTED = new RegExp(`^${EXPECTED_STREAM}:[ \\t]*(\\S+)`, "m");
const CONTENT_TYPE = /^content-type:[ \t]*(\S+)/im;

function messageIn(value: unknown): StoredMessage | undefined {
  if (!isRecord(value) || typeof value["seq"] !== "number") return undefined;
  const { seq: sequence, subject, data, hdrs } = value;
  const headers = typeof hdrs === "string" ? Buffer.from(hdrs, "base64").toString("utf8") : "";
  return {
    sequence,
    subject: String(subject),
    data: typeof data === "string" ? fromBase64(data) : NOTHING,
    contentType: CONTENT_TYPE.exec(headers)?.[1],
    expectedStream: EXPECTED.exec(headers)?.[1],
    isAnswer: ANSWER.test(headers),
  };
}

/** A plain array of its own: a Buffer would be compared and encoded differently. */
const fromBase64 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "base64"));
