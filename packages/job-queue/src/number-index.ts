/**
 * Rows by job number, ascending. Numbers grow, so they come in blocks of 64, and blocks in regions of 1,024: a few old
 * jobs among a billion gone ones keep a few blocks each, not a table of all numbers.
 */
import { NONE } from "./records.ts";

const BLOCK = 64;
const REGION_BLOCKS = 1_024;
const REGION: number = BLOCK * REGION_BLOCKS;

interface Block {
  readonly rows: Int32Array;
  live: number;
}

interface Region {
  readonly blocks: (Block | undefined)[];
  live: number;
}

export class NumberIndex {
  private readonly regions = new Map<number, Region>();

  get(number: number): number {
    const region = this.regions.get(Math.floor(number / REGION));
    if (region === undefined) return NONE;
    return region.blocks[Math.floor((number % REGION) / BLOCK)]?.rows[number % BLOCK] ?? NONE;
  }

  /** Numbers are added in ascending order. */
  add(number: number, row: number): void {
    const index = Math.floor(number / REGION);
    let region = this.regions.get(index);
    if (region === undefined) {
      region = { blocks: new Array<Block | undefined>(REGION_BLOCKS).fill(undefined), live: 0 };
      this.regions.set(index, region);
    }
    const place = Math.floor((number % REGION) / BLOCK);
    let block = region.blocks[place];
    if (block === undefined) {
      block = { rows: new Int32Array(BLOCK).fill(NONE), live: 0 };
      region.blocks[place] = block;
      region.live++;
    }
    block.rows[number % BLOCK] = row;
    block.live++;
  }

  remove(number: number): void {
    const index = Math.floor(number / REGION);
    const region = this.regions.get(index);
    const place = Math.floor((number % REGION) / BLOCK);
    const block = region?.blocks[place];
    if (region === undefined || block === undefined) return;
    block.rows[number % BLOCK] = NONE;
    if (--block.live > 0) return;
    region.blocks[place] = undefined;
    if (--region.live === 0) this.regions.delete(index);
  }

  /** Rows ascending by number, from a number on. */
  *from(number: number): Generator<number> {
    const first = Math.floor(number / REGION);
    for (const [index, region] of this.regions) {
      if (index >= first) yield* rowsOf(region, index === first ? number % REGION : 0);
    }
  }
}

function* rowsOf({ blocks }: Region, start: number): Generator<number> {
  for (let place = Math.floor(start / BLOCK); place < REGION_BLOCKS; place++) {
    const rows = blocks[place]?.rows;
    if (rows === undefined) continue;
    for (let i = place * BLOCK < start ? start % BLOCK : 0; i < BLOCK; i++) if (rows[i] !== NONE) yield rows[i]!;
  }
}
