import { DISCOVERY_KIND } from "@longshore/discovery-agent";
import type { AuditReport, PromiseId } from "@longshore/testkit/promises";
import { type Command, command } from "../command.ts";
import { failed } from "../errors.ts";
import { JUDGED } from "../history/address.ts";
import { auditQueue } from "../history/audit-queue.ts";
import { auditTopology } from "../history/audit-topology.ts";
import { withHistory } from "../history/open.ts";
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
  args: { history: { kind: "optional", help: "job-queue.<shard>, or <shard>, discovery-agent, or an exported file; job-queue.main when absent" } },
  examples: [{ line: "longshore audit backup.lsh", says: "of a copied system" }, { line: "longshore audit discovery-agent", says: "who was there and who led" }],
  connects: true,
  run: ({ args, shared, io }) =>
    withHistory(shared, io, args.history, async (source) => {
      const progress = progressOf(io, "commits");
      const auditOf = source.address.kind === DISCOVERY_KIND ? auditTopology : auditQueue;
      const report = await auditOf(source, (commits) => progress.at(commits, source.commits)).finally(() => progress.end());
      await present({ shared, io }, { history: source.name, ...report }, () => reportText(source.name, report, io.outScreen));
      if (report.violationCount > 0) throw failed("audit/violations", `${plural(report.violationCount, "violation")} in ${source.name}`, "export the history (`longshore export`) before anything is purged, and report it");
    }, JUDGED),
});

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
