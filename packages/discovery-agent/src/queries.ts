/**
 * Questions and their answers. Nothing here changes the state.
 *
 * | ask | with | answer |
 * |---|---|---|
 * | `view` | | `TopologyAnswer`: the activated view, the proposed one with those who have not acked, remote clusters |
 * | `instances` | | `InstanceRow[]`: everybody who is there, starting and suspect ones too |
 * | `topics` | | `TopicRow[]`: for each registered topic who has a consumer, also in other clusters, and whether it works on it |
 * | `since` | `change` | `{ change, changes }`, the changes after that one; `changes` is null when they are no longer kept |
 *
 * `change` grows with every change of the topology, and stands in every answer. The head of an answer has the commit.
 */
import type { Sender } from "@longshore/kernel";
import { Fault } from "@longshore/kernel";
import type { Fields } from "@longshore/kernel/reading";
import { integer, Unreadable } from "@longshore/kernel/reading";
import type { TopicState } from "./enablement.ts";
import { topicState } from "./enablement.ts";
import type { EvidenceKind, ProposalReason } from "./events.ts";
import { CONFLICT_SHOWN_MS } from "./limits.ts";
import { missingAcks } from "./settle.ts";
import type { Change, DiscoveryState, Living } from "./state.ts";
import type { RemoteCluster } from "./topology/merge.ts";
import { mergeClusters } from "./topology/merge.ts";
import type { ClusterConflict, ClusterView, MemberRecord } from "./vocabulary.ts";

/** The topology as this history has it. */
export interface TopologyAnswer {
  readonly change: number;
  readonly view: ClusterView | null;
  /** While a view is proposed the activated one must not be relied on. */
  readonly proposed: (ClusterView & { readonly reason: ProposalReason; readonly since: number; readonly missing: readonly string[] }) | null;
  /** As they were told; `mergeClusters` gives each instance one cluster. */
  readonly remote: readonly RemoteCluster[];
  /** Clusters that say of themselves what cannot be, in the last two minutes. */
  readonly conflicts: readonly ClusterConflict[];
}

export type InstanceState = "starting" | "ready" | "member" | "suspect" | "leaving";

/** One incarnation that is there, or is still in the view although it is gone (`leaving`). */
export interface InstanceRow extends MemberRecord {
  readonly state: InstanceState;
  readonly announcedAt: number | null;
  readonly suspectedBy: readonly { readonly by: string; readonly kind: EvidenceKind; readonly isHealthy: boolean; readonly at: number }[];
}

export interface TopicRow {
  /** As consumers registered for it. */
  readonly topic: string;
  readonly instances: readonly { readonly instance: string; readonly state: TopicState }[];
  /** Instances of other clusters, by cluster. */
  readonly remote: readonly { readonly cluster: string; readonly instance: string; readonly state: TopicState }[];
}

/** @throws {Fault} `query/unknown`, `query/malformed` */
export function query(state: DiscoveryState, question: Fields, _sender: Sender, at: number): unknown {
  try {
    return answer(state, question, at);
  } catch (problem) {
    if (problem instanceof Unreadable) throw new Fault("query/malformed", problem.message, { retry: "never", cause: problem });
    throw problem;
  }
}

function answer(state: DiscoveryState, question: Fields, at: number): unknown {
  switch (question["ask"]) {
    case "view": return topologyAnswer(state, at);
    case "instances": return instanceRows(state);
    case "topics": return topicRows(state);
    case "since": return changesSince(state, integer("change", question["change"], 0, Number.MAX_SAFE_INTEGER));
    default:
      throw new Fault("query/unknown", `a discovery agent answers view, instances, topics and since, not "${String(question["ask"])}"`, { retry: "never" });
  }
}

function topologyAnswer(state: DiscoveryState, at: number): TopologyAnswer {
  const { change, clusterId, cluster, proposed } = state;
  const remote = state.remoteClusters();
  const conflicts = [...state.conflicts.values()].filter((conflict) => at - conflict.at < CONFLICT_SHOWN_MS);
  const view = state.clusterView() ?? null;
  if (proposed === undefined || clusterId === undefined) return { change, view, proposed: null, remote, conflicts };
  const { number, members, reason, since } = proposed;
  const missing = missingAcks(proposed).map(({ instance }) => instance);
  return { change, view, proposed: { clusterId, cluster, number, members, reason, since, missing }, remote, conflicts };
}

function instanceRows(state: DiscoveryState): readonly InstanceRow[] {
  const leaving = (state.view?.members ?? []).filter((member) => !state.isLiving(member))
    .map((member): InstanceRow => ({ ...member, state: "leaving", announcedAt: null, suspectedBy: [] }));
  return [...[...state.living.values()].map((living) => rowOf(state, living)), ...leaving];
}

function rowOf(state: DiscoveryState, { record, announcedAt, readyAt, evidence }: Living): InstanceRow {
  const suspectedBy = [...evidence].map(([by, { kind, isHealthy, at }]) => ({ by, kind, isHealthy, at }));
  const settled: InstanceState = state.isMember(record) ? "member" : readyAt === undefined ? "starting" : "ready";
  return { ...record, state: suspectedBy.length > 0 ? "suspect" : settled, announcedAt, suspectedBy };
}

/** A topic as it is told: rows are filled as instances are looked through. */
interface FillingRow {
  readonly topic: string;
  readonly instances: { instance: string; state: TopicState }[];
  readonly remote: { cluster: string; instance: string; state: TopicState }[];
}

function topicRows(state: DiscoveryState): readonly TopicRow[] {
  const rows = new Map<string, FillingRow>();
  const rowOfTopic = (topic: string): FillingRow => {
    const row = rows.get(topic) ?? { topic, instances: [], remote: [] };
    rows.set(topic, row);
    return row;
  };
  for (const { record: { instance, topics } } of state.living.values()) {
    const lists = state.names.get(instance) ?? NO_LISTS;
    for (const topic of topics) rowOfTopic(topic).instances.push({ instance, state: topicState(topic, lists) });
  }
  for (const { cluster, members, lists } of mergeClusters(state.clusterView() ?? NOBODY, state.remoteClusters())) {
    const listsOf = new Map(lists?.map((own) => [own.instance, own]));
    for (const { instance, topics } of members) {
      for (const topic of topics) rowOfTopic(topic).remote.push({ cluster, instance, state: topicState(topic, listsOf.get(instance) ?? NO_LISTS) });
    }
  }
  return [...rows.values()].sort((a, b) => (a.topic < b.topic ? -1 : 1));
}

const NO_LISTS = { exclusive: undefined, disabled: [] } as const;
/** Before the first view every instance of another cluster is that cluster's. */
const NOBODY: ClusterView = { clusterId: "", cluster: "", number: 0, members: [] };

function changesSince(state: DiscoveryState, change: number): { readonly change: number; readonly changes: readonly Change[] | null } {
  const isKept = change >= state.change - state.changes.length && change <= state.change;
  return { change: state.change, changes: isKept ? state.changes.filter((one) => one.change > change) : null };
}
