/** Which numbers of a run have arrived. Numbers start at 1; what is missing in between is a gap. */
const RANGES_MAX = 256;

export class Received {
  private readonly ranges: number[] = [];
  private whole = 0;

  /** The highest number with no gap below it. */
  get upTo(): number {
    return this.whole;
  }

  get hasGap(): boolean {
    return this.ranges.length > 0;
  }

  reset(): void {
    this.whole = 0;
    this.ranges.length = 0;
  }

  /** Numbers up to here need not be waited for. */
  skipTo(number: number): void {
    if (number > this.whole) this.whole = number;
    this.join();
  }

  add(from: number, to: number): void {
    if (to <= this.whole) return;
    if (from <= this.whole + 1) this.whole = to;
    else if (this.ranges.length < RANGES_MAX) this.ranges.push(from, to);
    if (this.ranges.length > 0) this.join();
  }

  private join(): void {
    for (let joined = true; joined;) {
      joined = false;
      for (let i = 0; i < this.ranges.length; i += 2) {
        if (this.ranges[i]! > this.whole + 1) continue;
        this.whole = Math.max(this.whole, this.ranges[i + 1]!);
        this.ranges.splice(i, 2);
        joined = true;
        i -= 2;
      }
    }
  }
}
