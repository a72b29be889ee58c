/** What the folded state of an offload router holds, and how two states of one history differ. */
import type { OffloadEvent, OffloadState, RoutePool, TripPhase } from "@longshore/offload-router";
import type { Point } from "../values.ts";
import { fold, type RouterHistory } from "./fold.ts";
import type { HistorySource } from "./source.ts";

export interface RouterSummary {
  readonly commit: number;
  readonly epoch: number;
  readonly at: number;
  /** On their way in other clusters, and those that ended last. */
  readonly trips: number;
  readonly ended: number;
  /** Jobs of other clusters here. */
  readonly guests: number;
  readonly routes: readonly { readonly cluster: string; readonly isDrained: boolean; readonly pools: readonly RoutePool[]; readonly staging: number; readonly away: number }[];
  readonly parked: number;
}

export function routerSummaryOf({ kernel, state }: RouterHistory): RouterSummary {
  return {
    commit: kernel.number, epoch: kernel.epoch, at: kernel.at, trips: state.trips.size, ended: state.ended.size, guests: state.guests.size,
    routes: [...state.routes.values()].map(({ cluster, isDrained, pools }) => ({ cluster, isDrained, pools, staging: state.staging.get(cluster)?.size ?? 0, away: state.away.get(cluster)?.size ?? 0 })),
    parked: kernel.parked.length,
  };
}

/** `absent`: it has not begun, or is not kept any more. */
export type PhaseOrAbsent = TripPhase | "absent";

export interface TripDifference {
  readonly trip: number;
  readonly id: string;
  readonly cluster: string;
  readonly before: PhaseOrAbsent;
  readonly after: PhaseOrAbsent;
  readonly how: string | null;
}

export interface RouterDifference {
  readonly from: RouterSummary;
  readonly to: RouterSummary;
  /** Events between the two, by type. */
  readonly events: Readonly<Record<string, number>>;
  readonly trips: readonly TripDifference[];
}

/** Folds once, from `a` on noting where each trip was before it was first touched. */
export async function routerDifference(source: HistorySource, history: RouterHistory, a: Point, b: Point, progress?: (commits: number) => void): Promise<RouterDifference> {
  const seen = new Map<number, Pick<TripDifference, "id" | "cluster" | "before">>();
  const events: Record<string, number> = {};
  let from: RouterSummary | undefined;
  const note = (event: OffloadEvent, state: OffloadState): void => {
    if (event.type === "TripStarted") seen.set(event.trip, { id: event.id, cluster: event.cluster, before: "absent" });
    // A guest's events name the trip of its origin, which has numbers of its own.
    else if ("trip" in event && !("origin" in event) && !seen.has(event.trip)) {
      const trip = state.trips.get(event.trip);
      if (trip !== undefined) seen.set(event.trip, { id: trip.id, cluster: trip.cluster, before: trip.phase });
    }
  };
  await fold(source, history, { to: b, ...(progress === undefined ? {} : { progress }) }, {
    point: a,
    reached: () => { from = routerSummaryOf(history); },
    coming(event, state) {
      events[event.type] = (events[event.type] ?? 0) + 1;
      note(event, state);
    },
  });
  const to = routerSummaryOf(history);
  const trips = [...seen].map(([trip, known]): TripDifference => {
    const now = history.state.trips.get(trip) ?? history.state.ended.get(trip);
    return { trip, ...known, after: now?.phase ?? "absent", how: now?.how ?? null };
  });
  return { from: from ?? to, to, events, trips };
}
