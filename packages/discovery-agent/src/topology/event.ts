/** The four events a listener gets. */
import { invariant } from "@longshore/kernel";
import type { TopologyView } from "./view.ts";

/**
 * What is told to a listener, for each listener in the order
 * `INIT ( PROPERTIES_CHANGED* ( CHANGING CHANGED )? )*`.
 *
 * - `TOPOLOGY_INIT`: the first event, once: this is the topology.
 * - `TOPOLOGY_CHANGING`: nothing may be relied on until the next event, not even that this instance belongs to its cluster.
 * - `TOPOLOGY_CHANGED`: settled again. The view may equal the old one, when this instance was only cut off for a while.
 * - `PROPERTIES_CHANGED`: the same instances, other words of them.
 *
 * `oldView` is the view told before, and not current; `newView` was current when the event was made.
 */
export type TopologyEvent =
  | { readonly type: "TOPOLOGY_INIT"; readonly oldView: undefined; readonly newView: TopologyView }
  | { readonly type: "TOPOLOGY_CHANGING"; readonly oldView: TopologyView; readonly newView: undefined }
  | { readonly type: "TOPOLOGY_CHANGED"; readonly oldView: TopologyView; readonly newView: TopologyView }
  | { readonly type: "PROPERTIES_CHANGED"; readonly oldView: TopologyView; readonly newView: TopologyView };

/** @throws {Defect} unless the view is current. */
export const topologyInit = (newView: TopologyView): TopologyEvent => made({ type: "TOPOLOGY_INIT", oldView: undefined, newView });

/** @throws {Defect} unless the view is past. */
export const topologyChanging = (oldView: TopologyView): TopologyEvent => made({ type: "TOPOLOGY_CHANGING", oldView, newView: undefined });

/** @throws {Defect} unless the old view is past and the new one current. */
export const topologyChanged = (oldView: TopologyView, newView: TopologyView): TopologyEvent => made({ type: "TOPOLOGY_CHANGED", oldView, newView });

/** @throws {Defect} unless the old view is past and the new one current. */
export const propertiesChanged = (oldView: TopologyView, newView: TopologyView): TopologyEvent => made({ type: "PROPERTIES_CHANGED", oldView, newView });

function made(event: TopologyEvent): TopologyEvent {
  const { type, oldView, newView } = event;
  invariant(type === "TOPOLOGY_INIT" || oldView?.isCurrent === false, `${type} needs an old view that is not current`);
  invariant(type === "TOPOLOGY_CHANGING" || newView?.isCurrent === true, `${type} needs a new view that is current`);
  return Object.freeze(event);
}
