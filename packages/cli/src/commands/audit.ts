import { DISCOVERY_KIND } from "@longshore/discovery-agent";
import { OFFLOAD_KIND } from "@longshore/offload-router";
import type { AuditReport, PromiseId } from "@longshore/testkit/promises";
import { type Command, command, type Shared } from "../command.ts";
import { failed, notFound } from "../errors.ts";
import { JUDGED } from "../history/address.ts";
import { auditQueue } from "../history/audit-queue.ts";
import { auditRouter } from "../history/audit-router.ts";
import { auditTopology } from "../history/audit-topology.ts";
import { withEachHistory, withHistory, withOtherCluster } from "../history/open.ts";
import { auditRoundTrips, type ClusterSources, clustersIn } from "../history/round-trips.ts";
import type { HistorySource } from "../history/source.ts";
import type { Io, Screen } from "../io.ts";
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
  P11: "one leader per view, views in one order, CHANGING before CHANGED",
  P12: "an offloaded job has one outcome, its outputs are imported before it shows, and no payload stays behind",
  P13: "a workflow has one terminal state",
  P14: "no role can break the others",
};

export const audit: Command = command({
  name: "audit",
  group: "history",
  summary: "Hold histories against every promise of this system, and print where they break one",
  details: [
    "It trusts no state and no host: it reads the commits and checks them with rules of its own. It ends with 1 when a promise is broken. What the histories cannot show is named as not judged.",
    "What two clusters say of a job that one has done for the other is held together: name the other side with --with, or give exports of both.",
  ],
  args: { histories: { kind: "many", help: "job-queue.<shard>, or <shard>, discovery-agent, offload-router, or exported files; every history of the cluster when absent", shown: "history" } },
  options: { with: { kind: "list", value: "<server|file>", help: "another cluster that jobs went to or came from: a server of it (nats://user:password@host:port), or exports of its histories" } },
  examples: [
    { line: "longshore audit", says: "all of a running system" }, { line: "longshore audit backup.lsh", says: "of a copied one" }, { line: "longshore audit discovery-agent", says: "who was there and who led" },
    { line: "longshore audit --with nats://observer:secret@west:4222", says: "and the round trips between two clusters" },
  ],
  connects: true,
  run: ({ args, options, shared, io }) => auditAll(args.histories, options.with, shared, io),
});

interface Named extends AuditReport {
  readonly history: string;
}

/** One history alone is shown as itself; several, or one with its other side, as a list. */
async function auditAll(names: readonly string[], others: readonly string[], shared: Shared, io: Io): Promise<void> {
  const reports = await withGiven(names, shared, io, async (given) => {
    const found: Named[] = [];
    for (const { sources } of given) for (const source of sources) found.push(await judged(source, io));
    const trips = await withOthers(others, given, shared, io, auditRoundTrips);
    if (trips !== undefined) found.push({ history: "round trips", ...trips });
    return found;
  });
  const violationCount = reports.reduce((sum, report) => sum + report.violationCount, 0);
  const [only] = reports;
  const isOne = names.length === 1 && reports.length === 1;
  await present({ shared, io }, isOne ? only : { violationCount, histories: reports }, () => reports.map((report) => reportText(report, io.outScreen)).join("\n"));
  mustHold(reports);
}

/** Opens what is named, or all of the running system. */
async function withGiven<Result>(names: readonly string[], shared: Shared, io: Io, run: (given: readonly ClusterSources[]) => Promise<Result>): Promise<Result> {
  if (names.length === 0) return withEachHistory(shared, io, JUDGED, (live) => run([{ ...live, isLive: true }]));
  const [first = "", ...rest] = names;
  return withHistory(shared, io, first, (source) => withNext([source], rest), JUDGED);

  function withNext(open: readonly HistorySource[], left: readonly string[]): Promise<Result> {
    const [next, ...others] = left;
    if (next === undefined) return run(byCluster(open));
    return withHistory(shared, io, next, (source) => withNext([...open, source], others), JUDGED);
  }
}

/** Named one by one they may be files, so they are not read again for what has come meanwhile. */
function byCluster(sources: readonly HistorySource[]): readonly ClusterSources[] {
  const clusters = [...new Set(sources.map(({ address }) => address.cluster))];
  return clusters.map((cluster) => ({ cluster, sources: sources.filter(({ address }) => address.cluster === cluster), isLive: false }));
}

/** With the other clusters: files together, servers one inside the other. */
async function withOthers<Result>(others: readonly string[], given: readonly ClusterSources[], shared: Shared, io: Io, run: (all: readonly ClusterSources[]) => Promise<Result>): Promise<Result> {
  const [next, ...rest] = others;
  if (next === undefined) return run(given);
  if (!isServer(next)) return withHistory(shared, io, next, (source) => withOthers(rest, [...given, ...byCluster([source])], shared, io, run), JUDGED);
  const known = given.map(({ cluster }) => cluster);
  const clusters = (await clustersIn(given)).filter((cluster) => !known.includes(cluster));
  if (clusters.length === 0) throw notFound("no job has gone to another cluster, or come from one", "there is nothing to hold against another server: leave --with out");
  return withOtherCluster(next, clusters, [OFFLOAD_KIND, "job-queue"], shared, io, (live) => withOthers(rest, [...given, { ...live, isLive: true }], shared, io, run));
}

const isServer = (text: string): boolean => /^(?:[a-z]+:\/\/|[^/]+:\d+$)/.test(text);

async function judged(source: HistorySource, io: Io): Promise<Named> {
  const progress = progressOf(io, "commits");
  const report = await auditOf(source.address.kind)(source, (commits) => progress.at(commits, source.commits)).finally(() => progress.end());
  return { history: source.name, ...report };
}

function auditOf(kind: string): typeof auditQueue {
  switch (kind) {
    case DISCOVERY_KIND: return auditTopology;
    case OFFLOAD_KIND: return auditRouter;
    default: return auditQueue;
  }
}

function mustHold(reports: readonly Named[]): void {
  const broken = reports.find(({ violationCount }) => violationCount > 0);
  if (broken === undefined) return;
  const { history, violationCount } = broken;
  throw failed("audit/violations", `${plural(violationCount, "violation")} in ${history}`, `export the history (\`longshore export ${history}\`) before anything is purged, and report it`);
}

const byNumber = (a: PromiseId, b: PromiseId): number => Number(a.slice(1)) - Number(b.slice(1));

/** What cannot be judged for one reason is one line. */
function byReason(notJudged: Named["notJudged"]): readonly (readonly [reason: string, ids: readonly PromiseId[]])[] {
  const groups = new Map<string, PromiseId[]>();
  for (const { promise, reason } of notJudged) groups.set(reason, [...(groups.get(reason) ?? []), promise]);
  return [...groups].map(([reason, ids]) => [reason, ids.sort(byNumber)]);
}

function reportText({ history, violations, violationCount, commits, events, judged, notJudged }: Named, screen: Screen): string {
  const paint = paintOf(screen);
  const broken = new Set(violations.map(({ promise }) => promise));
  const lines = [...judged].sort(byNumber).map((id) => `${broken.has(id) ? paint.red("broken") : paint.green("holds ")}  ${id.padEnd(3)}  ${WORDS[id]}\n`);
  const unknown = byReason(notJudged).map(([reason, ids]) => `${paint.dim("?     ")}  ${ids.length > 1 ? ids.join(" ") : `${ids[0]!.padEnd(3)}  ${WORDS[ids[0]!]}`}${paint.dim(`: ${reason}`)}\n`);
  const head = `${history}: ${plural(commits, "commit")}, ${plural(events, "event")}, ${violationCount === 0 ? paint.green("no violations") : paint.red(plural(violationCount, "violation"))}\n\n`;
  if (violations.length === 0) return head + lines.join("") + unknown.join("");
  const table = renderTable(violations, [
    { head: "promise", cell: ({ promise }) => promise },
    { head: "commit", cell: ({ position }) => showCount(position.commit), align: "right" },
    { head: "event", cell: ({ position }) => (position.event < 0 ? "" : String(position.event)), align: "right" },
    { head: "what", cell: ({ text }) => harmless(text) },
  ], screen);
  return `${head}${lines.join("")}${unknown.join("")}\n${table}`;
}
