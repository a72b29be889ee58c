/** Members and views for tests; what does not matter is left to these. */
import type { ClusterView, MemberRecord, RemoteClusterView } from "../../vocabulary.ts";
import { LiveTopologyView } from "../view.ts";

export const member = (instance: string, fields: Partial<MemberRecord> = {}): MemberRecord => ({
  instance, incarnation: `${instance}.1`, principal: "worker", joinedView: 1, properties: {}, propertiesVersion: 1, topics: [], slots: 1, kinds: [],
  endpoints: [], software: "longshore", leaderPriority: 0, isReady: true, ...fields,
});

export const cluster = (number: number, members: readonly (string | MemberRecord)[], fields: Partial<ClusterView> = {}): ClusterView => ({
  clusterId: "one", cluster: "main", number, members: members.map((each) => (typeof each === "string" ? member(each) : each)), ...fields,
});

export const remoteCluster = (clusterId: string, number: number, members: readonly (string | MemberRecord)[], heardAt: number = number): RemoteClusterView => ({
  ...cluster(number, members), clusterId, cluster: clusterId, heardAt,
});

/** The view of the local cluster that its first member has, unless told otherwise. */
export const viewOf = (local: ClusterView, remote: readonly RemoteClusterView[] = [], incarnation: string = local.members[0]!.incarnation): LiveTopologyView =>
  new LiveTopologyView({ local, remote, incarnation });

export function retired(view: LiveTopologyView): LiveTopologyView {
  view.retire();
  return view;
}
