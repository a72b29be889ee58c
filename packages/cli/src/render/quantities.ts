/** Times, durations, bytes and counts as people read them. Machines get milliseconds and bytes. */

const two = (value: number): string => String(value).padStart(2, "0");

const dayOf = (date: Date): string => `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
const clockOf = (date: Date): string => `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, "0")}`;

/** Local time, `2026-05-01 17:30:02.123`. */
export function showInstant(atMs: number): string {
  const date = new Date(atMs);
  return `${dayOf(date)} ${clockOf(date)}`;
}

/** The time alone when it is of the same day as `reference`. */
export function showTime(atMs: number, referenceMs: number): string {
  const date = new Date(atMs);
  return dayOf(date) === dayOf(new Date(referenceMs)) ? clockOf(date) : showInstant(atMs);
}

const STEPS: readonly (readonly [unit: string, ms: number])[] = [["d", 86_400_000], ["h", 3_600_000], ["m", 60_000]];

/** `0.4 ms`, `12 ms`, `3.20 s`, `4 m 10 s`, `2 d 3 h`. */
export function showDuration(durationMs: number): string {
  const ms = Math.abs(durationMs);
  const sign = durationMs < 0 ? "-" : "";
  if (ms < 10 && !Number.isInteger(ms)) return `${sign}${ms.toFixed(2)} ms`;
  if (ms < 1_000) return `${sign}${Math.round(ms)} ms`;
  if (ms < 60_000) return `${sign}${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 1)} s`;
  const first = STEPS.findIndex(([, unitMs]) => ms >= unitMs);
  const [unit, unitMs] = STEPS[first] ?? ["m", 60_000];
  const [nextUnit, nextMs] = STEPS[first + 1] ?? ["s", 1_000];
  const whole = Math.floor(ms / unitMs);
  const rest = Math.floor((ms - whole * unitMs) / nextMs);
  return `${sign}${whole} ${unit}${rest === 0 ? "" : ` ${rest} ${nextUnit}`}`;
}

/** `just now`, `4 s ago`, `in 10 m`. */
export function showAge(atMs: number, nowMs: number): string {
  const ageMs = nowMs - atMs;
  if (Math.abs(ageMs) < 1_000) return "just now";
  const text = showDuration(Math.floor(Math.abs(ageMs) / 1_000) * 1_000).replace(/\.\d+ s$/, " s");
  return ageMs < 0 ? `in ${text}` : `${text} ago`;
}

const BYTE_UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

export function showBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1_024 && unit < BYTE_UNITS.length - 1) {
    value /= 1_024;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${BYTE_UNITS[unit]}`;
}

/** `1,234,567`. */
export const showCount = (count: number): string => Math.round(count).toLocaleString("en-US");

/** `120 k/s`, `1.52 M/s`. */
export function showRate(perSecond: number): string {
  if (perSecond >= 1e6) return `${(perSecond / 1e6).toFixed(2)} M/s`;
  if (perSecond >= 1e4) return `${(perSecond / 1e3).toFixed(1)} k/s`;
  return `${showCount(perSecond)}/s`;
}

export const plural = (count: number, one: string, many = `${one}s`): string => `${showCount(count)} ${count === 1 ? one : many}`;

/** Bytes as hex, for hashes. */
export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
