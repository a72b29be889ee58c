/**
 * The words DiscoveryAgent shares with everybody who follows it: members, views, remote clusters.
 *
 * Plain data, canonical msgpack on the wire. Times are milliseconds of server time (UTC). The view number and the
 * kernel's epoch are two numbers: the epoch says who may write the history, the view number which members are agreed on.
 */
import { topologyAddress } from "@longshore/kernel";
import type { TopicLists } from "./enablement.ts";

/** What an instance says of itself: the announcement. */
export interface AnnouncedMember {
  /** Persistent id of the instance; it belongs to the principal that first announced it. */
  readonly instance: string;
  /** Another one at each start of the process, never used again. */
  readonly incarnation: string;
  /** Names `[A-Za-z0-9._-]`, values text; sorted by name. */
  readonly properties: Readonly<Record<string, string>>;
  /** Topic patterns it can consume (`a/b`, `a/*` children, `a/**` all below), sorted, each once, before enablement. */
  readonly topics: readonly string[];
  /** Jobs it takes at a time; 0 or more. */
  readonly slots: number;
  /** Kinds of actors it can host, for example `job-queue`; sorted, each once. */
  readonly kinds: readonly string[];
  readonly endpoints: readonly string[];
  readonly software: string;
  /** Higher first; orders simultaneous joiners and formation, and never moves a member that is there. */
  readonly leaderPriority: number;
  /** An instance that is not ready is seen as starting and belongs to no view. */
  readonly isReady: boolean;
}

/** An announced incarnation, as the history has it. */
export interface MemberRecord extends AnnouncedMember {
  readonly principal: string;
  /** Number of the view it joined with; 0 while it belongs to none. */
  readonly joinedView: number;
  /** Grows by one whenever its announcement changes in any field; 1 at first. */
  readonly propertiesVersion: number;
}

/** The members of one cluster, agreed on. */
export interface ClusterView {
  /** Given once, when the cluster was formed; never changes. */
  readonly clusterId: string;
  /** Name of the cluster: the token in its subjects. */
  readonly cluster: string;
  /** Grows with every view of the cluster, with gaps, and never repeats. */
  readonly number: number;
  /** Survivors keep their order, newcomers stand at the end; the first is the leader. Never empty. */
  readonly members: readonly MemberRecord[];
  /** Told to other clusters: the topic lists of those members that have any, in the order of members. */
  readonly lists?: readonly MemberLists[];
}

/** Which of its topics a member does not work on. */
export interface MemberLists extends TopicLists {
  readonly instance: string;
}

/**
 * Why what a cluster says of itself is not taken. `own-id`, `own-name`: it is called like this one; a copy of its history, or a
 * name given twice. `name-taken`: another cluster of that name is known. `diverged`: one cluster id, and two lines of views.
 */
export type ConflictReason = "own-id" | "own-name" | "name-taken" | "diverged";

/** Two clusters that cannot both be right. The one that was known first is kept. */
export interface ClusterConflict {
  readonly clusterId: string;
  readonly cluster: string;
  readonly reason: ConflictReason;
  /** When it was recorded last, milliseconds of server time. */
  readonly at: number;
}

/** What another cluster said of itself. */
export interface RemoteClusterView extends ClusterView {
  /** When it was heard last, milliseconds of this cluster's server time. */
  readonly heardAt: number;
}

/** Where a member is told of the topology, without the `ls.<cluster>.` in front. */
export const addressOf = ({ principal, instance }: Pick<MemberRecord, "principal" | "instance">): string => topologyAddress(principal, instance);

/** The leader of a view: its first member. */
export const leaderOf = ({ members }: ClusterView): MemberRecord | undefined => members[0];

/**
 * What a member is told at its address, `[kind, …]`: `proposed` and `activated` with the view's number, `changed` with the
 * number of the change, `suspected` and `evicted` with the incarnation that is meant.
 */
export const TOLD = { proposed: 0, activated: 1, changed: 2, suspected: 3, evicted: 4 } as const;
