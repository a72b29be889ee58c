/** Single commands and questions, as promises. For what is not on the hot path. */
import { encode } from "@longshore/kernel";
import type { Client } from "./client.ts";
import { errorOf } from "./client.ts";
import { type LongshoreError, OutcomeUnknown, Rejected, Unavailable } from "./errors.ts";
import type { Line } from "./internal/line.ts";
import { onAbort } from "./internal/on-abort.ts";
import type { Asked, Session } from "./internal/session.ts";

interface Signals {
  readonly signal?: AbortSignal;
}

/** What an accepted command was answered; `stored` when no host was up and it waits in the inbox. */
export interface CommandDone {
  readonly stored: boolean;
  readonly answer: unknown;
}

/** @throws {Rejected} @throws {Unavailable} @throws {OutcomeUnknown} */
export function command(session: Session, verb: string, item: unknown, { signal }: Signals = {}): Promise<CommandDone> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason);
    let stopListening: () => void = () => undefined;
    const asked: Asked = {
      settled: (outcome) => {
        stopListening();
        if (outcome.kind === "accepted") resolve({ stored: false, answer: outcome.answer });
        else if (outcome.kind === "stored") resolve({ stored: true, answer: undefined });
        else reject(errorOf(outcome));
      },
    };
    session.ask(verb, encode(item), asked);
    stopListening = onAbort(signal, () => {
      const found = session.withdraw(asked);
      if (found === "withdrawn") reject(signal!.reason);
      else if (found === "sent") reject(new OutcomeUnknown("it was aborted while it was on its way", { cause: signal!.reason }));
    });
  });
}

const GIVE_UP_MS = 10_000;

/** A question to the host of a job, or of a shard. @throws {Unavailable} @throws {Rejected} when it was not understood. */
export function askOne(client: Client, id: string, question: Readonly<Record<string, unknown>>, options: Signals = {}): Promise<unknown> {
  return ask(client, client.lineOf(id).place.actor, question, options);
}

/** `kind`: another than the queue's own. `giveUpMs`: how long an answer is waited for. */
interface Where {
  readonly kind?: string;
  readonly giveUpMs?: number;
}

export function ask(client: Client, shard: string, question: Readonly<Record<string, unknown>>, options: Signals = {}, where: Where = {}): Promise<unknown> {
  return askLine(client.line(shard), question, options, where);
}

/** A question to the actor at the end of a line. */
export function askLine(line: Pick<Line, "query">, question: Readonly<Record<string, unknown>>, { signal }: Signals = {}, { kind, giveUpMs = GIVE_UP_MS }: Where = {}): Promise<unknown> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason);
    let stopListening: () => void = () => undefined;
    const cancel = line.query.ask(question, giveUpMs, (answer) => {
      stopListening();
      if (answer.kind === "answer") resolve(answer.answer);
      else reject(queryError(answer.code, answer.message));
    }, kind);
    stopListening = onAbort(signal, () => {
      cancel();
      reject(signal!.reason);
    });
  });
}

const queryError = (code: string, message: string): LongshoreError =>
  code.startsWith("host/") || code.startsWith("server/") ? new Unavailable(code, message) : new Rejected(code, message);
