/**
 * A run of msgpack values, written one behind the other: the events of a commit, the items told to an address.
 *
 * The writer is our own because it is the hottest loop of a host: it writes short ASCII text and small whole numbers,
 * which events are made of, straight into its buffer, in one pass. Whatever else there is goes through the library.
 */
import { encodeShared } from "./codec.ts";

const FIRST_BUFFER_BYTES = 4 * 1024;
/** Room that any header or number fits into. */
const SLACK_BYTES = 9;
const SHORT_TEXT_MAX = 31;
const TWO_POW_32 = 0x1_0000_0000;

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

  /** Writes one value to the end. */
  push(value: unknown): void {
    this.write(value);
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

  private write(value: unknown): void {
    switch (typeof value) {
      case "number":
        return Number.isInteger(value) && value >= 0 && value < TWO_POW_32 ? this.writeUint(value) : this.writeOther(value);
      case "string":
        return value.length <= SHORT_TEXT_MAX && this.writeShortText(value) ? undefined : this.writeOther(value);
      case "object":
        if (value === null) return this.writeByte(0xc0);
        if (value instanceof Uint8Array) return this.writeBytes(value);
        return Array.isArray(value) && value.length < 16 ? this.writeArray(value) : this.writeOther(value);
      case "undefined":
        return this.writeByte(0xc0);
      default:
        return this.writeOther(value);
    }
  }

  private writeArray(values: readonly unknown[]): void {
    this.writeByte(0x90 | values.length);
    for (const value of values) this.write(value);
  }

  private writeByte(byte: number): void {
    this.reserve(1);
    this.buffer[this.used++] = byte;
  }

  private writeUint(value: number): void {
    this.reserve(SLACK_BYTES);
    const { buffer } = this;
    if (value < 0x80) {
      buffer[this.used++] = value;
      return;
    }
    let width = 4;
    if (value < 0x100) width = 1;
    else if (value < 0x1_0000) width = 2;
    buffer[this.used++] = width === 1 ? 0xcc : width === 2 ? 0xcd : 0xce;
    for (let shift = (width - 1) * 8; shift >= 0; shift -= 8) buffer[this.used++] = (value >>> shift) & 0xff;
  }

  /** False, and nothing written, when the text is not all ASCII. */
  private writeShortText(text: string): boolean {
    const { length } = text;
    this.reserve(length + 1);
    const { buffer } = this;
    let at = this.used;
    buffer[at++] = 0xa0 | length;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code >= 0x80) return false;
      buffer[at++] = code;
    }
    this.used = at;
    return true;
  }

  private writeBytes(bytes: Uint8Array): void {
    const { length } = bytes;
    this.reserve(length + SLACK_BYTES);
    const { buffer } = this;
    let width = 4;
    if (length < 0x100) width = 1;
    else if (length < 0x1_0000) width = 2;
    buffer[this.used++] = width === 1 ? 0xc4 : width === 2 ? 0xc5 : 0xc6;
    for (let shift = (width - 1) * 8; shift >= 0; shift -= 8) buffer[this.used++] = (length >>> shift) & 0xff;
    buffer.set(bytes, this.used);
    this.used += length;
  }

  private writeOther(value: unknown): void {
    const encoded = encodeShared(value);
    this.reserve(encoded.length);
    this.buffer.set(encoded, this.used);
    this.used += encoded.length;
  }

  private reserve(bytes: number): void {
    const needed = this.used + bytes;
    if (needed <= this.buffer.length) return;
    const larger = new Uint8Array(Math.max(needed, this.buffer.length * 2));
    larger.set(this.buffer.subarray(0, this.used));
    this.buffer = larger;
  }
}
