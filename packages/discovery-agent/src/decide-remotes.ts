/** Decisions about other clusters. */
import { accepted } from "@longshore/kernel";
import type { DiscoveryCommand, Leadership } from "./commands.ts";
import type { DiscoveryDecision } from "./decision.ts";
import { no } from "./decision.ts";
import type { DiscoveryLimits } from "./limits.ts";
import type { DiscoveryState } from "./state.ts";
import type { ClusterView } from "./vocabulary.ts";

type RemoteCommand = Extract<DiscoveryCommand, { type: "AnnounceRemote" | "ExpireRemote" }>;

export function decideRemote(
  state: DiscoveryState, command: RemoteCommand, at: number, { cluster, limits }: { readonly cluster: string; readonly limits: DiscoveryLimits },
  whyNotLeading: (state: DiscoveryState, leader: Leadership) => DiscoveryDecision | undefined,
): DiscoveryDecision {
  const refusal = command.leader === undefined ? undefined : whyNotLeading(state, command.leader);
  if (refusal !== undefined) return refusal;
  if (command.type === "AnnounceRemote") return announce(state, command.view, at, cluster, limits);
  const { clusterId } = command;
  return state.remotes.has(clusterId) ? accepted({ type: "RemoteClusterExpired", clusterId }) : accepted();
}

/** The higher view number wins; the same number says the same members, whose properties may have changed. */
function announce(state: DiscoveryState, view: ClusterView, at: number, cluster: string, limits: DiscoveryLimits): DiscoveryDecision {
  const { clusterId, number } = view;
  if (clusterId === state.clusterId || view.cluster === cluster) return no("remote/own-cluster", `cluster "${view.cluster}" (${clusterId}) is this one, or calls itself like it`);
  const known = state.remotes.get(clusterId);
  if (known === undefined) {
    if (state.remotes.size >= limits.remotesMax) return no("remote/too-many", `${limits.remotesMax} other clusters are known, and no more are taken`);
    return accepted({ type: "RemoteClusterAnnounced", view });
  }
  if (isOlder(known.view, view)) return no("remote/stale", `view ${number} of cluster "${view.cluster}" is older than what is known of it (view ${known.view.number})`);
  if (JSON.stringify(known.view) !== JSON.stringify(view)) return accepted({ type: "RemoteClusterAnnounced", view });
  return at - known.heardAt < limits.remoteHeardEveryMs ? accepted() : accepted({ type: "RemoteClusterHeard", clusterId });
}

/** Properties of one member have a version, so of two words about the same view the older is known. */
function isOlder(known: ClusterView, told: ClusterView): boolean {
  if (told.number !== known.number) return told.number < known.number;
  return told.members.some(({ instance, incarnation, propertiesVersion }) =>
    known.members.some((member) => member.instance === instance && member.incarnation === incarnation && member.propertiesVersion > propertiesVersion));
}
