/** A history folded from its start and from its latest snapshot: both must lead to one state. */
import { type Actor, History, type RejectionShape, type Snapshot, type StoredCommit, sameBytes } from "@longshore/kernel";
import type { AuditReport, PromiseId, Violation } from "@longshore/testkit/promises";
import { sha256 } from "./hash.ts";

/** P8, as far as one history and its latest snapshot can show it: from the start and from the snapshot, one state. */
export class TwoWays<State, Command, Event, Rejection extends RejectionShape> {
  private readonly fromStart: History<State, Command, Event, Rejection>;
  private readonly fromSnapshot: History<State, Command, Event, Rejection> | undefined;
  private readonly snapshot: Snapshot | undefined;
  private readonly isRestored: boolean = false;
  private failure: string | undefined;

  constructor(actor: Actor<State, Command, Event, Rejection>, snapshot: Snapshot | undefined) {
    this.snapshot = snapshot;
    this.fromStart = new History(actor, sha256);
    if (snapshot === undefined) return;
    this.fromSnapshot = new History(actor, sha256);
    this.isRestored = this.fromSnapshot.restore(snapshot);
  }

  add(stored: StoredCommit): void {
    if (this.snapshot === undefined || this.failure !== undefined) return;
    try {
      this.fromStart.fold(stored);
      if (this.isRestored && stored.version > (this.fromSnapshot?.version ?? 0)) this.fromSnapshot?.fold(stored);
    } catch (error) {
      this.failure = `the commit at version ${stored.version} cannot be folded: ${error instanceof Error ? error.message : String(error)}`;
    }
  }

  judge(report: AuditReport): AuditReport {
    const { snapshot, fromSnapshot } = this;
    const others = report.notJudged.filter(({ promise }) => promise !== "P8");
    if (snapshot === undefined || fromSnapshot === undefined) return { ...report, notJudged: [{ promise: "P8", reason: "there is no snapshot beside the first commits to compare with" }, ...others] };
    const judged: readonly PromiseId[] = [...report.judged, "P8"];
    const text = this.failure ?? this.differenceTo(snapshot, fromSnapshot);
    if (text === undefined) return { ...report, judged, notJudged: others };
    const { number: commit } = this.fromStart.kernel;
    const violation: Violation = { promise: "P8", position: { commit, version: this.fromStart.version, event: -1 }, text };
    return { ...report, judged, notJudged: others, violations: [...report.violations, violation], violationCount: report.violationCount + 1 };
  }

  private differenceTo(snapshot: Snapshot, fromSnapshot: History<State, Command, Event, Rejection>): string | undefined {
    // A snapshot of another release is ignored by hosts, too.
    if (!this.isRestored) return snapshot.schema === fromSnapshot.actor.schema ? `the snapshot at commit ${snapshot.number} cannot be restored` : undefined;
    return sameBytes(this.fromStart.stateHash(), fromSnapshot.stateHash()) ? undefined : `from the start and from the snapshot at commit ${snapshot.number} two states follow`;
  }
}
