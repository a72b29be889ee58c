/** Runs one attempt: its input checked, its handler called, what comes of it told. */

import type { JobContext } from "./context.ts";
import { AttemptContext } from "./context.ts";
import type { Job } from "./define.ts";
import type { RetryLater, Snooze } from "./errors.ts";
import { Cancel, InvalidInput } from "./errors.ts";
import type { Files } from "./files.ts";
import type { Attempt, AttemptEnd, ErrorForm } from "./internal/attempt.ts";
import type { Decoded, Payloads, PayloadTrouble } from "./internal/payloads.ts";
import { decode } from "./internal/payloads.ts";
import type { AttemptOutputs } from "./outputs.ts";
import type { Schema } from "./schema.ts";
import { validate, validateReceived } from "./schema.ts";

/** A handler as the worker calls it, whatever its types were. */
export interface Runnable {
  readonly job: Pick<Job, "input" | "output" | "outputs">;
  readonly handler: (input: unknown, context: JobContext) => unknown;
}

/** A payload that cannot be had: the attempt ends without the handler. */
class Unreadable extends Error {
  readonly trouble: PayloadTrouble;
  constructor(trouble: PayloadTrouble) {
    super(trouble.message);
    this.trouble = trouble;
  }
}

const REFETCH_IN_MS = 5_000;

/** What an attempt needs of the client it runs on. */
export interface Stores {
  readonly payloads: Payloads;
  readonly files: Files;
}

export async function execute(attempt: Attempt, { job, handler }: Runnable, { payloads, files }: Stores): Promise<void> {
  const context = new AttemptContext(attempt, files);
  let end: AttemptEnd;
  try {
    const read = attempt.input instanceof Uint8Array ? decode(attempt.input, "input") : await fetched(attempt, payloads);
    if (read.kind === "trouble") throw new Unreadable(read.trouble);
    let input = read.value;
    if (job.input !== undefined) input = await checkedInput(job.input, input);
    // A job that was stopped while its input was fetched does not begin.
    if (attempt.abortCause !== undefined) throw new Error(attempt.abortMessage);
    const given = handler(input, context);
    const output = given instanceof Promise ? await given : given;
    if (context.stored !== undefined) await context.stored.complete();
    if (job.outputs !== undefined) checkOutputs(job.outputs, context);
    // What the handler gave is sent as it is, and made into the result where it is asked for.
    if (job.output !== undefined) await validate(job.output, output, "output");
    const told = succeeded(output, payloads);
    end = told instanceof Promise ? await told : told;
  } catch (thrown) {
    end = endOf(thrown, attempt);
  }
  attempt.end(context.stored === undefined ? end : withOutputs(end, context.stored));
}

/** What is left by an attempt that sleeps or is handed back belongs to nobody. */
function withOutputs(end: AttemptEnd, stored: AttemptOutputs): AttemptEnd {
  const outputs = stored.close();
  if (outputs === undefined || (end.kind !== "succeeded" && end.kind !== "failed" && end.kind !== "canceled")) return end;
  return { ...end, outputs };
}

/** @throws when the handler has not stored every file that its definition says it leaves. */
function checkOutputs(names: readonly string[], { stored }: AttemptContext): void {
  const missing = names.filter((name) => stored?.has(name) !== true);
  if (missing.length === 0) return;
  const error = new Error(`the handler ended without ${missing.map((name) => `"${name}"`).join(", ")}, which its job leaves: store it with ctx.outputs.put`);
  error.name = "OutputMissing";
  throw error;
}

const fetched = (attempt: Attempt, payloads: Payloads): Promise<Decoded> => new Promise((resolve) => payloads.read(attempt.input, "input", resolve));

async function checkedInput(schema: Schema, value: unknown): Promise<unknown> {
  try {
    return await validateReceived(schema, value, "input");
  } catch (error) {
    // The same input would fail again: an old payload under a new schema must not be a loop of crashes.
    if (error instanceof InvalidInput) throw new Cancel(`input/invalid: ${error.message}`);
    throw error;
  }
}

function succeeded(output: unknown, payloads: Payloads): AttemptEnd | Promise<AttemptEnd> {
  if (output === undefined) return { kind: "succeeded", result: null };
  const encoded = payloads.encode(output, "output");
  if (encoded.kind === "trouble") return { kind: "failed", error: { name: "InvalidOutput", message: encoded.trouble.message } };
  // These bytes are shared and overwritten by the next encoding: `attempt.end` copies them before anything else runs.
  if (encoded.kind === "bytes") return { kind: "succeeded", result: encoded.bytes };
  return new Promise((resolve) => payloads.put(encoded.bytes, (answer) => resolve(answer.kind === "payload"
    ? { kind: "succeeded", result: answer.payload }
    : { kind: "failed", error: { name: "PayloadError", message: `${answer.trouble.code}: ${answer.trouble.message}` } })));
}

function endOf(thrown: unknown, attempt: Attempt): AttemptEnd {
  const purpose = purposeOf(thrown);
  if (purpose?.longshore === "cancel") return { kind: "canceled", reason: purpose.message };
  if (purpose?.longshore === "retry-later") return { kind: "failed", error: errorForm(purpose), retryInMs: purpose.delayMs };
  if (purpose?.longshore === "snooze") return { kind: "snoozed", delayMs: purpose.delayMs };
  if (thrown instanceof Unreadable) return unreadable(thrown.trouble);
  switch (attempt.abortCause) {
    // Whatever a handler throws once it has been asked to stop, it has stopped.
    case "stop": return { kind: "canceled", reason: attempt.abortMessage };
    case "host-silent": return { kind: "released" };
    default: return { kind: "failed", error: errorForm(thrown) };
  }
}

const purposeOf = (thrown: unknown): Cancel | RetryLater | Snooze | undefined =>
  (thrown instanceof Error && "longshore" in thrown ? (thrown as Cancel | RetryLater | Snooze) : undefined);

/** What is missing stays missing; what cannot be reached may come back. */
function unreadable(trouble: PayloadTrouble): AttemptEnd {
  const reason = `${trouble.code}: ${trouble.message}`;
  if (trouble.code !== "payload/unavailable") return { kind: "canceled", reason };
  return { kind: "failed", error: { name: "PayloadError", message: reason }, retryInMs: REFETCH_IN_MS };
}

const MESSAGE_CHARS_MAX = 2_000;
const STACK_CHARS_MAX = 8_000;

function errorForm(thrown: unknown): ErrorForm {
  if (!(thrown instanceof Error)) return { name: "Error", message: cut(typeof thrown === "string" ? thrown : `threw ${describe(thrown)}`, MESSAGE_CHARS_MAX) };
  const { name, message, stack } = thrown;
  return { name: cut(String(name), 200), message: cut(String(message), MESSAGE_CHARS_MAX), ...(typeof stack === "string" && { stack: cut(stack, STACK_CHARS_MAX) }) };
}

function describe(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return typeof value;
  }
}

const cut = (text: string, max: number): string => (text.length <= max ? text : `${text.slice(0, max - 1)}…`);
