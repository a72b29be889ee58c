/** P8: from the start or from any snapshot, the same state hash and the same outbox. */
import type { Actor, Hash, RejectionShape, Snapshot, StoredCommit } from "@longshore/kernel";
import { History, sameBytes } from "@longshore/kernel";
import type { Findings } from "./report.ts";

/**
 * Folds the commits from their beginning (or from the first snapshot, where it was purged) and from every snapshot; all
 * must meet. `live`: the hash that a host itself holds, after the last commit.
 */
export function checkReplay<State, Command, Event, Rejection extends RejectionShape>(
  actor: Actor<State, Command, Event, Rejection>, hash: Hash, commits: readonly StoredCommit[], snapshots: readonly Snapshot[], findings: Findings, live?: Uint8Array,
): Uint8Array | undefined {
  const whole = fold(new History(actor, hash), commits, findings);
  const ends = new Map<string, History<State, Command, Event, Rejection>>();
  if (whole !== undefined) ends.set("the start", whole);
  for (const snapshot of snapshots) {
    const history = new History(actor, hash);
    if (!history.restore(snapshot)) findings.add("P8", `the snapshot at commit ${snapshot.number} cannot be restored`);
    else {
      const end = fold(history, commits, findings);
      if (end !== undefined) ends.set(`the snapshot at commit ${snapshot.number}`, end);
    }
  }
  const [first, ...others] = [...ends].map(([from, history]) => ({ from, hash: history.stateHash() }));
  if (first === undefined) return undefined;
  for (const other of others) if (!sameBytes(first.hash, other.hash)) findings.add("P8", `from ${first.from} and from ${other.from} two states follow`);
  if (live !== undefined && !sameBytes(first.hash, live)) findings.add("P8", "the host holds another state than its journal gives");
  return first.hash;
}

/** Undefined when the commits do not go on from where the history stands. */
function fold<State, Command, Event, Rejection extends RejectionShape>(
  history: History<State, Command, Event, Rejection>, commits: readonly StoredCommit[], findings: Findings,
): History<State, Command, Event, Rejection> | undefined {
  for (const commit of commits) {
    if (commit.version <= history.version) continue;
    try {
      history.fold(commit);
    } catch (error) {
      if (history.version > 0) findings.add("P8", `the commit at version ${commit.version} cannot be folded: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  }
  return history;
}
