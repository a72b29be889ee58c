/** What a program holds: the whole interface, on one connection. */

import type { AddAllOptions } from "./add-all.ts";
import { addAll } from "./add-all.ts";
import { startAdd } from "./adder.ts";
import type { Client } from "./client.ts";
import type { Handler, Job } from "./define.ts";
import { checkTopic, isJob } from "./define.ts";
import { InvalidOption, NotAvailableYet } from "./errors.ts";
import { Events } from "./events.ts";
import type { JobHandle } from "./handle.ts";
import { Histories } from "./history.ts";
import { Jobs } from "./jobs.ts";
import { Offload } from "./offload.ts";
import type { AddOptions } from "./options.ts";
import { Properties } from "./properties.ts";
import { Queues } from "./queues.ts";
import { Topics } from "./topics.ts";
import { Topologies } from "./topology.ts";
import type { CloseOptions, Worker, WorkOptions } from "./work.ts";
import { work } from "./work.ts";

/** The input may be left out where `undefined` is one; then the handler gets what its schema makes of that, or null. */
export type AddArguments<Input> = undefined extends Input ? [input?: Input, options?: AddOptions] : [input: Input, options?: AddOptions];

export class Longshore {
  readonly jobs: Jobs;
  readonly queues: Queues;
  readonly history: Histories;
  readonly events: Events;
  readonly topology: Topologies;
  readonly topics: Topics;
  readonly properties: Properties;
  readonly offload: Offload;
  private readonly client: Client;
  private readonly topicJobs = new Map<string, Job>();

  constructor(client: Client) {
    this.client = client;
    this.jobs = new Jobs(client);
    this.queues = new Queues(client);
    this.history = new Histories(client);
    this.events = new Events(client);
    this.topology = new Topologies(client);
    this.topics = new Topics(client);
    this.properties = new Properties(client);
    this.offload = new Offload(client);
  }

  /** Adds a job; resolves when it is durable: committed by the host, or stored in the inbox while no host is up. */
  add<Input, Parsed, Output, Result>(job: Job<Input, Parsed, Output, Result>, ...rest: AddArguments<NoInfer<Input>>): Promise<JobHandle<Result>>;
  add(topic: string, input?: unknown, options?: AddOptions): Promise<JobHandle>;
  add(what: Job | string, input?: unknown, options?: AddOptions): Promise<JobHandle> {
    return new Promise((resolve, reject) => {
      startAdd(this.client, this.jobOf(what), input, options, { added: resolve, failed: reject });
    });
  }

  /** Adds many, in order, without a promise for each; resolves to their handles. */
  addAll<Input, Parsed, Output, Result>(job: Job<Input, Parsed, Output, Result>, inputs: Iterable<NoInfer<Input>> | AsyncIterable<NoInfer<Input>>, options?: AddAllOptions<NoInfer<Input>>): Promise<JobHandle<Result>[]>;
  addAll(topic: string, inputs: Iterable<unknown> | AsyncIterable<unknown>, options?: AddAllOptions<unknown>): Promise<JobHandle[]>;
  async addAll(what: Job | string, inputs: Iterable<unknown> | AsyncIterable<unknown>, options: AddAllOptions<unknown> = {}): Promise<JobHandle[]> {
    return addAll(this.client, this.jobOf(what), inputs, options);
  }

  /** Offers a handler for a job, or for topics (`a/b`, `a/*` children, `a/**` everything below). */
  work<Input, Parsed, Output, Result>(job: Job<Input, Parsed, Output, Result>, handler: Handler<NoInfer<Parsed>, NoInfer<Output>>, options?: WorkOptions): Promise<Worker>;
  work(topic: string, handler: Handler<unknown, unknown>, options?: WorkOptions): Promise<Worker>;
  work(job: Job, options?: WorkOptions): Promise<Worker>;
  work(what: Job | string, second?: Handler<never, unknown> | WorkOptions, third: WorkOptions = {}): Promise<Worker> {
    return typeof second === "function" ? work(this.client, what, second, third) : work(this.client, what, undefined, second ?? third);
  }

  /** Workers finish what runs or hand it back, then everything ends. Idempotent. */
  close(options: CloseOptions = {}): Promise<void> {
    this.topology.close();
    return this.client.close(options.drainMs);
  }

  get schedules(): never {
    throw new NotAvailableYet("ls.schedules");
  }

  get workflows(): never {
    throw new NotAvailableYet("ls.workflows");
  }

  get workItems(): never {
    throw new NotAvailableYet("ls.workItems");
  }

  private jobOf(what: Job | string): Job {
    if (typeof what !== "string") {
      if (isJob(what)) return what;
      throw new InvalidOption("job", "must be a job of `defineJob`, or a topic");
    }
    let job = this.topicJobs.get(what);
    if (job === undefined) {
      checkTopic(what);
      job = { kind: "job", topic: what, defaults: {}, input: undefined, output: undefined };
      if (this.topicJobs.size < TOPICS_MAX) this.topicJobs.set(what, job);
    }
    return job;
  }
}

const TOPICS_MAX = 1_000;
