/** The jobs of the offload benchmark: they give back what they are told to, and do nothing else. */
import { defineJob, type Job, type JobContext } from "longshore";
import { ECHO_TOPIC, NOTHING_TOPIC } from "./topics.ts";

const where = process.env["BENCH_WHERE"] ?? "here";

export const jobs = [
  defineJob(`${NOTHING_TOPIC}-${where}`, { run: () => null }),
  /** Its output is its input, byte by byte. */
  defineJob(`${ECHO_TOPIC}-${where}`, {
    async run(_: unknown, { inputs, outputs }: JobContext) {
      for (const [name, input] of inputs) await outputs.put(name, input.stream());
      return null;
    },
  }),
] as unknown as readonly Job[];
