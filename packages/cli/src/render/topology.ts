/** The topology as people read it. */
import type { InstanceRow, TopicRow } from "@longshore/discovery-agent";
import type { TopologyDocument } from "../commands/topology.ts";
import type { Screen } from "../io.ts";
import { type Paint, paintOf } from "./paint.ts";
import { showAge, showInstant } from "./quantities.ts";
import { renderFields, renderTable } from "./table.ts";

export function topologyText({ view, proposed, remote, instances, host }: TopologyDocument, nowMs: number, screen: Screen): string {
  const paint = paintOf(screen);
  const leader = view?.members[0]?.instance;
  const order = new Map((view?.members ?? []).map(({ incarnation }, place) => [incarnation, place]));
  const placeOf = ({ incarnation }: InstanceRow): number => order.get(incarnation) ?? order.size;
  const rows = [...instances].sort((a, b) => placeOf(a) - placeOf(b));
  const clusters = remote.map(({ cluster, number, members, heardAt }) => [`cluster ${cluster}`, `view ${number}, ${members.length} instances, heard ${showAge(heardAt, nowMs)} ago`] as const);
  return renderFields([
    ["cluster", view === null ? undefined : `${paint.bold(view.cluster)}  ${paint.dim(view.clusterId)}`],
    ["view", view === null ? "none yet" : String(view.number)],
    ["leader", leader],
    ["history", `hosted by ${host.instance}, epoch ${host.epoch}`],
    ["changing", proposed === null ? undefined : paint.yellow(`view ${proposed.number} is proposed (${proposed.reason}); waiting for ${proposed.missing.join(", ") || "nobody"}`)],
    ...clusters,
  ], screen) + (rows.length === 0 ? "" : `\n${instancesOf(rows, leader, nowMs, screen)}`);
}

function instancesOf(rows: readonly InstanceRow[], leader: string | undefined, nowMs: number, screen: Screen): string {
  return renderTable(rows, [
    { head: "instance", cell: ({ instance, state }, paint) => (instance === leader && state === "member" ? paint.bold(instance) : instance) },
    { head: "state", cell: stateText },
    { head: "since", cell: ({ announcedAt }) => (announcedAt === null ? "" : showAge(announcedAt, nowMs)), align: "right" },
    { head: "user", cell: ({ principal }) => principal },
    { head: "hosts", cell: ({ kinds }) => kinds.join(" ") },
    { head: "slots", cell: ({ slots }) => String(slots), align: "right" },
    { head: "topics", cell: ({ topics }) => topics.join(" "), shrinks: true },
    { head: "properties", cell: ({ properties }) => Object.entries(properties).map(([name, value]) => `${name}=${value}`).join(" "), shrinks: true },
  ], screen);
}

function stateText({ state, suspectedBy }: InstanceRow, paint: Paint): string {
  if (state !== "suspect") return state;
  return paint.yellow(`suspect (${suspectedBy.map(({ by, kind }) => `${by}: ${kind}`).join(", ")})`);
}

export function changeLine({ change, at, type, about }: { readonly change: number; readonly at: number; readonly type: string; readonly about: string | number | null }, screen: Screen): string {
  const paint = paintOf(screen);
  return `${paint.dim(`${showInstant(at)}  ${change}`)}  ${type}${about === null ? "" : `  ${about}`}\n`;
}

export function topicsTable(topics: readonly TopicRow[], screen: Screen): string {
  const rows = topics.flatMap(({ topic, instances }) => instances.map(({ instance, state }) => ({ topic, instance, state })));
  return renderTable(rows, [
    { head: "topic", cell: ({ topic }) => topic },
    { head: "instance", cell: ({ instance }) => instance },
    { head: "state", cell: ({ state }, paint) => (state === "disabled" ? paint.yellow(state) : state) },
  ], screen);
}
