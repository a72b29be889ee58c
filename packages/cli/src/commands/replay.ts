import { type Command, command } from "../command.ts";
import { wrongUsage } from "../errors.ts";
import { type Difference, difference, type StateSummary, summaryOf } from "../history/describe.ts";
import { type Folded, fold } from "../history/fold.ts";
import { withHistory } from "../history/open.ts";
import type { Screen } from "../io.ts";
import { present } from "../present.ts";
import { paintOf, paintState } from "../render/paint.ts";
import { progressOf } from "../render/progress.ts";
import { hex, plural, showCount, showDuration, showInstant, showRate } from "../render/quantities.ts";
import { renderFields, renderTable } from "../render/table.ts";

export const replay: Command = command({
  name: "replay",
  group: "history",
  summary: "Fold a history again: its state at any commit or instant, its hash, the difference between two",
  details: ["The state is made from the journal alone, with the same code as the host's. Two machines that replay the same commits print the same hash."],
  args: { history: { kind: "optional", help: "job-queue.<shard>, or <shard>, or an exported file; job-queue.main when absent" } },
  options: {
    to: { kind: "point", help: "stop behind this commit or instant" },
    diff: { kind: "pair", help: "what changed between two commits or instants" },
    hash: { kind: "flag", help: "print the hash of the state and nothing else" },
  },
  examples: [
    { line: "longshore replay --hash", says: "the state's hash now" },
    { line: "longshore replay main --to 17:30", says: "what was known at half past five" },
    { line: "longshore replay main --diff 1200 1300", says: "what a hundred commits changed" },
    { line: "longshore replay backup.lsh --json", says: "of an exported history" },
  ],
  connects: true,
  run: ({ args, options, shared, io }) =>
    withHistory(shared, io, args.history, async (source) => {
      if (options.diff !== undefined && (options.to !== undefined || options.hash)) throw wrongUsage("--diff stands alone", "leave out --to and --hash");
      const progress = progressOf(io, "commits");
      const note = (commits: number): void => progress.at(commits, source.commits);
      if (options.diff !== undefined) {
        const { folded: _, ...found } = await difference(source, ...options.diff, note).finally(() => progress.end());
        return present({ shared, io }, found, () => differenceText(found, io.outScreen));
      }
      const folded = await fold(source, { to: options.to, progress: note }).finally(() => progress.end());
      const hash = hex(folded.history.stateHash());
      const summary = summaryOf(folded.history);
      if (options.hash) return present({ shared, io }, { history: source.name, commit: summary.commit, hash }, () => `${hash}\n`);
      await present({ shared, io }, { history: source.name, hash, from: folded.from, events: folded.events, elapsedMs: folded.elapsedMs, state: summary }, () =>
        summaryText(source.name, hash, folded, summary, io.outScreen));
    }),
});

function summaryText(name: string, hash: string, folded: Folded, state: StateSummary, screen: Screen): string {
  const { events, elapsedMs, from } = folded;
  const fields = renderFields([
    ["history", name],
    ["at", `commit ${showCount(state.commit)} of epoch ${state.epoch}, ${showInstant(state.at)}`],
    ["state", hash],
    ["jobs", `${showCount(state.queued)} queued, ${showCount(state.active)} active, ${showCount(state.ended)} ended and kept`],
    ["parked", state.parked === 0 ? undefined : plural(state.parked, "command")],
    ["replayed", `${plural(events, "event")} in ${showDuration(elapsedMs)} (${showRate((events * 1_000) / elapsedMs)})${from === 0 ? "" : `, from the snapshot at commit ${showCount(from)}`}`],
  ], screen);
  return `${fields}\n${queuesTable(state, screen)}${state.instances.length === 0 ? "" : `\n${instancesTable(state, screen)}`}`;
}

const queuesTable = ({ queues }: StateSummary, screen: Screen): string =>
  renderTable(queues, [
    { head: "queue", cell: ({ name }) => name },
    { head: "", cell: ({ suspended }, paint) => (suspended ? paint.yellow("suspended") : "") },
    { head: "queued", cell: ({ statistics }) => showCount(statistics.queued), align: "right" },
    { head: "active", cell: ({ statistics }) => showCount(statistics.active), align: "right" },
    { head: "finished", cell: ({ statistics }) => showCount(statistics.finished), align: "right" },
    { head: "failed", cell: ({ statistics }) => showCount(statistics.failed), align: "right" },
    { head: "canceled", cell: ({ statistics }) => showCount(statistics.canceled), align: "right" },
  ], screen);

const instancesTable = ({ instances }: StateSummary, screen: Screen): string =>
  renderTable(instances, [
    { head: "instance", cell: ({ instance }) => instance },
    { head: "incarnation", cell: ({ incarnation }) => incarnation },
    { head: "running", cell: ({ running }) => showCount(running), align: "right" },
  ], screen);

const JOBS_SHOWN = 50;

function differenceText({ from, to, events, jobs }: Difference, screen: Screen): string {
  const paint = paintOf(screen);
  const happened = Object.entries(events).sort(([, a], [, b]) => b - a).map(([type, count]) => `${showCount(count)} ${type}`).join(", ");
  const head = renderFields([
    ["from", `commit ${showCount(from.commit)}, ${showInstant(from.at)}`],
    ["to", `commit ${showCount(to.commit)}, ${showInstant(to.at)}`],
    ["events", happened === "" ? "none" : happened],
    ["queued", change(from.queued, to.queued)],
    ["active", change(from.active, to.active)],
    ["ended", change(from.ended, to.ended)],
    ...queueChanges(from, to),
    ...instanceChanges(from, to),
  ], screen);
  const changed = jobs.filter(({ before, after }) => before !== after);
  if (changed.length === 0) return head;
  const table = renderTable(changed.slice(0, JOBS_SHOWN), [
    { head: "job", cell: ({ id }) => id },
    { head: "topic", cell: ({ topic }) => topic, shrinks: true },
    { head: "before", cell: ({ before }) => paintState(paint, before) },
    { head: "after", cell: ({ after }) => paintState(paint, after) },
    { head: "attempts", cell: ({ attempts }) => String(attempts), align: "right" },
  ], screen);
  const rest = changed.length - JOBS_SHOWN;
  return `${head}\n${table}${rest > 0 ? `… and ${showCount(rest)} more; --json has all\n` : ""}`;
}

const change = (before: number, after: number): string =>
  before === after ? showCount(after) : `${showCount(before)} → ${showCount(after)} (${after > before ? "+" : "−"}${showCount(Math.abs(after - before))})`;

function queueChanges(from: StateSummary, to: StateSummary): readonly (readonly [string, string])[] {
  const before = new Map(from.queues.map((queue) => [queue.name, queue]));
  return to.queues.flatMap(({ name, suspended }): (readonly [string, string])[] => {
    const was = before.get(name);
    if (was === undefined) return [["queue", `${name} is new${suspended ? ", suspended" : ""}`]];
    return was.suspended === suspended ? [] : [["queue", `${name} was ${suspended ? "suspended" : "resumed"}`]];
  });
}

function instanceChanges(from: StateSummary, to: StateSummary): readonly (readonly [string, string])[] {
  const names = (state: StateSummary): Set<string> => new Set(state.instances.map(({ instance, incarnation }) => `${instance} (${incarnation})`));
  const [before, after] = [names(from), names(to)];
  const joined = [...after].filter((name) => !before.has(name)).map((name) => ["joined", name] as const);
  const left = [...before].filter((name) => !after.has(name)).map((name) => ["left", name] as const);
  return [...joined, ...left];
}
