/**
 * `sometimes`: proof that the hard places were reached. A mark that is never hit means that the generator has gone blind,
 * and a green run that reached nothing is red.
 */
export class Marks {
  readonly counts: Map<string, number> = new Map();

  hit(mark: string): void {
    this.counts.set(mark, (this.counts.get(mark) ?? 0) + 1);
  }

  addAll(other: Marks): void {
    for (const [mark, count] of other.counts) this.counts.set(mark, (this.counts.get(mark) ?? 0) + count);
  }
}
