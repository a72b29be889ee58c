/** Clock, hash and chance of this process, as ports. */
import { createHash, randomBytes } from "node:crypto";
import type { Clock, Hash } from "@longshore/kernel";

export const nodeClock: Clock = {
  monotonicMs: () => performance.now(),
  after: (delayMs, run) => {
    if (delayMs <= 0) {
      // Behind everything that has already arrived, and sooner than any timer.
      const soon = setImmediate(run);
      return () => clearImmediate(soon);
    }
    // Node fires at once what lies beyond 2^31 ms; whoever waits that long may look again after 12 days.
    const timer = setTimeout(run, Math.min(delayMs, 1_000_000_000));
    return () => clearTimeout(timer);
  },
};

export const sha256: Hash = (bytes) => createHash("sha256").update(bytes).digest();

/** A name for this life of a process: 12 random characters. */
export const newIncarnation = (): string => randomBytes(9).toString("base64url");
