/** Chance from a seed: the same seed draws the same faults in the same order. */

export interface Chance {
  /** At least 0, less than 1. */
  next(): number;
  between(from: number, to: number): number;
  /** One of them; undefined of none. */
  pick<T>(from: readonly T[]): T | undefined;
  shuffled<T>(all: readonly T[]): T[];
}

/** Mulberry32. */
export function chanceOf(seed: number): Chance {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    between: (from, to) => from + next() * (to - from),
    pick: (from) => from[Math.floor(next() * from.length)],
    shuffled: (all) => all.map((one) => [next(), one] as const).sort(([a], [b]) => a - b).map(([, one]) => one),
  };
}
