/**
 * Which of several clusters an instance belongs to, when more than one says it is theirs: a process that was started anew in
 * another cluster is still announced by the first one for a while.
 */
import { keyOf } from "../state.ts";
import type { ClusterView, MemberRecord, RemoteClusterView } from "../vocabulary.ts";

/** What another cluster said of itself, and since when each of its instances is heard of there. */
export interface RemoteCluster extends RemoteClusterView {
  /** By `keyOf` of the member: when this cluster first announced it, on the same scale as `heardAt`, which stands in for what is left out. */
  readonly joined?: Readonly<Record<string, number>>;
}

/**
 * The other clusters, each once and each instance once: of one cluster the highest number, nothing under the own cluster's id,
 * and an instance in two clusters belongs to the local one, else to the one it joined last.
 *
 * In order of cluster id, so that all members of a cluster see the same. A cluster that loses all its instances is left out;
 * one that loses its first is led by the next until it says otherwise.
 */
export function mergeClusters(local: ClusterView, remote: readonly RemoteCluster[]): readonly ClusterView[] {
  const newest = newestOfEach(remote.filter(({ clusterId }) => clusterId !== local.clusterId));
  // Those of the local cluster belong to none of the others.
  const owners = new Map<string, { readonly cluster: RemoteCluster | undefined; readonly at: number }>(local.members.map(({ instance }) => [instance, { cluster: undefined, at: 0 }]));
  for (const cluster of newest) {
    for (const member of cluster.members) {
      const { instance } = member;
      const at = joinedAt(cluster, member);
      const known = owners.get(instance);
      if (known === undefined || (known.cluster !== undefined && at > known.at)) owners.set(instance, { cluster, at });
    }
  }
  return newest
    .map((cluster) => ({ ...cluster, members: cluster.members.filter(({ instance }) => owners.get(instance)?.cluster === cluster) }))
    .filter(({ members }) => members.length > 0);
}

function newestOfEach(remote: readonly RemoteCluster[]): readonly RemoteCluster[] {
  const byId = new Map<string, RemoteCluster>();
  for (const cluster of remote) {
    const known = byId.get(cluster.clusterId);
    if (known === undefined || cluster.number > known.number) byId.set(cluster.clusterId, cluster);
  }
  return [...byId.values()].sort((a, b) => (a.clusterId < b.clusterId ? -1 : 1));
}

const joinedAt = ({ joined, heardAt }: RemoteCluster, member: MemberRecord): number => joined?.[keyOf(member)] ?? heardAt;
