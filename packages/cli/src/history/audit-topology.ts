/**
 * The audit of a topology's history: P11 by the invariants of the discovery agent, P7, P8 and P9 as of any history.
 *
 * A member acks a view when its listeners have returned from CHANGING, and CHANGED follows the activation. So of "CHANGING before
 * CHANGED" the history shows this much: no view was activated before all of its members had acked. What listeners were really
 * told only they know.
 */
import { type DiscoveryAgentActor, type DiscoveryState, discoveryAgent, TopologyCheck } from "@longshore/discovery-agent";
import { decodeCommit, decodeKernelEvent, FIRST_ACTOR_CODE, History, type Snapshot, type StoredCommit } from "@longshore/kernel";
import { type AuditReport, ChainCheck, DeliveryCheck, Findings, type PromiseId } from "@longshore/testkit/promises";
import { numberOf } from "./audit-queue.ts";
import { readably } from "./fold.ts";
import { sha256 } from "./hash.ts";
import type { HistorySource } from "./source.ts";
import { TwoWays } from "./two-ways.ts";

/** What of P11 is said to listeners, and stands in no journal. */
const BEYOND = "in part: that each listener was told CHANGING before CHANGED, and the same views (INV-3, 4, 5 and 7), only its own log can show";
const OTHERS: readonly PromiseId[] = ["P1", "P2", "P3", "P4", "P5", "P6", "P10", "P12", "P13", "P14"];

export async function auditTopology(source: HistorySource, progress: (commits: number) => void): Promise<AuditReport> {
  const actor = discoveryAgent(source.address);
  const first = await source.first();
  const snapshot = await source.snapshot();
  const isWhole = first === undefined || numberOf(first) === 1;
  const pass = new TopologyAudit(actor, isWhole ? undefined : snapshot);
  const replayed = new TwoWays(actor, isWhole ? snapshot : undefined);
  let commits = 0;
  await source.read((stored) => {
    readably(source.name, commits, () => {
      pass.add(stored);
      replayed.add(stored);
    });
    progress(++commits);
  });
  return replayed.judge(pass.report());
}

class TopologyAudit {
  private readonly actor: DiscoveryAgentActor;
  private readonly findings = new Findings();
  private readonly chain: ChainCheck;
  private readonly delivery: DeliveryCheck;
  private readonly topology: TopologyCheck;
  private readonly after: number;
  private commits = 0;
  private events = 0;
  private known = 0;

  /** `horizon`: where the history begins for us, when its first commits were purged. */
  constructor(actor: DiscoveryAgentActor, horizon?: Snapshot) {
    this.actor = actor;
    const start = horizon === undefined ? undefined : new History(actor, sha256);
    const isRestored = horizon !== undefined && start?.restore(horizon) === true;
    if (horizon !== undefined && !isRestored) this.findings.add("P8", `the snapshot at commit ${horizon.number} cannot be restored`);
    this.after = isRestored ? start!.version : 0;
    this.chain = new ChainCheck(this.findings, sha256, isRestored ? { ...start!.kernel, version: start!.version } : undefined);
    this.delivery = new DeliveryCheck(this.findings, isRestored ? start!.kernel : undefined);
    this.topology = isRestored ? TopologyCheck.from(start!.state as DiscoveryState) : new TopologyCheck();
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
      else this.judge(wire, commit.format);
    }
  }

  private judge(wire: readonly unknown[], format: number): void {
    const { violations } = this.topology;
    this.topology.event(this.actor.events.decode(wire, format));
    for (; this.known < violations.length; this.known++) {
      const { invariant, text } = violations[this.known]!;
      this.findings.add("P11", `${invariant}: ${text}`);
    }
  }

  report(): AuditReport {
    const { findings } = this;
    return {
      violations: findings.violations, violationCount: findings.count, commits: this.commits, events: this.events, judged: ["P7", "P9", "P11"],
      notJudged: [{ promise: "P11", reason: BEYOND }, ...OTHERS.map((promise) => ({ promise, reason: "no actor of this history makes it" }))],
    };
  }
}
