/**
 * Puts the bytes of a NATS connection together so that a long message lies whole in one piece of them.
 *
 * The client's parser takes a message that comes in pieces into a buffer that it doubles, clears and copies: more than
 * three times its length, for every message longer than the 64 KiB that a socket reads at once. Here the length is read
 * from the message's first line, and its bytes are copied once, to where there is room for all of them.
 */
const NEWLINE = 0x0a;
const ZERO = 0x30;
const NINE = 0x39;
/** First bytes of `MSG` and `HMSG`; no other line has anything behind it. */
const MESSAGES: ReadonlySet<number> = new Set([0x4d, 0x48]);
/** The end of line behind a payload. */
const END_BYTES = 2;
/** No server takes more. */
const WHOLE_BYTES_MAX = 64 * 1024 * 1024;

export class WholeFrames {
  /** A message whose end is still to come, and how much of it is here. */
  private whole: Buffer | undefined;
  private used = 0;
  /** A line whose end is still to come. What is here of it was passed on. */
  private line: Uint8Array | undefined;
  /** Bytes that belong to a message whose beginning was passed on. */
  private ahead = 0;

  /** Passes on what has come: the same bytes in the same order. Pieces may be held until their message is whole. */
  take(piece: Uint8Array, pass: (bytes: Uint8Array) => void): void {
    const start = this.collect(piece, pass);
    let at = this.line === undefined ? start + this.ahead : this.behindLine(piece, this.line);
    while (at < piece.length) {
      const end = piece.indexOf(NEWLINE, at) + 1;
      if (end === 0) {
        this.line = piece.slice(at);
        at = piece.length;
        break;
      }
      const next = end + bytesBehind(piece.subarray(at, end));
      if (next > piece.length && next - at <= WHOLE_BYTES_MAX) {
        if (at > start) pass(piece.subarray(start, at));
        this.ahead = 0;
        return this.begin(piece.subarray(at), next - at);
      }
      at = next;
    }
    this.ahead = at - piece.length;
    if (start < piece.length) pass(piece.subarray(start));
  }

  private begin(bytes: Uint8Array, length: number): void {
    this.whole = Buffer.allocUnsafeSlow(length);
    this.whole.set(bytes);
    this.used = bytes.length;
  }

  /** Where begins what is not of the message that is being collected. */
  private collect(piece: Uint8Array, pass: (bytes: Uint8Array) => void): number {
    const { whole } = this;
    if (whole === undefined) return 0;
    const bytes = Math.min(piece.length, whole.length - this.used);
    whole.set(piece.subarray(0, bytes), this.used);
    this.used += bytes;
    if (this.used < whole.length) return bytes;
    this.whole = undefined;
    pass(whole);
    return bytes;
  }

  /** Where the line ends that began earlier, and with it what is behind it: that may be beyond this piece. */
  private behindLine(piece: Uint8Array, begun: Uint8Array): number {
    const end = piece.indexOf(NEWLINE) + 1;
    const line = Buffer.concat([begun, end === 0 ? piece : piece.subarray(0, end)]);
    this.line = end === 0 ? line : undefined;
    return end === 0 ? piece.length : end + bytesBehind(line);
  }
}

/** `MSG <subject> <sid> [reply] <bytes>`, `HMSG <subject> <sid> [reply] <header bytes> <bytes>`. */
function bytesBehind(line: Uint8Array): number {
  if (!MESSAGES.has(line[0]!)) return 0;
  let at = line.length - END_BYTES - 1;
  let bytes = 0;
  for (let unit = 1; line[at]! >= ZERO && line[at]! <= NINE; unit *= 10) bytes += (line[at--]! - ZERO) * unit;
  return bytes + END_BYTES;
}
