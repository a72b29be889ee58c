/** Encoded items that will travel in one message. Any of them can be taken out until the message is sealed. */
const FIRST_BUFFER_BYTES = 1_024;

export class ItemBatch {
  private buffer = new Uint8Array(FIRST_BUFFER_BYTES);
  /** Where each item ends. */
  private readonly ends: number[] = [];
  private used = 0;

  get count(): number {
    return this.ends.length;
  }

  get bytes(): number {
    return this.used;
  }

  /** Copies one encoded value to the end. */
  push(encoded: Uint8Array): void {
    const end = this.used + encoded.length;
    if (end > this.buffer.length) this.grow(end);
    this.buffer.set(encoded, this.used);
    this.used = end;
    this.ends.push(end);
  }

  /** A view of one item. */
  item(index: number): Uint8Array {
    return this.buffer.subarray(index === 0 ? 0 : this.ends[index - 1]!, this.ends[index]!);
  }

  remove(index: number): void {
    const from = index === 0 ? 0 : this.ends[index - 1]!;
    const to = this.ends[index]!;
    this.buffer.copyWithin(from, to, this.used);
    this.used -= to - from;
    this.ends.splice(index, 1);
    for (let i = index; i < this.ends.length; i++) this.ends[i]! -= to - from;
  }

  /**
   * The map `{ …head, <verb>: [items] }`, in a buffer of its own. `head` is an encoded map of up to 14 entries followed
   * by the encoded verb.
   */
  sealBehind(head: Uint8Array): Uint8Array {
    const bytes = new Uint8Array(head.length + 5 + this.used);
    bytes.set(head);
    bytes[0] = head[0]! + 1; // The map takes the items as one further entry.
    bytes[head.length] = 0xdd;
    new DataView(bytes.buffer).setUint32(head.length + 1, this.ends.length);
    bytes.set(this.buffer.subarray(0, this.used), head.length + 5);
    return bytes;
  }

  private grow(needed: number): void {
    const larger = new Uint8Array(Math.max(needed, this.buffer.length * 2));
    larger.set(this.buffer.subarray(0, this.used));
    this.buffer = larger;
  }
}

/** What `sealBehind` wants: a map's encoding, and the verb its items stand under. */
export function headOf(map: Uint8Array, verb: Uint8Array): Uint8Array {
  const head = new Uint8Array(map.length + verb.length);
  head.set(map);
  head.set(verb, map.length);
  return head;
}
