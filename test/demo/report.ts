/** What the demo says when all is done. */
import type { Checked } from "./check.ts";
import type { ImageFacts } from "./thumbnail.ts";

export interface Outcome {
  readonly done: readonly ImageFacts[];
  readonly failed: readonly { readonly file: string; readonly reason: string }[];
  readonly seconds: number;
}

const FAILURES_SHOWN = 10;

export function summary({ done, failed, seconds }: Outcome): string {
  const jobs = done.length + failed.length;
  const lines = [
    `Done: ${jobs} jobs in ${seconds.toFixed(1)} s, ${(jobs / seconds).toFixed(0)} a second.`,
    "",
    ...formats(done).map(([format, count]) => `  ${String(count).padStart(5)}  ${format}`),
  ];
  if (failed.length > 0) {
    lines.push(`  ${String(failed.length).padStart(5)}  failed:`);
    lines.push(...failed.slice(0, FAILURES_SHOWN).map(({ file, reason }) => `         ${file}: ${reason}`));
    if (failed.length > FAILURES_SHOWN) lines.push(`         and ${failed.length - FAILURES_SHOWN} more`);
  }
  return lines.join("\n");
}

function formats(done: readonly ImageFacts[]): readonly (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const { format } of done) counts.set(format, (counts.get(format) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a);
}

/** What the journal says, in one paragraph. */
export function verdict({ commits, accepted, succeeded, lostAttempts, hosts, wrong }: Checked): string {
  if (wrong.length > 0) return `The journal says that something went wrong:\n${wrong.map((line) => `  ${line}`).join("\n")}`;
  const again = lostAttempts === 0 ? "" : ` ${attempts(lostAttempts)} died with a process and ${lostAttempts === 1 ? "was" : "were"} run again.`;
  return `Read back from the journal (${commits} commits, ${hosts === 1 ? "one host" : `${hosts} hosts, one after the other`}): `
    + `${accepted} jobs accepted, every one ended exactly once, ${succeeded} with success.${again}`;
}

const attempts = (count: number): string => (count === 1 ? "One attempt" : `${count} attempts`);

/** Commands that look at what is left behind. */
export const waysToLook = (job: string): string => `  npx longshore job ${quoted(job)}\n  npx longshore replay main --hash`;

/** For a shell. */
export const quoted = (text: string): string => (/^[\w./:@%+~-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
