/**
 * What of a journal may be forgotten.
 *
 * Only what lies below the latest snapshot, and of that what is older than the time horizon or beyond the byte horizon
 * (bytes win: a store that is full can take no snapshot, so it must never come to that, whatever was configured). Never the last commit: it
 * carries the guard.
 */
import type { Clock, Journal, Version } from "./ports.ts";

export interface RetentionHorizon {
  readonly keepMs: number;
  readonly keepBytes: number;
}

interface Size {
  readonly bytes: number;
  readonly commits: number;
  readonly first: Version;
  readonly bytesMax?: number;
}

interface Point {
  readonly version: Version;
  readonly at: number;
}

const LOOK_EVERY_MS = 1_000;
/** Places in time that are remembered; the step between them doubles when there are too many. */
const POINTS_MAX = 4_096;
/** So much of the room is used before bytes win. */
const FULL = 0.8;
/** So much of what may be kept lies beyond the latest snapshot before another is asked for. */
const UNCOVERED = 0.5;

export class Retention {
  private readonly journal: Journal;
  private readonly clock: Clock;
  private readonly horizon: RetentionHorizon;
  private points: Point[] = [];
  private snapshot: Version = 0;
  private purged: Version = 0;
  private cancel: () => void = () => undefined;
  private readonly needSnapshot: () => void;

  /** `needSnapshot`: too little of the journal can be forgotten, because the latest snapshot covers too little of it. */
  constructor(journal: Journal, clock: Clock, horizon: RetentionHorizon, needSnapshot: () => void = () => undefined) {
    this.journal = journal;
    this.clock = clock;
    this.horizon = horizon;
    this.needSnapshot = needSnapshot;
  }

  start(): void {
    this.cancel = this.clock.after(LOOK_EVERY_MS, () => {
      this.look();
      this.start();
    });
  }

  close(): void {
    this.cancel();
  }

  /** A snapshot covers everything up to `version`, which was written at `at`. */
  snapshotMade(version: Version, at: number): void {
    this.snapshot = Math.max(this.snapshot, version);
    this.points.push({ version, at });
    if (this.points.length > POINTS_MAX) this.points = this.points.filter((_, index) => index % 2 === 0);
  }

  private look(): void {
    this.journal.size((size) => {
      if (size === undefined) return;
      if (this.uncoveredBytes(size) > this.keepBytes(size) * UNCOVERED) this.needSnapshot();
      const latest = this.points.at(-1);
      if (latest === undefined) return;
      const below = Math.min(this.snapshot, Math.max(this.belowByTime(latest.at), this.belowByBytes(size)));
      if (below <= Math.max(this.purged, size.first)) return;
      this.journal.purge(below, (ok) => {
        if (!ok) return;
        this.purged = below;
        this.points = this.points.filter((point) => point.version >= below);
      });
    });
  }

  private belowByTime(now: number): Version {
    let below = 0;
    for (const point of this.points) if (point.at < now - this.horizon.keepMs) below = point.version;
    return below;
  }

  private belowByBytes(size: Size): Version {
    const { bytes, first } = size;
    const keepBytes = this.keepBytes(size);
    if (bytes <= keepBytes) return 0;
    const share = (bytes - keepBytes) / bytes;
    return Math.ceil(first + (this.snapshot - first) * share);
  }

  private keepBytes({ bytesMax = Number.POSITIVE_INFINITY }: Size): number {
    return Math.min(this.horizon.keepBytes, bytesMax * FULL);
  }

  /** Versions have gaps where the stream holds other histories too, so this is an estimate: rather too few. */
  private uncoveredBytes({ bytes, commits, first }: Size): number {
    const covered = Math.max(0, this.snapshot + 1 - first);
    return commits === 0 ? 0 : bytes * Math.max(0, 1 - covered / commits);
  }
}
