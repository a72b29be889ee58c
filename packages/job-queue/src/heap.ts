/** A binary heap whose items know their place: any of them can be moved or taken out in O(log n). */

/** Lowest `key` first, among equals lowest `tie`; together they are unique, so the order does not depend on history. */
export interface HeapItem {
  key: number;
  tie: number;
  /** Place in the heap, kept by it; −1 when outside. */
  place: number;
}

/** Items stand in pages, so that growing to a million never copies a million. */
const PAGE_BITS = 10;
const PAGE_MASK = (1 << PAGE_BITS) - 1;

export class Heap<T extends HeapItem> {
  private readonly pages: T[][] = [[]];
  private length = 0;

  get size(): number {
    return this.length;
  }

  peek(): T | undefined {
    return this.length === 0 ? undefined : this.pages[0]![0];
  }

  push(item: T): void {
    const place = this.length++;
    if (place >> PAGE_BITS === this.pages.length) this.pages.push([]);
    this.put(item, place);
    this.rise(item, place);
  }

  pop(): T | undefined {
    const first = this.peek();
    if (first !== undefined) this.remove(first);
    return first;
  }

  remove(item: T): void {
    const { place } = item;
    if (place < 0) return;
    item.place = -1;
    const last = this.dropLast();
    if (last === item) return;
    this.put(last, place);
    this.settle(last);
  }

  /** Puts an item in order after its key changed. */
  settle(item: T): void {
    this.rise(item, item.place);
    this.sink(item, item.place);
  }

  private dropLast(): T {
    const place = --this.length;
    const page = this.pages[place >> PAGE_BITS]!;
    const item = page.pop()!;
    if (page.length === 0 && this.pages.length > 1) this.pages.pop();
    return item;
  }

  private at(place: number): T {
    return this.pages[place >> PAGE_BITS]![place & PAGE_MASK]!;
  }

  private put(item: T, place: number): void {
    this.pages[place >> PAGE_BITS]![place & PAGE_MASK] = item;
    item.place = place;
  }

  private rise(item: T, from: number): void {
    let place = from;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const other = this.at(above);
      if (!before(item, other)) break;
      this.put(other, place);
      place = above;
    }
    if (place !== from) this.put(item, place);
  }

  private sink(item: T, from: number): void {
    let place = from;
    for (;;) {
      let below = 2 * place + 1;
      if (below >= this.length) break;
      let other = this.at(below);
      if (below + 1 < this.length) {
        const right = this.at(below + 1);
        if (before(right, other)) {
          other = right;
          below++;
        }
      }
      if (!before(other, item)) break;
      this.put(other, place);
      place = below;
    }
    if (place !== from) this.put(item, place);
  }
}

const before = (a: HeapItem, b: HeapItem): boolean => a.key < b.key || (a.key === b.key && a.tie < b.tie);
