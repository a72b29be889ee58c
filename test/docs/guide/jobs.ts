// #region define
import { defineJob, defineQueue } from "longshore";
import { z } from "zod";

export const thumbnail = defineJob("media/thumbnail", {
  input: z.object({ path: z.string(), width: z.number().int().positive() }),
  output: z.object({ path: z.string(), bytes: z.number() }),
  retries: 3, // after the first execution, so up to four in all
  retryDelayMs: 100,
  timeoutMs: 60_000, // one attempt
});
// #endregion

// #region ordered
export const ledger = defineQueue("ledger", { topics: ["ledger/*"], type: "ordered" });
export const booking = defineJob("ledger/booking", { input: z.object({ amount: z.number() }) });
// #endregion
