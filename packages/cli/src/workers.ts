/** Workers for users' files: a client, its queues configured, its jobs worked. */
import { type ConnectOptions, connect, type Longshore, type Queue } from "longshore";
import { refused, wrongUsage } from "./errors.ts";
import type { Loaded } from "./load.ts";
import type { Log } from "./log.ts";
import type { Closing } from "./stopping.ts";

export const WORKER_OPTIONS = {
  concurrency: { kind: "integer", value: "<n>", help: "attempts at a time of each job; 15 when absent" },
  property: { kind: "list", value: "<name=value>", help: "what this instance says of itself in the topology" },
  instance: { kind: "text", value: "<name>", help: "persistent name of this instance; one kept for this machine when absent, another for each process" },
} as const;

/** What `work` takes at a time when nothing is said. */
const CONCURRENCY = 15;

/** What an instance says of the workers it has for a file. */
export const offeredBy = (loaded: Loaded, concurrency: number | undefined): { readonly topics: readonly string[]; readonly slots: number } =>
  ({ topics: loaded.jobs.map(({ topic }) => topic).sort(), slots: loaded.jobs.length * (concurrency ?? CONCURRENCY) });

/** Texts `name=value` as an instance announces them. @throws {CommandFailure} `cli/usage`. */
export const announced = (properties: readonly string[], typed = "--property "): Readonly<Record<string, string>> => Object.fromEntries(properties.map((text) => {
  const at = text.indexOf("=");
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw wrongUsage(`${typed}"${text}" is no name=value`, `for example ${typed}zone=west`);
}));

export interface WorkerSettings {
  readonly concurrency: number | undefined;
}

/** Everything of it is drained by `closing`: running attempts finish or are handed back. */
export async function startWorkers(loaded: Loaded, connection: ConnectOptions, settings: WorkerSettings, log: Log, closing: Closing): Promise<Longshore> {
  const ls = await connect(connection);
  closing.add("client", () => ls.close());
  await configureQueues(loaded.queues, ls, connection.principal ?? "this user", log);
  const { concurrency } = settings;
  for (const job of loaded.jobs) {
    const worker = await ls.work(job, concurrency === undefined ? {} : { concurrency });
    closing.add(`worker ${job.topic}`, () => worker.close());
    log.event("info", "worker.started", { topic: job.topic, concurrency });
  }
  return ls;
}

/**
 * Configures what a file exports. Who may not, goes on with a queue that is there: its configuration is the operator's.
 *
 * @throws {CommandFailure} when the queue is not there either.
 */
export async function configureQueues(queues: readonly Queue[], ls: Pick<Longshore, "queues">, user: string, log: Pick<Log, "event">): Promise<void> {
  for (const queue of queues) {
    const { name } = queue;
    try {
      await ls.queues.configure(queue);
      log.event("info", "queue.configured", { name });
    } catch (error) {
      if (!isDenied(error)) throw error;
      if ((await ls.queues.get(name)) === undefined) {
        const topics = queue.config.topics.map((topic) => ` --topic '${topic}'`).join("");
        throw refused("queue/denied", `there is no queue "${name}" yet, and ${user} may not make it: that takes the role operator`,
          `let an operator do it first (longshore queues configure '${name}'${topics}), or give ${user} the role operator, too (nats.conf)`);
      }
      log.event("warn", "queue.kept", { name, code: "queue/denied", reason: `${user} has not the role operator, which configures queues: it stays as it is` });
    }
  }
}

const isDenied = (error: unknown): boolean => error instanceof Error && (error as { readonly code?: unknown }).code === "server/denied";
