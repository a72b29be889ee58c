/** One instance's picture of the topology: its own cluster, the others it hears of, and whether the picture may be trusted. */
import { Fault, invariant } from "@longshore/kernel";
import type { ClusterView, MemberRecord } from "../vocabulary.ts";
import { mergeClusters, type RemoteCluster } from "./merge.ts";

/** One instance as a view has it; a change makes new ones, and this one stays as it is. */
export interface Instance extends MemberRecord {
  readonly clusterId: string;
  readonly cluster: string;
  /** It is the one that asks. Told by the incarnation, never transmitted; nobody in another cluster is local. */
  readonly isLocal: boolean;
  /** First of its cluster. */
  readonly isLeader: boolean;
}

/** One cluster of a topology; its instances are never none, the first is the leader. */
export interface TopologyCluster {
  readonly clusterId: string;
  readonly cluster: string;
  /** Of the cluster's view; two views of one cluster with the same number have the same members in the same order. */
  readonly number: number;
  readonly isLocal: boolean;
  readonly instances: readonly Instance[];
  readonly leader: Instance;
}

/** A picture of the topology that never changes, but for `isCurrent`, which once false stays false. */
export interface TopologyView {
  /** False while a change is in progress, or while this instance cannot know better: then nothing here may be relied on. */
  readonly isCurrent: boolean;
  /** The local cluster first. */
  readonly clusters: readonly TopologyCluster[];
  readonly localCluster: TopologyCluster;
  /** Undefined for one who looks from outside, and in a view that leaves this instance out; such a view is never current. */
  readonly localInstance: Instance | undefined;
  /** Of all clusters; each id once. */
  readonly instances: readonly Instance[];
  /** @throws {Fault} `topology/invalid-argument` when the filter is no function. */
  findInstances(filter: InstanceFilter): readonly Instance[];
}

export type InstanceFilter = (instance: Instance) => boolean;

/** What a view is made of. */
export interface TopologyParts {
  readonly local: ClusterView;
  readonly remote: readonly RemoteCluster[];
  /** Incarnation of the instance that looks; undefined for one who looks from outside. */
  readonly incarnation: string | undefined;
}

/** A view and the one thing that may happen to it. Listeners get it as a `TopologyView`, without `retire`. */
export class LiveTopologyView implements TopologyView {
  readonly clusters: readonly TopologyCluster[];
  readonly localCluster: TopologyCluster;
  readonly localInstance: Instance | undefined;
  readonly instances: readonly Instance[];
  private trusted: boolean;

  /** @throws {Defect} when a cluster has no id or no members, or a member no id, or one cluster has an id twice. */
  constructor({ local, remote, incarnation }: TopologyParts) {
    this.localCluster = clusterOf(local, true, incarnation);
    this.clusters = Object.freeze([this.localCluster, ...mergeClusters(local, remote).map((cluster) => clusterOf(cluster, false))]);
    this.instances = Object.freeze(this.clusters.flatMap(({ instances }) => instances));
    this.localInstance = this.localCluster.instances.find(({ isLocal }) => isLocal);
    this.trusted = this.localInstance !== undefined || incarnation === undefined;
  }

  get isCurrent(): boolean {
    return this.trusted;
  }

  findInstances(filter: InstanceFilter): readonly Instance[] {
    if (typeof filter !== "function") {
      throw new Fault("topology/invalid-argument", "findInstances: `filter` must be a function of an instance; `() => true` finds all", { retry: "never" });
    }
    return Object.freeze(this.instances.filter((instance) => filter(instance)));
  }

  /** From now on it is not current, for ever. */
  retire(): void {
    this.trusted = false;
  }
}

function clusterOf({ clusterId, cluster, number, members }: ClusterView, isLocal: boolean, incarnation?: string): TopologyCluster {
  invariant(clusterId !== "", "a cluster without an id");
  const instances = members.map((member, place) => instanceOf(member, { clusterId, cluster, isLocal: member.incarnation === incarnation, isLeader: place === 0 }));
  const leader = instances[0];
  invariant(leader !== undefined, `the cluster ${clusterId} has no members`);
  invariant(new Set(instances.map(({ instance }) => instance)).size === instances.length, `the cluster ${clusterId} has an instance twice`);
  return Object.freeze({ clusterId, cluster, number, isLocal, instances: Object.freeze(instances), leader });
}

function instanceOf(member: MemberRecord, place: Pick<Instance, "clusterId" | "cluster" | "isLocal" | "isLeader">): Instance {
  invariant(member.instance !== "", "an instance without an id");
  return Object.freeze({ ...member, ...place, properties: Object.freeze({ ...member.properties }) });
}
