/** First in, first out, in chunks: no push or shift ever moves more than one chunk's worth of entries. */
const CHUNK = 1_024;

export class Fifo<T> {
  private chunks: T[][] = [[]];
  private head = 0;
  private length = 0;

  get size(): number {
    return this.length;
  }

  push(value: T): void {
    let tail = this.chunks[this.chunks.length - 1]!;
    if (tail.length >= CHUNK) {
      tail = [];
      this.chunks.push(tail);
    }
    tail.push(value);
    this.length++;
  }

  peek(): T | undefined {
    return this.length === 0 ? undefined : this.chunks[0]![this.head];
  }

  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const value = this.chunks[0]![this.head++];
    this.length--;
    if (this.length === 0) this.chunks = [[]];
    else if (this.head === CHUNK) this.chunks.shift();
    if (this.length === 0 || this.head === CHUNK) this.head = 0;
    return value;
  }

  /** From the oldest to the newest. */
  *[Symbol.iterator](): Generator<T> {
    let first = this.head;
    for (const chunk of this.chunks) {
      for (let i = first; i < chunk.length; i++) yield chunk[i]!;
      first = 0;
    }
  }
}
