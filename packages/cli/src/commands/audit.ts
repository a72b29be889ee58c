import { DISCOVERY_KIND } from "@longshore/discovery-agent";
import type { AuditReport, PromiseId } from "@longshore/testkit/promises";
import { type Command, command, type Shared } from "../command.ts";
import { failed } from "../errors.ts";
import { JUDGED } from "../history/address.ts";
import { auditQueue } from "../history/audit-queue.ts";
import { auditTopology } from "../history/audit-topology.ts";
import { withEachHistory, withHistory } from "../history/open.ts";
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
  P12: "an offloaded job has one outcome",
  P13: "a workflow has one terminal state",
  P14: "no role can break the others",
};

export const audit: Command = command({
  name: "audit",
  group: "history",
  summary: "Hold a history against every promise of this system, and print where it breaks one",
  details: ["It trusts no state and no host: it reads the commits and checks them with rules of its own. It ends with 1 when a promise is broken. What a journal alone cannot show is named as not judged."],
  args: { history: { kind: "optional", help: "job-queue.<shard>, or <shard>, discovery-agent, or an exported file; every history of the cluster when absent" } },
  examples: [{ line: "longshore audit", says: "all of a running system" }, { line: "longshore audit backup.lsh", says: "of a copied one" }, { line: "longshore audit discovery-agent", says: "who was there and who led" }],
  connects: true,
  run: ({ args, shared, io }) => args.history === undefined ? auditAll(shared, io) : auditOne(args.history, shared, io),
});

interface Named extends AuditReport {
  readonly history: string;
}

const auditOne = (name: string, shared: Shared, io: Io): Promise<void> =>
  withHistory(shared, io, name, async (source) => {
    const report = await judged(source, io);
    await present({ shared, io }, report, () => reportText(report, io.outScreen));
    mustHold([report]);
  }, JUDGED);

async function auditAll(shared: Shared, io: Io): Promise<void> {
  const histories: Named[] = [];
  await withEachHistory(shared, io, JUDGED, async (source) => void histories.push(await judged(source, io)));
  const violationCount = histories.reduce((sum, report) => sum + report.violationCount, 0);
  await present({ shared, io }, { violationCount, histories }, () => histories.map((report) => reportText(report, io.outScreen)).join("\n"));
  mustHold(histories);
}

async function judged(source: HistorySource, io: Io): Promise<Named> {
  const progress = progressOf(io, "commits");
  const auditOf = source.address.kind === DISCOVERY_KIND ? auditTopology : auditQueue;
  const report = await auditOf(source, (commits) => progress.at(commits, source.commits)).finally(() => progress.end());
  return { history: source.name, ...report };
}

function mustHold(reports: readonly Named[]): void {
  const broken = reports.find(({ violationCount }) => violationCount > 0);
  if (broken === undefined) return;
  const { history, violationCount } = broken;
  throw failed("audit/violations", `${plural(violationCount, "violation")} in ${history}`, `export the history (\`longshore export ${history}\`) before anything is purged, and report it`);
}

const byNumber = (a: PromiseId, b: PromiseId): number => Number(a.slice(1)) - Number(b.slice(1));

function reportText({ history, violations, violationCount, commits, events, judged, notJudged }: Named, screen: Screen): string {
  const paint = paintOf(screen);
  const broken = new Set(violations.map(({ promise }) => promise));
  const lines = [...judged].sort(byNumber).map((id) => `${broken.has(id) ? paint.red("broken") : paint.green("holds ")}  ${id.padEnd(3)}  ${WORDS[id]}\n`);
  const unknown = notJudged.map(({ promise, reason }) => `${paint.dim("?     ")}  ${promise.padEnd(3)}  ${WORDS[promise]}${paint.dim(`: ${reason}`)}\n`);
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
