/** The oracles at the end of a run: the promises over journal and logs, replay from everywhere, and that all came to rest. */
import type { Commit } from "@longshore/kernel";
import type { Violation } from "@longshore/testkit/promises";
import { Audit, checkReplay, Findings } from "@longshore/testkit/promises";
import type { Marks } from "@longshore/testkit/simulation";
import type { ClientProcess } from "./client-process.ts";
import type { Cluster } from "./cluster.ts";
import { SHARD } from "./cluster.ts";
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
  const audit = new Audit({ shard: SHARD, hash, withLogs: !config.isRewound, onCommit: (commit) => {
    countMarks(commit, marks);
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

const KERNEL_MARKS: Readonly<Record<number, string>> = { 2: "an answer is recorded", 3: "a rejection is recorded", 4: "a command is parked", 7: "a stepped clock is recorded" };
const FAILURES = ["an attempt fails", "an attempt times out", "an attempt is lost"];
const ENDS = ["a job succeeds", "a job is stopped", "a job gives up", "a job ends in error", "a job is dropped"];

/** What the history itself proves to have happened. */
function countMarks({ epoch, events, inbox }: Commit, marks: Marks): void {
  if (epoch > 1 && events[0]?.[0] === 0) marks.hit("another host opens");
  if (inbox.some(({ index }) => index > 0)) marks.hit("an inbox message takes several commits");
  for (const event of events) {
    const mark = markOf(event);
    if (mark !== undefined) marks.hit(mark);
  }
}

function markOf(event: readonly unknown[]): string | undefined {
  switch (event[0]) {
    case 18: return FAILURES[event[3] as number];
    case 19: return event[3] === 1 ? "an attempt is snoozed" : "an attempt is handed back";
    case 20: return "an attempt is extended";
    case 21: return ENDS[event[2] as number];
    case 22: return "a running job is asked to stop";
    case 26: return "a job is removed";
    case 28: return "ended jobs leave the history";
    case 31: return "a queue is suspended";
    case 36: return "an instance leaves";
    case 38: return "a bulk operation takes several commits";
    default: return KERNEL_MARKS[event[0] as number];
  }
}
