/** What every contract suite needs of the world it runs in: virtual time for the twins, real time for an adapter. */
import { expect } from "vitest";

export interface ContractWorld {
  /** Lets time pass until the fact holds. Absent where time passes by itself. */
  readonly drive?: (isDone: () => boolean) => void;
  close?(): Promise<void> | void;
}

const WAIT_MS = 10_000;

/** The one answer of a callback, which must come exactly once and never within the call. */
export async function answerTo<Answer>(world: ContractWorld, ask: (done: (answer: Answer) => void) => void): Promise<Answer> {
  const answers: Answer[] = [];
  ask((answer) => void answers.push(answer));
  expect(answers, "the answer came within the call").toHaveLength(0);
  await until(world, () => answers.length > 0);
  expect(answers, "the callback was called more than once").toHaveLength(1);
  return answers[0]!;
}

/** Waits until a fact holds. */
export async function until(world: ContractWorld, fact: () => boolean): Promise<void> {
  world.drive?.(fact);
  const giveUpAt = performance.now() + WAIT_MS;
  while (!fact()) {
    if (performance.now() > giveUpAt) throw new Error("it did not happen in time");
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Runs a test on a fixture of its own, and closes that in any case. */
export async function within<Fixture extends ContractWorld>(made: Promise<Fixture> | Fixture, body: (fixture: Fixture) => Promise<void>): Promise<void> {
  const fixture = await made;
  try {
    await body(fixture);
  } finally {
    await fixture.close?.();
  }
}

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Bytes without a pattern, the same each time. */
export function noise(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed >>> 0;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}
