/**
 * The look at bytes from outside that comes before any decoding.
 *
 * A msgpack or JSON decoder trusts lengths and nesting: 250 bytes of nested headers end a process. This scan walks the
 * bytes once without building anything, and refuses what a decoder would choke on or two decoders would read
 * differently: too deep, longer than the bytes that are there, duplicate keys, keys that touch prototypes, extension
 * types other than the timestamp, NaN and −0, integers beyond 2^53, bytes after the end.
 *
 * What makes it safe against nesting is `owed`: the elements all open containers still wait for. Each needs at least
 * one byte, so a header that promises more than the bytes left is refused before anybody allocates for it.
 */
import { sameBytes } from "./bytes.ts";
import type { ScanLimits } from "./limits.ts";
import { SCAN_LIMITS } from "./limits.ts";
import { isUtf8 } from "./utf8.ts";

/** Why the bytes are refused; undefined when they may be decoded. */
export type ScanAnswer = string | undefined;

export const PROTOTYPE_KEYS: ReadonlySet<string> = new Set(["__proto__", "prototype", "constructor"]);
export const KEYS_MAX = 1_024;
const FEW_KEYS = 16;
const INTEGER_HIGH_MAX = 0x1f_ffff;
const DATE_SECONDS_MAX = 8_640_000_000_000;

/** Checks one msgpack value that fills `bytes` exactly. */
export function scanMsgpack(bytes: Uint8Array, limits: ScanLimits = SCAN_LIMITS): ScanAnswer {
  if (bytes.length > limits.bytesMax) return `longer than ${limits.bytesMax} bytes`;
  if (bytes.length === 0) return "empty";
  return new MsgpackScan(bytes, limits).run();
}

/** The keys of one map. Comparing pairs is quickest for records; beyond that it would be quadratic, and a set is asked. */
class KeysSeen {
  private few: Uint8Array[] | undefined = [];
  private many: Set<string> | undefined;
  count = 0;

  /** False when it was there already. */
  add(key: Uint8Array): boolean {
    this.count++;
    if (this.many !== undefined) return addNew(this.many, key);
    const few = this.few!;
    for (const other of few) if (sameBytes(other, key)) return false;
    few.push(key);
    if (few.length > FEW_KEYS) {
      this.many = new Set(few.map(latin));
      this.few = undefined;
    }
    return true;
  }
}

function addNew(keys: Set<string>, key: Uint8Array): boolean {
  const { size } = keys;
  return keys.add(latin(key)).size > size;
}

/** At most `keyBytesMax` of them. */
const latin = (bytes: Uint8Array): string => String.fromCharCode(...bytes);

class MsgpackScan {
  private at = 0;
  private owed = 1;
  private elements = 0;
  private readonly bytes: Uint8Array;
  private readonly limits: ScanLimits;
  /** Per open container: elements still to come, and for maps the keys seen so far (undefined for arrays). */
  private readonly left: number[] = [];
  private readonly keys: (KeysSeen | undefined)[] = [];

  constructor(bytes: Uint8Array, limits: ScanLimits) {
    this.bytes = bytes;
    this.limits = limits;
  }

  run(): ScanAnswer {
    while (this.owed > 0) {
      if (this.at >= this.bytes.length) return "ends in the middle of a value";
      const top = this.left.length - 1;
      const keys = top >= 0 && this.left[top]! % 2 === 0 ? this.keys[top] : undefined;
      if (top >= 0) this.left[top]!--;
      this.owed--;
      const problem = keys === undefined ? this.value() : this.key(keys);
      if (problem !== undefined) return problem;
      while (this.left.length > 0 && this.left[this.left.length - 1] === 0) {
        this.left.pop();
        this.keys.pop();
      }
    }
    return this.at === this.bytes.length ? undefined : "has bytes after its end";
  }

  private key(seen: KeysSeen): ScanAnswer {
    const first = this.bytes[this.at]!;
    const isText = (first >= 0xa0 && first <= 0xbf) || (first >= 0xd9 && first <= 0xdb);
    if (!isText) return "has a key that is not text";
    const problem = this.value();
    if (problem !== undefined) return problem;
    const length = this.lastTextLength;
    if (length > this.limits.keyBytesMax) return `has a key longer than ${this.limits.keyBytesMax} bytes`;
    const key = this.bytes.subarray(this.at - length, this.at);
    if (isPrototypeKey(key)) return "has a key that touches prototypes";
    if (!seen.add(key)) return "has a key twice";
    return seen.count > KEYS_MAX ? `has a map of more than ${KEYS_MAX} keys` : undefined;
  }

  private lastTextLength = 0;

  private value(): ScanAnswer {
    const head = this.bytes[this.at++]!;
    if (head <= 0x7f || head >= 0xe0) return undefined;
    if (head <= 0x8f) return this.open((head & 0x0f) * 2, true);
    if (head <= 0x9f) return this.open(head & 0x0f, false);
    if (head <= 0xbf) return this.text(head & 0x1f);
    return this.longValue(head);
  }

  private longValue(head: number): ScanAnswer {
    switch (head) {
      case 0xc0: case 0xc2: case 0xc3: return undefined;
      case 0xc4: return this.skip(this.uint(1));
      case 0xc5: return this.skip(this.uint(2));
      case 0xc6: return this.skip(this.uint(4));
      case 0xca: return this.float(4);
      case 0xcb: return this.float(8);
      case 0xcc: case 0xd0: return this.skip(1);
      case 0xcd: case 0xd1: return this.skip(2);
      case 0xce: case 0xd2: return this.skip(4);
      case 0xcf: case 0xd3: return this.integer64(head === 0xd3);
      case 0xd6: return this.timestamp(4);
      case 0xd7: return this.timestamp(8);
      case 0xc7: return this.uint(1) === 12 ? this.timestamp(12) : "has an extension type";
      case 0xd9: return this.text(this.uint(1));
      case 0xda: return this.text(this.uint(2));
      case 0xdb: return this.text(this.uint(4));
      case 0xdc: return this.open(this.uint(2), false);
      case 0xdd: return this.open(this.uint(4), false);
      case 0xde: return this.open(this.uint(2) * 2, true);
      case 0xdf: return this.open(this.uint(4) * 2, true);
      default: return "has an extension type or a reserved byte";
    }
  }

  private open(elements: number, isMap: boolean): ScanAnswer {
    if (elements === 0) return undefined;
    this.elements += elements;
    this.owed += elements;
    if (this.owed > this.bytes.length - this.at) return "promises more elements than it has bytes";
    if (this.elements > this.limits.elementsMax) return `has more than ${this.limits.elementsMax} elements`;
    if (this.left.length >= this.limits.depthMax) return `is nested deeper than ${this.limits.depthMax}`;
    this.left.push(elements);
    this.keys.push(isMap ? new KeysSeen() : undefined);
    return undefined;
  }

  private text(length: number): ScanAnswer {
    this.lastTextLength = length;
    const start = this.at;
    const problem = this.skip(length);
    if (problem !== undefined) return problem;
    // Two decoders read broken UTF-8 differently, and overlong forms would hide a key from this scan.
    return isUtf8(this.bytes, start, this.at) ? undefined : "has a text that is not UTF-8";
  }

  private skip(length: number): ScanAnswer {
    this.at += length;
    return this.at > this.bytes.length ? "ends in the middle of a value" : undefined;
  }

  private timestamp(length: number): ScanAnswer {
    if (this.bytes[this.at] !== 0xff) return "has an extension type";
    const start = this.at + 1;
    const problem = this.skip(length + 1);
    if (problem !== undefined || length !== 12) return problem;
    const seconds = Number(new DataView(this.bytes.buffer, this.bytes.byteOffset + start + 4, 8).getBigInt64(0));
    return Math.abs(seconds) > DATE_SECONDS_MAX ? "has an instant beyond all calendars" : undefined;
  }

  private float(length: number): ScanAnswer {
    if (this.at + length > this.bytes.length) return "ends in the middle of a value";
    const view = new DataView(this.bytes.buffer, this.bytes.byteOffset + this.at, length);
    const value = length === 4 ? view.getFloat32(0) : view.getFloat64(0);
    if (Number.isNaN(value)) return "has NaN";
    if (Object.is(value, -0)) return "has −0";
    return this.skip(length);
  }

  private integer64(signed: boolean): ScanAnswer {
    const high = this.uint(4);
    this.at -= 4;
    const magnitude = signed && high > 0x7fff_ffff ? 0xffff_ffff - high : high;
    return magnitude > INTEGER_HIGH_MAX ? "has an integer beyond 2^53" : this.skip(8);
  }

  private uint(size: number): number {
    let value = 0;
    for (let i = 0; i < size; i++) value = value * 256 + (this.bytes[this.at++] ?? 0);
    return value;
  }
}

/** Bytes are compared, because "incarnation" and "principal" are as long, and making text of them for every message costs. */
const isPrototypeKey = (key: Uint8Array): boolean => PROTOTYPE_KEY_BYTES.some((other) => sameBytes(key, other));
const PROTOTYPE_KEY_BYTES = [...PROTOTYPE_KEYS].map((key) => Uint8Array.from(key, (character) => character.charCodeAt(0)));
