/** Byte for byte: the only comparison that tells our own commit from another host's. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

const FIRST_BUFFER_BYTES = 4 * 1024;

/** A run of encoded msgpack values, appended one by one; together they are the elements of an array. */
export class ValueRun {
  private buffer = new Uint8Array(FIRST_BUFFER_BYTES);
  private used = 0;
  private values = 0;

  get count(): number {
    return this.values;
  }

  get bytes(): number {
    return this.used;
  }

  /** Copies `encoded`, one whole value, to the end. */
  push(encoded: Uint8Array): void {
    if (this.used + encoded.length > this.buffer.length) this.grow(this.used + encoded.length);
    this.buffer.set(encoded, this.used);
    this.used += encoded.length;
    this.values++;
  }

  /** The array `[...head, run]`, in a buffer of its own; the run is empty afterwards. `head` is an encoded array of up to 14 elements. */
  sealBehind(head: Uint8Array): Uint8Array {
    const bytes = new Uint8Array(head.length + 5 + this.used);
    bytes.set(head);
    bytes[0] = head[0]! + 1; // The head's array takes the run as one further element.
    bytes[head.length] = 0xdd;
    new DataView(bytes.buffer).setUint32(head.length + 1, this.values);
    bytes.set(this.buffer.subarray(0, this.used), head.length + 5);
    this.reset();
    return bytes;
  }

  reset(): void {
    this.used = 0;
    this.values = 0;
  }

  private grow(needed: number): void {
    const larger = new Uint8Array(Math.max(needed, this.buffer.length * 2));
    larger.set(this.buffer.subarray(0, this.used));
    this.buffer = larger;
  }
}
