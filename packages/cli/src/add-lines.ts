/** Adds a job for each line, as fast as they are taken, with a bounded number under way. */
import type { AddOptions, JobHandle, Longshore } from "longshore";
import { explain, wrongUsage } from "./errors.ts";
import { parseJson } from "./values.ts";

export interface LineFailure {
  readonly line: number;
  readonly code: string;
  readonly message: string;
}

export interface Tally {
  lines: number;
  created: number;
  deduplicated: number;
  stored: number;
  refused: number;
  /** Of those that were waited for. */
  succeeded: number;
  unsuccessful: number;
  /** The first of them. */
  readonly failures: LineFailure[];
}

export interface LinesOptions {
  /** Absent: each line names its own. */
  readonly topic: string | undefined;
  readonly given: AddOptions;
  readonly isWaiting: boolean;
  readonly signal: AbortSignal;
  readonly progress: (done: number) => void;
}

type Adder = Pick<Longshore, "add">;

/** Jobs under way at a time; those that are waited for until their end are more. */
const OPEN_MAX = 4_096;
const OPEN_WAITING_MAX = 50_000;
const FAILURES_MAX = 20;

export async function addLines(ls: Adder, lines: AsyncIterable<string>, options: LinesOptions): Promise<Tally> {
  const tally: Tally = { lines: 0, created: 0, deduplicated: 0, stored: 0, refused: 0, succeeded: 0, unsuccessful: 0, failures: [] };
  const open = new Set<Promise<void>>();
  const openMax = options.isWaiting ? OPEN_WAITING_MAX : OPEN_MAX;
  let number = 0;
  for await (const line of lines) {
    number++;
    if (line.trim() === "") continue;
    if (options.signal.aborted) break;
    tally.lines++;
    const one = addLine(ls, line, number, options, tally).finally(() => {
      open.delete(one);
      options.progress(tally.lines - open.size);
    });
    open.add(one);
    if (open.size >= openMax) await Promise.race(open);
  }
  await Promise.all(open);
  tally.failures.sort((a, b) => a.line - b.line);
  return tally;
}

async function addLine(ls: Adder, line: string, number: number, { topic, given, isWaiting, signal }: LinesOptions, tally: Tally): Promise<void> {
  let handle: JobHandle;
  try {
    const value = parseJson("it", line);
    const job = topic === undefined ? jobOf(value) : { topic, input: value, options: {} };
    handle = await ls.add(job.topic, job.input, { ...given, ...job.options });
  } catch (error) {
    const { code, message } = explain(error);
    tally.refused++;
    if (tally.failures.length < FAILURES_MAX) tally.failures.push({ line: number, code, message });
    return;
  }
  if (handle.outcome === "deduplicated") tally.deduplicated++;
  else if (handle.outcome === "stored") tally.stored++;
  else tally.created++;
  if (!isWaiting) return;
  try {
    await handle.result({ signal });
    tally.succeeded++;
  } catch {
    tally.unsuccessful++;
  }
}

function jobOf(value: unknown): { readonly topic: string; readonly input: unknown; readonly options: AddOptions } {
  const { topic, input, ...options } = typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  if (typeof topic !== "string") throw wrongUsage("the line names no topic", "{\"topic\": …, \"input\": …}, or name the topic for all: longshore add <topic> --file …");
  // The library checks each option by name and value.
  return { topic, input: input ?? {}, options: options as AddOptions };
}
