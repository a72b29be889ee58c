/** The jobs that the instances of a chaos run work; each execution is written down in the file that the environment names. */
import { defineJob, defineQueue, type Job, type Queue } from "longshore";
import { recorded } from "../e2e/faults/executions.ts";
import { ORDERED_QUEUE, TOPIC } from "../e2e/faults/load.ts";

const file = process.env["EXECUTIONS_FILE"] ?? "executions.log";
// The process says its incarnation in its log.
const incarnation = (): string => "";

export const ordered: Queue = defineQueue(ORDERED_QUEUE, { topics: [TOPIC.ordered], type: "ordered", retries: 10 });
export const jobs = [
  defineJob(TOPIC.free, { run: recorded({ file, exclusive: false, incarnation }) }),
  defineJob(TOPIC.ordered, { run: recorded({ file, exclusive: true, incarnation }) }),
] as unknown as readonly Job[];
