/** Jobs by an instant: earliest first, among equals the lowest number. Rows know their place, so any can be taken out. */

import type { JobTable } from "./job-table.ts";
import { NONE, PAGE_BITS, PAGE_MASK, PAGE_ROWS } from "./records.ts";

interface HeapPage {
  readonly keys: Float64Array;
  readonly rows: Int32Array;
}

export class JobHeap {
  private readonly table: JobTable;
  private readonly pages: HeapPage[] = [];
  private length = 0;

  constructor(table: JobTable) {
    this.table = table;
  }

  get size(): number {
    return this.length;
  }

  /** The earliest instant. */
  get firstKey(): number | undefined {
    return this.length === 0 ? undefined : this.pages[0]!.keys[0];
  }

  get firstRow(): number {
    return this.length === 0 ? NONE : this.pages[0]!.rows[0]!;
  }

  push(row: number, key: number): void {
    const place = this.length++;
    if (place >> PAGE_BITS === this.pages.length) this.pages.push({ keys: new Float64Array(PAGE_ROWS), rows: new Int32Array(PAGE_ROWS) });
    this.rise(place, key, row);
  }

  remove(row: number): void {
    const place = this.table.placeOf(row);
    if (place === NONE) return;
    this.table.setPlace(row, NONE);
    const last = --this.length;
    const lastRow = this.rowAt(last);
    const lastKey = this.keyAt(last);
    if (last >> PAGE_BITS < this.pages.length - 1) this.pages.pop();
    if (lastRow !== row) this.reorder(place, lastKey, lastRow);
  }

  /** Puts a row that is inside where its new instant belongs. */
  update(row: number, key: number): void {
    this.reorder(this.table.placeOf(row), key, row);
  }

  /** How many have an instant up to `key`, counted no further than `max`. */
  countUpTo(key: number, max: number): number {
    let count = 0;
    const open = [0];
    for (let place = open.pop(); place !== undefined && count < max; place = open.pop()) {
      if (place >= this.length || this.keyAt(place) > key) continue;
      count++;
      open.push(2 * place + 1, 2 * place + 2);
    }
    return count;
  }

  private reorder(place: number, key: number, row: number): void {
    const settled = this.rise(place, key, row);
    if (settled === place) this.sink(place, key, row);
  }

  private keyAt(place: number): number {
    return this.pages[place >> PAGE_BITS]!.keys[place & PAGE_MASK]!;
  }

  private rowAt(place: number): number {
    return this.pages[place >> PAGE_BITS]!.rows[place & PAGE_MASK]!;
  }

  private put(place: number, key: number, row: number): void {
    const page = this.pages[place >> PAGE_BITS]!;
    page.keys[place & PAGE_MASK] = key;
    page.rows[place & PAGE_MASK] = row;
    this.table.setPlace(row, place);
  }

  private isBefore(key: number, row: number, place: number): boolean {
    const other = this.keyAt(place);
    return key < other || (key === other && this.table.numberOf(row) < this.table.numberOf(this.rowAt(place)));
  }

  /** Moves up from a free place; answers where it came to stand. */
  private rise(from: number, key: number, row: number): number {
    let place = from;
    while (place > 0) {
      const above = (place - 1) >> 1;
      if (!this.isBefore(key, row, above)) break;
      this.put(place, this.keyAt(above), this.rowAt(above));
      place = above;
    }
    this.put(place, key, row);
    return place;
  }

  private sink(from: number, key: number, row: number): void {
    let place = from;
    for (;;) {
      let below = 2 * place + 1;
      if (below >= this.length) break;
      if (below + 1 < this.length && this.isBefore(this.keyAt(below + 1), this.rowAt(below + 1), below)) below++;
      if (this.isBefore(key, row, below)) break;
      this.put(place, this.keyAt(below), this.rowAt(below));
      place = below;
    }
    this.put(place, key, row);
  }
}
