/** Workers: handlers offered to the hosts, so many attempts at a time. */
import type { Client } from "./client.ts";
import type { Handler, Job } from "./define.ts";
import { checkWorkerPattern, isJob } from "./define.ts";
import { InvalidOption } from "./errors.ts";
import type { Runnable } from "./execute.ts";
import { execute } from "./execute.ts";
import type { Attempt } from "./internal/attempt.ts";
import type { Crew, Offer } from "./internal/crew.ts";
import { refuseOthers } from "./options.ts";

export interface WorkOptions {
  /** Attempts at a time, of each queue: one that is spread over partitions shares it among them. */
  readonly concurrency?: number;
  /** Closes the worker, gracefully. */
  readonly signal?: AbortSignal;
}

export interface CloseOptions {
  /** How long running attempts may go on before they are handed back. */
  readonly drainMs?: number;
}

const CONCURRENCY = 15;
const CONCURRENCY_MAX = 100_000;

/** What one `work` has started. */
export class Worker {
  /** The instance, as the topology shows it. */
  readonly instance: string;
  readonly topics: readonly string[];
  private readonly client: Client;
  private readonly crew: Crew;
  private readonly offer: Offer;
  private closing: Promise<void> | undefined;

  constructor(client: Client, crew: Crew, offer: Offer) {
    this.client = client;
    this.crew = crew;
    this.offer = offer;
    this.instance = crew.identity.instance;
    this.topics = offer.spec.topics;
  }

  /** Attempts that run now. */
  get running(): number {
    return this.offer.running;
  }

  /** Takes nothing new; running attempts finish, or are handed back after `drainMs`. Idempotent. */
  close({ drainMs = this.client.limits.drainMs }: CloseOptions = {}): Promise<void> {
    this.closing ??= new Promise<void>((resolve) => {
      if (!this.crew.isLast(this.offer)) return this.crew.remove(this.offer, drainMs, resolve);
      this.client.workerLeft(this.crew);
      this.crew.close(drainMs, resolve);
    });
    return this.closing;
  }
}

export async function work(client: Client, what: Job | string, handler: Handler<never, unknown> | undefined, options: WorkOptions): Promise<Worker> {
  refuseOthers(options, ["concurrency", "signal"], ["batch", "limits", "needs", "offers"]);
  const { concurrency = CONCURRENCY, signal } = options;
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > CONCURRENCY_MAX) throw new InvalidOption("concurrency", `must be a whole number from 1 to ${CONCURRENCY_MAX}`);
  signal?.throwIfAborted();
  const runnable = runnableOf(what, handler);
  const topic = typeof what === "string" ? what : what.topic;
  const crew = client.worker();
  const start = (attempt: Attempt): void => void execute(attempt, runnable, client);
  let greet: () => void = () => undefined;
  const greeted = new Promise<void>((resolve) => {
    greet = resolve;
  });
  const worker = new Worker(client, crew, crew.add({ topics: [topic], slots: concurrency, start }, greet));
  signal?.addEventListener("abort", () => void worker.close(), { once: true });
  await greeted;
  return worker;
}

function runnableOf(what: Job | string, handler: Handler<never, unknown> | undefined): Runnable {
  if (typeof what === "string") checkWorkerPattern(what);
  else if (!isJob(what)) throw new InvalidOption("job", "must be a job of `defineJob`, or a topic");
  const job = typeof what === "string" ? { input: undefined, output: undefined, outputs: undefined } : what;
  const run = handler ?? (typeof what === "string" ? undefined : what.run?.bind(what));
  if (typeof run !== "function") throw new InvalidOption("handler", "is missing: give a function (input, ctx) => output, here or as `run` of the definition");
  return { job, handler: run as Runnable["handler"] };
}
