/** The hash port on Node. */
import * as crypto from "node:crypto";
import type { Hash } from "@longshore/kernel";

/** In one call where Node has it (20.12): a third quicker than making an object for each hash. */
const hasOneShot = typeof crypto.hash === "function";

/** SHA-256. */
export const sha256: Hash = hasOneShot
  ? (bytes) => crypto.hash("sha256", bytes, "buffer")
  : (bytes) => crypto.createHash("sha256").update(bytes).digest();

/** SHA-256 as lower-case hex: what a blob is called. */
export const sha256Hex = (bytes: Uint8Array): string => crypto.createHash("sha256").update(bytes).digest("hex");
