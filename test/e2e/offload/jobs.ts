/**
 * The job of these tests: every bit of its input is turned around. Each execution is written down in the file that the environment
 * names; it also says which topics are worked on.
 */
import { appendFileSync, existsSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { defineJob, type Job, type JobContext } from "longshore";
import { type Flip, INPUT, OUTPUT, TOPIC } from "./flip.ts";

const file = process.env["EXECUTIONS_FILE"] ?? "executions.log";
const topics = (process.env["FLIP_TOPICS"] ?? TOPIC).split(",");
const LOOK_EVERY_MS = 20;

async function* flipped(source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  for await (const bytes of source) yield bytes.map((byte) => byte ^ 0xff);
}

async function run({ key, gate }: Flip, { attempt, inputs, outputs, signal }: JobContext): Promise<{ readonly key: string }> {
  const write = (phase: "start" | "end", outcome?: string): void =>
    appendFileSync(file, `${JSON.stringify({ at: Number(process.hrtime.bigint()) / 1e6, incarnation: "", phase, job: key, attempt, exclusive: false, ...(outcome === undefined ? {} : { outcome }) })}\n`);
  signal.throwIfAborted();
  write("start");
  try {
    while (gate !== undefined && !existsSync(gate)) await pause(LOOK_EVERY_MS, undefined, { signal });
    const input = inputs.get(INPUT);
    if (input !== undefined) await outputs.put(OUTPUT, flipped(input.stream()));
  } catch (error) {
    write("end", signal.aborted ? "aborted" : "failed");
    throw error;
  }
  write("end", "succeeded");
  return { key };
}

export const jobs = topics.map((topic) => defineJob(topic, { run })) as unknown as readonly Job[];
