/** What a worker process of these tests writes down, one JSON line at a time. */

export interface Line {
  readonly at: number;
  /** Empty where the process does not know it. */
  readonly incarnation: string;
  readonly phase: "start" | "end";
  /** Whole id of the job. */
  readonly job: string;
  readonly attempt: number;
  readonly exclusive: boolean;
  readonly outcome?: string;
  /** Its process stood still meanwhile. */
  readonly excused?: boolean;
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

/** Whoever wakes up needs a moment to hear what was decided meanwhile. */
const AWAKE_WITHIN_MS = 1_000;

/** Marks the executions during which their process stood still. */
export function excused(lines: readonly Line[], pauses: readonly { readonly fromMs: number; readonly toMs: number }[]): readonly Line[] {
  if (pauses.length === 0) return lines;
  const execution = ({ job, attempt }: Line): string => `${job}/${attempt}`;
  const ends = new Map(lines.filter(({ phase }) => phase === "end").map((line) => [execution(line), line.at]));
  const isExcused = (line: Line): boolean => pauses.some(({ fromMs, toMs }) => line.at <= toMs + AWAKE_WITHIN_MS && (ends.get(execution(line)) ?? Number.POSITIVE_INFINITY) >= fromMs);
  return lines.map((line) => (line.phase === "start" && isExcused(line) ? { ...line, excused: true } : line));
}
