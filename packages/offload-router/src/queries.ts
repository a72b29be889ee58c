/**
 * Questions and their answers. Nothing here changes the state.
 *
 * | ask | with | answer |
 * |---|---|---|
 * | `trips` | `cluster?`, `all?`, `limit?`, `after?` | `TripView[]`: on their way, by number, above that of `after`; with `all` the last ended ones too |
 * | `trip` | `trip`, or `id` of a job | `TripDetail` or null; of a job the trip it is on, or else its last one |
 * | `guests` | `origin?`, `limit?`, `after?` | `GuestView[]`, likewise |
 * | `routes` | | `RouteView[]`: what other clusters take, and how much is there |
 * | `work` | | `Move[]`: bytes that are to be moved now, and digests that are to be removed |
 * | `named` | `blobs`: `[principal, digest]` of up to 1,000 | of each, whether the router names that payload |
 *
 * Ages are milliseconds before the answer. A list has `limit` rows, 100 when absent: fewer say that there are no more.
 */
import { Fault } from "@longshore/kernel";
import type { Fields } from "@longshore/kernel/reading";
import { integer, name, optional, text, Unreadable } from "@longshore/kernel/reading";
import type { OffloadLimits } from "./limits.ts";
import { INPUT_LIMITS } from "./limits.ts";
import { named } from "./named.ts";
import type { Guest, OffloadState, Trip } from "./state.ts";
import type { GuestPhase, NamedBlob, RoutePool, Standing, TripEnd, TripPhase, Trouble } from "./vocabulary.ts";
import { workOf } from "./work.ts";

/** One trip, for people: where it is, what the other cluster says of it, and how old that is. */
export interface TripView {
  readonly trip: number;
  readonly cluster: string;
  readonly shard: string;
  readonly job: number;
  readonly id: string;
  readonly topic: string;
  readonly attempt: number;
  readonly phase: TripPhase;
  readonly startedAt: number;
  readonly heardAgoMs: number;
  readonly report: Standing;
  readonly trouble: Trouble | null;
  readonly stop: string | null;
  readonly how: TripEnd | null;
  readonly reason: string | null;
}

/** Everything a router knows of one trip. */
export interface TripDetail extends TripView {
  readonly endedAt: number | null;
  /** What travels there, and what came back. */
  readonly inputs: readonly NamedBlob[];
  readonly outputs: readonly NamedBlob[];
}

export interface GuestView {
  readonly guest: number;
  readonly origin: string;
  readonly trip: number;
  readonly id: string;
  readonly topic: string;
  readonly phase: GuestPhase;
  readonly acceptedAt: number;
  readonly report: Standing;
  readonly trouble: Trouble | null;
}

export interface RouteView {
  readonly cluster: string;
  readonly pools: readonly RoutePool[];
  readonly heardAgoMs: number;
  readonly isDrained: boolean;
  /** Trips that were not offered yet, and those that were. */
  readonly staging: number;
  readonly away: number;
  readonly oldestMs: number;
  /** Nothing new is sent, and nothing of this cluster is there any more. */
  readonly isEmpty: boolean;
  /** What is on its way there, by topic and instance, the oldest first; at most 100 rows. */
  readonly backlog: readonly BacklogRow[];
}

/** Trips of one topic that one instance has, or none yet (null). */
export interface BacklogRow {
  readonly topic: string;
  readonly instance: string | null;
  /** On the way there; waiting there for an instance; running there; on the way back. */
  readonly leaving: number;
  readonly waiting: number;
  readonly running: number;
  readonly returning: number;
  readonly oldestMs: number;
}

/** @throws {Fault} `query/unknown`, `query/malformed` */
export function query(state: OffloadState, question: Fields, at: number, limits: OffloadLimits): unknown {
  try {
    return answer(state, question, at, limits);
  } catch (problem) {
    if (problem instanceof Unreadable) throw new Fault("query/malformed", problem.message, { retry: "never", cause: problem });
    throw problem;
  }
}

function answer(state: OffloadState, question: Fields, at: number, limits: OffloadLimits): unknown {
  switch (question["ask"]) {
    case "trips": {
      const cluster = optional(question["cluster"], (given) => name("cluster", given));
      const all = question["all"] === true ? [...state.ended.values(), ...state.trips.values()].sort((a, b) => a.trip - b.trip) : state.trips.values();
      return page(all, question, (trip) => trip.trip, (trip) => cluster === undefined || trip.cluster === cluster).map((trip) => tripView(trip, at));
    }
    case "trip": {
      const trip = findTrip(state, question);
      return trip === undefined ? null : tripDetail(trip, at);
    }
    case "guests": {
      const origin = optional(question["origin"], (given) => name("origin", given));
      return page(state.guests.values(), question, ({ guest }) => guest, (guest) => origin === undefined || guest.origin === origin).map(guestView);
    }
    case "routes": return routeViews(state, at);
    case "work": return [...workOf(state, at)];
    case "named": return named(state, question["blobs"], at - limits.endedNamedMs);
    default:
      throw new Fault("query/unknown", `an offload router answers trips, trip, guests, routes, work and named, not "${String(question["ask"])}"`, { retry: "never" });
  }
}

/** Rows are in the order of their numbers, which only grow. */
function page<Row>(rows: Iterable<Row>, question: Fields, numberOf: (row: Row) => number, matches: (row: Row) => boolean): readonly Row[] {
  const limit = optional(question["limit"], (given) => integer("limit", given, 1, PAGE_MAX)) ?? PAGE_DEFAULT;
  const after = optional(question["after"], (given) => integer("after", given, 0, Number.MAX_SAFE_INTEGER)) ?? 0;
  const found: Row[] = [];
  for (const row of rows) {
    if (found.length === limit) break;
    if (numberOf(row) > after && matches(row)) found.push(row);
  }
  return found;
}

const PAGE_DEFAULT = 100;
const PAGE_MAX = 1_000;

function findTrip(state: OffloadState, question: Fields): Trip | undefined {
  if (question["trip"] === undefined) return lastTripOf(state, text("id", question["id"], INPUT_LIMITS.idCharsMax));
  const number = integer("trip", question["trip"], 1, Number.MAX_SAFE_INTEGER);
  return state.trips.get(number) ?? state.ended.get(number);
}

function lastTripOf(state: OffloadState, wanted: string): Trip | undefined {
  let last: Trip | undefined;
  for (const trip of state.trips.values()) if (trip.id === wanted) return trip;
  for (const trip of state.ended.values()) if (trip.id === wanted) last = trip;
  return last;
}

const tripDetail = (trip: Trip, at: number): TripDetail => ({ ...tripView(trip, at), endedAt: trip.phase === "ended" ? trip.endedAt : null, inputs: trip.blobs, outputs: trip.outcome?.blobs ?? [] });

function tripView({ trip, cluster, shard, job, id, topic, attempt, phase, startedAt, heardAt, report, trouble, stop, how, reason }: Trip, at: number): TripView {
  return { trip, cluster, shard, job, id, topic, attempt, phase, startedAt, heardAgoMs: Math.max(0, at - heardAt), report, trouble, stop: stop?.reason ?? null, how, reason };
}

const guestView = ({ guest, origin, trip, id, topic, phase, acceptedAt, report, trouble }: Guest): GuestView => ({ guest, origin, trip, id, topic, phase, acceptedAt, report, trouble });

function routeViews(state: OffloadState, at: number): readonly RouteView[] {
  return [...state.routes.values()].map(({ cluster, pools, heardAt, isDrained }) => {
    const trips = [...(state.staging.get(cluster) ?? []), ...(state.away.get(cluster) ?? [])];
    const oldest = trips.reduce((earliest, { startedAt }) => Math.min(earliest, startedAt), at);
    const away = state.away.get(cluster)?.size ?? 0;
    return { cluster, pools, heardAgoMs: Math.max(0, at - heardAt), isDrained, staging: trips.length - away, away, oldestMs: at - oldest, isEmpty: isDrained && trips.length === 0, backlog: backlogOf(trips, at) };
  });
}

const BACKLOG_MAX = 100;

function backlogOf(trips: readonly Trip[], at: number): readonly BacklogRow[] {
  const rows = new Map<string, { -readonly [Field in keyof BacklogRow]: BacklogRow[Field] }>();
  for (const trip of trips) {
    const instance = trip.report.instance ?? null;
    const key = `${trip.topic} ${instance ?? ""}`;
    const row = rows.get(key) ?? { topic: trip.topic, instance, leaving: 0, waiting: 0, running: 0, returning: 0, oldestMs: 0 };
    rows.set(key, row);
    row[whereabouts(trip)]++;
    row.oldestMs = Math.max(row.oldestMs, at - trip.startedAt);
  }
  return [...rows.values()].sort((a, b) => b.oldestMs - a.oldestMs).slice(0, BACKLOG_MAX);
}

function whereabouts({ phase, report }: Trip): "leaving" | "waiting" | "running" | "returning" {
  if (phase === "importing") return "returning";
  if (phase !== "accepted" || report.state === undefined || report.state === "fetching") return "leaving";
  return report.state === "active" ? "running" : "waiting";
}
