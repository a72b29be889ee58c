/** A client that adds jobs for as long as it is let, and writes down what it was told of each. */
import { encode } from "@longshore/kernel";
import type { ResultEntry } from "@longshore/testkit/promises";
import { JobFailed, type JobHandle, type Longshore, LongshoreError, OutcomeUnknown } from "longshore";
import { onTestFinished } from "vitest";
import { nowMs, until } from "./world.ts";

/** `ordered`: of the queue that runs one job at a time, in order. */
export const TOPIC = { free: "load/free", ordered: "load/ordered" } as const;
export const ORDERED_QUEUE = "ordered";

/** Input of a job: `key` is its own, whatever id it gets. */
export interface Task {
  readonly key: string;
  /** How long it takes. */
  readonly ms: number;
  readonly ballast?: Uint8Array;
}

/** One add, as its client saw it. */
export interface Added {
  readonly key: string;
  readonly operation: number;
  readonly invokedMs: number;
  toldMs: number | undefined;
  outcome: "open" | "created" | "deduplicated" | "replaced" | "stored" | "unknown" | "failed";
  /** Of a failed one. */
  code: string | undefined;
  message: string | undefined;
  id: string | undefined;
}

export interface LoadOptions {
  readonly name?: string;
  /** Adds on their way at a time. */
  readonly open?: number;
  /** Jobs of one topic added and not ended, at most. */
  readonly unfinished?: number;
  /** Pause of each adder between two adds, milliseconds. */
  readonly pauseMs?: number;
  /** Bytes that each input carries along. */
  readonly ballast?: number;
}

const RUN_MS_MAX = 12;

export async function configure(ls: Longshore): Promise<void> {
  await ls.queues.configure(ORDERED_QUEUE, { topics: [TOPIC.ordered], type: "ordered", retries: 10 });
}

export class Load {
  readonly adds: Added[] = [];
  readonly results: ResultEntry[] = [];
  readonly troubles: string[] = [];
  private readonly ls: Longshore;
  private readonly options: Required<LoadOptions>;
  private readonly loops: Promise<void>[] = [];
  private readonly waits: Promise<void>[] = [];
  private isStopped = false;
  private readonly unfinished: Record<string, number> = { [TOPIC.free]: 0, [TOPIC.ordered]: 0 };
  private slow: { readonly ms: number; readonly added: (id: string) => void } | undefined;

  constructor(ls: Longshore, options: LoadOptions = {}) {
    this.ls = ls;
    this.options = { name: "c", open: 12, unfinished: 300, pauseMs: 0, ballast: 0, ...options };
  }

  static async start(ls: Longshore, options?: LoadOptions): Promise<Load> {
    const load = new Load(ls, options);
    onTestFinished(() => { load.isStopped = true; });
    await configure(ls);
    for (let i = 0; i < load.options.open; i++) load.loops.push(load.loop(TOPIC.free));
    load.loops.push(load.loop(TOPIC.ordered));
    return load;
  }

  /** Adds that were told to be durable. */
  get resolved(): number {
    return this.adds.filter(({ outcome }) => isDurable(outcome)).length;
  }

  get ended(): number {
    return this.results.length;
  }

  /** Jobs that were added and whose end was not told yet. */
  get waiting(): number {
    return Object.values(this.unfinished).reduce((sum, count) => sum + count, 0);
  }

  /** Waits until so many more adds were resolved and so many more jobs have ended, all begun after this was called. */
  async goesOn(count = 100, withinMs?: number): Promise<void> {
    const fromMs = nowMs();
    const since = (): readonly Added[] => this.adds.filter(({ invokedMs }) => invokedMs >= fromMs);
    const ended = this.ended;
    await until(`${count} more adds are resolved and ended`, () => since().filter(({ outcome }) => isDurable(outcome)).length >= count && this.ended >= ended + count, withinMs);
  }

  /** Makes the next job of the ordered queue take so long; answers its id once it is added. */
  slowOrdered(ms: number): Promise<string> {
    return new Promise((added) => { this.slow = { ms, added }; });
  }

  /** Adds nothing more, and waits until every add is settled. */
  async settle(withinMs = 60_000): Promise<void> {
    this.isStopped = true;
    await until("every add is settled", () => this.adds.every(({ outcome }) => outcome !== "open"), withinMs);
    await Promise.all(this.loops);
  }

  /** And until every job has ended. */
  async rest(withinMs = 60_000): Promise<void> {
    await this.settle(withinMs);
    let isAtRest = false;
    void Promise.all(this.waits).then(() => { isAtRest = true; });
    // Whose end is never told is for the verdict to say, which knows more.
    await until("every job has ended", () => isAtRest, withinMs).catch(() => this.troubles.push(`the ends of ${this.waiting} jobs were not told within ${withinMs} ms`));
  }

  private async loop(topic: string): Promise<void> {
    const { unfinished, pauseMs } = this.options;
    while (!this.isStopped) {
      const hasRoom = (this.unfinished[topic] ?? 0) < unfinished;
      const hasFailed = hasRoom && (await this.add(topic)) === "failed";
      // One that fails at once must not keep the rest of this process from running.
      const waitMs = hasFailed || !hasRoom ? Math.max(5, pauseMs) : pauseMs;
      if (waitMs > 0) await new Promise((next) => setTimeout(next, waitMs));
    }
  }

  private async add(topic: string): Promise<Added["outcome"]> {
    const operation = this.adds.length + 1;
    const key = `${this.options.name}${operation}`;
    const added: Added = { key, operation, invokedMs: nowMs(), toldMs: undefined, outcome: "open", code: undefined, message: undefined, id: undefined };
    this.adds.push(added);
    const { ballast } = this.options;
    const slow = topic === TOPIC.ordered ? this.slow : undefined;
    if (slow !== undefined) this.slow = undefined;
    const task: Task = { key, ms: slow?.ms ?? operation % RUN_MS_MAX, ...(ballast === 0 ? {} : { ballast: new Uint8Array(ballast).fill(operation) }) };
    try {
      const handle = await this.ls.add(topic, task, { retries: 10, retryDelayMs: 50 });
      added.outcome = handle.outcome;
      added.id = handle.id;
      slow?.added(handle.id);
      this.unfinished[topic]!++;
      this.waits.push(this.wait(handle, topic));
    } catch (error) {
      if (!(error instanceof LongshoreError)) throw error;
      added.outcome = error instanceof OutcomeUnknown ? "unknown" : "failed";
      added.code = error.code;
      added.message = error.message;
    }
    added.toldMs = nowMs();
    return added.outcome;
  }

  private async wait(handle: JobHandle, topic: string): Promise<void> {
    const { id } = handle;
    try {
      const value = (await handle.result()) as { readonly attempt: number };
      this.results.push({ at: nowMs(), client: this.options.name, id: id.slice(id.indexOf(".") + 1), state: "succeeded", attempt: value.attempt, result: encode(value) });
    } catch (error) {
      this.troubles.push(`${id}: ${error instanceof JobFailed ? error.state : String(error)}`);
    }
    this.unfinished[topic]!--;
  }
}

export const isDurable = (outcome: Added["outcome"]): boolean => outcome === "created" || outcome === "deduplicated" || outcome === "replaced" || outcome === "stored";
