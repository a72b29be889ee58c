/** What the history says so far: who is announced, what is held against whom, which view stands and which is proposed. */
import type { EvidenceKind, GoneCause, ProposalReason, Who } from "./events.ts";
import type { PropertyChanges } from "./properties.ts";
import type { RemoteCluster } from "./topology/merge.ts";
import type { ClusterConflict, ClusterView, MemberLists, MemberRecord } from "./vocabulary.ts";

/** What one accuser holds against an incarnation. */
export interface Evidence {
  readonly byIncarnation: string;
  readonly kind: EvidenceKind;
  readonly isHealthy: boolean;
  readonly at: number;
}

/** An incarnation that is neither gone nor evicted, member or not. */
export interface Living {
  record: MemberRecord;
  readonly announcedAt: number;
  /** Since when it may join; undefined while it starts. */
  readyAt: number | undefined;
  /** By accuser. */
  readonly evidence: Map<string, Evidence>;
  /** The incarnation that was last refused as its duplicate: recorded once, however often it asks. */
  refused: string | undefined;
  /** What was set from outside: it lies over what the instance announces. */
  set: PropertyChanges | undefined;
}

export interface View {
  readonly number: number;
  members: MemberRecord[];
  readonly activatedAt: number;
}

export interface Proposal {
  readonly number: number;
  members: MemberRecord[];
  readonly joined: readonly string[];
  readonly removed: readonly (Who & { readonly cause: GoneCause })[];
  readonly reason: ProposalReason;
  /** When it was proposed, or when an outage was over. */
  since: number;
  /** From here the deadline counts: somebody has acked, so the history is heard. */
  ackedSince: number | undefined;
  readonly acked: Set<string>;
  isWarned: boolean;
}

/** The name of an instance: whose it is, and its topic lists. Both outlive its incarnations. */
export interface Name {
  readonly principal: string;
  exclusive: readonly string[] | undefined;
  disabled: readonly string[];
}

export interface Remote {
  readonly view: ClusterView;
  heardAt: number;
  /** Since when it lists each incarnation, by `keyOf`. */
  readonly listedAt: ReadonlyMap<string, number>;
}

/** One line of what happened: `about` is an instance, a view number or a cluster id. */
export interface Change {
  readonly change: number;
  readonly at: number;
  readonly type: string;
  readonly about: string | number | null;
}

export class DiscoveryState {
  clusterId: string | undefined = undefined;
  cluster = "";
  formedAt = 0;
  /** When the last event was folded. */
  lastAt = 0;
  /** The highest number any proposal had. */
  lastNumber = 0;
  /** Until then silence counts for nothing. */
  quietUntil = 0;
  view: View | undefined = undefined;
  proposed: Proposal | undefined = undefined;
  /** A proposal was superseded: members wait for another, even if it has the members of the view. */
  mustPropose = false;
  readonly living: Map<string, Living> = new Map();
  readonly names: Map<string, Name> = new Map();
  /** By `keyOf`, the longest gone first. */
  readonly gone: Map<string, { readonly at: number; readonly cause: GoneCause }> = new Map();
  /** By cluster id. */
  readonly remotes: Map<string, Remote> = new Map();
  /** By `conflictKeyOf`, the one recorded last at the end. */
  readonly conflicts: Map<string, ClusterConflict> = new Map();
  /** The newest, oldest first. */
  readonly changes: Change[] = [];
  change = 0;

  /** The incarnation is there: announced, and neither gone nor replaced. */
  isLiving({ instance, incarnation }: Who): boolean {
    return this.living.get(instance)?.record.incarnation === incarnation;
  }

  /** It has been there and never comes back, as far as is remembered. */
  isGone(who: Who): boolean {
    return this.gone.has(keyOf(who)) || (!this.isLiving(who) && hasMember(this.view?.members, who));
  }

  isMember(who: Who): boolean {
    return hasMember(this.view?.members, who);
  }

  isProposed(who: Who): boolean {
    return hasMember(this.proposed?.members, who);
  }

  clusterView(): ClusterView | undefined {
    const { clusterId, cluster, view } = this;
    return clusterId === undefined || view === undefined ? undefined : { clusterId, cluster, number: view.number, members: view.members };
  }

  /** What other clusters are told: the activated view, and which topics its members do not work on. */
  announcement(): ClusterView | undefined {
    const view = this.clusterView();
    if (view === undefined) return undefined;
    const lists = view.members.flatMap(({ instance }): MemberLists[] => {
      const name = this.names.get(instance);
      return name === undefined || (name.exclusive === undefined && name.disabled.length === 0) ? [] : [{ instance, exclusive: name.exclusive, disabled: name.disabled }];
    });
    return lists.length === 0 ? view : { ...view, lists };
  }

  /** What other clusters say of themselves, unmerged: `mergeClusters` says which of them an instance belongs to. */
  remoteClusters(): readonly RemoteCluster[] {
    return [...this.remotes.values()].map(({ view, heardAt, listedAt }) => ({ ...view, heardAt, joined: Object.fromEntries(listedAt) }));
  }
}

export const keyOf = ({ instance, incarnation }: Who): string => `${instance}/${incarnation}`;

export const conflictKeyOf = ({ clusterId, cluster }: Pick<ClusterView, "clusterId" | "cluster">): string => `${clusterId}/${cluster}`;

export const sameWho = (a: Who, b: Who): boolean => a.instance === b.instance && a.incarnation === b.incarnation;

const hasMember = (members: readonly MemberRecord[] | undefined, who: Who): boolean => members?.some((member) => sameWho(member, who)) === true;
