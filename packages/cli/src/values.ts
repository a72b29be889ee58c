/** Values as people type them: durations, instants, places in a history, conditions. */
import type { Scalar } from "@longshore/job-queue";
import { wrongUsage } from "./errors.ts";

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const DURATION = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/;

/** `250ms`, `10s`, `1h30m`, `2d`, or `0`. A bare number is refused: half of the world would mean seconds. */
export function parseDuration(option: string, text: string): number {
  if (text === "0") return 0;
  if (!DURATION.test(text)) {
    const example = /^\d+$/.test(text) ? `${text}s or ${text}ms` : "250ms, 10s, 5m or 1h30m";
    throw wrongUsage(`${option} "${text}" is not a duration`, `give it with its unit, for example ${example}`);
  }
  let totalMs = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) totalMs += Number(amount) * (UNIT_MS[unit ?? ""] ?? 0);
  return Math.round(totalMs);
}

/** An ISO date or date and time (local unless it says otherwise), a time of today, or `+<duration>` from now. */
export function parseInstant(option: string, text: string, nowMs: number): number {
  if (text === "now") return nowMs;
  if (/^[+-]/.test(text)) return nowMs + (text.startsWith("-") ? -1 : 1) * parseDuration(option, text.slice(1));
  const clock = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(text);
  if (clock !== null) return new Date(nowMs).setHours(Number(clock[1]), Number(clock[2]), Number(clock[3] ?? 0), 0);
  const isIso = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/.test(text);
  // A bare date means local midnight, as the time with it would.
  const atMs = isIso ? Date.parse(text.length === 10 ? `${text}T00:00` : text.replace(" ", "T")) : Number.NaN;
  if (Number.isNaN(atMs)) {
    throw wrongUsage(`${option} "${text}" is not an instant`, "give it as 2026-05-01T17:30, 2026-05-01T15:30Z, 17:30, or +10m from now");
  }
  return atMs;
}

/** A place in a history: the number of a commit, or an instant. */
export type Point = { readonly kind: "commit"; readonly number: number } | { readonly kind: "time"; readonly atMs: number };

export function parsePoint(option: string, text: string, nowMs: number): Point {
  if (/^\d+$/.test(text)) return { kind: "commit", number: Number(text) };
  return { kind: "time", atMs: parseInstant(option, text, nowMs) };
}

export function parseNumber(option: string, text: string, isWhole: boolean): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (Number.isFinite(value) && (!isWhole || Number.isSafeInteger(value))) return value;
  throw wrongUsage(`${option} "${text}" is not a ${isWhole ? "whole " : ""}number`, `for example ${option} 3`);
}

/** Numbers, booleans and null as JSON writes them; everything else is text. Quotes force text. */
export function parseScalar(text: string): Scalar {
  if (text === "true" || text === "false" || text === "null") return JSON.parse(text) as Scalar;
  if (/^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text)) return Number(text);
  return /^".*"$/.test(text) ? text.slice(1, -1) : text;
}

const CONDITION = /^([^<>=]+)(<=|>=|=|<|>)(.*)$/s;

/** `name=value`, `name>=3`, …: all of them must hold. */
export function parseConditions(option: string, texts: readonly string[]): Readonly<Record<string, Scalar>> {
  const conditions: [string, Scalar][] = texts.map((text) => {
    const [, name, operator, value] = CONDITION.exec(text) ?? [];
    if (name === undefined || operator === undefined || value === undefined) {
      throw wrongUsage(`${option} "${text}" is not a condition`, `for example ${option} customer=42 or ${option} 'width>=320'`);
    }
    return [(operator === "=" ? "" : operator) + name.trim(), parseScalar(value)];
  });
  return Object.fromEntries(conditions);
}

/** `name=value` pairs, for properties. */
export function parsePairs(option: string, texts: readonly string[]): Readonly<Record<string, Scalar>> {
  const pairs: [string, Scalar][] = texts.map((text) => {
    const at = text.indexOf("=");
    if (at < 1) throw wrongUsage(`${option} "${text}" is not name=value`, `for example ${option} customer=42`);
    return [text.slice(0, at), parseScalar(text.slice(at + 1))];
  });
  return Object.fromEntries(pairs);
}

export function parseJson(what: string, text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw wrongUsage(`${what} is not JSON: ${why}`, `put it in single quotes, for example '{"path":"a.jpg"}', or give - to read it from stdin`);
  }
}
