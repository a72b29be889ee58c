/**
 * Writes values as msgpack, one behind the other, into one buffer that grows.
 *
 * The bytes are those of `@msgpack/msgpack`, which the tests hold it to and which writes what is rare. It is our own because
 * it is the hottest loop of hosts and clients: short ASCII text, which events are made of, is written in one pass, and long
 * text by the engine, without counting its bytes first.
 */
import { Encoder } from "@msgpack/msgpack";
import { Defect } from "./faults.ts";

const FIRST_BUFFER_BYTES = 4 * 1024;
/** Room that any header or number fits into. */
const SLACK_BYTES = 9;
/** Shorter texts are written faster than the engine is called. */
const LOOPED_TEXT_MAX = 200;
const TWO_POW_32 = 0x1_0000_0000;

const textEncoder = new TextEncoder();
const library = new Encoder();

export class ValueWriter {
  private buffer = new Uint8Array(FIRST_BUFFER_BYTES);
  private used = 0;
  private readonly sortsKeys: boolean;

  /** `sortsKeys`: one value has one sequence of bytes, however its maps were made. */
  constructor({ sortsKeys = false }: { readonly sortsKeys?: boolean } = {}) {
    this.sortsKeys = sortsKeys;
  }

  /** Bytes written since the last `reset`. */
  get length(): number {
    return this.used;
  }

  /** What was written: a view that the next write or `reset` makes invalid. */
  get written(): Uint8Array<ArrayBuffer> {
    return this.buffer.subarray(0, this.used);
  }

  reset(): void {
    this.used = 0;
  }

  write(value: unknown): void {
    switch (typeof value) {
      case "string": return this.writeText(value);
      case "number": return this.writeNumber(value);
      case "boolean": return this.writeByte(value ? 0xc3 : 0xc2);
      case "undefined": return this.writeByte(0xc0);
      case "object": return value === null ? this.writeByte(0xc0) : this.writeObject(value);
      default: throw new Defect(`a ${typeof value} cannot be encoded`);
    }
  }

  private writeObject(value: object): void {
    if (value instanceof Uint8Array) this.writeBytes(value);
    else if (Array.isArray(value)) this.writeArray(value);
    else if (value instanceof Date) this.writeOther(value);
    else this.writeMap(value as Readonly<Record<string, unknown>>);
  }

  private writeArray(values: readonly unknown[]): void {
    this.writeHead(values.length, 0x90, 16, 0xdc);
    for (const value of values) this.write(value);
  }

  /** Entries that are undefined are left out. */
  private writeMap(map: Readonly<Record<string, unknown>>): void {
    const keys = Object.keys(map);
    if (this.sortsKeys) keys.sort();
    let count = 0;
    for (const key of keys) if (map[key] !== undefined) count++;
    this.writeHead(count, 0x80, 16, 0xde);
    for (const key of keys) {
      const value = map[key];
      if (value === undefined) continue;
      this.writeText(key);
      this.write(value);
    }
  }

  /** The head of what is counted: in one byte below `few`, else with 16 or 32 bits behind `wide` or the code after it. */
  private writeHead(count: number, small: number, few: number, wide: number): void {
    this.reserve(SLACK_BYTES);
    if (count < few) {
      this.buffer[this.used++] = small | count;
      return;
    }
    const width = count < 0x1_0000 ? 2 : 4;
    this.buffer[this.used++] = width === 2 ? wide : wide + 1;
    this.writeUint(count, width);
  }

  private writeByte(byte: number): void {
    this.reserve(1);
    this.buffer[this.used++] = byte;
  }

  /** Big-endian, room for it reserved. */
  private writeUint(value: number, width: number): void {
    for (let shift = (width - 1) * 8; shift >= 0; shift -= 8) this.buffer[this.used++] = (value >>> shift) & 0xff;
  }

  private writeNumber(value: number): void {
    this.reserve(SLACK_BYTES);
    if (!Number.isSafeInteger(value) || value < -0x20) return this.writeOther(value);
    if (value < 0x80) {
      this.buffer[this.used++] = value & 0xff;
    } else if (value < TWO_POW_32) {
      const width = value < 0x100 ? 1 : value < 0x1_0000 ? 2 : 4;
      this.buffer[this.used++] = 0xcc + (width >> 1);
      this.writeUint(value, width);
    } else {
      this.buffer[this.used++] = 0xcf;
      this.writeUint(Math.floor(value / TWO_POW_32), 4);
      this.writeUint(value, 4);
    }
  }

  /** What is rare is left to the library: negative numbers but small ones, fractions, instants. */
  private writeOther(value: unknown): void {
    const bytes = library.encodeSharedRef(value);
    this.reserve(bytes.length);
    this.buffer.set(bytes, this.used);
    this.used += bytes.length;
  }

  private writeText(text: string): void {
    if (text.length > LOOPED_TEXT_MAX || !this.writeAscii(text)) this.writeEncoded(text);
  }

  /** False, and nothing written, when the text is not all ASCII. */
  private writeAscii(text: string): boolean {
    const { length } = text;
    this.reserve(length + SLACK_BYTES);
    const { buffer } = this;
    let at = this.used;
    if (length < 32) {
      buffer[at++] = 0xa0 | length;
    } else {
      buffer[at++] = 0xd9;
      buffer[at++] = length;
    }
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code >= 0x80) return false;
      buffer[at++] = code;
    }
    this.used = at;
    return true;
  }

  /** The head is as wide as ASCII would need: only where the text turns out to need a wider one, it is moved. */
  private writeEncoded(text: string): void {
    const head = textHeadBytes(text.length);
    const length = this.encodeAt(head, text);
    const from = this.used + head;
    const needed = textHeadBytes(length);
    if (needed !== head) this.buffer.copyWithin(this.used + needed, from, from + length);
    if (needed === 2) {
      this.buffer[this.used++] = 0xd9;
      this.buffer[this.used++] = length;
    } else {
      this.writeHead(length, 0xa0, 32, 0xda);
    }
    this.used += length;
  }

  /** UTF-8 takes up to three bytes for a unit of text, and nearly always one. */
  private encodeAt(offset: number, text: string): number {
    this.reserve(text.length + SLACK_BYTES);
    const { read, written } = textEncoder.encodeInto(text, this.buffer.subarray(this.used + offset));
    if (read === text.length) return written;
    this.reserve(text.length * 3 + SLACK_BYTES);
    return textEncoder.encodeInto(text, this.buffer.subarray(this.used + offset)).written;
  }

  private writeBytes(bytes: Uint8Array): void {
    const { length } = bytes;
    this.reserve(length + SLACK_BYTES);
    const width = length < 0x100 ? 1 : length < 0x1_0000 ? 2 : 4;
    this.buffer[this.used++] = 0xc4 + (width >> 1);
    this.writeUint(length, width);
    this.buffer.set(bytes, this.used);
    this.used += length;
  }

  private reserve(bytes: number): void {
    const needed = this.used + bytes;
    if (needed > this.buffer.length) this.grow(needed);
  }

  private grow(needed: number): void {
    const larger = new Uint8Array(Math.max(needed, this.buffer.length * 2));
    larger.set(this.buffer.subarray(0, this.used));
    this.buffer = larger;
  }
}

function textHeadBytes(length: number): number {
  if (length < 32) return 1;
  return length < 0x100 ? 2 : length < 0x1_0000 ? 3 : 5;
}
