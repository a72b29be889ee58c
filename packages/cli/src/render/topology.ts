/** The topology as people read it. */
import type { ClusterView, ConflictReason, InstanceRow, MemberRecord, TopicRow } from "@longshore/discovery-agent";
import { mergeClusters } from "@longshore/discovery-agent";
import type { TopologyDocument } from "../commands/topology.ts";
import type { Screen } from "../io.ts";
import { harmless, type Paint, paintOf } from "./paint.ts";
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

export function topicsTable(topics: readonly TopicRow[], screen: Screen): string {
  const rows = topics.flatMap(({ topic, instances, remote }) => [...instances.map((here) => ({ topic, cluster: "", ...here })), ...remote.map((there) => ({ topic, ...there }))]);
  const isFederated = rows.some(({ cluster }) => cluster !== "");
  return renderTable(rows, [
    { head: "topic", cell: ({ topic }) => topic },
    ...(isFederated ? [{ head: "cluster", cell: ({ cluster }: { readonly cluster: string }) => cluster }] : []),
    { head: "instance", cell: ({ instance }) => instance },
    { head: "state", cell: ({ state }, paint) => (state === "disabled" ? paint.yellow(state) : state) },
  ], screen);
}
