/** A map by text in many small maps, so that growing never rehashes more than a small part of it. */
const SHARDS = 256;

export class IdMap<T> {
  private readonly shards: (Map<string, T> | undefined)[] = new Array<Map<string, T> | undefined>(SHARDS).fill(undefined);

  get(id: string): T | undefined {
    return this.shards[hashOf(id) & (SHARDS - 1)]?.get(id);
  }

  set(id: string, value: T): void {
    const index = hashOf(id) & (SHARDS - 1);
    const shard = this.shards[index];
    if (shard === undefined) this.shards[index] = new Map([[id, value]]);
    else shard.set(id, value);
  }

  delete(id: string): void {
    const index = hashOf(id) & (SHARDS - 1);
    const shard = this.shards[index];
    if (shard?.delete(id) === true && shard.size === 0) this.shards[index] = undefined;
  }
}

/** 32 bits of a text. Not a defense: who floods one bucket slows down his own shard. */
export function hashOf(text: string): number {
  let hash = 0x811c_9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x0100_0193);
  return (hash ^ (hash >>> 15)) | 0;
}
