/** What the benchmark asks of its host process, and how. */
import { ask } from "./launch.ts";
import { sleep } from "./measure.ts";

/** How a host process is started. */
export interface HostStart {
  readonly url: string;
  /** Where it keeps its high-water mark. */
  readonly directory: string;
  readonly control: number;
  readonly snapshotEveryCommits?: number;
}

export type Question = "standing" | "heap" | "pauses";

export interface HostStanding {
  /** Another host serves; this one waits for it to go. */
  readonly isStandby: boolean;
  /** Made by this process. */
  readonly snapshots: number;
  /** When it served first, by the wall clock: it is compared with another process of this machine. */
  readonly servingAt?: number;
  /** From asking for the service until it served, milliseconds. */
  readonly recoveryMs?: number;
}

/** Milliseconds. */
export interface Pauses {
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Collecting a heap of millions of objects takes seconds. */
const answerWithinMs = 30_000;
const standWithinMs = 120_000;

export async function askHost(control: number, question: Question): Promise<unknown> {
  const answer = await ask(control, `${question}\n`, answerWithinMs);
  if (answer === "") throw new Error(`the host did not answer "${question}"`);
  return JSON.parse(answer);
}

/** Undefined when it does not answer: it may be starting, or folding. */
export async function standingOf(control: number): Promise<HostStanding | undefined> {
  const answer = await ask(control, "standing\n");
  return answer === "" ? undefined : (JSON.parse(answer) as HostStanding);
}

/** Waits until the host stands as wanted. */
export async function untilHost(control: number, isSo: (standing: HostStanding) => boolean): Promise<HostStanding> {
  const deadline = performance.now() + standWithinMs;
  for (;;) {
    const standing = await standingOf(control);
    if (standing !== undefined && isSo(standing)) return standing;
    if (performance.now() > deadline) throw new Error(`the host does not get where it should: ${JSON.stringify(standing) ?? "no answer"}`);
    await sleep(20);
  }
}
