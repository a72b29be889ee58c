/** Decisions about other clusters: what they take, and whether anything is sent to them. */
import { accepted } from "@longshore/kernel";
import type { CommandOf, OffloadDecision, Setting } from "./decision.ts";
import { no } from "./decision.ts";
import type { OffloadLimits } from "./limits.ts";
import type { OffloadState, Route } from "./state.ts";
import type { RoutePool } from "./vocabulary.ts";

type RouteCommand = CommandOf<"ChangeRoute" | "LoseRoute" | "ChangeOwn" | "DrainCluster">;

/** All of them are levels: said again, they are already so. */
export function routeCommand(state: OffloadState, command: RouteCommand, at: number, { cluster: own, limits }: Setting): OffloadDecision {
  if (command.type === "ChangeOwn") {
    const { topics, shards } = command;
    return isSame(state.ownTopics, topics) && isSame(state.shards, shards) ? accepted() : accepted({ type: "OwnChanged", topics, shards });
  }
  const { cluster } = command;
  if (cluster === own) return no("route/own-cluster", `"${own}" is this cluster: only others are routes`);
  const route = state.routes.get(cluster);
  switch (command.type) {
    case "ChangeRoute": return changeRoute(state, command, route, at, limits);
    case "LoseRoute":
      return route === undefined || route.pools.length === 0 ? accepted() : accepted({ type: "RouteLost", cluster });
    case "DrainCluster":
      if (route === undefined) return no("route/unknown", `no cluster "${cluster}" is known here; known: ${[...state.routes.keys()].join(", ") || "none"}`);
      if (route.isDrained === command.isDrained) return accepted();
      return accepted({ type: command.isDrained ? "ClusterDrained" : "ClusterResumed", cluster, by: command.by });
  }
}

function changeRoute(state: OffloadState, { cluster, pools }: CommandOf<"ChangeRoute">, route: Route | undefined, at: number, { routesMax, heardEveryMs }: OffloadLimits): OffloadDecision {
  if (route === undefined && state.routes.size >= routesMax) return no("route/too-many", `${routesMax} other clusters are known, and no more are taken`);
  if (isRouteKnown(route, pools, at, heardEveryMs)) return accepted();
  return accepted(route === undefined || !samePools(route.pools, pools) ? { type: "RouteChanged", cluster, pools } : { type: "RouteHeard", cluster });
}

/** Nothing of it would be recorded: it takes the same, and was heard a short while ago. */
export const isRouteKnown = (route: Route | undefined, pools: readonly RoutePool[], at: number, heardEveryMs: number): boolean =>
  route !== undefined && samePools(route.pools, pools) && at - route.heardAt < heardEveryMs;

/** Lists come sorted from `parse`; the keys of maps have any order. */
export const isSame = (a: readonly string[] | undefined, b: readonly string[]): boolean => a?.length === b.length && a.every((text, i) => text === b[i]);

const samePools = (a: readonly RoutePool[], b: readonly RoutePool[]): boolean => a.length === b.length && a.every(({ topics, slots, labels }, i) => {
  const other = b[i]!;
  const entries = Object.entries(labels);
  return slots === other.slots && isSame(topics, other.topics) && entries.length === Object.keys(other.labels).length && entries.every(([name, value]) => other.labels[name] === value);
});
