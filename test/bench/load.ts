/** What every scenario is made of: jobs, ways to offer them, and the ledger that proves each ran once. */
import { randomBytes } from "node:crypto";
import type { BenchJob } from "./contender.ts";
import { sleep } from "./measure.ts";

const bodiesKept = 64;

/**
 * Makes jobs whose input is `bytes` of JSON. Bodies are random text, few enough to cost no memory:
 * PostgreSQL compresses large values, and a run of one letter would shrink to nothing there.
 */
export function jobMaker(bytes: number): (seq: number) => BenchJob {
  const length = Math.max(0, bytes - JSON.stringify({ seq: 100_000, body: "" } satisfies BenchJob).length);
  const bodies = Array.from({ length: bodiesKept }, () => randomBytes(length).toString("base64").slice(0, length));
  return (seq) => ({ seq, body: bodies[seq % bodiesKept] ?? "" });
}

/**
 * Counts executions by job number. A scenario says which numbers it added; at its end every one of
 * them, and no other, must have run exactly once, or it has no result.
 */
export class Ledger {
  readonly #runs: Uint8Array;
  readonly #added: Uint8Array;
  #handled = 0;
  #expected = 0;

  constructor(capacity: number) {
    this.#runs = new Uint8Array(capacity);
    this.#added = new Uint8Array(capacity);
  }

  expect(from: number, count: number): void {
    this.#added.fill(1, from, from + count);
    this.#expected += count;
  }

  mark(seq: number): void {
    // Saturates: 255 executions of one job are wrong enough.
    if ((this.#runs[seq] ?? 255) < 255) this.#runs[seq] = (this.#runs[seq] ?? 0) + 1;
    this.#handled += 1;
  }

  /** Executions so far, repeats included. */
  get handled(): number {
    return this.#handled;
  }

  /** Jobs added that are not accounted for yet. Negative when some ran more than once. */
  get outstanding(): number {
    return this.#expected - this.#handled;
  }

  /** What is wrong, or undefined. `stillWaiting` jobs may be unstarted: those the system says it holds. */
  fault(stillWaiting = 0): string | undefined {
    let lost = -stillWaiting;
    let repeated = 0;
    let strangers = 0;
    for (const [seq, runs] of this.#runs.entries()) {
      const isAdded = this.#added[seq] === 1;
      if (isAdded && runs === 0) lost += 1;
      if (isAdded && runs > 1) repeated += 1;
      if (!isAdded && runs > 0) strangers += 1;
    }
    if (lost === 0 && repeated === 0 && strangers === 0) return undefined;
    return `${lost} lost, ${repeated} run more than once, ${strangers} never added`;
  }
}

/** Offers jobs `from` … `from + count - 1` keeping `width` in flight; stops early at the deadline. Answers how many. */
export async function feed(options: {
  readonly from: number;
  readonly count: number;
  readonly width: number;
  readonly deadline: number;
  readonly add: (seq: number) => Promise<void>;
}): Promise<number> {
  const end = options.from + options.count;
  let next = options.from;
  const lane = async () => {
    while (next < end && performance.now() < options.deadline) {
      const seq = next;
      next += 1;
      await options.add(seq);
    }
  };
  await Promise.all(Array.from({ length: options.width }, lane));
  return next - options.from;
}

/** Offers jobs in calls of up to `chunk`, one call at a time; stops early at the deadline. Answers how many. */
export async function feedBulk(options: {
  readonly from: number;
  readonly count: number;
  readonly chunk: number;
  readonly deadline: number;
  readonly addMany: (seqs: readonly number[]) => Promise<void>;
}): Promise<number> {
  let fed = 0;
  while (fed < options.count && performance.now() < options.deadline) {
    const size = Math.min(options.chunk, options.count - fed);
    const first = options.from + fed;
    await options.addMany(Array.from({ length: size }, (_, index) => first + index));
    fed += size;
  }
  return fed;
}

/**
 * Offers jobs at a fixed rate whether or not earlier ones are answered (an open loop), as users do.
 *
 * `offered` gets the moment a job was due when this process was too busy to offer it then, else the
 * moment it was offered: a system that blocks its own process must not look quick by delaying the
 * question, and the timer's own millisecond must not look like the system's.
 */
export async function feedAtRate(options: {
  readonly from: number;
  readonly count: number;
  readonly perSecond: number;
  readonly add: (seq: number, offered: number) => Promise<void>;
}): Promise<void> {
  const begin = performance.now();
  const lateMs = 2.5;
  const pending: Promise<void>[] = [];
  while (pending.length < options.count) {
    const now = performance.now();
    const due = begin + (pending.length * 1000) / options.perSecond;
    if (due > now) await sleep(due - now);
    else pending.push(options.add(options.from + pending.length, now - due > lateMs ? due : now));
  }
  await Promise.all(pending);
}
