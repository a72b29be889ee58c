/** What is new in a report: levels are said again and again, and only a change is a fact worth keeping. */
import type { Report, Standing } from "./vocabulary.ts";

const LEVELS = ["state", "attempt", "failures", "instance", "error", "progress", "trouble"] as const;

/** What differs from what is known, and all lines of the log; undefined when that is nothing. */
export function newsOf(known: Standing, report: Report): Report | undefined {
  const news: Record<string, unknown> = {};
  for (const level of LEVELS) if (report[level] !== undefined && !isSame(known[level] ?? null, report[level])) news[level] = report[level];
  if (report.log !== undefined && report.log.length > 0) news["log"] = report.log;
  return Object.keys(news).length === 0 ? undefined : news;
}

/** Levels are small: an error has three texts, progress two values. */
function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  const [left, right] = [Object.entries(a), Object.entries(b)];
  return left.length === right.length && right.every(([key, value]) => (a as Readonly<Record<string, unknown>>)[key] === value);
}

export function standingAfter(known: Standing, { log: _, ...levels }: Report): Standing {
  const { trouble, ...rest } = { ...known, ...levels };
  return trouble === null || trouble === undefined ? rest : { ...rest, trouble };
}
