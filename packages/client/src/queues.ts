/** Queues: configured, looked at, suspended. */
import type { QueueConfig, QueueStatistics, QueueView } from "@longshore/job-queue";
import { ask, command } from "./calls.ts";
import type { Client } from "./client.ts";
import type { Configured } from "./configure.ts";
import { configureQueue } from "./configure.ts";
import type { Queue } from "./define.ts";
import { defineQueue } from "./define.ts";
import { InvalidOption } from "./errors.ts";
import type { CallOptions } from "./handle.ts";
import type { Bulk, BulkOptions } from "./jobs.ts";
import { Jobs } from "./jobs.ts";

export interface Statistics {
  readonly all: QueueStatistics;
  readonly topics: Readonly<Record<string, Omit<QueueStatistics, "queued" | "active" | "since">>>;
  /** Bytes of the payloads in state, and ended jobs kept there. */
  readonly payloadBytes: number;
  readonly ended: number;
}

export class Queues {
  private readonly client: Client;

  constructor(client: Client) {
    this.client = client;
  }

  /**
   * Makes a queue, or gives it another configuration: writes what is wanted, and resolves when its shards have applied it.
   * The same once more changes nothing.
   *
   * @throws {Rejected} `queue/invalid`, `queue/partitions-in-use`. @throws {Unavailable} @throws {OutcomeUnknown}
   */
  configure(queue: Queue, options?: CallOptions): Promise<Configured>;
  configure(name: string, config: QueueConfig, options?: CallOptions): Promise<Configured>;
  async configure(what: Queue | string, second?: QueueConfig | CallOptions, third?: CallOptions): Promise<Configured> {
    const { name, config } = typeof what === "string" ? defineQueue(what, second as QueueConfig) : what;
    if (typeof name !== "string" || config === undefined) throw new InvalidOption("queue", "must be a queue of `defineQueue`, or a name and a configuration");
    return configureQueue(this.client, name, config, (typeof what === "string" ? third : (second as CallOptions | undefined)) ?? {});
  }

  async list(options: CallOptions = {}): Promise<readonly QueueView[]> {
    return (await this.ask({ ask: "queues" }, options)) as readonly QueueView[];
  }

  /** Undefined when there is no such queue. */
  async get(name: string, options: CallOptions = {}): Promise<QueueView | undefined> {
    return ((await this.ask({ ask: "queue", queue: name }, options)) as QueueView | null) ?? undefined;
  }

  /** Starts nothing more; what runs runs on, and adding goes on. */
  async suspend(name: string, options: CallOptions = {}): Promise<void> {
    await this.command("suspend", { queue: name }, options);
  }

  async resume(name: string, options: CallOptions = {}): Promise<void> {
    await this.command("resume", { queue: name }, options);
  }

  /** Drops its unfinished jobs. */
  removeAll(name: string, options: BulkOptions = {}): Promise<Bulk> {
    return new Jobs(this.client).remove({ queue: name, state: "all" }, options);
  }

  /** Of one queue, or of all together and by topic. */
  statistics(name: string, options?: CallOptions): Promise<QueueStatistics | undefined>;
  statistics(options?: CallOptions): Promise<Statistics>;
  async statistics(what?: string | CallOptions, options: CallOptions = {}): Promise<QueueStatistics | Statistics | undefined> {
    if (typeof what === "string") return (await this.get(what, options))?.statistics;
    return (await this.ask({ ask: "statistics" }, what ?? {})) as Statistics;
  }

  private ask(question: Readonly<Record<string, unknown>>, options: CallOptions): Promise<unknown> {
    return ask(this.client, this.client.setup.shard, question, options);
  }

  private command(verb: string, item: unknown, options: CallOptions): Promise<unknown> {
    return command(this.client.line().operateOnly, verb, item, options);
  }
}
