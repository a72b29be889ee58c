/**
 * What follows outside from an event: members are told that there is something to look at, and nothing more.
 *
 * A told item is small and may be lost: `[TOLD.…, …]`, see `vocabulary.ts`. Whoever gets one asks the query `view`; whoever
 * missed one learns it from the answer to its next announcement, at most 5 s later.
 */
import type { Reactions } from "@longshore/kernel";
import type { DiscoveryEvent, Who } from "./events.ts";
import type { DiscoveryState } from "./state.ts";
import type { MemberRecord } from "./vocabulary.ts";
import { addressOf, TOLD } from "./vocabulary.ts";

export function react(state: DiscoveryState, event: DiscoveryEvent, reactions: Reactions): void {
  switch (event.type) {
    case "ViewProposed": return tellAll(state, [TOLD.proposed, event.number], reactions);
    case "ViewActivated": return tellAll(state, [TOLD.activated, event.number], reactions);
    case "ViewSuperseded": return tellAll(state, [TOLD.changed, state.change], reactions);
    case "InstancePropertiesChanged":
      if (state.isMember(event) || state.isProposed(event)) tellAll(state, [TOLD.changed, state.change], reactions);
      return;
    case "TopicEnablementChanged": case "RemoteClusterAnnounced": case "RemoteClusterExpired": case "ClusterIdConflict":
      return tellAll(state, [TOLD.changed, state.change], reactions);
    case "InstanceSuspected": return tellOne(state, event, [TOLD.suspected, event.incarnation], reactions);
    case "InstanceEvicted": return tellOne(state, event, [TOLD.evicted, event.incarnation], reactions);
    case "ClusterFormed": case "InstanceAnnounced": case "SuspicionRefuted": case "InstanceLeaving": case "ViewAcked": case "AckOverdue":
    case "RemoteClusterHeard": case "DuplicateInstanceDetected": case "EvidenceDiscarded": case "GoneForgotten":
      return;
  }
}

/** Members of the view and of the proposal: those who have left it know, and those who join want to. */
function tellAll(state: DiscoveryState, item: readonly unknown[], reactions: Reactions): void {
  const addresses = new Set<string>();
  for (const member of [...(state.view?.members ?? []), ...(state.proposed?.members ?? [])]) addresses.add(addressOf(member));
  for (const address of addresses) reactions.tell(address, item);
}

/** One that is gone already is told where its instance listens. */
function tellOne(state: DiscoveryState, { instance }: Who, item: readonly unknown[], reactions: Reactions): void {
  const principal = state.names.get(instance)?.principal;
  if (principal !== undefined) reactions.tell(addressOf({ principal, instance } satisfies Pick<MemberRecord, "principal" | "instance">), item);
}
