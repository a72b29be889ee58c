/** The message with which an instance says that it is there. Everything in it is from outside. */

import type { ScanLimits } from "@longshore/kernel";
import { decodeUntrusted, Fault, isToken } from "@longshore/kernel";
import type { WorkerPool } from "../vocabulary.ts";

export interface HelloMessage {
  readonly incarnation: string;
  readonly processors: number;
  readonly pools: readonly WorkerPool[];
  /** Epoch of the last answer it got. */
  readonly epoch: number;
  /** Highest number it was told in that epoch with none missing below it. */
  readonly received: number;
  /** Under which number it believes to be known here; 0 when it does not say. */
  readonly member: number;
  readonly gap: boolean;
  readonly draining: boolean;
  readonly leaving: boolean;
}

const LIMITS: ScanLimits = { bytesMax: 256 * 1_024, depthMax: 4, elementsMax: 20_000, keyBytesMax: 32 };
const POOLS_MAX = 1_000;

/** @throws {Fault} `hello/malformed` or `codec/refused`. */
export function readHello(data: Uint8Array, json: boolean): HelloMessage {
  const message = decodeUntrusted(data, json, LIMITS);
  if (typeof message !== "object" || message === null || Array.isArray(message)) throw bad("the message must be a map");
  const { incarnation, processors = 1, pools = [], epoch = 0, received = 0, member = 0, gap, draining, leaving } = message as Readonly<Record<string, unknown>>;
  if (!isToken(incarnation)) throw bad("`incarnation` must be 1 to 128 of the characters A-Z a-z 0-9 _ -");
  if (!isCount(processors) || !isCount(epoch) || !isCount(received) || !isCount(member)) throw bad("`processors`, `epoch`, `received` and `member` must be whole numbers, 0 or more");
  if (!Array.isArray(pools) || pools.length > POOLS_MAX || !pools.every(isPool)) throw bad(`\`pools\` must be a list of up to ${POOLS_MAX} maps {topics, slots}`);
  return {
    incarnation, processors, epoch, received, member, pools: pools.map(({ topics, slots }) => ({ topics, slots })),
    gap: gap === true, draining: draining === true, leaving: leaving === true,
  };
}

export const poolsDiffer = (before: readonly WorkerPool[], now: readonly WorkerPool[]): boolean =>
  before.length !== now.length || now.some((pool, i) => {
    const { topics, slots } = before[i]!;
    return slots !== pool.slots || topics.length !== pool.topics.length || pool.topics.some((topic, t) => topic !== topics[t]);
  });

function isPool(value: unknown): value is WorkerPool {
  if (typeof value !== "object" || value === null) return false;
  const { topics, slots } = value as Readonly<Record<string, unknown>>;
  return Array.isArray(topics) && topics.every((topic) => typeof topic === "string") && isCount(slots);
}

const isCount = (value: unknown): value is number => typeof value === "number" && Number.isSafeInteger(value) && value >= 0;

const bad = (message: string): Fault => new Fault("hello/malformed", message, { retry: "never" });
