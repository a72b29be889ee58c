/** What the server says, in our words. The one file that knows its error codes. */
import { type AppendAnswer, Fault, type StoreAnswer } from "@longshore/kernel";
import type { CallAnswer } from "./calls.ts";

/** `err_code` of JetStream's API. */
const CODE = {
  insufficientResources: 10_023,
  jetStreamDisabled: 10_039,
  jetStreamDisabledForAccount: 10_035,
  noMessage: 10_037,
  storageExceeded: 10_047,
  tooLarge: 10_054,
  noStream: 10_059,
  wrongStream: 10_060,
  wrongSequence: 10_071,
  storeFailed: 10_077,
  wrongSequenceUnknown: 10_164,
  tooManyRequests: 10_167,
} as const;

/** `code` of an error that passes. */
const UNAVAILABLE = 503;

export interface ApiError {
  readonly code: number;
  readonly errCode: number;
  readonly description: string;
}

/** What JetStream's API answered: a body, an error of its own, or no answer. */
export type ApiAnswer =
  | { readonly kind: "ok"; readonly body: Readonly<Record<string, unknown>> }
  | { readonly kind: "error"; readonly error: ApiError }
  | { readonly kind: "none"; readonly cause: Exclude<CallAnswer["kind"], "answer"> };

export function apiAnswer(answer: CallAnswer): ApiAnswer {
  if (answer.kind !== "answer") return { kind: "none", cause: answer.kind };
  const body = jsonOf(answer.message.data);
  if (body === undefined) return { kind: "none", cause: "timeout" };
  const error = body["error"];
  if (!isRecord(error)) return { kind: "ok", body };
  return { kind: "error", error: { code: Number(error["code"] ?? 0), errCode: Number(error["err_code"] ?? 0), description: String(error["description"] ?? "") } };
}

/** Anything unclear is a doubt: the host then looks. */
export function appendAnswer(answer: CallAnswer): AppendAnswer {
  const api = apiAnswer(answer);
  if (api.kind === "none") {
    if (api.cause === "denied" || api.cause === "too-large") return { kind: "stop", cause: api.cause };
    return { kind: "doubt", cause: api.cause === "timeout" ? "timeout" : "unavailable" };
  }
  if (api.kind === "ok") {
    const sequence = api.body["seq"];
    return typeof sequence === "number" && sequence > 0 ? { kind: "stored", version: sequence } : { kind: "doubt", cause: "timeout" };
  }
  switch (api.error.errCode) {
    case CODE.wrongSequence:
    case CODE.wrongSequenceUnknown:
      return { kind: "doubt", cause: "conflict" };
    case CODE.insufficientResources:
    case CODE.storageExceeded:
    case CODE.storeFailed:
    case CODE.tooManyRequests:
      return { kind: "doubt", cause: "full" };
    case CODE.tooLarge:
      return { kind: "stop", cause: "too-large" };
    case CODE.noStream:
    case CODE.wrongStream:
      return { kind: "stop", cause: "no-stream" };
    default:
      return { kind: "doubt", cause: "unavailable" };
  }
}

/**
 * What storing a message outside a history comes to: refused only when it certainly was not stored. Where nobody takes it, one
 * server alone has no such stream; of several none may lead it at the moment.
 */
export function storeAnswer(answer: CallAnswer, hasSeveralServers = false): StoreAnswer {
  const append = appendAnswer(answer);
  if (append.kind === "stored") return { kind: "stored", sequence: append.version };
  if (append.kind === "stop") return { kind: "refused", cause: append.cause };
  if (append.cause === "full") return { kind: "refused", cause: "full" };
  if (answer.kind !== "no-responders") return { kind: "unknown" };
  return { kind: "refused", cause: hasSeveralServers ? "no-leader" : "no-stream" };
}

/** Why something could not be read: `absent` when the server says there is no such message. */
export function readFailure(answer: Exclude<ApiAnswer, { readonly kind: "ok" }>): "absent" | "no-stream" | "denied" | "unavailable" {
  if (answer.kind === "none") return answer.cause === "denied" ? "denied" : "unavailable";
  if (answer.error.errCode === CODE.noMessage) return "absent";
  return answer.error.errCode === CODE.noStream ? "no-stream" : "unavailable";
}

export const isStreamAbsent = (error: ApiError): boolean => error.errCode === CODE.noStream;

/** A failed call of JetStream's API as a Fault that says what is wrong and what helps. */
export function faultOf(doing: string, answer: Exclude<ApiAnswer, { readonly kind: "ok" }>): Fault {
  if (answer.kind === "none") return silenceFault(doing, answer.cause);
  const { code, errCode, description } = answer.error;
  switch (errCode) {
    case CODE.jetStreamDisabled:
    case CODE.jetStreamDisabledForAccount:
      return jetStreamOff(doing);
    case CODE.insufficientResources:
    case CODE.storageExceeded:
      return new Fault("nats/storage-full", `${doing}: the server's storage is full or reserved (${description}): raise max_file_store in its configuration, or give the streams fewer bytes`, { retry: "backoff" });
    case CODE.noStream:
      return new Fault("nats/no-stream", `${doing}: the stream does not exist: run \`longshore setup\``, { retry: "never" });
    default:
      // What the server cannot do now: it has no leader for it, or has not read its store yet.
      if (code === UNAVAILABLE) return new Fault("nats/unavailable", `${doing}: JetStream cannot answer now: ${description} (${errCode})`, { retry: "backoff" });
      return new Fault("nats/refused", `${doing}: the server refused: ${description} (${errCode})`, { retry: "never" });
  }
}

function silenceFault(doing: string, cause: Exclude<CallAnswer["kind"], "answer">): Fault {
  switch (cause) {
    case "denied":
      return new Fault("nats/denied", `${doing}: the user has no permission for it: give it the role that has (nats.conf)`, { retry: "never" });
    case "no-responders":
      return jetStreamOff(doing);
    case "too-large":
      return new Fault("nats/too-large", `${doing}: the message is larger than the server's max_payload`, { retry: "never" });
    case "timeout":
    case "down":
      return new Fault("nats/unavailable", `${doing}: no answer from the server; it is asked again`, { retry: "backoff" });
  }
}

export const jetStreamOff = (doing: string): Fault =>
  new Fault("nats/no-jetstream", `${doing}: JetStream is not enabled on this server or account: start nats-server with the nats.conf that comes with Longshore`, { retry: "never" });

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === "object" && value !== null && !Array.isArray(value);

const decoder = new TextDecoder();

function jsonOf(data: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(decoder.decode(data));
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
