/**
 * Which of several clusters an instance belongs to, when more than one says it is theirs: a process that was started anew in
 * another cluster is still announced by the first one for a while.
 */
import type { ClusterView, RemoteClusterView } from "../vocabulary.ts";

/** What another cluster said of itself, and since when each of its instances is heard of there. */
export interface RemoteCluster extends RemoteClusterView {
  /** By instance id: when this cluster first announced it, on the same scale as `heardAt`, which stands in for what is left out. */
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
  const owners = new Map<string, RemoteCluster | undefined>(local.members.map(({ instance }) => [instance, undefined]));
  for (const cluster of newest) {
    for (const { instance } of cluster.members) {
      const owner = owners.get(instance);
      if (!owners.has(instance) || (owner !== undefined && joinedAt(cluster, instance) > joinedAt(owner, instance))) owners.set(instance, cluster);
    }
  }
  return newest
    .map((cluster) => ({ ...cluster, members: cluster.members.filter(({ instance }) => owners.get(instance) === cluster) }))
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

const joinedAt = ({ joined, heardAt }: RemoteCluster, instance: string): number => joined?.[instance] ?? heardAt;
