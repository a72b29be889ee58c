/** The oracles at the end of a run: the promises over journal and logs, replay from everywhere, and that all came to rest. */
import type { Commit } from "@longshore/kernel";
import type { Violation } from "@longshore/testkit/promises";
import { Audit, checkReplay, Findings } from "@longshore/testkit/promises";
import type { ClientProcess } from "./client-process.ts";
import type { Cluster } from "./cluster.ts";
import { SHARD } from "./cluster.ts";
import { HistoryMarks } from "./history-marks.ts";
import type { JobQueueHost } from "./host-process.ts";

export interface Verdict {
  readonly violations: readonly Violation[];
  /** What is no promise by a number, and must not be either. */
  readonly alarms: readonly string[];
  readonly events: number;
}

/** `writtenSince`: the number of commits there were when the journal was rewound; nothing may have been added. */
export function judge(cluster: Cluster, host: JobQueueHost | undefined, clients: readonly ClientProcess[], writtenSince: number | undefined): Verdict {
  const { config, alarms } = cluster;
  if (writtenSince !== undefined && cluster.commits.length > writtenSince) {
    alarms.push(`${cluster.commits.length - writtenSince} commits were written after the journal had lost its tail`);
  }
  const { hash, marks } = cluster;
  const seen = new HistoryMarks(marks, config);
  const audit = new Audit({ shard: SHARD, hash, withLogs: !config.isRewound, onCommit: (commit) => {
    seen.count(commit);
    checkTime(commit, cluster);
  } });
  for (const commit of cluster.commits.slice(0, writtenSince)) audit.add(commit);
  const { backlogMax = Number.POSITIVE_INFINITY } = config.queueLimits;
  if (audit.admittedAt > backlogMax) alarms.push(`a job was accepted as the ${audit.admittedAt}th that waits, and no more than ${backlogMax} may`);
  const logs = { clients: cluster.clients, results: cluster.results, workers: cluster.workers };
  const report = audit.finish(config.isRewound ? {} : { logs, atRest: cluster.serverMs });
  const findings = new Findings();
  if (!config.isRewound) {
    rest(cluster, host, clients);
    // While an append is on its way the host is one step ahead of what it knows to be stored.
    const isWhole = host !== undefined && host.current.version === cluster.commits.at(-1)?.version && host.current.kernel.number === cluster.commits.length;
    checkReplay(cluster.actor, hash, cluster.commits, some(cluster.snapshots), findings, isWhole ? host.current.stateHash() : undefined);
  }
  return { violations: [...report.violations, ...findings.violations], alarms, events: report.events };
}

/** One of the first half and the last: a fold from each of hundreds would take longer than the run. */
function some<Item>(items: readonly Item[]): readonly Item[] {
  return items.length <= 2 ? items : [items[items.length >> 2]!, items.at(-1)!];
}

function rest(cluster: Cluster, host: JobQueueHost | undefined, clients: readonly ClientProcess[]): void {
  const { alarms } = cluster;
  if (host === undefined) return void alarms.push("no host serves although nothing is wrong any more");
  const { state } = host.current;
  if (state.queued > 0 || state.active > 0) alarms.push(`${state.queued} jobs still wait and ${state.active} still run long after the trouble`);
  for (const client of clients) {
    if (client.openCount > 0) alarms.push(`${client.openCount} commands of client ${client.process.name} are still open`);
    if (client.waitingResults > 0 && state.queued + state.active === 0) alarms.push(`client ${client.process.name} still waits for ${client.waitingResults} results although all jobs have ended`);
  }
}

/** Ahead of the server by more than samples and drift explain, a host has taken its time from elsewhere. */
const AHEAD_MAX_MS = 1_500;

/** A history keeps to the server's time, unless somebody has stepped it. */
function checkTime({ number, at }: Commit, { alarms, storedAt, isStepped }: Cluster): void {
  const aheadMs = at - (storedAt[number - 1] ?? at);
  if (!isStepped && aheadMs > AHEAD_MAX_MS) alarms.push(`commit ${number} says it was written ${Math.round(aheadMs)} ms after it was stored`);
}
