/** What a program holds: the whole interface, on one connection. */
import { addAll } from "./add-all.ts";
import type { AddAllOptions } from "./add-all.ts";
import { startAdd } from "./adder.ts";
import type { Client } from "./client.ts";
import { checkTopic, isJob } from "./define.ts";
import type { Handler, Job } from "./define.ts";
import { InvalidOption } from "./errors.ts";
import { JobHandle } from "./handle.ts";
import type { AddOptions } from "./options.ts";
import { work } from "./work.ts";
import type { CloseOptions, Worker, WorkOptions } from "./work.ts";

export class Longshore {
  private readonly client: Client;

  constructor(client: Client) {
    this.client = client;
  }

  /** Adds a job; resolves when it is durable: committed by the host, or stored in the inbox while no host is up. */
  add<Input, Parsed, Output, Result>(job: Job<Input, Parsed, Output, Result>, input: NoInfer<Input>, options?: AddOptions): Promise<JobHandle<Result>>;
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

  /** A handle of a job that was added elsewhere. */
  handle(id: string): JobHandle {
    this.client.lineOf(id);
    return new JobHandle(this.client, id, "created", undefined, undefined);
  }

  /** Workers finish what runs or hand it back, then everything ends. Idempotent. */
  close(options: CloseOptions = {}): Promise<void> {
    return this.client.close(options.drainMs);
  }

  private readonly topics = new Map<string, Job>();

  private jobOf(what: Job | string): Job {
    if (typeof what !== "string") {
      if (isJob(what)) return what;
      throw new InvalidOption("job", "must be a job of `defineJob`, or a topic");
    }
    let job = this.topics.get(what);
    if (job === undefined) {
      checkTopic(what);
      job = { kind: "job", topic: what, defaults: {}, input: undefined, output: undefined };
      if (this.topics.size < TOPICS_MAX) this.topics.set(what, job);
    }
    return job;
  }
}

const TOPICS_MAX = 1_000;
