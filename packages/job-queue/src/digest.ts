/** A 53-bit digest of a payload, to tell whether a repeated id came with the same input. Not a defense against forgery. */
import type { NamedBlobWire, Payload } from "./vocabulary.ts";

/** Of a job's input and, where it has any, its named blobs, in whatever order they were named. */
export function digestOf(input: Payload, inputs?: readonly NamedBlobWire[]): number {
  const ofInput = cyrb53(input);
  if (inputs === undefined) return ofInput;
  const named = inputs.map(([name, , digest]) => `${digest}${name}`).sort().join("/");
  return cyrb53({ digest: `${ofInput}/${named}` });
}

/** After cyrb53: two multiplicative lanes over the bytes, mixed at the end. */
function cyrb53(payload: Uint8Array | { readonly digest: string }): number {
  const bytes = payload instanceof Uint8Array ? payload : undefined;
  const text = payload instanceof Uint8Array ? "" : payload.digest;
  const length = bytes === undefined ? text.length : bytes.length;
  let a = 0xdeadbeef ^ length;
  let b = 0x41c6ce57 ^ (bytes === undefined ? 1 : 0);
  for (let i = 0; i < length; i++) {
    const byte = bytes === undefined ? text.charCodeAt(i) : bytes[i]!;
    a = Math.imul(a ^ byte, 2_654_435_761);
    b = Math.imul(b ^ byte, 1_597_334_677);
  }
  a = Math.imul(a ^ (a >>> 16), 2_246_822_507) ^ Math.imul(b ^ (b >>> 13), 3_266_489_909);
  b = Math.imul(b ^ (b >>> 16), 2_246_822_507) ^ Math.imul(a ^ (a >>> 13), 3_266_489_909);
  return 4_294_967_296 * (0x1f_ffff & b) + (a >>> 0);
}
