/**
 * A follower: folds the same journal with the same `evolve`, off the host's path.
 *
 * It makes the snapshots (the host's loop never does) and carries views and the event feed. It trusts nobody's memory:
 * it reads what is stored, so what it shows has happened. When its position was purged it starts again from a snapshot
 * and says which commits it has not seen.
 */
import type { Actor, RejectionShape } from "./actor.ts";
import { Fault } from "./faults.ts";
import type { EventListener } from "./history.ts";
import { History } from "./history.ts";
import type { Clock, Hash, Journal, Snapshots, StoredCommit, Telemetry, Version } from "./ports.ts";

export interface FollowerPorts {
  readonly journal: Journal;
  readonly snapshots: Snapshots;
  readonly clock: Clock;
  readonly hash: Hash;
  readonly telemetry: Telemetry;
}

export interface FollowerOptions<State, Event> {
  readonly snapshotEveryCommits: number;
  /** And when commits of this many bytes have come: only what a snapshot covers can be purged. */
  readonly snapshotEveryBytes: number;
  /** A snapshot is also made when this long has passed and there is anything new. */
  readonly snapshotEveryMs: number;
  readonly listener?: EventListener<State, Event>;
  /** Called before and after each commit, with its place. */
  readonly onCommit?: (stored: StoredCommit) => void;
  /** Commits that this follower will never see. */
  readonly onGap?: (from: number, to: number) => void;
  readonly onSnapshot?: (version: Version, at: number) => void;
  /** Everything that was stored when it was started has been folded. */
  readonly onCaughtUp?: () => void;
}

/** How often a follower looks by itself; `nudge` makes it look at once. */
const LOOK_EVERY_MS = 1_000;
const RETRY_MS = 500;
/** Making snapshots takes at most this share of the follower's time. */
const SNAPSHOT_SHARE = 5;

export class Follower<State, Command, Event, Rejection extends RejectionShape> {
  readonly history: History<State, Command, Event, Rejection>;
  private readonly ports: FollowerPorts;
  private readonly options: FollowerOptions<State, Event>;
  private reading = false;
  private nudged = false;
  private closed = false;
  private caughtUp = false;
  private failure: unknown;
  private snapshotNumber = 0;
  private isSnapshotWanted = false;
  private bytesSince = 0;
  private snapshotMs = 0;
  private snapshotRestMs = 0;
  private cancel: () => void = () => undefined;

  constructor(actor: Actor<State, Command, Event, Rejection>, ports: FollowerPorts, options: FollowerOptions<State, Event>) {
    this.history = new History(actor, ports.hash);
    this.ports = ports;
    this.options = options;
  }

  start(): void {
    this.snapshotMs = this.ports.clock.monotonicMs();
    this.ports.snapshots.latest((snapshot) => {
      if (this.closed) return;
      const { number } = this.history.kernel;
      if (snapshot !== undefined && snapshot.number > number && this.history.restore(snapshot)) {
        this.snapshotNumber = snapshot.number;
        this.options.onSnapshot?.(snapshot.version, this.history.kernel.at);
        if (number > 0 || snapshot.number > 1) this.options.onGap?.(number + 1, snapshot.number);
      }
      this.read();
    });
  }

  /** Something was stored. */
  nudge(): void {
    this.nudged = true;
    if (!this.reading) this.read();
  }

  /** A snapshot is needed sooner than it would be made. */
  wantSnapshot(): void {
    this.isSnapshotWanted = true;
    this.nudge();
  }

  close(): void {
    this.closed = true;
    this.cancel();
  }

  private read(): void {
    if (this.closed || this.reading) return;
    this.cancel();
    this.reading = true;
    this.nudged = false;
    this.failure = undefined;
    this.ports.journal.read(this.history.version, (commit) => this.fold(commit), (answer) => {
      this.reading = false;
      if (this.closed) return;
      if (this.failure !== undefined) return this.lost();
      if (answer.kind !== "end") return this.later(RETRY_MS);
      if (!this.caughtUp) {
        this.caughtUp = true;
        this.options.onCaughtUp?.();
      }
      this.snapshotIfDue();
      if (this.nudged) this.read();
      else this.later(LOOK_EVERY_MS);
    });
  }

  private fold(commit: StoredCommit): void {
    // One that was closed may have left its history to a host.
    if (this.closed || this.failure !== undefined || commit.version <= this.history.version) return;
    try {
      this.options.onCommit?.(commit);
      this.history.fold(commit, this.options.listener);
      this.bytesSince += commit.bytes.length;
    } catch (error) {
      this.failure = error;
    }
  }

  /** The journal does not go on from here: it was purged up to a snapshot, which the next start will find. */
  private lost(): void {
    const code = this.failure instanceof Fault ? this.failure.code : "kernel/defect";
    this.ports.telemetry("follower.lost", { number: this.history.kernel.number, code });
    this.cancel = this.ports.clock.after(RETRY_MS, () => this.start());
  }

  private snapshotIfDue(): void {
    const { number } = this.history.kernel;
    const nowMs = this.ports.clock.monotonicMs();
    const { snapshotEveryCommits, snapshotEveryBytes } = this.options;
    const isDue = number - this.snapshotNumber >= snapshotEveryCommits || this.bytesSince >= snapshotEveryBytes
      || (number > this.snapshotNumber && (this.isSnapshotWanted || nowMs - this.snapshotMs >= this.options.snapshotEveryMs));
    if (!isDue || nowMs < this.snapshotRestMs) return;
    const snapshot = this.history.snapshot();
    const { at } = this.history.kernel;
    this.snapshotNumber = number;
    this.bytesSince = 0;
    this.isSnapshotWanted = false;
    this.snapshotMs = this.ports.clock.monotonicMs();
    this.snapshotRestMs = this.snapshotMs + (this.snapshotMs - nowMs) * SNAPSHOT_SHARE;
    this.ports.snapshots.save(snapshot, (ok) => {
      if (ok) this.options.onSnapshot?.(snapshot.version, at);
      this.ports.telemetry("snapshot.made", { number, ok, chunks: snapshot.chunks.length });
    });
  }

  private later(delayMs: number): void {
    this.cancel = this.ports.clock.after(delayMs, () => this.read());
  }
}
