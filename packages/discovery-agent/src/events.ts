/**
 * Everything that can happen to the membership of a cluster, each a recorded fact.
 *
 * Instances are named as they name themselves, incarnations too: evidence, acks and evictions hold for one incarnation
 * and for no other of the same instance. Codes and field order are the wire form: a field is only ever added at the end,
 * a changed meaning is a new code.
 */
import type { PropertyChanges } from "./properties.ts";
import type { AnnouncedMember, ClusterView, ConflictReason } from "./vocabulary.ts";

/** `witness`: the server says that nobody listens at its address. `silent`: no heartbeat and no answer. */
export type EvidenceKind = "witness" | "silent";
/**
 * Why an incarnation is gone. `left`: it said so. `replaced`: its instance has started anew. `witness`, `silent`: evidence of
 * others. `certain`: accused, and not heard of for `certainAfterMs`. `ack-overdue`: its listeners held up a view for too long.
 */
export type GoneCause = "left" | "replaced" | "witness" | "silent" | "certain" | "ack-overdue";
/** What made a proposal necessary. */
export type ProposalReason = "formed" | "joined" | "gone" | "superseded" | "asked";
/** `unheard`: nobody acked it while others waited to join. */
export type SupersedeReason = "gone" | "asked" | "unheard";
/** `outage`: the history could not be written. `opened`: another host writes it now. `stalled`: its host stood still. */
export type DiscardReason = "outage" | "opened" | "stalled";

/** One incarnation of an instance. */
export interface Who {
  readonly instance: string;
  readonly incarnation: string;
}

/** What may change of an announcement. */
export type Announcement = Omit<AnnouncedMember, "instance" | "incarnation">;

export type DiscoveryEvent =
  /** The first of all: the cluster id stands for ever. */
  | { readonly type: "ClusterFormed"; readonly clusterId: string; readonly cluster: string }
  /** An incarnation is there. It belongs to no view yet, and to none before it is ready. The one before it, if any, is gone. */
  | { readonly type: "InstanceAnnounced"; readonly instance: string; readonly incarnation: string; readonly principal: string; readonly announcement: Announcement }
  /** The whole announcement as it is now; versions of an incarnation grow by one. `set`: the part of it that was set from outside, and goes on lying over what the instance says. */
  | { readonly type: "InstancePropertiesChanged"; readonly instance: string; readonly incarnation: string; readonly version: number; readonly announcement: Announcement; readonly set?: PropertyChanges | undefined }
  /** Evidence, bound to the incarnation. What an accuser says of its own health: not healthy, and it does not count. */
  | { readonly type: "InstanceSuspected"; readonly instance: string; readonly incarnation: string; readonly by: string; readonly byIncarnation: string; readonly kind: EvidenceKind; readonly isHealthy: boolean }
  /** By the accused: all evidence against it is void. By an accuser: its own is. */
  | { readonly type: "SuspicionRefuted"; readonly instance: string; readonly incarnation: string; readonly by: string }
  | { readonly type: "InstanceLeaving"; readonly instance: string; readonly incarnation: string }
  /** The verdict on an incarnation: it never comes back. */
  | { readonly type: "InstanceEvicted"; readonly instance: string; readonly incarnation: string; readonly cause: GoneCause }
  /** First step of a view: everybody in `members` stops relying on the view before, says CHANGING to its listeners, and acks. */
  | { readonly type: "ViewProposed"; readonly number: number; readonly members: readonly Who[]; readonly joined: readonly string[]; readonly removed: readonly (Who & { readonly cause: GoneCause })[]; readonly reason: ProposalReason }
  /** The callbacks of this member have returned. */
  | { readonly type: "ViewAcked"; readonly number: number; readonly instance: string; readonly incarnation: string }
  /** Second step: the last proposal is the view. Its first member leads. */
  | { readonly type: "ViewActivated"; readonly number: number }
  /** The proposal is never activated; another follows. */
  | { readonly type: "ViewSuperseded"; readonly number: number; readonly reason: SupersedeReason }
  /** A view waits for these members. */
  | { readonly type: "AckOverdue"; readonly number: number; readonly instances: readonly string[] }
  /** The lists of one instance as they are now. `exclusive`: nothing else is enabled; undefined: everything is that is not disabled. */
  | { readonly type: "TopicEnablementChanged"; readonly instance: string; readonly exclusive: readonly string[] | undefined; readonly disabled: readonly string[]; readonly by: string }
  | { readonly type: "RemoteClusterAnnounced"; readonly view: ClusterView }
  /** It said again what it had said. */
  | { readonly type: "RemoteClusterHeard"; readonly clusterId: string }
  | { readonly type: "RemoteClusterExpired"; readonly clusterId: string }
  /** A second process used an instance id whose first is alive, and was refused. */
  | { readonly type: "DuplicateInstanceDetected"; readonly instance: string; readonly incarnation: string; readonly principal: string; readonly living: string }
  /** All evidence is void, deadlines begin anew, and for `quietMs` silence counts for nothing. */
  | { readonly type: "EvidenceDiscarded"; readonly reason: DiscardReason; readonly quietMs: number }
  /** The oldest incarnations that are gone, by count, are no longer remembered. */
  | { readonly type: "GoneForgotten"; readonly count: number }
  /** Another cluster says of itself what cannot be: it is not taken. Recorded again while it goes on, once a minute. */
  | { readonly type: "ClusterIdConflict"; readonly clusterId: string; readonly cluster: string; readonly reason: ConflictReason };

export type DiscoveryEventType = DiscoveryEvent["type"];
export type EventOf<Type extends DiscoveryEventType> = Extract<DiscoveryEvent, { type: Type }>;

export const EVENT_CODES: Readonly<Record<DiscoveryEventType, number>> = {
  ClusterFormed: 16, InstanceAnnounced: 17, InstancePropertiesChanged: 18, InstanceSuspected: 19, SuspicionRefuted: 20,
  InstanceLeaving: 21, InstanceEvicted: 22, ViewProposed: 23, ViewAcked: 24, ViewActivated: 25, ViewSuperseded: 26,
  AckOverdue: 27, TopicEnablementChanged: 28, RemoteClusterAnnounced: 29, RemoteClusterHeard: 30, RemoteClusterExpired: 31,
  DuplicateInstanceDetected: 32, EvidenceDiscarded: 33, GoneForgotten: 34, ClusterIdConflict: 35,
};
