/**
 * A worker process of these tests: `<instance> <log file>`. It writes each execution down before it begins and before it
 * is told to anybody, so that what it did can be held against what the history says.
 */
import { appendFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { decodeUntrusted, subjectsOf } from "@longshore/kernel";
import { connect as connectBare } from "@nats-io/transport-node";
import { connect, type JobContext } from "longshore";
import { type Task, TOPIC } from "./load.ts";
import type { Line } from "./worker-lines.ts";

const [instance = "worker", file = "worker.log"] = process.argv.slice(2);
const PRINCIPAL = "worker";

/** Its own incarnation, as its hello says it to everybody. */
async function firstHello(): Promise<string> {
  const nc = await connectBare({ servers: process.env["NATS_URL"] ?? "" });
  return new Promise((resolve) => {
    nc.subscribe(subjectsOf("main").hello(PRINCIPAL, instance, "main"), {
      max: 1,
      callback: (_, message) => {
        const { incarnation } = decodeUntrusted(message.data) as { readonly incarnation: string };
        void nc.close();
        resolve(incarnation);
      },
    });
    void nc.flush().then(start);
  });
}

async function start(): Promise<void> {
  const ls = await connect({ instance, principal: PRINCIPAL });
  const handler = (exclusive: boolean) => async ({ ms }: Task, context: JobContext): Promise<unknown> => {
    const { jobId: job, attempt, signal } = context;
    const write = (line: Pick<Line, "phase" | "outcome">): void =>
      appendFileSync(file, `${JSON.stringify({ at: Number(process.hrtime.bigint()) / 1e6, incarnation, job, attempt, exclusive, ...line })}\n`);
    const incarnation = await mine;
    signal.throwIfAborted();
    write({ phase: "start" });
    try {
      await pause(ms, undefined, { signal });
    } catch (error) {
      write({ phase: "end", outcome: "aborted" });
      throw error;
    }
    write({ phase: "end", outcome: "succeeded" });
    return { job, attempt };
  };
  await ls.work(TOPIC.free, handler(false) as never, { concurrency: 8 });
  await ls.work(TOPIC.ordered, handler(true) as never, { concurrency: 2 });
  process.once("SIGTERM", () => void ls.close().finally(() => process.exit(0)));
  await mine;
  console.log("ready");
}

const mine = firstHello();
