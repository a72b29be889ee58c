/** Adding many jobs: fed as fast as they are taken, counted, and stopped by a signal. */

import type { AddSink } from "./adder.ts";
import { startAdd } from "./adder.ts";
import type { Client } from "./client.ts";
import type { Job } from "./define.ts";
import { InvalidOption, LongshoreError } from "./errors.ts";
import type { JobHandle } from "./handle.ts";
import type { AddOptions } from "./options.ts";

export interface AddAllOptions<Input> extends Omit<AddOptions, "id" | "inputs"> {
  /** Idempotency key of each. */
  readonly id?: (input: Input, index: number) => string;
  /** Called about ten times a second and at the end. `total` is known when `inputs` is an array. */
  readonly progress?: (progress: { readonly done: number; readonly failed: number; readonly total: number | undefined }) => void;
}

/** Some were not added. `handles` has a gap where `failures` has an entry. */
export class AddAllFailed extends LongshoreError {
  readonly handles: readonly (JobHandle | undefined)[];
  readonly failures: readonly { readonly index: number; readonly error: unknown }[];
  constructor(handles: readonly (JobHandle | undefined)[], failures: readonly { readonly index: number; readonly error: unknown }[]) {
    const [first] = failures;
    const why = first?.error instanceof Error ? first.error.message : String(first?.error);
    super("add-all/failed", `${failures.length} of ${handles.length} jobs were not added, the first because: ${why}`, { cause: first?.error });
    this.handles = handles;
    this.failures = failures;
  }
}

/** Jobs on their way at a time: messages are filled while one is in flight. */
const OPEN_MAX = 4_096;
const PROGRESS_EVERY_MS = 100;

/** @throws {AddAllFailed} when some were not added; when the signal aborts, with those that were. */
export async function addAll<Result>(
  client: Client, job: Job<unknown, unknown, unknown, Result>, inputs: Iterable<unknown> | AsyncIterable<unknown>, options: AddAllOptions<unknown>,
): Promise<JobHandle<Result>[]> {
  const { id, progress, ...shared } = options;
  if (id !== undefined && typeof id !== "function") throw new InvalidOption("id", "must be a function (input, index) => string");
  if ("inputs" in shared) throw new InvalidOption("inputs", "are files of one job: add jobs with files one by one, with `add`");
  const { signal } = shared;
  signal?.throwIfAborted();
  const tally = new Tally<Result>(client, Array.isArray(inputs) ? inputs.length : undefined, progress);
  const same = Object.keys(shared).length === 0 ? undefined : shared;
  const feed = (input: unknown): void => {
    const index = tally.count;
    startAdd(client, job, input, id === undefined ? same : { ...shared, id: id(input, index) }, tally.sink(index));
  };
  const isOpen = (): boolean => signal?.aborted !== true;
  if (Symbol.iterator in inputs) await feedAll(inputs, tally, isOpen, feed);
  else await feedAllLate(inputs, tally, isOpen, feed);
  return tally.finish(signal);
}

type Fed = Pick<Tally<unknown>, "open" | "room">;

/** An await for each job would cost more than the job: there is one only when many are on their way. */
async function feedAll(inputs: Iterable<unknown>, tally: Fed, isOpen: () => boolean, feed: (input: unknown) => void): Promise<void> {
  for (const input of inputs) {
    if (tally.open >= OPEN_MAX) await tally.room();
    if (!isOpen()) return;
    feed(input);
  }
}

async function feedAllLate(inputs: AsyncIterable<unknown>, tally: Fed, isOpen: () => boolean, feed: (input: unknown) => void): Promise<void> {
  for await (const input of inputs) {
    if (tally.open >= OPEN_MAX) await tally.room();
    if (!isOpen()) return;
    feed(input);
  }
}

class Tally<Result> {
  count = 0;
  open = 0;
  private readonly client: Client;
  private readonly total: number | undefined;
  private readonly progress: AddAllOptions<unknown>["progress"];
  private readonly handles: (JobHandle<Result> | undefined)[] = [];
  private readonly failures: { readonly index: number; readonly error: unknown }[] = [];
  private toldMs = Number.NEGATIVE_INFINITY;
  private waiting: { readonly below: number; readonly run: () => void } | undefined;

  constructor(client: Client, total: number | undefined, progress: AddAllOptions<unknown>["progress"]) {
    this.client = client;
    this.total = total;
    this.progress = progress;
  }

  sink(index: number): AddSink<Result> {
    this.count++;
    this.open++;
    this.handles.push(undefined);
    return {
      added: (handle) => {
        this.handles[index] = handle;
        this.one();
      },
      failed: (error) => {
        this.failures.push({ index, error });
        this.one();
      },
    };
  }

  /** Resolves when half of those on their way have arrived. */
  room(): Promise<void> {
    return this.until(OPEN_MAX / 2);
  }

  async finish(signal: AbortSignal | undefined): Promise<JobHandle<Result>[]> {
    await this.until(1);
    this.tell(true);
    if (signal?.aborted === true) this.failures.push({ index: this.count, error: signal.reason });
    if (this.failures.length > 0) throw new AddAllFailed(this.handles, this.failures.sort((a, b) => a.index - b.index));
    return this.handles as JobHandle<Result>[];
  }

  private until(below: number): Promise<void> {
    return this.open < below ? Promise.resolve() : new Promise((resolve) => {
      this.waiting = { below, run: resolve };
    });
  }

  private one(): void {
    this.open--;
    this.tell(false);
    const { waiting } = this;
    if (waiting === undefined || this.open >= waiting.below) return;
    this.waiting = undefined;
    waiting.run();
  }

  private tell(isLast: boolean): void {
    if (this.progress === undefined) return;
    const nowMs = this.client.setup.ports.clock.monotonicMs();
    if (!isLast && nowMs - this.toldMs < PROGRESS_EVERY_MS) return;
    this.toldMs = nowMs;
    const failed = this.failures.length;
    this.progress({ done: this.count - this.open - failed, failed, total: this.total });
  }
}
