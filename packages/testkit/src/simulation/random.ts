/**
 * Chance that can be repeated: one seed, many named streams.
 *
 * A stream is seeded by splitmix64 from (seed, name) and goes on as xoshiro128**. Because each purpose has its own, one
 * more draw for one purpose does not shift the others, and a shrunk run stays close to the run it came from.
 */
const GOLDEN = 0x9e37_79b9_7f4a_7c15n;
const MASK = 0xffff_ffff_ffff_ffffn;

export class Random {
  private a: number;
  private b: number;
  private c: number;
  private d: number;

  constructor(seed: number | bigint, name: string) {
    let state = BigInt.asUintN(64, BigInt(seed));
    for (let i = 0; i < name.length; i++) state = BigInt.asUintN(64, (state ^ BigInt(name.charCodeAt(i))) * 0x100_0000_01b3n);
    const word = (): number => {
      state = (state + GOLDEN) & MASK;
      let z = state;
      z = ((z ^ (z >> 30n)) * 0xbf58_476d_1ce4_e5b9n) & MASK;
      z = ((z ^ (z >> 27n)) * 0x94d0_49bb_1331_11ebn) & MASK;
      return Number((z ^ (z >> 31n)) & 0xffff_ffffn);
    };
    this.a = word();
    this.b = word();
    this.c = word();
    this.d = word() | 1;
  }

  /** A number in [0, 1). */
  next(): number {
    const { a, b } = this;
    let result = Math.imul(b, 5);
    result = Math.imul((result << 7) | (result >>> 25), 9);
    this.c ^= a;
    this.d ^= b;
    this.b ^= this.c;
    this.a ^= this.d;
    this.c ^= b << 9;
    this.d = (this.d << 11) | (this.d >>> 21);
    return (result >>> 0) / 0x1_0000_0000;
  }

  chance(probability: number): boolean {
    return probability > 0 && this.next() < probability;
  }

  /** A whole number from `low` to `high`, both possible. */
  int(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  /** Between `low` and `high`, small ones as likely as large ones: evenly spread over their magnitudes. */
  log(low: number, high: number): number {
    return Math.exp(Math.log(low) + this.next() * (Math.log(high) - Math.log(low)));
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[Math.floor(this.next() * items.length)]!;
  }
}
