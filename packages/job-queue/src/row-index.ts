/**
 * Rows by hash, in 1,024 open tables of typed arrays: no object per entry, and growing moves a thousandth at a time.
 * Who asks compares the row's own key: equal hashes say "perhaps".
 */
const SHARD_BITS = 10;
const SHARDS = 1 << SHARD_BITS;
const FIRST_SLOTS = 8;
const EMPTY = -1;

interface Shard {
  hashes: Int32Array;
  rows: Int32Array;
  mask: number;
  used: number;
}

const newShard = (slots: number): Shard =>
  ({ hashes: new Int32Array(slots), rows: new Int32Array(slots).fill(EMPTY), mask: slots - 1, used: 0 });

export class RowIndex {
  private readonly shards: (Shard | undefined)[] = new Array<Shard | undefined>(SHARDS).fill(undefined);

  /** The row with this hash that `matches`; −1 when there is none. */
  find(hash: number, matches: (row: number) => boolean): number {
    const shard = this.shards[hash & (SHARDS - 1)];
    if (shard === undefined) return EMPTY;
    const { hashes, rows, mask } = shard;
    for (let slot = homeOf(hash, mask); rows[slot] !== EMPTY; slot = (slot + 1) & mask) {
      if (hashes[slot] === hash && matches(rows[slot]!)) return rows[slot]!;
    }
    return EMPTY;
  }

  add(hash: number, row: number): void {
    const index = hash & (SHARDS - 1);
    let shard = this.shards[index] ?? (this.shards[index] = newShard(FIRST_SLOTS));
    if (shard.used * 3 >= (shard.mask + 1) * 2) shard = this.resized(index, shard, (shard.mask + 1) * 2);
    put(shard, hash, row);
  }

  remove(hash: number, row: number): void {
    const index = hash & (SHARDS - 1);
    const shard = this.shards[index];
    if (shard === undefined) return;
    const { rows, mask } = shard;
    let slot = homeOf(hash, mask);
    while (rows[slot] !== row) {
      if (rows[slot] === EMPTY) return;
      slot = (slot + 1) & mask;
    }
    closeGap(shard, slot);
    if (--shard.used === 0) this.shards[index] = undefined;
    else if (mask >= 64 && shard.used * 8 < mask) this.resized(index, shard, (mask + 1) / 2);
  }

  private resized(index: number, old: Shard, slots: number): Shard {
    const shard = newShard(slots);
    for (let slot = 0; slot <= old.mask; slot++) if (old.rows[slot] !== EMPTY) put(shard, old.hashes[slot]!, old.rows[slot]!);
    this.shards[index] = shard;
    return shard;
  }
}

const homeOf = (hash: number, mask: number): number => (hash >>> SHARD_BITS) & mask;

function put(shard: Shard, hash: number, row: number): void {
  const { hashes, rows, mask } = shard;
  let slot = homeOf(hash, mask);
  while (rows[slot] !== EMPTY) slot = (slot + 1) & mask;
  hashes[slot] = hash;
  rows[slot] = row;
  shard.used++;
}

/** Moves later entries of the same run back, so that no search ends early at the emptied slot. */
function closeGap({ hashes, rows, mask }: Shard, emptied: number): void {
  let gap = emptied;
  for (let slot = (gap + 1) & mask; rows[slot] !== EMPTY; slot = (slot + 1) & mask) {
    const distance = (slot - homeOf(hashes[slot]!, mask)) & mask;
    if (distance < ((slot - gap) & mask)) continue;
    hashes[gap] = hashes[slot]!;
    rows[gap] = rows[slot]!;
    gap = slot;
  }
  rows[gap] = EMPTY;
}
