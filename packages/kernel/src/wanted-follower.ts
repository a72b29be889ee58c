/**
 * Follows the wanted configuration. It reads at the start, at every hint, and every few seconds all the same: a hint may
 * be lost, and nothing else would tell.
 */
import type { Clock, WantedConfiguration, WantedEntry } from "./ports.ts";

export interface WantedHandlers {
  /** Entries changed since the last call, ascending by revision. */
  changed(entries: readonly WantedEntry[]): void;
  /** Everything there was is told; or it cannot be read, and why. Called after every look. */
  looked?(trouble: "unavailable" | "no-stream" | "denied" | undefined): void;
}

const PAGE_MAX = 256;
const LOOK_EVERY_MS = 2_000;

export class WantedFollower {
  private readonly wanted: WantedConfiguration;
  private readonly clock: Clock;
  private readonly handlers: WantedHandlers;
  private seen: number;
  private isReading = false;
  private isStale = false;
  private isClosed = false;
  private stopHints: () => void = () => undefined;
  private cancelTimer: () => void = () => undefined;

  /** `after`: a revision up to which everything is known already. */
  constructor(wanted: WantedConfiguration, clock: Clock, handlers: WantedHandlers, after = 0) {
    this.wanted = wanted;
    this.clock = clock;
    this.handlers = handlers;
    this.seen = after;
  }

  /** The newest revision that was told. */
  get revision(): number {
    return this.seen;
  }

  start(): void {
    this.stopHints = this.wanted.onChange(() => this.look());
    this.look();
  }

  /** Reads what is new, now or as soon as the reading on its way has ended. */
  look(): void {
    if (this.isClosed) return;
    if (this.isReading) {
      this.isStale = true;
      return;
    }
    this.isReading = true;
    this.isStale = false;
    this.cancelTimer();
    this.wanted.read(this.seen, PAGE_MAX, (answer) => {
      this.isReading = false;
      if (this.isClosed) return;
      const entries = answer.kind === "entries" ? answer.entries.filter(({ revision }) => revision > this.seen) : [];
      this.seen = entries.at(-1)?.revision ?? this.seen;
      if (entries.length > 0) this.handlers.changed(entries);
      if (answer.kind === "entries" && answer.entries.length >= PAGE_MAX) return this.look();
      this.handlers.looked?.(answer.kind === "entries" ? undefined : answer.kind === "stop" ? answer.cause : "unavailable");
      if (this.isStale) return this.look();
      this.cancelTimer = this.clock.after(LOOK_EVERY_MS, () => this.look());
    });
  }

  close(): void {
    this.isClosed = true;
    this.stopHints();
    this.cancelTimer();
  }
}
