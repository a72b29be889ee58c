/** Counters of one queue or one topic, as in Sling but of the whole cluster, and with the whole backlog. */
import type { QueueStatistics } from "./vocabulary.ts";

export class Statistics {
  /** The whole backlog, whatever it waits for. Counted anew at restore, like `active`. */
  queued = 0;
  active = 0;
  finished = 0;
  failed = 0;
  canceled = 0;
  lastActivatedAt = -1;
  lastFinishedAt = -1;
  private waits = 0;
  private waitingMs = 0;
  private processingMs = 0;
  since: number;

  constructor(since: number) {
    this.since = since;
  }

  activated(at: number, waitedMs: number): void {
    this.waits++;
    this.waitingMs += waitedMs;
    this.lastActivatedAt = at;
  }

  succeeded(at: number, tookMs: number): void {
    this.finished++;
    this.processingMs += tookMs;
    this.lastFinishedAt = at;
  }

  view(): QueueStatistics {
    const { queued, active, finished, failed, canceled, lastActivatedAt, lastFinishedAt, since } = this;
    return {
      started: this.waits, queued, active, finished, failed, canceled, processed: finished + failed + canceled, lastActivatedAt, lastFinishedAt,
      averageWaitingMs: average(this.waitingMs, this.waits), averageProcessingMs: average(this.processingMs, finished), since,
    };
  }

  /** Adds another's counters to this one's; the later instants win. */
  add(other: Statistics): void {
    this.queued += other.queued;
    this.active += other.active;
    this.finished += other.finished;
    this.failed += other.failed;
    this.canceled += other.canceled;
    this.waits += other.waits;
    this.waitingMs += other.waitingMs;
    this.processingMs += other.processingMs;
    this.lastActivatedAt = Math.max(this.lastActivatedAt, other.lastActivatedAt);
    this.lastFinishedAt = Math.max(this.lastFinishedAt, other.lastFinishedAt);
  }

  toWire(): readonly number[] {
    return [
      this.since, this.finished, this.failed, this.canceled, this.lastActivatedAt, this.lastFinishedAt, this.waits, this.waitingMs, this.processingMs,
    ];
  }

  static fromWire(wire: readonly number[]): Statistics {
    const [since, finished, failed, canceled, lastActivatedAt, lastFinishedAt, waits, waitingMs, processingMs] =
      wire as [number, number, number, number, number, number, number, number, number];
    const statistics = new Statistics(since);
    Object.assign(statistics, { finished, failed, canceled, lastActivatedAt, lastFinishedAt, waits, waitingMs, processingMs });
    return statistics;
  }
}

/** Counters of the same queue, or of several, in different shards. */
export function mergeStatistics(parts: readonly QueueStatistics[]): QueueStatistics {
  const sum = (of: (part: QueueStatistics) => number): number => parts.reduce((total, part) => total + of(part), 0);
  const latest = (of: (part: QueueStatistics) => number): number => parts.reduce((last, part) => Math.max(last, of(part)), -1);
  const started = sum((part) => part.started);
  const finished = sum((part) => part.finished);
  return {
    started, queued: sum((part) => part.queued), active: sum((part) => part.active), finished, failed: sum((part) => part.failed),
    canceled: sum((part) => part.canceled), processed: sum((part) => part.processed),
    lastActivatedAt: latest((part) => part.lastActivatedAt), lastFinishedAt: latest((part) => part.lastFinishedAt),
    averageWaitingMs: average(sum((part) => part.averageWaitingMs * part.started), started),
    averageProcessingMs: average(sum((part) => part.averageProcessingMs * part.finished), finished),
    since: parts.reduce((first, part) => Math.min(first, part.since), Number.MAX_SAFE_INTEGER),
  };
}

const average = (sum: number, count: number): number => (count === 0 ? 0 : sum / count);
