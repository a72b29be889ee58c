/** What holds of every actor's history, whatever it says: one writer, a whole chain, each message once, the same state from any start. */
import { type Actor, decodeCommit, decodeKernelEvent, FIRST_ACTOR_CODE, History, type RejectionShape, type Snapshot, type StoredCommit } from "@longshore/kernel";
import { type AuditReport, ChainCheck, DeliveryCheck, Findings, type PromiseId } from "@longshore/testkit/promises";
import { numberOf, readBoth } from "./audit-queue.ts";
import { sha256 } from "./hash.ts";
import type { HistorySource } from "./source.ts";
import { TwoWays } from "./two-ways.ts";

/** What is checked beside that, and what is said of the promises it leaves out. */
export interface OwnCheck<State, Event> {
  readonly judged: readonly PromiseId[];
  readonly notJudged: AuditReport["notJudged"];
  /** `horizon`: the state the history begins with, when its first commits were purged. */
  begin(findings: Findings, horizon: State | undefined): (event: Event) => void;
}

export async function auditActor<State, Command, Event extends object, Rejection extends RejectionShape>(
  source: HistorySource, actor: Actor<State, Command, Event, Rejection>, own: OwnCheck<State, Event>, progress: (commits: number) => void,
): Promise<AuditReport> {
  const first = await source.first();
  const snapshot = await source.snapshot();
  const isWhole = first === undefined || numberOf(first) === 1;
  const pass = new Pass(actor, own, isWhole ? undefined : snapshot);
  const replayed = new TwoWays(actor, isWhole ? snapshot : undefined);
  await readBoth(source, pass, replayed, progress);
  return replayed.judge(pass.report());
}

class Pass<State, Command, Event extends object, Rejection extends RejectionShape> {
  private readonly actor: Actor<State, Command, Event, Rejection>;
  private readonly own: OwnCheck<State, Event>;
  private readonly findings = new Findings();
  private readonly chain: ChainCheck;
  private readonly delivery: DeliveryCheck;
  private readonly take: (event: Event) => void;
  private readonly after: number;
  private commits = 0;
  private events = 0;

  /** `horizon`: where the history begins for us, when its first commits were purged. */
  constructor(actor: Actor<State, Command, Event, Rejection>, own: OwnCheck<State, Event>, horizon: Snapshot | undefined) {
    this.actor = actor;
    this.own = own;
    const start = horizon === undefined ? undefined : new History(actor, sha256);
    const isRestored = horizon !== undefined && start?.restore(horizon) === true;
    if (horizon !== undefined && !isRestored) this.findings.add("P8", `the snapshot at commit ${horizon.number} cannot be restored`);
    this.after = isRestored ? start!.version : 0;
    this.chain = new ChainCheck(this.findings, sha256, isRestored ? { ...start!.kernel, version: start!.version } : undefined);
    this.delivery = new DeliveryCheck(this.findings, isRestored ? start!.kernel : undefined);
    this.take = own.begin(this.findings, isRestored ? (start!.state as State) : undefined);
  }

  /** The next commit; those that the horizon covers are passed over. */
  add(stored: StoredCommit): void {
    if (stored.version <= this.after) return;
    const { findings } = this;
    const commit = decodeCommit(stored.bytes);
    findings.version = stored.version;
    findings.event = -1;
    findings.commit = commit.number;
    this.commits++;
    this.chain.commit(commit, stored.bytes, stored.version);
    this.delivery.commit(commit);
    for (const wire of commit.events) {
      findings.event++;
      this.events++;
      if ((wire[0] as number) < FIRST_ACTOR_CODE) this.delivery.event(decodeKernelEvent(wire));
      else this.take(this.actor.events.decode(wire, commit.format));
    }
  }

  report(): AuditReport {
    const { findings, own } = this;
    return { violations: findings.violations, violationCount: findings.count, commits: this.commits, events: this.events, judged: ["P7", "P9", ...own.judged], notJudged: own.notJudged };
  }
}
