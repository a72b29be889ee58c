/** The topology as people read it. */
import type { ClusterView, ConflictReason, InstanceRow, MemberRecord, TopicRow, TopicState } from "@longshore/discovery-agent";
import { mergeClusters } from "@longshore/discovery-agent";
import type { TopologyDocument } from "../commands/topology.ts";
import type { Screen } from "../io.ts";
import { harmless, type Paint, paintOf, widthOf } from "./paint.ts";
import { showAge, showInstant } from "./quantities.ts";
import { type Column, renderFields, renderTable } from "./table.ts";

export function topologyText({ view, proposed, remote, conflicts, instances, host }: TopologyDocument, nowMs: number, screen: Screen): string {
  const paint = paintOf(screen);
  const leader = view?.members[0]?.instance;
  const order = new Map((view?.members ?? []).map(({ incarnation }, place) => [incarnation, place]));
  const placeOf = ({ incarnation }: InstanceRow): number => order.get(incarnation) ?? order.size;
  const rows = [...instances].sort((a, b) => placeOf(a) - placeOf(b));
  const clusters = remote.map(({ cluster, number, members, heardAt }) =>
    [`cluster ${cluster}`, `view ${number}, led by ${members[0]?.instance}, ${members.length === 1 ? "1 instance" : `${members.length} instances`}, heard ${showAge(heardAt, nowMs)}`] as const);
  return renderFields([
    ["cluster", view === null ? undefined : `${paint.bold(view.cluster)}  ${paint.dim(view.clusterId)}`],
    ["view", view === null ? "none yet" : String(view.number)],
    ["leader", leader],
    ["history", `hosted by ${host.instance}, epoch ${host.epoch}`],
    ["changing", proposed === null ? undefined : paint.yellow(`view ${proposed.number} is proposed (${proposed.reason}); waiting for ${proposed.missing.join(", ") || "nobody"}`)],
    ...clusters,
    ...conflicts.map(({ cluster, clusterId, reason }) => ["conflict", paint.yellow(`cluster ${cluster} (${clusterId}) is not taken: ${CONFLICTS[reason]}`)] as const),
  ], screen) + (rows.length === 0 ? "" : `\n${instancesOf(rows, leader, nowMs, screen)}`) + othersOf(view, remote, screen);
}

const CONFLICTS: Readonly<Record<ConflictReason, string>> = {
  "own-id": "it has the id of this cluster", "own-name": "it has the name of this cluster", "name-taken": "another cluster has its name", diverged: "another one says that it is this cluster",
};

/** Instances of other clusters, each in the one cluster it belongs to. */
function othersOf(view: ClusterView | null, remote: TopologyDocument["remote"], screen: Screen): string {
  const rows = view === null ? [] : mergeClusters(view, remote).flatMap(({ cluster, members }) => members.map((member) => ({ cluster, ...member })));
  if (rows.length === 0) return "";
  return `\n${renderTable(rows, [{ head: "cluster", cell: ({ cluster }) => cluster }, { head: "instance", cell: ({ instance }) => instance }, ...offered()], screen)}`;
}

function instancesOf(rows: readonly InstanceRow[], leader: string | undefined, nowMs: number, screen: Screen): string {
  return renderTable(rows, [
    { head: "instance", cell: ({ instance, state }, paint) => (instance === leader && state === "member" ? paint.bold(instance) : instance) },
    { head: "state", cell: stateText },
    { head: "since", cell: ({ announcedAt }) => (announcedAt === null ? "" : showAge(announcedAt, nowMs)), align: "right" },
    { head: "user", cell: ({ principal }) => principal },
    ...offered(),
  ], screen);
}

/** What an instance says of itself, of whatever cluster it is. */
const offered = <Row extends MemberRecord>(): readonly Column<Row>[] => [
  { head: "hosts", cell: ({ kinds }) => kinds.join(" ") },
  { head: "slots", cell: ({ slots }) => String(slots), align: "right" },
  { head: "topics", cell: ({ topics }) => topics.join(" "), shrinks: true },
  { head: "properties", cell: ({ properties }) => Object.entries(properties).map(([name, value]) => `${name}=${harmless(value)}`).join(" "), shrinks: true },
];

function stateText({ state, suspectedBy }: InstanceRow, paint: Paint): string {
  if (state !== "suspect") return state;
  return paint.yellow(`suspect (${suspectedBy.map(({ by, kind }) => `${by}: ${kind}`).join(", ")})`);
}

export function changeLine({ change, at, type, about }: { readonly change: number; readonly at: number; readonly type: string; readonly about: string | number | null }, screen: Screen): string {
  const paint = paintOf(screen);
  return `${paint.dim(`${showInstant(at)}  ${change}`)}  ${type}${about === null ? "" : `  ${about}`}\n`;
}

/** What one instance does with a topic. */
export interface TopicCell {
  readonly instance: string;
  readonly cluster: string;
  readonly state: TopicState;
}

/** A topic, and every instance of any cluster that has a worker for it: those of the own cluster first. */
export interface TopicLine {
  readonly topic: string;
  readonly instances: readonly TopicCell[];
}

export const topicLines = (rows: readonly TopicRow[], own: string): readonly TopicLine[] =>
  rows.map(({ topic, instances, remote }) => ({ topic, instances: [...instances.map(({ instance, state }) => ({ instance, cluster: own, state })), ...remote.map(({ instance, cluster, state }) => ({ instance, cluster, state }))] }));

/** Without a terminal, what a matrix may be wide before it is a list. */
const MATRIX_CHARS_MAX = 160;

/** Topics against instances, those of a cluster side by side; where that is too wide, one line for each pair. */
export function topicsTable(lines: readonly TopicLine[], own: string, screen: Screen): string {
  const matrix = matrixOf(lines, own, screen);
  const widthMax = screen.isTerminal ? screen.columns : MATRIX_CHARS_MAX;
  return matrix.split("\n").every((line) => widthOf(line) <= widthMax) ? matrix : listOf(lines, screen);
}

function matrixOf(lines: readonly TopicLine[], own: string, screen: Screen): string {
  const heads = new Map<string, TopicCell>();
  for (const { instances } of lines) for (const cell of instances) heads.set(`${cell.cluster}/${cell.instance}`, cell);
  const rank = ({ cluster, instance }: TopicCell): string => `${cluster === own ? 0 : 1} ${cluster} ${instance}`;
  const columns = [...heads.values()].sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
  return renderTable(lines, [
    { head: "topic", cell: ({ topic }) => topic },
    ...columns.map(({ cluster, instance }): Column<TopicLine> => ({
      head: cluster === own ? instance : `${cluster}/${instance}`, isName: true,
      cell: ({ instances }, paint) => stateOf(instances.find((cell) => cell.cluster === cluster && cell.instance === instance), paint),
    })),
  ], { ...screen, isTerminal: false });
}

const stateOf = (cell: TopicCell | undefined, paint: Paint): string => (cell === undefined ? paint.dim("-") : cell.state === "disabled" ? paint.yellow(cell.state) : cell.state);

const listOf = (lines: readonly TopicLine[], screen: Screen): string => renderTable(lines.flatMap(({ topic, instances }) => instances.map((cell) => ({ topic, ...cell }))), [
  { head: "topic", cell: ({ topic }) => topic, shrinks: true },
  { head: "cluster", cell: ({ cluster }) => cluster },
  { head: "instance", cell: ({ instance }) => instance },
  { head: "state", cell: stateOf },
], screen);
