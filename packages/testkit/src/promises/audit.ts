/**
 * The audit of one history: every promise that its commits, and what is given beside them, allow to judge. One pass.
 *
 * Nothing here needs Node or a test runner: `longshore audit`, the simulation and the chaos tests run the same code.
 */
import type { JobQueueActor } from "@longshore/job-queue";
import { jobQueue } from "@longshore/job-queue";
import type { Commit, Hash, Snapshot, StoredCommit } from "@longshore/kernel";
import { decodeCommit, decodeKernelEvent, FIRST_ACTOR_CODE, History } from "@longshore/kernel";
import { LogCheck } from "./against-logs.ts";
import { ChainCheck } from "./chain.ts";
import { DeliveryCheck } from "./delivery.ts";
import { Facts } from "./facts.ts";
import { LifeCheck } from "./life.ts";
import type { Logs } from "./logs.ts";
import type { AuditReport, PromiseId } from "./report.ts";
import { Findings } from "./report.ts";
import { namedWait } from "./waiting.ts";

export interface AuditOptions {
  /** Name of the actor; it stands in front of job ids. */
  readonly shard: string;
  readonly hash: Hash;
  /** Where the history begins for us, when its first commits were purged. */
  readonly horizon?: Snapshot;
  /** Gather what operation logs can be held against. */
  readonly withLogs?: boolean;
  /** Called with every commit, taken apart. */
  readonly onCommit?: (commit: Commit) => void;
}

const LATER: readonly PromiseId[] = ["P10", "P11", "P12", "P13", "P14"];

export class Audit {
  private readonly actor: JobQueueActor;
  private readonly findings = new Findings();
  private readonly chain: ChainCheck;
  private readonly delivery: DeliveryCheck;
  private readonly life: LifeCheck;
  private readonly logs: LogCheck | undefined;
  private readonly after: number;
  private readonly onCommit: ((commit: Commit) => void) | undefined;
  private commits = 0;
  private events = 0;
  private at = 0;

  constructor({ shard, hash, horizon, withLogs, onCommit }: AuditOptions) {
    this.onCommit = onCommit;
    this.actor = jobQueue({ cluster: "", shard });
    const start = horizon === undefined ? undefined : new History(this.actor, hash);
    if (horizon !== undefined && start?.restore(horizon) !== true) this.findings.add("P8", `the snapshot at commit ${horizon.number} cannot be restored`);
    this.after = start?.version ?? 0;
    this.chain = new ChainCheck(this.findings, hash, start && { ...start.kernel, version: start.version });
    this.delivery = new DeliveryCheck(this.findings, start?.kernel);
    this.life = new LifeCheck(this.findings, start && Facts.from(start.state));
    this.logs = withLogs === true ? new LogCheck(this.findings) : undefined;
  }

  /** The most jobs that waited when another was admitted, itself included. */
  get admittedAt(): number {
    return this.life.admittedAt;
  }

  /** The next commit; those that the horizon covers are passed over. */
  add(stored: StoredCommit): void {
    if (stored.version <= this.after) return;
    const { findings } = this;
    findings.version = stored.version;
    findings.event = -1;
    const commit = decodeCommit(stored.bytes);
    findings.commit = commit.number;
    this.at = commit.at;
    this.commits++;
    this.chain.commit(commit, stored.bytes, stored.version);
    this.delivery.commit(commit);
    this.logs?.commit(commit);
    this.onCommit?.(commit);
    for (const wire of commit.events) {
      findings.event++;
      this.events++;
      if ((wire[0] as number) < FIRST_ACTOR_CODE) {
        const event = decodeKernelEvent(wire);
        this.delivery.event(event);
        this.logs?.kernelEvent(event);
      } else {
        const event = this.actor.events.decode(wire, commit.format);
        this.life.event(event, commit.at);
        this.logs?.event(event);
      }
    }
  }

  /**
   * `atRest`: nothing was on its way any more, so that a job that has not ended must wait for something with a name;
   * its value is the server's time then.
   */
  finish({ logs, atRest }: { readonly logs?: Logs; readonly atRest?: number } = {}): AuditReport {
    const { findings } = this;
    findings.event = -1;
    if (logs !== undefined) this.logs?.finish(logs);
    if (atRest !== undefined) this.waiting(Math.max(atRest, this.at));
    const hasLogs = logs !== undefined && this.logs !== undefined;
    const notJudged = [
      ...(hasLogs ? [] : [{ promise: "P1" as const, reason: "a history does not know what clients were told: operation logs are needed" }]),
      { promise: "P8" as const, reason: "judged by `checkReplay`, which folds the history again" },
      ...LATER.map((promise) => ({ promise, reason: "no actor of this history makes it" })),
    ];
    const judged = (["P1", "P2", "P3", "P4", "P5", "P6", "P7", "P9"] as const).filter((promise) => hasLogs || promise !== "P1");
    return { violations: findings.violations, violationCount: findings.count, commits: this.commits, events: this.events, judged, notJudged };
  }

  private waiting(at: number): void {
    const { facts } = this.life;
    for (const job of facts.jobs.values()) {
      if (job.isEnded || namedWait(facts, job, at) !== undefined) continue;
      const what = job.run === undefined ? "waits for nothing that has a name" : `runs on instance ${job.run.member.instance}, which is gone`;
      this.findings.add("P2", `job ${job.number} of queue ${job.queue.name} has not ended and ${what}`);
    }
  }
}

/** Audits a whole history at once. */
export function audit(commits: Iterable<StoredCommit>, options: AuditOptions, logs?: Logs): AuditReport {
  const pass = new Audit({ ...options, withLogs: logs !== undefined });
  for (const commit of commits) pass.add(commit);
  return pass.finish(logs === undefined ? {} : { logs });
}
