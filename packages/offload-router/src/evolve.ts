/** What each event means for the state: the fold. In place, total, and the only code that changes the state. */
import { invariant } from "@longshore/kernel";
import type { EventOf, OffloadEvent } from "./events.ts";
import { evolveGuests } from "./evolve-guests.ts";
import { ENDED_MAX } from "./limits.ts";
import { copied, copiedOutcome } from "./payload-copy.ts";
import { standingAfter } from "./reports.ts";
import type { OffloadState, Route, Trip } from "./state.ts";

export function evolve(state: OffloadState, event: OffloadEvent, at: number): void {
  switch (event.type) {
    case "TripStarted": return started(state, event, at);
    case "TripDispatched": case "TripAccepted": case "TripRefused": case "TripReported": case "TripReturned":
      return advanced(state, event, at);
    case "InputStaged": case "OutputImported":
      state.trip(event.trip).trouble = null;
      return;
    case "TripTroubled": {
      const { trip, step, kind, message, failures, retryAt } = event;
      state.trip(trip).trouble = { step, kind, message, failures, at, retryAt };
      return;
    }
    case "TripStopRequested": {
      const trip = state.trip(event.trip);
      trip.stop = { reason: event.reason, at };
      state.stopping.add(trip);
      return;
    }
    case "TripEnded": return ended(state, event, at);
    case "LateReturnRefused":
      heard(state, event.cluster, at);
      return;
    case "HandoverDeclined": return;
    case "RouteChanged":
      heard(state, event.cluster, at).pools = event.pools;
      return;
    case "RouteHeard":
      heard(state, event.cluster, at);
      return;
    case "RouteLost":
      routeOf(state, event.cluster, at).pools = [];
      return;
    case "OwnChanged":
      state.ownTopics = event.topics;
      state.shards = event.shards;
      for (const guest of state.guests.values()) state.watch(guest, at);
      return;
    case "ClusterDrained": case "ClusterResumed":
      routeOf(state, event.cluster, at).isDrained = event.type === "ClusterDrained";
      return;
    default: return evolveGuests(state, event, at);
  }
}

/** Another cluster; one that nobody has heard of yet counts as heard now, or it would be given up at once. */
function routeOf(state: OffloadState, cluster: string, at: number): Route {
  let route = state.routes.get(cluster);
  if (route === undefined) {
    route = { cluster, pools: [], heardAt: at, isDrained: false };
    state.routes.set(cluster, route);
  }
  return route;
}

function heard(state: OffloadState, cluster: string, at: number): Route {
  const route = routeOf(state, cluster, at);
  route.heardAt = at;
  return route;
}

function started(state: OffloadState, event: EventOf<"TripStarted">, at: number): void {
  const { trip, cluster, shard, job, attempt, id, topic, input, blobs, options } = event;
  invariant(trip === state.nextTrip, `trip ${trip} starts where ${state.nextTrip} would be next`);
  state.nextTrip++;
  routeOf(state, cluster, at);
  state.addTrip({
    trip, cluster, shard, job, attempt, id, topic, input: copied(input), blobs, options, startedAt: at,
    phase: "staging", heardAt: at, isDispatched: false, report: {}, stop: null, outcome: null, trouble: null, how: null, reason: null, endedAt: 0,
  });
}

type Advance = EventOf<"TripDispatched" | "TripAccepted" | "TripRefused" | "TripReported" | "TripReturned">;

function advanced(state: OffloadState, event: Advance, at: number): void {
  const trip = state.trip(event.trip);
  trip.heardAt = at;
  if (event.type === "TripDispatched") {
    invariant(trip.phase === "staging", `trip ${event.trip} is dispatched while it is ${trip.phase}`);
    trip.phase = "offered";
    return state.dispatched(trip);
  }
  invariant(trip.phase === "offered" || trip.phase === "accepted", `${event.type} of trip ${event.trip}, which is ${trip.phase}`);
  heard(state, trip.cluster, at);
  switch (event.type) {
    case "TripAccepted":
      trip.phase = "accepted";
      return;
    // The other cluster has nothing of it: there is nothing to call back.
    case "TripRefused":
      trip.reason = `${event.code}: ${event.message}`;
      return;
    case "TripReported":
      trip.report = standingAfter(trip.report, event.report);
      return;
    case "TripReturned":
      trip.phase = "importing";
      trip.outcome = copiedOutcome(event.outcome);
      return;
  }
}

function ended(state: OffloadState, event: EventOf<"TripEnded">, at: number): void {
  const trip: Trip = state.trip(event.trip);
  state.removeTrip(trip);
  trip.phase = "ended";
  trip.how = event.how;
  trip.reason = event.reason ?? trip.reason;
  trip.endedAt = at;
  state.ended.set(trip.trip, trip);
  if (state.ended.size <= ENDED_MAX) return;
  for (const oldest of state.ended.keys()) {
    state.ended.delete(oldest);
    return;
  }
}
