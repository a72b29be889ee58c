/** Texts that many jobs share, each kept once and known by a number while it is used. */
import { IdMap } from "./id-map.ts";

export class Texts {
  private readonly indexes = new IdMap<number>();
  private readonly texts: string[] = [];
  private readonly uses: number[] = [];
  private readonly free: number[] = [];
  /** The last one asked for: jobs of one topic come together. */
  private latest = -1;

  get size(): number {
    return this.texts.length - this.free.length;
  }

  get(index: number): string {
    return this.texts[index]!;
  }

  acquire(text: string): number {
    const index = this.latest >= 0 && this.texts[this.latest] === text ? this.latest : (this.indexes.get(text) ?? this.add(text));
    this.latest = index;
    this.uses[index]!++;
    return index;
  }

  release(index: number): void {
    if (--this.uses[index]! > 0) return;
    this.indexes.delete(this.texts[index]!);
    this.texts[index] = "";
    this.free.push(index);
  }

  private add(text: string): number {
    const index = this.free.pop() ?? this.texts.length;
    this.texts[index] = text;
    this.uses[index] = 0;
    this.indexes.set(text, index);
    return index;
  }
}
