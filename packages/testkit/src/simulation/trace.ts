/** What happened, step by step: always as a running hash, so that two runs can be compared; as lines only when asked for. */
export class Trace {
  readonly lines: string[] | undefined;
  private h1 = 0x9e37_79b9;
  private h2 = 0x85eb_ca6b;
  private count = 0;

  constructor(keepsLines: boolean) {
    this.lines = keepsLines ? [] : undefined;
  }

  /** `what` and `where` are few, fixed texts; numbers say the rest. */
  add(nowMs: number, what: string, where: string, n = 0): void {
    this.count++;
    this.mix(nowMs * 1_000);
    this.mixText(what);
    this.mixText(where);
    this.mix(n);
    this.lines?.push(`${nowMs.toFixed(3).padStart(12)}  ${where.padEnd(10)} ${what}${n === 0 ? "" : ` ${n}`}`);
  }

  /** Free text for people; no part of the hash. */
  note(nowMs: number, where: string, text: string): void {
    this.lines?.push(`${nowMs.toFixed(3).padStart(12)}  ${where.padEnd(10)} ${text}`);
  }

  get isKept(): boolean {
    return this.lines !== undefined;
  }

  get steps(): number {
    return this.count;
  }

  get hash(): string {
    return (this.h1 >>> 0).toString(16).padStart(8, "0") + (this.h2 >>> 0).toString(16).padStart(8, "0");
  }

  private mixText(text: string): void {
    for (let i = 0; i < text.length; i++) this.h1 = Math.imul(this.h1 ^ text.charCodeAt(i), 0x0100_0193);
    this.h2 = Math.imul(this.h2 ^ this.h1, 0x85eb_ca6b) ^ (this.h2 >>> 13);
  }

  private mix(value: number): void {
    this.h1 = Math.imul(this.h1 ^ (value | 0), 0x0100_0193);
    this.h2 = Math.imul(this.h2 ^ ((value / 0x1_0000_0000) | 0) ^ this.h1, 0xc2b2_ae35) ^ (this.h2 >>> 15);
  }
}
