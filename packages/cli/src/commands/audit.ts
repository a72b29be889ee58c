import { decodeCommit, History, type Snapshot, type StoredCommit, sameBytes } from "@longshore/kernel";
import { Audit, type AuditReport, type PromiseId, type Violation } from "@longshore/testkit/promises";
import { type Command, command } from "../command.ts";
import { failed } from "../errors.ts";
import { actorOf, type JobQueueHistory, readably } from "../history/fold.ts";
import { sha256 } from "../history/hash.ts";
import { withHistory } from "../history/open.ts";
import type { HistorySource } from "../history/source.ts";
import type { Screen } from "../io.ts";
import { present } from "../present.ts";
import { harmless, paintOf } from "../render/paint.ts";
import { progressOf } from "../render/progress.ts";
import { plural, showCount } from "../render/quantities.ts";
import { renderTable } from "../render/table.ts";

const WORDS: Readonly<Record<PromiseId, string>> = {
  P1: "an add that resolved is never lost",
  P2: "a job has one end, or visibly waits for a named thing",
  P3: "a job has at most one live attempt, and attempt numbers grow by one",
  P4: "what is said of a superseded attempt changes nothing",
  P5: "in an ordered queue jobs end in the order they were accepted",
  P6: "limits are never exceeded",
  P7: "one writer: epochs and numbers only grow, the chain holds",
  P8: "a replay gives the same state",
  P9: "each inbox message is applied once, each outbox message has one effect",
  P10: "a tick fires exactly once",
  P11: "one leader per view",
  P12: "an offloaded job has one outcome",
  P13: "a workflow has one terminal state",
  P14: "no role can break the others",
};

export const audit: Command = command({
  name: "audit",
  group: "history",
  summary: "Hold a history against every promise of this system, and print where it breaks one",
  details: ["It trusts no state and no host: it reads the commits and checks them with rules of its own. It ends with 1 when a promise is broken. What a journal alone cannot show is named as not judged."],
  args: { history: { kind: "optional", help: "job-queue.<shard>, or <shard>, or an exported file; job-queue.main when absent" } },
  examples: [{ line: "longshore audit backup.lsh", says: "of a copied system" }],
  connects: true,
  run: ({ args, shared, io }) =>
    withHistory(shared, io, args.history, async (source) => {
      const progress = progressOf(io, "commits");
      const report = await auditOf(source, (commits) => progress.at(commits, source.commits)).finally(() => progress.end());
      await present({ shared, io }, { history: source.name, ...report }, () => reportText(source.name, report, io.outScreen));
      if (report.violationCount > 0) throw failed("audit/violations", `${plural(report.violationCount, "violation")} in ${source.name}`, "export the history (`longshore export`) before anything is purged, and report it");
    }),
});

async function auditOf(source: HistorySource, progress: (commits: number) => void): Promise<AuditReport> {
  const first = await source.first();
  const snapshot = await source.snapshot();
  const isWhole = first === undefined || numberOf(first) === 1;
  const start = { shard: source.address.actor, hash: sha256 };
  const pass = new Audit(isWhole || snapshot === undefined ? start : { ...start, horizon: snapshot });
  const replayed = new TwoWays(source, isWhole ? snapshot : undefined);
  let commits = 0;
  await source.read((stored) => {
    readably(source.name, commits, () => {
      pass.add(stored);
      replayed.add(stored);
    });
    progress(++commits);
  });
  return replayed.judge(pass.finish());
}

const numberOf = (stored: StoredCommit): number => decodeCommit(stored.bytes).number;

/** P8, as far as one history and its latest snapshot can show it: from the start and from the snapshot, one state. */
class TwoWays {
  private readonly fromStart: JobQueueHistory;
  private readonly fromSnapshot: JobQueueHistory | undefined;
  private readonly snapshot: Snapshot | undefined;
  private readonly isRestored: boolean = false;
  private failure: string | undefined;

  constructor({ address }: HistorySource, snapshot: Snapshot | undefined) {
    this.snapshot = snapshot;
    this.fromStart = new History(actorOf(address), sha256);
    if (snapshot === undefined) return;
    this.fromSnapshot = new History(actorOf(address), sha256);
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

  private differenceTo(snapshot: Snapshot, fromSnapshot: JobQueueHistory): string | undefined {
    // A snapshot of another release is ignored by hosts, too.
    if (!this.isRestored) return snapshot.schema === fromSnapshot.actor.schema ? `the snapshot at commit ${snapshot.number} cannot be restored` : undefined;
    return sameBytes(this.fromStart.stateHash(), fromSnapshot.stateHash()) ? undefined : `from the start and from the snapshot at commit ${snapshot.number} two states follow`;
  }
}

const byNumber = (a: PromiseId, b: PromiseId): number => Number(a.slice(1)) - Number(b.slice(1));

function reportText(name: string, { violations, violationCount, commits, events, judged, notJudged }: AuditReport, screen: Screen): string {
  const paint = paintOf(screen);
  const broken = new Set(violations.map(({ promise }) => promise));
  const lines = [...judged].sort(byNumber).map((id) => `${broken.has(id) ? paint.red("broken") : paint.green("holds ")}  ${id.padEnd(3)}  ${WORDS[id]}\n`);
  const unknown = notJudged.map(({ promise, reason }) => `${paint.dim("?     ")}  ${promise.padEnd(3)}  ${WORDS[promise]}${paint.dim(`: ${reason}`)}\n`);
  const head = `${name}: ${plural(commits, "commit")}, ${plural(events, "event")}, ${violationCount === 0 ? paint.green("no violations") : paint.red(plural(violationCount, "violation"))}\n\n`;
  if (violations.length === 0) return head + lines.join("") + unknown.join("");
  const table = renderTable(violations, [
    { head: "promise", cell: ({ promise }) => promise },
    { head: "commit", cell: ({ position }) => showCount(position.commit), align: "right" },
    { head: "event", cell: ({ position }) => (position.event < 0 ? "" : String(position.event)), align: "right" },
    { head: "what", cell: ({ text }) => harmless(text) },
  ], screen);
  return `${head}${lines.join("")}${unknown.join("")}\n${table}`;
}
