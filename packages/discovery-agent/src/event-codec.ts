/** Events as arrays for the journal, `[code, …fields]` in the order of `events.ts`, and back. */
import type { EventCodec } from "@longshore/kernel";
import { Defect } from "@longshore/kernel";
import type { Announcement, DiscardReason, DiscoveryEvent, EvidenceKind, GoneCause, ProposalReason, SupersedeReason } from "./events.ts";
import { EVENT_CODES as CODE } from "./events.ts";
import type { PropertyChanges } from "./properties.ts";
import type { ClusterView, ConflictReason, MemberLists, MemberRecord } from "./vocabulary.ts";

const EVIDENCE: readonly EvidenceKind[] = ["witness", "silent"];
const CAUSES: readonly GoneCause[] = ["left", "replaced", "witness", "silent", "certain", "ack-overdue"];
const REASONS: readonly ProposalReason[] = ["formed", "joined", "gone", "superseded", "asked"];
const SUPERSEDED: readonly SupersedeReason[] = ["gone", "asked", "unheard"];
const CONFLICTS: readonly ConflictReason[] = ["own-id", "own-name", "name-taken", "diverged"];
const DISCARDED: readonly DiscardReason[] = ["outage", "opened", "stalled"];

type AnnouncementWire = readonly [
  properties: Readonly<Record<string, string>>, topics: readonly string[], slots: number, kinds: readonly string[],
  endpoints: readonly string[], software: string, leaderPriority: number, isReady: boolean,
];
type MemberWire = readonly [instance: string, incarnation: string, principal: string, joinedView: number, propertiesVersion: number, announcement: AnnouncementWire];
type ListsWire = readonly [instance: string, exclusive: readonly string[] | null, disabled: readonly string[]];
export type ViewWire = readonly [clusterId: string, cluster: string, number: number, members: readonly MemberWire[], lists?: readonly ListsWire[]];

const announcementToWire = (a: Announcement): AnnouncementWire =>
  [a.properties, a.topics, a.slots, a.kinds, a.endpoints, a.software, a.leaderPriority, a.isReady];

const announcementFromWire = ([properties, topics, slots, kinds, endpoints, software, leaderPriority, isReady]: AnnouncementWire): Announcement =>
  ({ properties, topics, slots, kinds, endpoints, software, leaderPriority, isReady });

export const memberToWire = (m: MemberRecord): MemberWire =>
  [m.instance, m.incarnation, m.principal, m.joinedView, m.propertiesVersion, announcementToWire(m)];

export const memberFromWire = ([instance, incarnation, principal, joinedView, propertiesVersion, announcement]: MemberWire): MemberRecord =>
  ({ instance, incarnation, principal, joinedView, propertiesVersion, ...announcementFromWire(announcement) });

export const viewToWire = ({ clusterId, cluster, number, members, lists }: ClusterView): ViewWire => {
  const wire = [clusterId, cluster, number, members.map(memberToWire)] as const;
  return lists === undefined ? wire : [...wire, lists.map(({ instance, exclusive, disabled }): ListsWire => [instance, exclusive ?? null, disabled])];
};
export const viewFromWire = ([clusterId, cluster, number, members, lists]: ViewWire): ClusterView => {
  const view = { clusterId, cluster, number, members: members.map(memberFromWire) };
  if (lists === undefined) return view;
  return { ...view, lists: lists.map(([instance, exclusive, disabled]): MemberLists => ({ instance, exclusive: exclusive ?? undefined, disabled })) };
};

function encode(event: DiscoveryEvent): readonly unknown[] {
  const code = CODE[event.type];
  switch (event.type) {
    case "ClusterFormed": return [code, event.clusterId, event.cluster];
    case "InstanceAnnounced": return [code, event.instance, event.incarnation, event.principal, announcementToWire(event.announcement)];
    case "InstancePropertiesChanged": {
      const wire = [code, event.instance, event.incarnation, event.version, announcementToWire(event.announcement)];
      return event.set === undefined ? wire : [...wire, event.set];
    }
    case "InstanceSuspected":
      return [code, event.instance, event.incarnation, event.by, event.byIncarnation, EVIDENCE.indexOf(event.kind), event.isHealthy];
    case "SuspicionRefuted": return [code, event.instance, event.incarnation, event.by];
    case "InstanceLeaving": return [code, event.instance, event.incarnation];
    case "InstanceEvicted": return [code, event.instance, event.incarnation, CAUSES.indexOf(event.cause)];
    case "ViewProposed": {
      const { number, members, joined, removed, reason } = event;
      return [
        code, number, members.map(({ instance, incarnation }) => [instance, incarnation]), joined,
        removed.map(({ instance, incarnation, cause }) => [instance, incarnation, CAUSES.indexOf(cause)]), REASONS.indexOf(reason),
      ];
    }
    case "ViewAcked": return [code, event.number, event.instance, event.incarnation];
    case "ViewActivated": return [code, event.number];
    case "ViewSuperseded": return [code, event.number, SUPERSEDED.indexOf(event.reason)];
    case "AckOverdue": return [code, event.number, event.instances];
    case "TopicEnablementChanged": return [code, event.instance, event.exclusive ?? null, event.disabled, event.by];
    case "RemoteClusterAnnounced": return [code, viewToWire(event.view)];
    case "RemoteClusterHeard": case "RemoteClusterExpired": return [code, event.clusterId];
    case "DuplicateInstanceDetected": return [code, event.instance, event.incarnation, event.principal, event.living];
    case "EvidenceDiscarded": return [code, DISCARDED.indexOf(event.reason), event.quietMs];
    case "GoneForgotten": return [code, event.count];
    case "ClusterIdConflict": return [code, event.clusterId, event.cluster, CONFLICTS.indexOf(event.reason)];
  }
}

/** Fields of a wire event, each as its type says: it was written by `encode`, behind a hash. */
type Fields = readonly [code: number, ...rest: never[]];
type Reader = (...fields: never[]) => DiscoveryEvent;

function decode(wire: readonly unknown[]): DiscoveryEvent {
  const [code, ...fields] = wire as Fields;
  const read = READERS[code];
  if (read === undefined) throw new Defect(`the journal has an event with code ${code}, which this program does not know`);
  return read(...fields);
}

const READERS: Readonly<Record<number, Reader>> = {
  [CODE.ClusterFormed]: (clusterId: string, cluster: string) => ({ type: "ClusterFormed", clusterId, cluster }),
  [CODE.InstanceAnnounced]: (instance: string, incarnation: string, principal: string, announcement: AnnouncementWire) =>
    ({ type: "InstanceAnnounced", instance, incarnation, principal, announcement: announcementFromWire(announcement) }),
  [CODE.InstancePropertiesChanged]: (instance: string, incarnation: string, version: number, announcement: AnnouncementWire, set?: PropertyChanges) =>
    ({ type: "InstancePropertiesChanged", instance, incarnation, version, announcement: announcementFromWire(announcement), ...(set === undefined ? {} : { set }) }),
  [CODE.InstanceSuspected]: (instance: string, incarnation: string, by: string, byIncarnation: string, kind: number, isHealthy: boolean) =>
    ({ type: "InstanceSuspected", instance, incarnation, by, byIncarnation, kind: EVIDENCE[kind]!, isHealthy }),
  [CODE.SuspicionRefuted]: (instance: string, incarnation: string, by: string) => ({ type: "SuspicionRefuted", instance, incarnation, by }),
  [CODE.InstanceLeaving]: (instance: string, incarnation: string) => ({ type: "InstanceLeaving", instance, incarnation }),
  [CODE.InstanceEvicted]: (instance: string, incarnation: string, cause: number) => ({ type: "InstanceEvicted", instance, incarnation, cause: CAUSES[cause]! }),
  [CODE.ViewProposed]: (number: number, members: readonly [string, string][], joined: readonly string[], removed: readonly [string, string, number][], reason: number) => ({
    type: "ViewProposed", number, members: members.map(([instance, incarnation]) => ({ instance, incarnation })), joined,
    removed: removed.map(([instance, incarnation, cause]) => ({ instance, incarnation, cause: CAUSES[cause]! })), reason: REASONS[reason]!,
  }),
  [CODE.ViewAcked]: (number: number, instance: string, incarnation: string) => ({ type: "ViewAcked", number, instance, incarnation }),
  [CODE.ViewActivated]: (number: number) => ({ type: "ViewActivated", number }),
  [CODE.ViewSuperseded]: (number: number, reason: number) => ({ type: "ViewSuperseded", number, reason: SUPERSEDED[reason]! }),
  [CODE.AckOverdue]: (number: number, instances: readonly string[]) => ({ type: "AckOverdue", number, instances }),
  [CODE.TopicEnablementChanged]: (instance: string, exclusive: readonly string[] | null, disabled: readonly string[], by: string) =>
    ({ type: "TopicEnablementChanged", instance, exclusive: exclusive ?? undefined, disabled, by }),
  [CODE.RemoteClusterAnnounced]: (view: ViewWire) => ({ type: "RemoteClusterAnnounced", view: viewFromWire(view) }),
  [CODE.RemoteClusterHeard]: (clusterId: string) => ({ type: "RemoteClusterHeard", clusterId }),
  [CODE.RemoteClusterExpired]: (clusterId: string) => ({ type: "RemoteClusterExpired", clusterId }),
  [CODE.DuplicateInstanceDetected]: (instance: string, incarnation: string, principal: string, living: string) =>
    ({ type: "DuplicateInstanceDetected", instance, incarnation, principal, living }),
  [CODE.EvidenceDiscarded]: (reason: number, quietMs: number) => ({ type: "EvidenceDiscarded", reason: DISCARDED[reason]!, quietMs }),
  [CODE.GoneForgotten]: (count: number) => ({ type: "GoneForgotten", count }),
  [CODE.ClusterIdConflict]: (clusterId: string, cluster: string, reason: number) => ({ type: "ClusterIdConflict", clusterId, cluster, reason: CONFLICTS[reason]! }),
};

export const eventCodec: EventCodec<DiscoveryEvent> = { encode, decode };
