import { createHash } from "node:crypto";
import type { Hash } from "@longshore/kernel";

export const sha256: Hash = (bytes) => Uint8Array.from(createHash("sha256").update(bytes).digest());
