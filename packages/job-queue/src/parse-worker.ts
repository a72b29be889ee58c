/** Reads what workers say of their live attempts. Their texts are cut to size, never refused: an outcome must arrive. */

import type { Sender } from "@longshore/kernel";
import { integer, list, map, note, number, oneOf, optional, Unreadable } from "@longshore/kernel/reading";
import type { JobQueueCommand, Outcome } from "./commands.ts";
import { INPUT_LIMITS } from "./limits.ts";
import { ROUTER } from "./members.ts";
import type { Source } from "./parse.ts";
import { attemptNumber, jobNumber, millis, namedBlobs, payload, propertyName, scalar } from "./reading.ts";
import type { ErrorInfo, NamedBlobWire } from "./vocabulary.ts";
import { END_STATES, OUTCOME } from "./vocabulary.ts";

type CommandOf<Type extends JobQueueCommand["type"]> = Extract<JobQueueCommand, { type: Type }>;

const ITEM_MAX = 8;

/** The router speaks for other clusters, whoever hosts it. */
const speakerOf = ({ role, principal }: Sender): string => (role === "actor" ? ROUTER : principal);

export function parseOutcome(item: unknown, { sender }: Source): CommandOf<"ReportOutcome"> {
  const [job, attempt, kind, ...details] = list("outcome", item, ITEM_MAX);
  return { type: "ReportOutcome", job: jobNumber(job), attempt: attemptNumber(attempt), outcome: outcomeOf(kind, details, sender), principal: speakerOf(sender) };
}

function outcomeOf(kind: unknown, [first, second, third, fourth, fifth]: readonly unknown[], { role }: Sender): Outcome {
  if (kind === OUTCOME.ended && role === "actor") {
    return {
      kind: "ended", state: oneOf("state", first, END_STATES), result: optional(second, (value) => payload("result", value)),
      reason: optional(third, (value) => reason("reason", value)), error: optional(fourth, errorOf), ...left(fifth),
    };
  }
  switch (kind) {
    case OUTCOME.succeeded:
      return { kind: "succeeded", result: optional(first, (value) => payload("result", value)), message: optional(second, (value) => reason("message", value)), ...left(third) };
    case OUTCOME.failed:
      return { kind: "failed", error: errorOf(first), retryInMs: optional(second, (value) => millis("retryInMs", value)), ...left(third) };
    case OUTCOME.canceled: return { kind: "canceled", reason: reason("reason", first), ...left(second) };
    case OUTCOME.snoozed: return { kind: "snoozed", delayMs: millis("ms", first) };
    case OUTCOME.released: return { kind: "released" };
    case OUTCOME.timedOut: return { kind: "timed-out" };
    default: throw new Unreadable("kind", `must be one of ${Object.entries(OUTCOME).map(([name, code]) => `${code} (${name})`).join(", ")}`);
  }
}

const NOTHING_LEFT = {};

function left(value: unknown): { readonly outputs?: readonly NamedBlobWire[] } {
  const outputs = value === undefined || value === null ? undefined : namedBlobs("outputs", value);
  return outputs === undefined ? NOTHING_LEFT : { outputs };
}

const reason = (field: string, value: unknown): string => note(field, value, INPUT_LIMITS.reasonCharsMax);

function errorOf(value: unknown): ErrorInfo {
  const { name, message, stack } = map("error", value);
  const error = { name: note("error.name", name, 200), message: reason("error.message", message) };
  return stack === undefined || stack === null ? error : { ...error, stack: note("error.stack", stack, INPUT_LIMITS.stackCharsMax) };
}

export function parseProgress(item: unknown, { sender }: Source): CommandOf<"ReportProgress"> {
  const [job, attempt, fraction, message] = list("progress", item, 4);
  return {
    type: "ReportProgress", job: jobNumber(job), attempt: attemptNumber(attempt), principal: speakerOf(sender),
    fraction: optional(fraction, (value) => number("fraction", value, 0, 1)) ?? null, message: optional(message, (value) => reason("message", value)) ?? null,
  };
}

export function parseLog(item: unknown, { sender }: Source): CommandOf<"ReportLog"> {
  const [job, attempt, lines] = list("log", item, 3);
  const read = list("lines", lines, INPUT_LIMITS.logLinesMax).map((line) => note("lines", line, INPUT_LIMITS.logLineCharsMax));
  if (read.length === 0) throw new Unreadable("lines", "must have at least one line");
  return { type: "ReportLog", job: jobNumber(job), attempt: attemptNumber(attempt), lines: read, principal: speakerOf(sender) };
}

export function parseProperty(item: unknown, { sender }: Source): CommandOf<"SetProperty"> {
  const [job, attempt, name, value] = list("property", item, 4);
  return {
    type: "SetProperty", job: jobNumber(job), attempt: attemptNumber(attempt), name: propertyName("name", name), value: scalar("value", value ?? null),
    principal: sender.principal,
  };
}

export function parseExtend(item: unknown, { sender }: Source): CommandOf<"ExtendAttempt"> {
  const [job, attempt] = list("extend", item, 2);
  return { type: "ExtendAttempt", job: jobNumber(job), attempt: integer("attempt", attempt, 1, Number.MAX_SAFE_INTEGER), principal: sender.principal };
}
