/** Three files that are no images although their names say so: so that there is something to fail. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { deflateSync } from "node:zlib";

export async function writeBrokenImages(folder: string): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true });
  const files: readonly (readonly [name: string, content: string | Uint8Array])[] = [
    ["empty.jpg", ""],
    ["letter.gif", "Dear sir or madam,\n"],
    ["torn.png", tornPng()],
  ];
  await Promise.all(files.map(([name, content]) => writeFile(join(folder, name), content)));
  return files.map(([name]) => join(folder, name));
}

/** It begins as a PNG of 64 by 64 pixels, and ends in the middle of them. */
function tornPng(): Uint8Array {
  const header = Buffer.from("89504e470d0a1a0a0000000d4948445200000040000000400802000000250be689", "hex");
  const pixels = deflateSync(Buffer.alloc(64 * (1 + 64 * 3), 0x5a));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(pixels.length + 1_000);
  return Buffer.concat([header, length, Buffer.from("IDAT"), pixels.subarray(0, 20)]);
}
