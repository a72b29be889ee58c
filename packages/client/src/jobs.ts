/** Looking at jobs, and acting on them: one by id, many by filter. */
import type { JobFilter, JobView, WhyView } from "@longshore/job-queue";
import { ask, askOne, command } from "./calls.ts";
import type { Client } from "./client.ts";
import { InvalidOption, NotAvailableYet, Rejected, Unavailable } from "./errors.ts";
import { findAcross } from "./find-across.ts";
import type { CallOptions } from "./handle.ts";
import { JobHandle } from "./handle.ts";
import type { JobInfo } from "./job-info.ts";
import { jobInfo } from "./job-info.ts";
import { refuseOthers } from "./options.ts";
import type { TimelineEvent } from "./timeline.ts";
import { timeline } from "./timeline.ts";

export interface FindOptions extends JobFilter, CallOptions {
  /** 100 when absent. */
  readonly limit?: number;
  /** The `next` of an earlier answer. */
  readonly after?: string;
  /** With input, result and files. */
  readonly payloads?: boolean;
}

export interface JobsFound {
  readonly jobs: readonly JobInfo[];
  /** Where to go on; undefined at the end. */
  readonly next: string | undefined;
  /** Shards that nobody has answered for: their jobs are not among these. Empty when all have. */
  readonly missing: readonly string[];
}

export interface BulkOptions extends CallOptions {
  /** Only says what would be acted on. */
  readonly dryRun?: boolean;
}

/** What a bulk call would do, or has begun. */
export interface Bulk {
  /** Jobs that match now; counted for a dry run only. */
  readonly matched: number | undefined;
  /** Ids of the first of them. */
  readonly sample: readonly string[];
  /** The operation that goes on in the host, of several shards that in the first; undefined for a dry run. */
  readonly operation: number | undefined;
  /** Resolves when it has looked at every job there was when it began. */
  done(options?: CallOptions): Promise<void>;
}

interface Begun {
  readonly shard: string;
  readonly operation: number | undefined;
}

const FILTER_FIELDS = ["state", "topic", "queue", "where"] as const;
const LIMIT = 100;
const PAGE_MAX = 1_000;
const SAMPLE_MAX = 20;
const LOOK_EVERY_MS = 200;

export class Jobs {
  private readonly client: Client;

  constructor(client: Client) {
    this.client = client;
  }

  /** Everything known of a job; undefined when it is not known (any more). */
  async get(id: string, options: CallOptions = {}): Promise<JobInfo | undefined> {
    const view = await askOne(this.client, id, { ask: "job", id }, options);
    return view === null ? undefined : jobInfo(this.client, view as JobView);
  }

  /** A handle of a job that was added elsewhere. */
  handle(id: string): JobHandle {
    this.client.lineOf(id);
    return new JobHandle(this.client, id, "created", undefined, undefined);
  }

  /** Its events so far, oldest first; empty when it is not known. */
  history(id: string, options: CallOptions = {}): Promise<readonly TimelineEvent[]> {
    return timeline(this.client, id, options);
  }

  /**
   * Jobs that match: unfinished ones by creation, ended ones (`state: "history"` and the like) by end, the latest first. Of several
   * shards those that answer are shown, and the others named in `missing`.
   *
   * @throws {Unavailable} `host/unavailable` when no shard answers.
   */
  async find(options: FindOptions = {}): Promise<JobsFound> {
    refuseOthers(options, [...FILTER_FIELDS, "limit", "after", "payloads", "signal"], ["orderBy", "key", "priority"]);
    const { limit = LIMIT, after, payloads = false, signal, ...filter } = options;
    if (!Number.isInteger(limit) || limit < 1) throw new InvalidOption("limit", "must be a whole number, 1 or more");
    const jobs: JobInfo[] = [];
    const missing = new Set<string>();
    let next = after;
    do {
      const page = await this.page(filter, Math.min(PAGE_MAX, limit - jobs.length), next, payloads, signal);
      for (const view of page.jobs) jobs.push(await jobInfo(this.client, view));
      for (const shard of page.missing) missing.add(shard);
      next = page.next;
    } while (next !== undefined && jobs.length < limit);
    return { jobs, next, missing: [...missing] };
  }

  /** Asks a job, or all that match, to stop: waiting ones end at once, running ones are told through their signal. */
  stop(id: string, options?: CallOptions & { readonly reason?: string }): Promise<undefined>;
  stop(filter: JobFilter, options?: BulkOptions): Promise<Bulk>;
  async stop(what: string | JobFilter, { reason, ...options }: BulkOptions & { readonly reason?: string } = {}): Promise<Bulk | undefined> {
    if (typeof what !== "string") return this.bulk("stopAll", what, options);
    await this.onJob("stop", { id: what, ...(reason === undefined ? {} : { reason }) }, what, options);
    return undefined;
  }

  /** Makes a new job of an ended one, or of all that match and did not succeed. */
  retry(id: string, options?: CallOptions): Promise<JobHandle>;
  retry(filter: JobFilter, options?: BulkOptions): Promise<Bulk>;
  async retry(what: string | JobFilter, options: BulkOptions = {}): Promise<JobHandle | Bulk> {
    if (typeof what !== "string") return this.bulk("retryAll", what, options);
    const { answer, stored } = await this.onJob("retry", { id: what }, what, options);
    const created = (answer as { readonly created?: string } | undefined)?.created;
    return new JobHandle(this.client, created ?? what, stored ? "stored" : "created", undefined, undefined);
  }

  /** Drops an unfinished job, takes an ended one out of the history; or all that match. */
  remove(id: string, options?: CallOptions): Promise<undefined>;
  remove(filter: JobFilter, options?: BulkOptions): Promise<Bulk>;
  async remove(what: string | JobFilter, options: BulkOptions = {}): Promise<Bulk | undefined> {
    if (typeof what !== "string") return this.bulk("removeAll", what, options);
    await this.onJob("remove", { id: what }, what, options);
    return undefined;
  }

  amend(_id: string, _changes: Readonly<Record<string, unknown>>): never {
    throw new NotAvailableYet("ls.jobs.amend");
  }

  /** What a job waits for, with names; undefined when it is not known. */
  async why(id: string, options: CallOptions = {}): Promise<WhyView | undefined> {
    return ((await askOne(this.client, id, { ask: "why", id }, options)) as WhyView | null) ?? undefined;
  }

  private onJob(verb: string, item: unknown, id: string, options: CallOptions): ReturnType<typeof command> {
    return command(this.client.lineOf(id).operate, verb, item, options);
  }

  private page(filter: JobFilter, limit: number, after: string | undefined, payloads: boolean, signal: AbortSignal | undefined): ReturnType<typeof findAcross> {
    return findAcross(this.client, { filter, limit, after, payloads }, signal === undefined ? {} : { signal });
  }

  /** In every shard that the filter's queue, or any queue, may have jobs in. */
  private async bulk(verb: "stopAll" | "retryAll" | "removeAll", filter: JobFilter, { dryRun = false, ...options }: BulkOptions): Promise<Bulk> {
    refuseOthers(filter, FILTER_FIELDS, []);
    if (dryRun) return this.dryRun(verb, filter, options);
    const begun = await Promise.all((await this.client.shards(filter.queue)).map(async (shard): Promise<Begun> => {
      const { answer } = await command(this.client.line(shard).operateOnly, verb, filter, options);
      return { shard, operation: (answer as { readonly operation?: number } | undefined)?.operation };
    }));
    const done = async (wait: CallOptions = {}): Promise<void> => {
      await Promise.all(begun.map((one) => this.operationDone(one, wait)));
    };
    return { matched: undefined, sample: [], operation: begun[0]?.operation, done };
  }

  private async dryRun(verb: string, filter: JobFilter, { signal }: CallOptions): Promise<Bulk> {
    const wanted = filter.state === undefined ? { ...filter, state: verb === "retryAll" ? ("canceled" as const) : ("all" as const) } : filter;
    const sample: string[] = [];
    let matched = 0;
    let next: string | undefined;
    do {
      const page = await this.page(wanted, PAGE_MAX, next, false, signal);
      // What is to be acted on must be counted whole.
      if (page.missing.length > 0) throw new Unavailable("host/unavailable", `nobody answers for shard ${page.missing.join(", ")}, so what matches cannot be counted: start a host, \`longshore run job-queue --shard ${page.missing.join(",")}\``);
      matched += page.jobs.length;
      sample.push(...page.jobs.slice(0, SAMPLE_MAX - sample.length).map(({ id }) => id));
      next = page.next;
    } while (next !== undefined);
    return { matched, sample, operation: undefined, done: () => Promise.resolve() };
  }

  private async operationDone({ shard, operation }: Begun, options: CallOptions): Promise<void> {
    if (operation === undefined) throw new Rejected("operation/stored", "no host was up: the operation waits in the inbox");
    for (;;) {
      const running = (await ask(this.client, shard, { ask: "operations" }, options)) as readonly { readonly operation: number }[];
      if (!running.some((one) => one.operation === operation)) return;
      await new Promise<void>((resolve) => this.client.setup.ports.clock.after(LOOK_EVERY_MS, resolve));
    }
  }
}
