/** The topology as one sees it who belongs to no cluster of it: a console, a command, a program that only asks. */
import type { TopologyAnswer } from "../queries.ts";
import { LiveTopologyView, type TopologyView } from "./view.ts";

/** Current unless a change was in progress when it was answered; undefined when there is no view yet. */
export function observedView({ view, proposed, remote }: TopologyAnswer): TopologyView | undefined {
  if (view === null) return undefined;
  const seen = new LiveTopologyView({ local: view, remote, incarnation: undefined });
  if (proposed !== null) seen.retire();
  return seen;
}
