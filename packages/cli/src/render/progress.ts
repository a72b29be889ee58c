/** A progress line on a terminal; on anything else nothing at all. */
import type { Io } from "../io.ts";
import { harmless, paintOf } from "./paint.ts";
import { showCount, showRate } from "./quantities.ts";

export interface Progress {
  /** How far it is; `total` may become known later. */
  at(done: number, total?: number): void;
  /** Takes the line away again. */
  end(): void;
}

const REDRAW_EVERY_MS = 100;
const BAR_CHARS = 24;
const NOTHING: Progress = { at: () => undefined, end: () => undefined };

/** `what` names the things counted: `jobs`, `commits`. */
export function progressOf(io: Io, what: string): Progress {
  if (!io.errScreen.isTerminal) return NOTHING;
  const paint = paintOf(io.errScreen);
  const startMs = io.nowMs();
  let drawnMs = 0;
  let isShown = false;
  return {
    at(done, total) {
      const nowMs = io.nowMs();
      if (nowMs - drawnMs < REDRAW_EVERY_MS) return;
      drawnMs = nowMs;
      isShown = true;
      const rate = nowMs > startMs ? ` ${paint.dim(showRate((done * 1_000) / (nowMs - startMs)))}` : "";
      const bar = total === undefined || total === 0 ? "" : `${paint.cyan(barOf(done / total))} ${Math.floor((100 * done) / total)} % `;
      io.err(`\r\u001b[K${bar}${showCount(done)} ${what}${rate}`);
    },
    end() {
      if (isShown) io.err("\r\u001b[K");
    },
  };
}

/** What a job says of itself while somebody waits for it; on anything but a terminal nothing. */
export interface JobProgress {
  at(fraction: number | null, message: string | null): void;
  end(): void;
}

export function jobProgressOf(io: Io): JobProgress {
  const paint = paintOf(io.errScreen);
  let isShown = false;
  return {
    at(fraction, message) {
      isShown = true;
      const bar = fraction === null ? "" : `${paint.cyan(barOf(fraction))} ${Math.round(fraction * 100)} % `;
      io.err(`\r\u001b[K${bar}${harmless(message ?? "")}`);
    },
    end() {
      if (isShown) io.err("\r\u001b[K");
      isShown = false;
    },
  };
}

export function barOf(fraction: number): string {
  const full = Math.round(Math.min(1, Math.max(0, fraction)) * BAR_CHARS);
  return "█".repeat(full) + "░".repeat(BAR_CHARS - full);
}
