/** A run of msgpack values, written one behind the other: the events of a commit, the items told to an address. */
import { ValueWriter } from "./value-writer.ts";

export class ValueRun {
  private readonly writer = new ValueWriter();
  private values = 0;

  get count(): number {
    return this.values;
  }

  get bytes(): number {
    return this.writer.length;
  }

  /** Writes one value to the end. */
  push(value: unknown): void {
    this.writer.write(value);
    this.values++;
  }

  /** The array `[...head, run]`, in a buffer of its own; the run is empty afterwards. `head` is an encoded array of up to 14 elements. */
  sealBehind(head: Uint8Array): Uint8Array {
    const { written } = this.writer;
    const bytes = new Uint8Array(head.length + 5 + written.length);
    bytes.set(head);
    bytes[0] = head[0]! + 1; // The head's array takes the run as one further element.
    bytes[head.length] = 0xdd;
    new DataView(bytes.buffer).setUint32(head.length + 1, this.values);
    bytes.set(written, head.length + 5);
    this.reset();
    return bytes;
  }

  reset(): void {
    this.writer.reset();
    this.values = 0;
  }
}
