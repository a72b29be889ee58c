/**
 * What may be asked of DiscoveryAgent, and the reasons it may refuse.
 *
 * A message to it is a map of verbs to items, in msgpack or JSON:
 *
 * | verb | roles | item |
 * |---|---|---|
 * | `announce` | hello | `{ instance, incarnation, witness?, properties?, topics?, slots?, kinds?, endpoints?, software?, leaderPriority?, isReady? }` |
 * | `properties` | hello (its own), operate | `{ instance, incarnation?, properties }`, with null for a name that is to go |
 * | `leave` | hello | `{ instance, incarnation }` |
 * | `ack` | hello | `{ instance, incarnation, number }` |
 * | `suspect` | hello | `{ by, byIncarnation, instance, incarnation, kind: "witness" or "silent", isHealthy }` |
 * | `refute` | hello | `{ by, byIncarnation, instance, incarnation }` |
 * | `topics` | operate | `{ instance, enable?, disable?, exclusive? }` |
 * | `remote` | hello (the leader), actor, peer (of itself) | `{ view: ClusterView, by?, byIncarnation?, number? }` |
 * | `remoteGone` | hello (the leader), actor, peer (of itself), operate | `{ clusterId, upTo?, by?, byIncarnation?, number? }` |
 * | `propose` | operate, actor | `{}` |
 * | `outage` | actor | `{ reason: "outage", "opened" or "stalled" }` |
 *
 * Announcing again renews: it is how an instance says that it lives, at least every 5 s, and it is answered with where
 * things stand (`Standing`). All commands are levels, not edges: repeated they are "already so", so whoever sends one repeats
 * it until it is answered. What `properties` says lies over what the instance announces, and goes with its incarnation. `witness` says that nobody answered at the instance's own address before this process listened there: its
 * predecessor is dead. `upTo`: the view up to which it is gone; one with a newer view is there again. `number` of `remote` is the view in which the sender leads: what a deposed leader says is refused.
 */
import type { Announcement, DiscardReason, EvidenceKind } from "./events.ts";
import type { PropertyChanges } from "./properties.ts";
import type { ClusterView } from "./vocabulary.ts";

/** A member that speaks about others. */
export interface Speaker {
  readonly by: string;
  readonly byIncarnation: string;
  readonly principal: string;
}

/** Proof of leadership: the sender is the first member of this activated view. */
export interface Leadership extends Speaker {
  readonly number: number;
}

export type DiscoveryCommand =
  | { readonly type: "Announce"; readonly instance: string; readonly incarnation: string; readonly principal: string; readonly witness: boolean; readonly announcement: Announcement }
  /** `incarnation`: undefined for whichever is there. `owner`: undefined for an operator, who may change those of any instance. Null takes a name away. */
  | { readonly type: "ChangeProperties"; readonly instance: string; readonly incarnation: string | undefined; readonly owner: string | undefined; readonly properties: PropertyChanges }
  | { readonly type: "Leave"; readonly instance: string; readonly incarnation: string; readonly principal: string }
  | { readonly type: "AckView"; readonly instance: string; readonly incarnation: string; readonly principal: string; readonly number: number }
  | { readonly type: "Suspect"; readonly speaker: Speaker; readonly instance: string; readonly incarnation: string; readonly kind: EvidenceKind; readonly isHealthy: boolean }
  | { readonly type: "Refute"; readonly speaker: Speaker; readonly instance: string; readonly incarnation: string }
  /** `exclusive`: null ends exclusive mode, undefined leaves it. `principal`: the operator. */
  | { readonly type: "ChangeTopics"; readonly instance: string; readonly enable: readonly string[]; readonly disable: readonly string[]; readonly exclusive: readonly string[] | null | undefined; readonly principal: string }
  /** `leader`: undefined when no member of this cluster says it. `peer`: name of the cluster that says it of itself. */
  | { readonly type: "AnnounceRemote"; readonly view: ClusterView; readonly leader: Leadership | undefined; readonly peer: string | undefined }
  | { readonly type: "ExpireRemote"; readonly clusterId: string; readonly upTo: number | undefined; readonly leader: Leadership | undefined; readonly peer: string | undefined }
  | { readonly type: "ProposeView" }
  | { readonly type: "DiscardEvidence"; readonly reason: DiscardReason };

export type DiscoveryRejection = {
  readonly code:
    | "instance/not-yours" | "instance/duplicate" | "instance/evicted" | "instance/unknown" | "instance/elsewhere" | "instance/stale-incarnation" | "instance/too-many"
    | "instance/not-member" | "instance/itself" | "view/unknown" | "view/none" | "leader/stale" | "topics/too-many" | "properties/too-many"
    | "remote/own-cluster" | "remote/stale" | "remote/too-many" | "remote/not-a-peer" | "remote/not-yours" | "remote/conflict";
  readonly message: string;
  readonly detail?: Readonly<Record<string, string | number>>;
};

/** What an accepted `announce` answers: how things stood when it was decided. */
export interface Standing {
  readonly clusterId: string | null;
  /** The activated view and the proposed one; 0: none. */
  readonly view: number;
  readonly proposed: number;
  readonly isMember: boolean;
  /** The proposal waits for this instance's ack. */
  readonly owesAck: boolean;
  /** Grows with everything that happens to the topology. */
  readonly change: number;
}
