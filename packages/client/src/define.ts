/** Jobs and queues as values: written once, imported by those who add and by those who work. No I/O here. */

import type { QueueConfig } from "@longshore/job-queue";
import { INPUT_LIMITS, isQueuePattern, isTopic, isWorkerPattern, PLACEMENTS, readOffloadPolicy } from "@longshore/job-queue";
import { isToken } from "@longshore/kernel";
import { Unreadable } from "@longshore/kernel/reading";
import type { JobContext } from "./context.ts";
import { InvalidOption, NotAvailableYet } from "./errors.ts";
import { checkFileNames } from "./files.ts";
import type { JobDefaults } from "./options.ts";
import { checkJobOptions, refuseOthers } from "./options.ts";
import type { Schema } from "./schema.ts";

/**
 * A kind of job: its topic, and what goes in and comes out.
 *
 * `Input` is what `add` takes and `Parsed` what the handler gets; `Output` is what the handler gives and `Result` what
 * `result()` resolves to. They differ where a schema has defaults or transformations.
 */
export interface Job<Input = unknown, Parsed = unknown, Output = unknown, Result = unknown> {
  readonly kind: "job";
  readonly topic: string;
  readonly defaults: JobDefaults;
  readonly input: Schema<Input, Parsed> | undefined;
  readonly output: Schema<Output, Result> | undefined;
  /** Files that a success leaves. */
  readonly outputs?: readonly string[] | undefined;
  /** The handler, if the definition brings its own. */
  run?(input: Parsed, context: JobContext): Output | Promise<Output>;
  /** Only for types. */
  readonly types?: { readonly input: Input; readonly parsed: Parsed; readonly output: Output; readonly result: Result };
}

/** Does one attempt. What it throws is a failed attempt; see `Cancel`, `RetryLater` and `Snooze`. */
export type Handler<Parsed, Output> = (input: Parsed, context: JobContext) => Output | Promise<Output>;

export interface JobDefinition<Input, Parsed, Output, Result> extends JobDefaults {
  /** Checked by `add` and again before the handler, which gets what the schema makes of it. */
  readonly input?: Schema<Input, Parsed>;
  /** Checks what the handler gives; `result()` resolves to what the schema makes of it. */
  readonly output?: Schema<Output, Result>;
  /** Names of files that a success leaves: without one of them the attempt has failed. */
  readonly outputs?: readonly string[];
  /** The handler, for definitions that bring their own: `ls.work(job)`, `longshore up jobs.ts`. */
  readonly run?: Handler<Parsed, Output>;
}


/**
 * Defines a kind of job. The topic is its name on the wire: tokens of letters, digits, `_`, `-`, separated by `/`.
 *
 * @throws {InvalidOption} when the topic or an option is wrong. @throws {NotAvailableYet}
 */
export function defineJob<Parsed = unknown, Output = unknown, Input = Parsed, Result = Output>(
  topic: string, definition: JobDefinition<Input, Parsed, Output, Result> = {},
): Job<Input, Parsed, Output, Result> {
  checkTopic(topic);
  const { input, output, outputs, run, ...defaults } = definition;
  checkJobOptions(defaults, []);
  checkSchema("input", input);
  checkSchema("output", output);
  if (outputs !== undefined) checkOutputs(outputs);
  if (run !== undefined && typeof run !== "function") throw new InvalidOption("run", "must be a function (input, ctx) => output");
  return { kind: "job", topic, defaults, input, output, ...(outputs === undefined ? {} : { outputs }), ...(run === undefined ? {} : { run }) };
}

/** Whether a value is a job definition; for files that export some. */
export const isJob = (value: unknown): value is Job =>
  typeof value === "object" && value !== null && (value as { readonly kind?: unknown }).kind === "job" && "topic" in value;

/** A queue's configuration as a value, for `ls.queues.configure`. */
export interface Queue {
  readonly kind: "queue";
  readonly name: string;
  readonly config: QueueConfig;
}

const QUEUE_FIELDS = ["topics", "type", "maxParallel", "retries", "retryDelayMs", "keepJobs", "keepIds", "ranking", "shard", "partitions", "placement", "offload"] as const;
const QUEUE_LATER = ["rate", "perKey", "priority"] as const;
const { shardCharsMax: SHARD_CHARS_MAX, partitionsMax: PARTITIONS_MAX } = INPUT_LIMITS;
const QUEUE_NAME = /^[A-Za-z0-9 _,.\-+#!?$%&()=]{1,100}$/;

/**
 * Defines a queue: which topics it takes, and how.
 *
 * Patterns: `a/b` exactly, `a/.` children of `a`, `a/*` everything below `a`, `*` everything.
 * @throws {InvalidOption} @throws {NotAvailableYet}
 */
export function defineQueue(name: string, config: QueueConfig): Queue {
  if (!QUEUE_NAME.test(name)) throw new InvalidOption("name", `"${name}" is no name of a queue: use 1 to 100 letters, digits, blanks and _ , . - + # ! ? $ % & ( ) =`);
  refuseOthers(config, QUEUE_FIELDS, QUEUE_LATER);
  if (!Array.isArray(config.topics) || config.topics.length === 0) throw new InvalidOption("topics", "must be a list of at least one pattern, for example [\"media/*\"]");
  for (const pattern of config.topics) {
    if (!isQueuePattern(pattern)) throw new InvalidOption("topics", `has "${pattern}", which is no pattern: use a/b, a/. (children), a/* (everything below) or *`);
  }
  if ((config.type as string) === "topic-round-robin") throw new NotAvailableYet("the queue type topic-round-robin");
  if (config.type !== undefined && config.type !== "unordered" && config.type !== "ordered") throw new InvalidOption("type", "must be unordered or ordered");
  if (config.shard !== undefined && !(isToken(config.shard) && config.shard.length <= SHARD_CHARS_MAX)) throw new InvalidOption("shard", `must be 1 to ${SHARD_CHARS_MAX} of the characters A-Z a-z 0-9 _ -`);
  const { partitions, placement } = config;
  if (placement !== undefined && !PLACEMENTS.includes(placement)) throw new InvalidOption("placement", `must be ${PLACEMENTS.join(", ")}`);
  if (partitions !== undefined && !(Number.isInteger(partitions) && partitions >= 1 && partitions <= PARTITIONS_MAX)) throw new InvalidOption("partitions", `must be a whole number from 1 to ${PARTITIONS_MAX}`);
  if (config.offload !== undefined) checkOffload(config.offload);
  return { kind: "queue", name, config };
}

function checkOffload(policy: unknown): void {
  try {
    readOffloadPolicy(policy);
  } catch (problem) {
    if (problem instanceof Unreadable) throw new InvalidOption(problem.field, problem.remedy);
    throw problem;
  }
}

/** @throws {InvalidOption} */
export function checkTopic(topic: string): void {
  if (!isTopic(topic)) throw new InvalidOption("topic", `"${topic}" is no topic: use letters, digits, _ and - in tokens separated by /, for example media/thumbnail`);
}

/** @throws {InvalidOption} */
export function checkWorkerPattern(pattern: string): void {
  if (!isWorkerPattern(pattern)) throw new InvalidOption("topic", `"${pattern}" is neither a topic nor a pattern: use a/b, a/* (children) or a/** (everything below)`);
}

function checkOutputs(outputs: unknown): void {
  if (!Array.isArray(outputs)) throw new InvalidOption("outputs", "must be a list of names of files, for example [\"thumb.jpg\"]");
  checkFileNames("outputs", outputs);
}

function checkSchema(field: string, schema: unknown): void {
  if (schema === undefined) return;
  const isSchema = (typeof schema === "object" || typeof schema === "function") && schema !== null && "~standard" in schema;
  if (!isSchema) throw new InvalidOption(field, "must be a Standard Schema: zod, valibot, arktype and others make them");
}
