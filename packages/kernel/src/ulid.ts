/** ULIDs: 10 characters of time, 16 of everything else, Crockford base 32; they sort by time. */
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

function base32(value: number, length: number): string {
  let text = "";
  let rest = value;
  for (let i = 0; i < length; i++) {
    text = ALPHABET[rest % 32]! + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}

/** A ULID of an instant and numbers that make it unique: the first fills 7 characters, the second 5, the third 4. */
export const ulidOf = (atMs: number, [first, second, third]: readonly [number, number, number]): string =>
  base32(atMs, 10) + base32(first, 7) + base32(second, 5) + base32(third, 4);

/**
 * ULIDs of one process: 80 random bits for the first of a millisecond, then counting up, so that they are unique and sort in
 * the order they were made.
 */
export class UlidSource {
  private readonly random: () => number;
  private prefix = "";
  private prefixMs = -1;
  private counter = 0;

  /** `random` gives numbers in [0, 1). */
  constructor(random: () => number) {
    this.random = random;
  }

  next(nowMs: number): string {
    if (nowMs > this.prefixMs || this.counter >= 32 ** 5 - 1) {
      this.prefixMs = Math.max(nowMs, this.prefixMs);
      this.prefix = base32(this.prefixMs, 10) + base32(Math.floor(this.random() * 32 ** 6), 6) + base32(Math.floor(this.random() * 32 ** 5), 5);
      this.counter = Math.floor(this.random() * 32 ** 4);
    }
    return this.prefix + base32(this.counter++, 5);
  }
}
