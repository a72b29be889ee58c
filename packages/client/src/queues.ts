/** Queues: configured, looked at, suspended. */
import type { QueueConfig, QueueStatistics, QueueView } from "@longshore/job-queue";
import { mergeStatistics } from "@longshore/job-queue";
import { ask, command } from "./calls.ts";
import type { Client } from "./client.ts";
import type { Configured } from "./configure.ts";
import { configureQueue } from "./configure.ts";
import type { Queue } from "./define.ts";
import { defineQueue } from "./define.ts";
import { InvalidOption, Rejected } from "./errors.ts";
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

  /** Of every shard; a queue that is in several is shown once, with its counters added up. */
  async list(options: CallOptions = {}): Promise<readonly QueueView[]> {
    const lists = await this.askAll(await this.client.shards(), { ask: "queues" }, options);
    const byName = new Map<string, QueueView[]>();
    for (const view of lists.flat() as readonly QueueView[]) {
      const same = byName.get(view.name);
      if (same === undefined) byName.set(view.name, [view]);
      else same.push(view);
    }
    return [...byName.values()].map(merged);
  }

  /** Undefined when there is no such queue. */
  async get(name: string, options: CallOptions = {}): Promise<QueueView | undefined> {
    const views = (await this.askAll(await this.client.shards(name), { ask: "queue", queue: name }, options)) as readonly (QueueView | null)[];
    const known = views.filter((view) => view !== null);
    return known.length === 0 ? undefined : merged(known);
  }

  /** Starts nothing more; what runs runs on, and adding goes on. */
  suspend(name: string, options: CallOptions = {}): Promise<void> {
    return this.commandAll("suspend", name, options);
  }

  resume(name: string, options: CallOptions = {}): Promise<void> {
    return this.commandAll("resume", name, options);
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
    return addedUp((await this.askAll(await this.client.shards(), { ask: "statistics" }, what ?? {})) as readonly Statistics[]);
  }

  private askAll(shards: readonly string[], question: Readonly<Record<string, unknown>>, options: CallOptions): Promise<readonly unknown[]> {
    return Promise.all(shards.map((shard) => ask(this.client, shard, question, options)));
  }

  /** To every shard that has the queue. A shard that never heard of it has nothing to do. */
  private async commandAll(verb: string, queue: string, options: CallOptions): Promise<void> {
    const shards = await this.client.shards(queue);
    const answers = await Promise.allSettled(shards.map((shard) => command(this.client.line(shard).operateOnly, verb, { queue }, options)));
    const failures = answers.filter((answer) => answer.status === "rejected").map(({ reason }) => reason as unknown);
    const serious = failures.find((error) => !(error instanceof Rejected && error.code === "queue/not-found"));
    if (serious !== undefined) throw serious;
    if (failures.length === shards.length) throw failures[0];
  }
}

/** The configuration is that of the newest revision; the queue is suspended where one of its shards is. */
function merged(views: readonly QueueView[]): QueueView {
  const newest = views.reduce((best, view) => ((view.revision ?? 0) > (best.revision ?? 0) ? view : best));
  const suspended = views.find((view) => view.suspended);
  const { suspendedSince: _, ...plain } = newest;
  return {
    ...plain, suspended: suspended !== undefined, statistics: mergeStatistics(views.map(({ statistics }) => statistics)),
    ...(suspended?.suspendedSince === undefined ? {} : { suspendedSince: suspended.suspendedSince }),
  };
}

function addedUp(parts: readonly Statistics[]): Statistics {
  const names = new Set(parts.flatMap(({ topics }) => Object.keys(topics)));
  const topics: Record<string, Statistics["topics"][string]> = {};
  for (const name of names) {
    const counted = parts.flatMap(({ topics: of }) => (of[name] === undefined ? [] : [{ queued: 0, active: 0, since: 0, ...of[name] }]));
    const { queued: _, active: __, since: ___, ...view } = mergeStatistics(counted);
    topics[name] = view;
  }
  return {
    all: mergeStatistics(parts.map(({ all }) => all)), topics,
    payloadBytes: parts.reduce((sum, part) => sum + part.payloadBytes, 0), ended: parts.reduce((sum, part) => sum + part.ended, 0),
  };
}
