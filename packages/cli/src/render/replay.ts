/** What a replay shows: a state, or how two of them differ. */
import type { Difference, StateSummary } from "../history/describe.ts";
import type { RouterSummary } from "../history/describe-router.ts";
import type { AnyFolded } from "../history/fold.ts";
import type { Screen } from "../io.ts";
import { paintOf, paintState } from "./paint.ts";
import { hex, plural, showCount, showDuration, showInstant, showRate } from "./quantities.ts";
import { renderFields, renderTable } from "./table.ts";

export function summaryText(name: string, folded: AnyFolded, state: StateSummary, screen: Screen): string {
  const fields = renderFields(headOf(name, folded, state, [["jobs", `${showCount(state.queued)} queued, ${showCount(state.active)} active, ${showCount(state.ended)} ended and kept`]]), screen);
  return `${fields}\n${queuesTable(state, screen)}${state.instances.length === 0 ? "" : `\n${instancesTable(state, screen)}`}`;
}

/** What is said of every kind of history. */
export function headOf(name: string, { history, events, elapsedMs, from }: AnyFolded, state: StateSummary | RouterSummary, fields: readonly (readonly [string, string])[]): readonly (readonly [string, string | undefined])[] {
  return [
    ["history", name],
    ["at", `commit ${showCount(state.commit)} of epoch ${state.epoch}, ${showInstant(state.at)}`],
    ["state", hex(history.stateHash())],
    ...fields,
    ["parked", state.parked === 0 ? undefined : plural(state.parked, "command")],
    ["replayed", `${plural(events, "event")} in ${showDuration(elapsedMs)} (${showRate((events * 1_000) / elapsedMs)})${from === 0 ? "" : `, from the snapshot at commit ${showCount(from)}`}`],
  ];
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

export function differenceText({ from, to, events, jobs }: Difference, screen: Screen): string {
  const paint = paintOf(screen);
  const head = renderFields([
    ...betweenOf(from, to, events),
    ["queued", change(from.queued, to.queued)],
    ["active", change(from.active, to.active)],
    ["ended", change(from.ended, to.ended)],
    ...queueChanges(from, to),
    ...instanceChanges(from, to),
  ], screen);
  const moved = jobs.filter(({ before, after }) => before !== after);
  if (moved.length === 0) return head;
  const table = renderTable(moved.slice(0, JOBS_SHOWN), [
    { head: "job", cell: ({ id }) => id },
    { head: "topic", cell: ({ topic }) => topic, shrinks: true },
    { head: "before", cell: ({ before }) => paintState(paint, before) },
    { head: "after", cell: ({ after }) => paintState(paint, after) },
    { head: "attempts", cell: ({ attempts }) => String(attempts), align: "right" },
  ], screen);
  const rest = moved.length - JOBS_SHOWN;
  return `${head}\n${table}${rest > 0 ? `… and ${showCount(rest)} more; --json has all\n` : ""}`;
}

export function betweenOf(from: StateSummary | RouterSummary, to: StateSummary | RouterSummary, events: Difference["events"]): readonly (readonly [string, string])[] {
  const happened = Object.entries(events).sort(([, a], [, b]) => b - a).map(([type, count]) => `${showCount(count)} ${type}`).join(", ");
  return [
    ["from", `commit ${showCount(from.commit)}, ${showInstant(from.at)}`],
    ["to", `commit ${showCount(to.commit)}, ${showInstant(to.at)}`],
    ["events", happened === "" ? "none" : happened],
  ];
}

export const change = (before: number, after: number): string =>
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
