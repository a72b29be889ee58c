/** A job as its adder holds it. */
import type { JobState } from "@longshore/job-queue";
import { askOne, command, onAbort } from "./calls.ts";
import type { Client } from "./client.ts";
import { InvalidInput, JobFailed, PayloadError, Rejected, ResultGone, Unavailable } from "./errors.ts";
import { followJob } from "./events.ts";
import type { JobEnd, ResultSink } from "./internal/result-waiter.ts";
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
      const waiting = new Waiting(this.client, this.output, { after: this.after, doubtUntilMs: this.doubtUntilMs }, resolve, reject);
      const { results } = this.client.lineOf(this.id);
      if (signal !== undefined) {
        waiting.onSettled = onAbort(signal, () => {
          results.forget(this.id, waiting);
          reject(signal.reason);
        });
      }
      results.wait(this.id, waiting);
    });
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

class Waiting<Result> implements ResultSink {
  onSettled: (() => void) | undefined = undefined;
  readonly after: number | undefined;
  readonly doubtUntilMs: number | undefined;
  private readonly client: Client;
  private readonly output: Schema<unknown, Result> | undefined;
  private readonly resolve: (result: Result | Promise<Result>) => void;
  private readonly reject: (error: unknown) => void;

  constructor(client: Client, output: Schema<unknown, Result> | undefined, { after, doubtUntilMs }: Pick<ResultSink, "after" | "doubtUntilMs">, resolve: (result: Result | Promise<Result>) => void, reject: (error: unknown) => void) {
    this.client = client;
    this.output = output;
    this.after = after;
    this.doubtUntilMs = doubtUntilMs;
    this.resolve = resolve;
    this.reject = reject;
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

  private async checked(value: unknown): Promise<void> {
    try {
      this.resolve(this.output === undefined ? (value as Result) : await validateReceived(this.output, value, "result"));
    } catch (error) {
      this.reject(error instanceof InvalidInput ? new PayloadError("result/invalid", error.message, { cause: error }) : error);
    }
  }
}
