/** Texts that many jobs share (topics, principals, instances), each kept once and known by a number while it is used. */
import { IdMap } from "./id-map.ts";

export class Texts {
  private readonly indexes = new IdMap<number>();
  private readonly texts: string[] = [];
  private readonly uses: number[] = [];
  private readonly free: number[] = [];

  get(index: number): string {
    return this.texts[index]!;
  }

  acquire(text: string): number {
    const known = this.indexes.get(text);
    if (known !== undefined) {
      this.uses[known]!++;
      return known;
    }
    const index = this.free.pop() ?? this.texts.length;
    this.texts[index] = text;
    this.uses[index] = 1;
    this.indexes.set(text, index);
    return index;
  }

  release(index: number): void {
    if (--this.uses[index]! > 0) return;
    this.indexes.delete(this.texts[index]!);
    this.texts[index] = "";
    this.free.push(index);
  }
}
