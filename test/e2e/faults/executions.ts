/** A handler that writes each execution down before it begins and before it is told to anybody. */
import { appendFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import type { JobContext } from "longshore";
import type { Task } from "./load.ts";
import type { Line } from "./worker-lines.ts";

export interface Recording {
  readonly file: string;
  /** One of an ordered queue: it must not overlap with another. */
  readonly exclusive: boolean;
  /** Of the process that executes, where it is known to it. */
  readonly incarnation: () => string | Promise<string>;
}

export function recorded({ file, exclusive, incarnation }: Recording): (task: Task, context: JobContext) => Promise<{ readonly job: string; readonly attempt: number }> {
  return async ({ ms }, { jobId: job, attempt, signal }) => {
    const mine = await incarnation();
    const write = (line: Pick<Line, "phase" | "outcome">): void =>
      appendFileSync(file, `${JSON.stringify({ at: Number(process.hrtime.bigint()) / 1e6, incarnation: mine, job, attempt, exclusive, ...line })}\n`);
    signal.throwIfAborted();
    write({ phase: "start" });
    try {
      await pause(ms, undefined, { signal });
    } catch (error) {
      write({ phase: "end", outcome: "aborted" });
      throw error;
    }
    write({ phase: "end", outcome: "succeeded" });
    return { job, attempt };
  };
}
