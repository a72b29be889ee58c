/** A job as its adder holds it. */
import type { JobState } from "@longshore/job-queue";
import { askOne, command } from "./calls.ts";
import type { Client } from "./client.ts";
import { InvalidInput, JobFailed, PayloadError, Rejected, ResultGone, Unavailable } from "./errors.ts";
import { followJob } from "./events.ts";
import { onAbort } from "./internal/on-abort.ts";
import type { JobEnd, ResultSink } from "./internal/result-waiter.ts";
import type { JobFile } from "./job-file.ts";
import { filesByName } from "./job-file.ts";
import type { Schema } from "./schema.ts";
import { validateReceived } from "./schema.ts";
import type { TimelineEvent } from "./timeline.ts";

/**
 * What became of an `add`: `stored` is in the inbox, decided when a host reads it, and may still be rejected. `unknown` is only
 * that of an `OutcomeUnknown`'s `job`: nobody knows whether there is one.
 */
export type AddOutcome = "created" | "deduplicated" | "replaced" | "stored" | "unknown";

export interface CallOptions {
  readonly signal?: AbortSignal;
}

export class JobHandle<Result = unknown> {
  /** Whole id: `<shard>.<ulid>`, or `<shard>.<topic>.<id>` for an id of yours. */
  readonly id: string;
  readonly outcome: AddOutcome;
  private readonly client: Client;
  private readonly output: Schema<unknown, Result> | undefined;
  /** Inbox sequence of a stored job. */
  private readonly after: number | undefined;
  private readonly doubtUntilMs: number | undefined;

  constructor(client: Client, id: string, outcome: AddOutcome, output: Schema<unknown, Result> | undefined, after: number | undefined) {
    this.client = client;
    this.id = id;
    this.outcome = outcome;
    this.output = output;
    this.after = after;
    // What was given up or aborted may still be on its way for as long as a command is sent again.
    this.doubtUntilMs = outcome === "unknown" ? client.setup.ports.clock.monotonicMs() + client.limits.giveUpMs : undefined;
  }

  /**
   * The state now; undefined when the job is not known (any more), or is stored and no host has read it yet.
   * @throws {Rejected} when it was stored, and refused when a host read it. @throws {Unavailable}
   */
  async state(options: CallOptions = {}): Promise<JobState | undefined> {
    const view = await askOne(this.client, this.id, { ask: "job", id: this.id }, options);
    if (view === null && this.after !== undefined) await this.checkRefusal(this.after, options);
    return (view as { readonly state?: JobState } | null)?.state;
  }

  private async checkRefusal(sequence: number, options: CallOptions): Promise<void> {
    const name = this.id.slice(this.id.indexOf(".") + 1);
    const refusal = (await askOne(this.client, this.id, { ask: "refused", sequence, name }, options)) as { readonly code: string; readonly message: string } | null;
    if (refusal !== null) throw new Rejected(refusal.code, refusal.message);
  }

  /**
   * What the job came to.
   * @throws {JobFailed} when it ended otherwise than with success. @throws {Rejected} when it was stored, and refused when a host
   * read it. @throws {ResultGone} @throws {Unavailable}
   */
  result({ signal }: CallOptions = {}): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason);
      this.wait(new ResultWaiting(this.client, this.output, { after: this.after, doubtUntilMs: this.doubtUntilMs }, resolve, reject), signal);
    });
  }

  /**
   * The files that the job has left, by name, once it has ended; also where it did not succeed.
   * @throws {Rejected} when it was stored, and refused when a host read it. @throws {ResultGone} @throws {Unavailable}
   */
  outputs({ signal }: CallOptions = {}): Promise<ReadonlyMap<string, JobFile>> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason);
      this.wait(new OutputsWaiting(this.client, { after: this.after, doubtUntilMs: this.doubtUntilMs }, resolve, reject), signal);
    });
  }

  private wait(waiting: Waiting, signal: AbortSignal | undefined): void {
    const { results } = this.client.lineOf(this.id);
    if (signal !== undefined) {
      waiting.onSettled = onAbort(signal, () => {
        results.forget(this.id, waiting);
        waiting.reject(signal.reason);
      });
    }
    results.wait(this.id, waiting);
  }

  /** Its events: those there have been, then those to come, up to its end. */
  follow(options: CallOptions = {}): AsyncIterable<TimelineEvent> {
    return followJob(this.client, this.id, options);
  }

  /**
   * Asks the job to stop: a waiting one ends at once, a running one is told through its signal.
   * @throws {Rejected} `job/ended`, `job/not-found`, `job/not-yours`.
   */
  async stop(reason?: string, options: CallOptions = {}): Promise<void> {
    await command(this.client.lineOf(this.id).operate, "stop", reason === undefined ? { id: this.id } : { id: this.id, reason }, options);
  }
}

type Since = Pick<ResultSink, "after" | "doubtUntilMs">;

abstract class Waiting implements ResultSink {
  onSettled: (() => void) | undefined = undefined;
  readonly after: number | undefined;
  readonly doubtUntilMs: number | undefined;
  readonly reject: (error: unknown) => void;

  constructor({ after, doubtUntilMs }: Since, reject: (error: unknown) => void) {
    this.after = after;
    this.doubtUntilMs = doubtUntilMs;
    this.reject = reject;
  }

  abstract ended(end: JobEnd): void;

  refused(code: string, message: string): void {
    this.onSettled?.();
    this.reject(new Rejected(code, message));
  }

  gone(id: string): void {
    this.onSettled?.();
    this.reject(new ResultGone(id));
  }

  failed(code: string, message: string): void {
    this.onSettled?.();
    this.reject(new Unavailable(code, message));
  }
}

class OutputsWaiting extends Waiting {
  private readonly client: Client;
  private readonly resolve: (outputs: ReadonlyMap<string, JobFile>) => void;

  constructor(client: Client, since: Since, resolve: (outputs: ReadonlyMap<string, JobFile>) => void, reject: (error: unknown) => void) {
    super(since, reject);
    this.client = client;
    this.resolve = resolve;
  }

  ended({ outputs }: JobEnd): void {
    this.onSettled?.();
    this.resolve(filesByName(this.client.files.of(outputs)));
  }
}

class ResultWaiting<Result> extends Waiting {
  private readonly client: Client;
  private readonly output: Schema<unknown, Result> | undefined;
  private readonly resolve: (result: Result | Promise<Result>) => void;

  constructor(client: Client, output: Schema<unknown, Result> | undefined, since: Since, resolve: (result: Result | Promise<Result>) => void, reject: (error: unknown) => void) {
    super(since, reject);
    this.client = client;
    this.output = output;
    this.resolve = resolve;
  }

  ended(end: JobEnd): void {
    this.onSettled?.();
    if (end.state !== "succeeded") return this.reject(new JobFailed(end));
    if (end.result === undefined) return void this.checked(undefined);
    this.client.payloads.read(end.result, "result", (read) => {
      if (read.kind === "value") void this.checked(read.value);
      else this.reject(new PayloadError(read.trouble.code, read.trouble.message));
    });
  }

  private async checked(value: unknown): Promise<void> {
    try {
      this.resolve(this.output === undefined ? (value as Result) : await validateReceived(this.output, value, "result"));
    } catch (error) {
      this.reject(error instanceof InvalidInput ? new PayloadError("result/invalid", error.message, { cause: error }) : error);
    }
  }
}
