/**
 * DiscoveryAgent's public surface.
 *
 * The service that hosts the history, in a process that may be a member too:
 *
 *     new Host(discoveryAgent({ cluster }), hostPorts(DISCOVERY_KIND, DISCOVERY_ACTOR), { …, attendants: [outages(), announcer({ peers, telemetry })] }).open();
 *
 * Every instance, hosting or not (`test/discovery/world.ts` is this, in full):
 *
 *     const topology = new Topology({ self, cluster, clock, onAckOwed: () => member.ackOwed(), onFault });
 *     const detector = new Detector({ …who, view, isRenewed: () => member.isRenewed,
 *       accuse: (accused) => member.suspect(accused), withdraw: (who) => member.refute(who) }, ports);
 *     const member = new Member({ …who, announcement, topology, onEnded, onRead: ({ view, proposed }) => detector.observe(everybodyIn(view, proposed)) }, ports);
 *     topology.start(); member.start(); detector.start();      // and at the end member.leave()
 *
 * `onEnded` other than `left` means: stop working, and start again with another incarnation, or ask a person. `Candidate` says
 * when an instance that can opens the host; `Host` is fenced by the journal whoever is wrong. `violationsIn` judges a history.
 */

export type { AnnouncerOptions } from "./attendants/announcer.ts";
export { announcer } from "./attendants/announcer.ts";
export type { CandidateOptions, Opening } from "./attendants/candidate.ts";
export { Candidate } from "./attendants/candidate.ts";
export type { DetectorOptions } from "./attendants/detector.ts";
export { DETECTOR, Detector, observedBy } from "./attendants/detector.ts";
export type { MemberEnd, MemberOptions, MemberPorts } from "./attendants/member.ts";
export { MEMBER, Member } from "./attendants/member.ts";
export { outages } from "./attendants/outages.ts";
export type { DiscoveryCommand, DiscoveryRejection, Standing } from "./commands.ts";
export type { DiscoveryAgentActor, DiscoveryAgentOptions } from "./discovery-agent.ts";
export { DISCOVERY_ACTOR, DISCOVERY_KIND, discoveryAgent } from "./discovery-agent.ts";
export type { TopicLists, TopicState } from "./enablement.ts";
export { enabledTopics, topicState } from "./enablement.ts";
export type { Announcement, DiscoveryEvent, DiscoveryEventType, EventOf, EvidenceKind, GoneCause, Who } from "./events.ts";
export { EVENT_CODES } from "./events.ts";
export type { InvariantId, InvariantViolation } from "./invariants.ts";
export { TopologyCheck, violationsIn } from "./invariants.ts";
export type { DiscoveryLimits } from "./limits.ts";
export { DISCOVERY_LIMITS, INPUT_LIMITS } from "./limits.ts";
export { hostsFor } from "./placement.ts";
export type { InstanceRow, InstanceState, TopicRow, TopologyAnswer } from "./queries.ts";
export type { Change, DiscoveryState } from "./state.ts";
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
export { mergeClusters } from "./topology/merge.ts";
export { observedView } from "./topology/observed.ts";
export type { ListenOptions, TopologyOptions } from "./topology/options.ts";
export type { Doubt, TopologyFacts } from "./topology/topology.ts";
export { Topology } from "./topology/topology.ts";
export type { Instance, InstanceFilter, TopologyCluster, TopologyView } from "./topology/view.ts";
export type { AnnouncedMember, ClusterConflict, ClusterView, ConflictReason, MemberLists, MemberRecord, RemoteClusterView } from "./vocabulary.ts";
export { addressOf, leaderOf, TOLD } from "./vocabulary.ts";
