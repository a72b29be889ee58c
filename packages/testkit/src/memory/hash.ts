/** The hash port on Node. */
import { createHash } from "node:crypto";
import type { Hash } from "@longshore/kernel";

/** SHA-256. */
export const sha256: Hash = (bytes) => createHash("sha256").update(bytes).digest();

/** SHA-256 as lower-case hex: what a blob is called. */
export const sha256Hex = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
