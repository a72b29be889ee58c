/** What a worker process of these tests writes down, one JSON line at a time. */

export interface Line {
  readonly at: number;
  readonly incarnation: string;
  readonly phase: "start" | "end";
  /** Whole id of the job. */
  readonly job: string;
  readonly attempt: number;
  readonly exclusive: boolean;
  readonly outcome?: string;
}

/** The lines of a file; executions that a SIGKILL has ended get their end. */
export function linesOf(text: string, killedMs: number | undefined): readonly Line[] {
  const whole = text.slice(0, text.lastIndexOf("\n") + 1).split("\n").filter((line) => line !== "");
  const lines = whole.map((line) => JSON.parse(line) as Line);
  if (killedMs === undefined) return lines;
  const open = new Map<string, Line>();
  for (const line of lines) {
    if (line.phase === "start") open.set(`${line.job}/${line.attempt}`, line);
    else open.delete(`${line.job}/${line.attempt}`);
  }
  return [...lines, ...[...open.values()].map((line): Line => ({ ...line, at: killedMs, phase: "end", outcome: "killed" }))];
}
