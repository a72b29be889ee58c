/**
 * Decisions about other clusters.
 *
 * A cluster is taken in when it is one of the configured peers and says so itself. Of two that cannot both be right the one known first is
 * kept, until it is not heard any more: nobody can tell a copy from what it was copied from, so a person must.
 */
import { accepted } from "@longshore/kernel";
import type { DiscoveryCommand, Leadership } from "./commands.ts";
import type { DiscoveryDecision } from "./decision.ts";
import { no } from "./decision.ts";
import type { DiscoveryLimits } from "./limits.ts";
import type { DiscoveryState } from "./state.ts";
import { conflictKeyOf } from "./state.ts";
import type { ClusterView, ConflictReason } from "./vocabulary.ts";

type RemoteCommand = Extract<DiscoveryCommand, { type: "AnnounceRemote" | "ExpireRemote" }>;

export interface RemoteSetting {
  readonly cluster: string;
  readonly limits: DiscoveryLimits;
  /** Names of the clusters that are heard. */
  readonly peers: ReadonlySet<string>;
}

export function decideRemote(
  state: DiscoveryState, command: RemoteCommand, at: number, setting: RemoteSetting,
  whyNotLeading: (state: DiscoveryState, leader: Leadership) => DiscoveryDecision | undefined,
): DiscoveryDecision {
  const { leader, peer } = command;
  const refusal = leader === undefined ? undefined : whyNotLeading(state, leader);
  if (refusal !== undefined) return refusal;
  if (peer !== undefined && !setting.peers.has(peer)) return no("remote/not-a-peer", `cluster "${peer}" is no peer of "${setting.cluster}": name it there, --peers ${peer}`);
  if (command.type === "AnnounceRemote") return announce(state, command.view, at, setting);
  const { clusterId, upTo } = command;
  const known = state.remotes.get(clusterId);
  if (known === undefined || (upTo !== undefined && known.view.number > upTo)) return accepted();
  if (peer !== undefined && known.view.cluster !== peer) return no("remote/not-yours", `"${clusterId}" is the id of cluster "${known.view.cluster}": a cluster speaks for itself`);
  return accepted({ type: "RemoteClusterExpired", clusterId });
}

/** The higher view number wins; the same number says the same members, whose properties may have changed. */
function announce(state: DiscoveryState, view: ClusterView, at: number, { cluster, limits }: RemoteSetting): DiscoveryDecision {
  const { clusterId, number } = view;
  const conflict = conflictOf(state, view, cluster);
  if (conflict !== undefined) return refuse(state, view, conflict, at, limits);
  const known = state.remotes.get(clusterId);
  if (known === undefined) {
    if (state.remotes.size >= limits.remotesMax) return no("remote/too-many", `${limits.remotesMax} other clusters are known, and no more are taken`);
    return accepted({ type: "RemoteClusterAnnounced", view });
  }
  if (isOlder(known.view, view)) return no("remote/stale", `view ${number} of cluster "${view.cluster}" is older than what is known of it (view ${known.view.number})`);
  if (JSON.stringify(known.view) !== JSON.stringify(view)) return accepted({ type: "RemoteClusterAnnounced", view });
  return at - known.heardAt < limits.remoteHeardEveryMs ? accepted() : accepted({ type: "RemoteClusterHeard", clusterId });
}

function conflictOf(state: DiscoveryState, view: ClusterView, cluster: string): ConflictReason | undefined {
  if (view.clusterId === state.clusterId) return "own-id";
  if (view.cluster === cluster) return "own-name";
  const known = state.remotes.get(view.clusterId)?.view;
  if (known === undefined) return [...state.remotes.values()].some((remote) => remote.view.cluster === view.cluster) ? "name-taken" : undefined;
  return known.cluster !== view.cluster || (known.number === view.number && lineOf(known) !== lineOf(view)) ? "diverged" : undefined;
}

/** Two views of one cluster with the same number have the same members in the same order. */
const lineOf = ({ members }: ClusterView): string => members.map(({ instance, incarnation }) => `${instance}/${incarnation}`).join();

const WHY: Readonly<Record<ConflictReason, string>> = {
  "own-id": "it has this cluster's own id: one is a copy of the other",
  "own-name": "it is called like this one: give it another name",
  "name-taken": "another cluster of that name is known: give one of them another name",
  diverged: "two say that they are this cluster: one is a copy of the other",
};

function refuse(state: DiscoveryState, { clusterId, cluster }: ClusterView, reason: ConflictReason, at: number, { conflictEveryMs }: DiscoveryLimits): DiscoveryDecision {
  const code = reason === "own-id" || reason === "own-name" ? "remote/own-cluster" : "remote/conflict";
  const refusal = no(code, `cluster "${cluster}" (${clusterId}) is not taken: ${WHY[reason]}`);
  const known = state.conflicts.get(conflictKeyOf({ clusterId, cluster }));
  if (known?.reason === reason && at - known.at < conflictEveryMs) return refusal;
  return { ...refusal, events: [{ type: "ClusterIdConflict", clusterId, cluster, reason }] };
}

/** Properties of one member have a version, so of two words about the same view the older is known. */
function isOlder(known: ClusterView, told: ClusterView): boolean {
  if (told.number !== known.number) return told.number < known.number;
  return told.members.some(({ instance, incarnation, propertiesVersion }) =>
    known.members.some((member) => member.instance === instance && member.incarnation === incarnation && member.propertiesVersion > propertiesVersion));
}
