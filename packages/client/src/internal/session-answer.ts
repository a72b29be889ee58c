/** Reads what a host answers to a command message. */
import type { Answer } from "./courier.ts";

/** What became of one command. */
export type Settled =
  /** Decided and recorded. */
  | { readonly kind: "accepted"; readonly answer: unknown }
  /** Durable in the inbox: decided when a host reads it. */
  | { readonly kind: "stored"; readonly sequence: number }
  /** Decided: no. */
  | { readonly kind: "rejected"; readonly code: string; readonly message: string; readonly detail: unknown }
  /** It certainly took no effect. */
  | { readonly kind: "failed"; readonly code: string; readonly message: string }
  /** Nobody here can know. */
  | { readonly kind: "unknown"; readonly message: string };

/** The exceptions by index: what is not listed is accepted. `outcomes` is undefined when there are none. */
export interface ItemOutcomes {
  readonly outcomes: ReadonlyMap<number, Settled> | undefined;
  /** The message as a whole was not understood. */
  readonly error: Extract<Settled, { kind: "failed" }> | undefined;
}

const ALL_ACCEPTED: ItemOutcomes = { outcomes: undefined, error: undefined };

export function itemOutcomes(answer: Answer): ItemOutcomes {
  const error = answer["error"];
  if (error !== undefined) return { outcomes: undefined, error: readError(error) };
  const rejected = answer["rejected"];
  const answers = answer["answers"];
  if (rejected === undefined && answers === undefined) return ALL_ACCEPTED;
  const outcomes = new Map<number, Settled>();
  for (const [index, given] of entries(answers)) outcomes.set(index as number, { kind: "accepted", answer: given });
  for (const [index, code, message, detail] of entries(rejected)) {
    outcomes.set(index as number, { kind: "rejected", code: String(code), message: String(message), detail: detail ?? undefined });
  }
  return { outcomes, error: undefined };
}

const entries = (list: unknown): readonly (readonly unknown[])[] =>
  Array.isArray(list) ? list.filter((entry): entry is readonly unknown[] => Array.isArray(entry)) : [];

function readError(error: unknown): Extract<Settled, { kind: "failed" }> {
  const { code, message } = (typeof error === "object" && error !== null ? error : {}) as { readonly code?: unknown; readonly message?: unknown };
  return { kind: "failed", code: typeof code === "string" ? code : "host/error", message: typeof message === "string" ? message : "the host refused the message" };
}
