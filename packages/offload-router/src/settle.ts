/** What follows by itself: trips that are given up, guests that nobody takes up, and payload whose time is over. */
import type { Emit } from "@longshore/kernel";
import { letGo } from "./decide-guests.ts";
import { endOf } from "./decide-trips.ts";
import type { Setting } from "./decision.ts";
import type { OffloadEvent } from "./events.ts";
import type { OffloadLimits } from "./limits.ts";
import type { OffloadState, Route, Trip } from "./state.ts";

export function settle(state: OffloadState, at: number, emit: Emit<OffloadEvent>, setting: Setting): void {
  for (let event = nextEvent(state, at, setting); event !== undefined; event = nextEvent(state, at, setting)) {
    if (!emit(event)) return;
  }
}

function nextEvent(state: OffloadState, at: number, setting: Setting): OffloadEvent | undefined {
  const { limits } = setting;
  for (const route of state.routes.values()) {
    const { cluster, isDrained } = route;
    const unsent = isDrained ? firstOf(state.staging.get(cluster)) : undefined;
    if (unsent !== undefined) return endOf(unsent, "handed-back", `nothing new is sent to cluster "${cluster}": it is drained`);
    const lost = firstOf(state.away.get(cluster));
    if (lost !== undefined && silentSince(route, lost) + limits.reclaimAfterMs <= at) return endOf(lost, "reclaimed", `cluster "${cluster}" was not heard for ${limits.reclaimAfterMs} ms`);
  }
  const stopping = firstOf(state.stopping);
  if (stopping?.stop && stopping.stop.at + limits.stopGraceMs <= at) return endOf(stopping, "stopped", stopping.stop.reason);
  const unserved = firstOf(state.unserved);
  if (unserved !== undefined && unserved.unservedSince! + limits.unservedMs <= at) return { type: "GuestUnserved", guest: unserved.guest };
  const released = firstOf(state.released);
  return released !== undefined && released.removeAt <= at ? letGo(state, released, setting) : undefined;
}

/** Trips are in the order in which they were dispatched: the first has had the longest time to be answered. */
const silentSince = ({ heardAt }: Route, first: Trip): number => Math.max(heardAt, first.heardAt);

/** The first instant at which `settle` has something to say, milliseconds of `at`. */
export function due(state: OffloadState, limits: OffloadLimits): number | undefined {
  let next = firstOf(state.released)?.removeAt ?? Number.POSITIVE_INFINITY;
  const unservedSince = firstOf(state.unserved)?.unservedSince ?? null;
  if (unservedSince !== null) next = Math.min(next, unservedSince + limits.unservedMs);
  const stop = firstOf(state.stopping)?.stop;
  if (stop) next = Math.min(next, stop.at + limits.stopGraceMs);
  for (const route of state.routes.values()) {
    if (route.isDrained && firstOf(state.staging.get(route.cluster)) !== undefined) return 0;
    const away = firstOf(state.away.get(route.cluster));
    if (away !== undefined) next = Math.min(next, silentSince(route, away) + limits.reclaimAfterMs);
  }
  return Number.isFinite(next) ? next : undefined;
}

function firstOf<T>(set: ReadonlySet<T> | undefined): T | undefined {
  for (const first of set ?? []) return first;
  return undefined;
}
