/** Reads what a host tells an address: `[epoch, first, items]`. */

import type { Payload, PayloadWire, RunOptions } from "@longshore/job-queue";
import { payloadFromWire } from "@longshore/job-queue";
import { decodeUntrusted } from "@longshore/kernel";

export interface Told {
  readonly epoch: number;
  /** Number of the first item; numbers of an address grow by one within an epoch. */
  readonly first: number;
  readonly items: readonly (readonly unknown[])[];
}

export interface RunItem {
  readonly job: number;
  readonly attempt: number;
  readonly id: string;
  readonly topic: string;
  readonly input: Payload;
  readonly options: RunOptions;
}

/** Undefined when the bytes are something else. Payloads are views of `data`. */
export function readTold(data: Uint8Array): Told | undefined {
  let message: unknown;
  try {
    message = decodeUntrusted(data);
  } catch {
    return undefined;
  }
  if (!Array.isArray(message)) return undefined;
  const [epoch, first, items] = message as readonly unknown[];
  if (typeof epoch !== "number" || typeof first !== "number" || !Array.isArray(items) || !items.every(Array.isArray)) return undefined;
  return { epoch, first, items: items as readonly (readonly unknown[])[] };
}

/** A dispatch, taken apart; undefined when it is malformed. */
export function runOf(item: readonly unknown[]): RunItem | undefined {
  const [, job, attempt, id, topic, input, options] = item;
  if (typeof job !== "number" || typeof attempt !== "number" || typeof id !== "string" || typeof topic !== "string") return undefined;
  const isPayload = input instanceof Uint8Array || (Array.isArray(input) && input.length === 3);
  if (!isPayload || typeof options !== "object" || options === null) return undefined;
  return { job, attempt, id, topic, input: payloadFromWire(input as PayloadWire), options: options as RunOptions };
}
