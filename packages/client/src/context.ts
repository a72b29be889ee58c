/** What a handler gets beside its input. */
import type { Scalar } from "@longshore/job-queue";
import { AttemptAborted, InvalidOption } from "./errors.ts";
import type { Files } from "./files.ts";
import type { Attempt } from "./internal/attempt.ts";
import type { JobFile } from "./job-file.ts";
import { filesByName } from "./job-file.ts";
import type { Outputs } from "./outputs.ts";
import { AttemptOutputs } from "./outputs.ts";

export interface JobContext {
  readonly jobId: string;
  readonly topic: string;
  /** 1 for the first execution; grows with every start. */
  readonly attempt: number;
  /** Failures so far, and how many the job may have. */
  readonly failures: number;
  readonly retries: number;
  readonly properties: Readonly<Record<string, Scalar>>;
  /** The files the job was added with, by name. */
  readonly inputs: ReadonlyMap<string, JobFile>;
  /** The files it leaves, for whoever added it. Those of an attempt that another follows are let go. */
  readonly outputs: Outputs;
  /** Aborted when the job is stopped, its time is over, or it is no longer ours. Its reason is an `AttemptAborted`. */
  readonly signal: AbortSignal;
  /** How far it is, 0 to 1 or null when that cannot be said, and what it does. Only the newest is sent. */
  progress(fraction: number | null, message?: string): void;
  /** Adds a line to the job's log; like `console.log` it takes several values. */
  log(...values: readonly unknown[]): void;
  /** Says that it is alive: its timeout counts from now. */
  heartbeat(): void;
  /** Sets a property of the job, which searches can find; null takes it away. */
  setProperty(name: string, value: Scalar): void;
}

const NO_PROPERTIES: Readonly<Record<string, Scalar>> = {};

export class AttemptContext implements JobContext {
  private readonly held: Attempt;
  private readonly files: Files;
  private controller: AbortController | undefined;
  private found: ReadonlyMap<string, JobFile> | undefined;
  private left: AttemptOutputs | undefined;

  constructor(attempt: Attempt, files: Files) {
    this.held = attempt;
    this.files = files;
  }

  get jobId(): string {
    return this.held.id;
  }

  get topic(): string {
    return this.held.topic;
  }

  get attempt(): number {
    return this.held.number;
  }

  get failures(): number {
    return this.held.options.failures;
  }

  get retries(): number {
    return this.held.options.retries;
  }

  get properties(): Readonly<Record<string, Scalar>> {
    return this.held.options.properties ?? NO_PROPERTIES;
  }

  get inputs(): ReadonlyMap<string, JobFile> {
    this.found ??= filesByName(this.files.of(this.held.options.inputs));
    return this.found;
  }

  get outputs(): Outputs {
    this.left ??= new AttemptOutputs(this.files, this.held.options.inputs, this.signal);
    return this.left;
  }

  /** What the handler has stored; undefined when nothing. */
  get stored(): AttemptOutputs | undefined {
    return this.left;
  }

  /** Made on first use: most handlers never look. */
  get signal(): AbortSignal {
    if (this.controller === undefined) {
      const controller = new AbortController();
      const { held } = this;
      const abort = (): void => controller.abort(new AttemptAborted(held.abortCause ?? "superseded", held.abortMessage));
      this.controller = controller;
      if (held.abortCause === undefined) held.onAbort = abort;
      else abort();
    }
    return this.controller.signal;
  }

  progress(fraction: number | null, message?: string): void {
    const isFraction = fraction === null || (typeof fraction === "number" && fraction >= 0 && fraction <= 1);
    if (!isFraction) throw new InvalidOption("fraction", "must be between 0 and 1, or null");
    this.held.progress(fraction, message ?? null);
  }

  log(...values: readonly unknown[]): void {
    this.held.log(values.map(show).join(" "));
  }

  heartbeat(): void {
    this.held.extend();
  }

  setProperty(name: string, value: Scalar): void {
    const isScalar = value === null || typeof value === "string" || typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value));
    if (typeof name !== "string" || name === "") throw new InvalidOption("name", "must be the name of a property");
    if (!isScalar) throw new InvalidOption("value", "must be text, a finite number, a boolean or null");
    this.held.setProperty(name, value);
  }
}

function show(value: unknown): string {
  if (typeof value === "string") return value;
  if (value instanceof Error) return value.stack ?? `${value.name}: ${value.message}`;
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}
