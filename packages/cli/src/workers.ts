/** Workers for users' files: a client, its queues configured, its jobs worked. */
import { type ConnectOptions, connect, type Longshore } from "longshore";
import type { Loaded } from "./load.ts";
import type { Log } from "./log.ts";
import type { Closing } from "./stopping.ts";

export const WORKER_OPTIONS = {
  concurrency: { kind: "integer", value: "<n>", help: "attempts at a time of each job; 10 when absent" },
  instance: { kind: "text", value: "<name>", help: "persistent name of this instance; unique for each process when absent" },
} as const;

export interface WorkerSettings {
  readonly concurrency: number | undefined;
}

/** Everything of it is drained by `closing`: running attempts finish or are handed back. */
export async function startWorkers(loaded: Loaded, connection: ConnectOptions, settings: WorkerSettings, log: Log, closing: Closing): Promise<Longshore> {
  const ls = await connect(connection);
  closing.add("client", () => ls.close());
  for (const queue of loaded.queues) {
    await ls.queues.configure(queue);
    log.event("info", "queue.configured", { name: queue.name });
  }
  const { concurrency } = settings;
  for (const job of loaded.jobs) {
    const worker = await ls.work(job, concurrency === undefined ? {} : { concurrency });
    closing.add(`worker ${job.topic}`, () => worker.close());
    log.event("info", "worker.started", { topic: job.topic, concurrency });
  }
  return ls;
}
