/** Whether bytes are UTF-8 as the standard has it: no overlong forms, no surrogates, nothing beyond U+10FFFF. */
export function isUtf8(bytes: Uint8Array, from: number, to: number): boolean {
  let at = to - from > SHORT ? endOfAscii(bytes, from, to) : from;
  while (at < to) {
    const first = bytes[at++]!;
    if (first < 0x80) continue;
    const more = continuation(first);
    if (more === 0 || at + more > to) return false;
    const second = bytes[at]!;
    // The second byte decides about overlong forms, surrogates and the end of Unicode.
    if (second < (SECOND_MIN[first] ?? 0x80) || second > (SECOND_MAX[first] ?? 0xbf)) return false;
    for (let i = 1; i < more; i++) if ((bytes[at + i]! & 0xc0) !== 0x80) return false;
    at += more;
  }
  return true;
}

/** Where the first byte that is not ASCII may stand: four bytes are looked at in one step where they lie on a word. */
function endOfAscii(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to && ((bytes.byteOffset + at) & 3) !== 0) if (bytes[at++]! >= 0x80) return at - 1;
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset + at, (to - at) >> 2);
  let word = 0;
  while (word < words.length && (words[word]! & 0x8080_8080) === 0) word++;
  return at + word * 4;
}

const SECOND_MIN: Readonly<Record<number, number>> = { 0xe0: 0xa0, 0xf0: 0x90 };
const SECOND_MAX: Readonly<Record<number, number>> = { 0xed: 0x9f, 0xf4: 0x8f };

function continuation(first: number): number {
  if (first >= 0xc2 && first <= 0xdf) return 1;
  if (first >= 0xe0 && first <= 0xef) return 2;
  return first >= 0xf0 && first <= 0xf4 ? 3 : 0;
}

/** Shorter texts are looked at faster than the engine is called. */
const SHORT = 32;

/** ES2024, which Node has since 20. */
interface Checked {
  isWellFormed(): boolean;
}

/** Whether a text has no half of a surrogate pair standing alone. */
export function isWellFormed(text: string): boolean {
  if (text.length > SHORT) return (text as unknown as Checked).isWellFormed();
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 0xd800 || code > 0xdfff) continue;
    const next = text.charCodeAt(at + 1);
    if (code > 0xdbff || !(next >= 0xdc00 && next <= 0xdfff)) return false;
    at++;
  }
  return true;
}
