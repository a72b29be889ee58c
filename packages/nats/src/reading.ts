/** The two ways of reading a stream: a host's, which is exact, and an observer's, which needs no right to change it. */
import { directMessage, leaderMessage } from "./api.ts";
import { readDirect } from "./direct-range.ts";
import { readRange } from "./range.ts";

/** `leader`: from the stream's leader and through consumers. `replica`: by direct gets, which may lag behind. */
export type ReadFrom = "leader" | "replica";

export interface Reading {
  readonly message: typeof leaderMessage;
  readonly range: typeof readRange;
}

export const readingFrom = (source: ReadFrom): Reading =>
  source === "leader" ? { message: leaderMessage, range: readRange } : { message: directMessage, range: readDirect };
