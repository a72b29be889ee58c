/** Remembers the latest attempts that are over for the host, so that a late repeat of their dispatch starts nothing. */
export class Answered {
  private readonly max: number;
  private recent = new Map<number, number>();
  private older = new Map<number, number>();

  constructor(max: number) {
    this.max = max;
  }

  add(job: number, attempt: number): void {
    if (!this.has(job, attempt)) this.recent.set(job, attempt);
    if (this.recent.size < this.max / 2) return;
    this.older = this.recent;
    this.recent = new Map();
  }

  has(job: number, attempt: number): boolean {
    return (this.recent.get(job) ?? this.older.get(job) ?? 0) >= attempt;
  }
}
