/** The job of the topology benchmark: it does nothing, and says on stdout that it was begun. */
import { defineJob, defineQueue, type Job, type Queue } from "longshore";

/** How often it is said at most, milliseconds; the first of a pause is said at once. */
const SAY_EVERY_MS = 5;

let started = 0;
let saidMs = 0;

export const queue: Queue = defineQueue("bench", { topics: ["bench"] });
export const jobs = [
  defineJob("bench", {
    run: () => {
      started++;
      const nowMs = Date.now();
      if (nowMs - saidMs < SAY_EVERY_MS) return;
      saidMs = nowMs;
      process.stdout.write(`${JSON.stringify({ time: new Date(nowMs).toISOString(), event: "job.started", started })}\n`);
    },
  }),
] as unknown as readonly Job[];
