/** Small stores in memory: high-water marks, snapshots, and the server's time. */
import type { Clock, HighWater, HighWaterMarks, ServerTime, Snapshot, Snapshots } from "@longshore/kernel";
import type { Defer } from "./defer.ts";

/** Two places, as in production (another stream, a local file): each may be away, and the higher mark counts. */
export class MemoryMarks implements HighWaterMarks {
  readonly places: { mark: HighWater | undefined; away: boolean }[] = [{ mark: undefined, away: false }, { mark: undefined, away: false }];
  private readonly defer: Defer;

  constructor(defer: Defer) {
    this.defer = defer;
  }

  read(done: Parameters<HighWaterMarks["read"]>[0]): void {
    this.defer(() => {
      const here = this.places.filter((place) => !place.away);
      if (here.length === 0) return this.defer(() => done({ kind: "unavailable" }));
      const marks = here.flatMap((place) => (place.mark === undefined ? [] : [place.mark]));
      const mark = marks.sort((a, b) => b.number - a.number)[0];
      this.defer(() => done({ kind: "mark", mark }));
    });
  }

  write(mark: HighWater): void {
    const copy = { number: mark.number, hash: mark.hash.slice() };
    this.defer(() => {
      for (const place of this.places) if (!place.away) place.mark = copy;
    });
  }
}

export class MemorySnapshots implements Snapshots {
  saved: Snapshot | undefined;
  /** Nothing can be saved, as in a full store. */
  full = false;
  private readonly defer: Defer;

  constructor(defer: Defer) {
    this.defer = defer;
  }

  latest(done: (snapshot: Snapshot | undefined) => void): void {
    this.defer(() => {
      const snapshot = this.saved;
      this.defer(() => done(snapshot === undefined ? undefined : copyOf(snapshot)));
    });
  }

  save(snapshot: Snapshot, done: (ok: boolean) => void): void {
    const copy = copyOf(snapshot);
    this.defer(() => {
      const ok = !this.full;
      if (ok && (this.saved === undefined || copy.version >= this.saved.version)) this.saved = copy;
      this.defer(() => done(ok));
    });
  }
}

const copyOf = (snapshot: Snapshot): Snapshot => ({
  ...snapshot,
  commitHash: snapshot.commitHash.slice(), stateHash: snapshot.stateHash.slice(), chunks: snapshot.chunks.map((chunk) => chunk.slice()),
});

/** The server's clock: that of the world plus an offset that a test may step. */
export class MemoryServerTime implements ServerTime {
  /** Server time when the clock stands at 0. */
  offsetMs: number;
  /** No sample can be had. */
  away = false;
  private readonly clock: Clock;
  private readonly defer: Defer;

  constructor(clock: Clock, defer: Defer, offsetMs = 1_700_000_000_000) {
    this.clock = clock;
    this.defer = defer;
    this.offsetMs = offsetMs;
  }

  now(): number {
    return Math.floor(this.clock.monotonicMs() + this.offsetMs);
  }

  sample(done: (serverMs: number | undefined) => void): void {
    this.defer(() => done(this.away ? undefined : this.now()));
  }
}
