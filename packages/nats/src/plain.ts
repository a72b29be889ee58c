/** What the client gives us as a Buffer, as a plain array over the same memory: the `slice` of a Buffer does not copy. */
export const plain = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
