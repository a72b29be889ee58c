/** DiscoveryAgent's public surface. */

export type { TopologyHandler } from "./topology/call-handler.ts";
export type { TopologyDifference } from "./topology/compare.ts";
export { compareTopology, isSameTopology } from "./topology/compare.ts";
export type { InstancesDiff, Side } from "./topology/diff.ts";
export { diffEvent, diffInstances, diffTopology } from "./topology/diff.ts";
export type { DoubtGraces, LocalDoubt } from "./topology/doubts.ts";
export type { TopologyEvent } from "./topology/event.ts";
export { allOf, hasProperty, inCluster, isLeader, isLocal, not } from "./topology/filters.ts";
export type { DeliveryEntry, DeliveryLog, DeliveryViolation, SeenView } from "./topology/invariants.ts";
export { checkDelivery, ViewIds } from "./topology/invariants.ts";
export type { RemoteCluster } from "./topology/merge.ts";
export type { ListenOptions, TopologyOptions } from "./topology/options.ts";
export type { Doubt, TopologyFacts } from "./topology/topology.ts";
export { Topology } from "./topology/topology.ts";
export type { Instance, InstanceFilter, TopologyCluster, TopologyView } from "./topology/view.ts";
export type { AnnouncedMember, ClusterView, MemberRecord, RemoteClusterView } from "./vocabulary.ts";
export { addressOf, leaderOf } from "./vocabulary.ts";
