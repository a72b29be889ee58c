/** Getting the state back: the latest valid snapshot, the journal after it, and the check that nothing was cut off. */
import type { RejectionShape } from "./actor.ts";
import { sameBytes } from "./bytes.ts";
import { Defect, Fault } from "./faults.ts";
import { History } from "./history.ts";
import type { HostPorts, StopReason } from "./host-options.ts";
import type { HighWater, Snapshot, StoredCommit, Version } from "./ports.ts";

export type Recovered = { readonly kind: "recovered"; readonly rewindAccepted: string | undefined } | Extract<StopReason, { readonly message: string }>;

const RETRY_MS = 250;
const REWOUND_AFTER_MS = 30_000;
const SNAPSHOT_WAIT_MS = 30_000;

/**
 * Folds `history` up to the end of its journal; one that was folded before goes on from where it stands.
 *
 * A snapshot of another schema, or one whose hash does not hold, or one the journal does not continue, is ignored. A
 * journal that ends below the high-water mark, or holds another commit at that number, is not served until an operator
 * accepts it.
 */
export function recover<State, Command, Event, Rejection extends RejectionShape>(
  history: History<State, Command, Event, Rejection>, ports: HostPorts, options: RecoveryOptions,
  done: (result: Recovered) => void,
): void {
  const recovery = new Recovery(history, ports, options, done);
  if (options.isWarm === true && history.version > 0) recovery.startWarm();
  else recovery.start();
}

export interface RecoveryOptions {
  readonly acceptRewind?: string | undefined;
  /** A follower has folded the history already. */
  readonly isWarm?: boolean;
  /** False once the host was closed: then nothing is tried again, and nobody is told. */
  readonly isWanted: () => boolean;
}

class Recovery<State, Command, Event, Rejection extends RejectionShape> {
  private readonly history: History<State, Command, Event, Rejection>;
  private readonly ports: HostPorts;
  private readonly acceptRewind: string | undefined;
  private readonly isWanted: () => boolean;
  private readonly done: (result: Recovered) => void;
  private mark: HighWater | undefined;
  private hashAtMark: Uint8Array | undefined;
  /** Since when the journal has looked too short. */
  private shortSinceMs: number | undefined;
  private isAccepted = false;
  private unreadableSinceMs: number | undefined;

  constructor(history: History<State, Command, Event, Rejection>, ports: HostPorts, { acceptRewind, isWanted }: RecoveryOptions, done: (result: Recovered) => void) {
    this.history = history;
    this.ports = ports;
    this.acceptRewind = acceptRewind;
    this.isWanted = isWanted;
    this.done = (result) => { if (isWanted()) done(result); };
  }

  start(): void {
    // What was folded before was checked then; only what was written since is read.
    if (this.history.version > 0 && this.unreadableSinceMs === undefined) return this.replay(false);
    this.ports.marks.read((answer) => {
      if (answer.kind === "unavailable") return this.later(() => this.start());
      this.mark = answer.mark;
      this.ports.snapshots.latest((snapshot) => this.fromSnapshot(snapshot));
    });
  }

  /** A follower has folded it from a snapshot or from its start, as is done here; what it has not looked at is the mark. */
  startWarm(): void {
    this.ports.marks.read((answer) => {
      if (answer.kind === "unavailable") return this.later(() => this.startWarm());
      this.mark = answer.mark;
      this.noteHash();
      this.replay(true);
    });
  }

  private fromSnapshot(snapshot: Snapshot | undefined): void {
    const isUsed = snapshot !== undefined && this.history.restore(snapshot);
    if (snapshot !== undefined && !isUsed) this.ports.telemetry("snapshot.ignored", { number: snapshot.number });
    if (isUsed) this.noteHash();
    this.replay(isUsed);
  }

  private replay(onSnapshot: boolean): void {
    let failure: unknown;
    const from = this.history.version;
    const fold = (commit: StoredCommit): void => {
      if (failure !== undefined || commit.version <= this.history.version) return;
      try {
        this.history.fold(commit);
        this.noteHash();
      } catch (error) {
        failure = error;
      }
    };
    this.ports.journal.read(this.history.version, fold, (answer) => {
      if (answer.kind === "unavailable") return this.later(() => this.replay(onSnapshot));
      if (answer.kind === "stop") return this.done({ kind: "refused", cause: answer.cause, message: `the journal cannot be read: ${answer.cause}` });
      if (failure !== undefined) return onSnapshot ? this.fromStart() : this.unreadable(failure, from);
      if (onSnapshot && answer.last < this.history.version) return this.short(true);
      this.checkMark(onSnapshot);
    });
  }

  /**
   * The commits cannot be folded. Where it is the very first that is there, its beginning may have been purged below a
   * snapshot that could not be had just now, or has been made meanwhile: then it is tried again for a while. So it may
   * have been purged beyond where an earlier read had come to (`from`): then all is forgotten, and begun again.
   */
  private unreadable(failure: unknown, from: Version): void {
    if (from > 0) {
      this.forget();
      return this.later(() => this.start());
    }
    const nowMs = this.ports.clock.monotonicMs();
    this.unreadableSinceMs ??= nowMs;
    const mayLackSnapshot = failure instanceof Fault && this.history.kernel.number === 0;
    if (!mayLackSnapshot || nowMs - this.unreadableSinceMs >= SNAPSHOT_WAIT_MS) return this.done(brokenBy(failure));
    this.later(() => this.start());
  }

  /** The journal does not continue the snapshot: the snapshot is wrong, or the journal is. The journal alone will tell. */
  private fromStart(): void {
    this.forget();
    this.replay(false);
  }

  private forget(): void {
    const fresh = new History(this.history.actor, this.ports.hash);
    this.history.kernel = fresh.kernel;
    this.history.state = fresh.state;
    this.history.version = 0;
    this.hashAtMark = undefined;
  }

  private noteHash(): void {
    if (this.history.kernel.number === this.mark?.number) this.hashAtMark = this.history.kernel.hash;
  }

  private checkMark(onSnapshot: boolean): void {
    const { mark } = this;
    if (mark !== undefined && this.hashAtMark !== undefined && !sameBytes(this.hashAtMark, mark.hash)) return this.rewound();
    if (mark !== undefined && this.history.kernel.number < mark.number) return this.short(onSnapshot);
    this.done({ kind: "recovered", rewindAccepted: this.isAccepted ? this.acceptRewind : undefined });
  }

  /** The journal ends too early. A replica that is behind ends early as well: only what stays short has been rewound. */
  private short(onSnapshot: boolean): void {
    const nowMs = this.ports.clock.monotonicMs();
    this.shortSinceMs ??= nowMs;
    if (nowMs - this.shortSinceMs < REWOUND_AFTER_MS) return this.later(() => this.replay(onSnapshot));
    if (!onSnapshot || this.acceptRewind === undefined) return this.rewound();
    // What is accepted is what the journal holds, not what a snapshot remembers beyond its end.
    this.isAccepted = true;
    this.fromStart();
  }

  private rewound(): void {
    if (this.acceptRewind !== undefined) return this.done({ kind: "recovered", rewindAccepted: this.acceptRewind });
    const { number } = this.history.kernel;
    this.done({
      kind: "rewound",
      message: `the journal ends at commit ${number}, but commit ${this.mark?.number ?? number} was seen: the store lost or changed what it had confirmed. `
        + "Restore it from a replica or a backup, or accept the loss with --accept-rewind \"reason\"",
    });
  }

  private later(run: () => void): void {
    this.ports.clock.after(RETRY_MS, () => { if (this.isWanted()) run(); });
  }
}

const brokenBy = (error: unknown): Recovered => ({
  kind: error instanceof Fault ? "broken" : "defect",
  message: error instanceof Fault || error instanceof Defect ? error.message : `a commit could not be folded: ${String(error)}`,
});
