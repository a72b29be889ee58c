/** The state as plain values in one order, and back. What follows from the rest is built anew; orders that decide are written. */
import type { Guest, Route, OffloadState as State, Trip } from "./state.ts";
import { OffloadState } from "./state.ts";

const RUN_LENGTH = 64;
const KEY_RUN_LENGTH = 1_000;

interface Head {
  readonly nextTrip: number;
  readonly nextGuest: number;
  readonly ownTopics: readonly string[] | null;
  readonly shards: readonly string[];
}

export function* snapshot(state: State): Generator<unknown> {
  const { nextTrip, nextGuest, ownTopics = null, shards } = state;
  yield { nextTrip, nextGuest, ownTopics, shards } satisfies Head;
  yield* runs(state.routes.values());
  yield* runs(state.trips.values());
  yield* runs(state.ended.values());
  yield* runs(state.guests.values());
  yield* runs(state.settled, KEY_RUN_LENGTH);
  yield* runs(state.removing, KEY_RUN_LENGTH);
  // Trips were offered, and asked to stop, and guests released, and left without anybody, in another order than they came.
  yield* runs([...state.routes.keys()].flatMap((cluster) => [...(state.away.get(cluster) ?? [])].map(({ trip }) => trip)), KEY_RUN_LENGTH);
  yield* runs([...state.stopping].map(({ trip }) => trip), KEY_RUN_LENGTH);
  yield* runs([...state.released].map(({ guest }) => guest), KEY_RUN_LENGTH);
  yield* runs([...state.unserved].map(({ guest }) => guest), KEY_RUN_LENGTH);
}

/** Runs of values, closed by an empty run. */
function* runs(values: Iterable<unknown>, length = RUN_LENGTH): Generator<unknown> {
  let run: unknown[] = [];
  for (const value of values) {
    run.push(value);
    if (run.length < length) continue;
    yield run;
    run = [];
  }
  if (run.length > 0) yield run;
  yield [];
}

export function restore(chunks: Iterable<unknown>): State {
  const values = chunks[Symbol.iterator]();
  const read = <T>(): T => values.next().value as T;
  const all = <T>(): readonly T[] => {
    const items: T[] = [];
    for (let run = read<readonly T[]>(); run.length > 0; run = read()) items.push(...run);
    return items;
  };
  const state = new OffloadState();
  const { nextTrip, nextGuest, ownTopics, shards } = read<Head>();
  Object.assign(state, { nextTrip, nextGuest, ownTopics: ownTopics ?? undefined, shards });
  for (const route of all<Route>()) state.routes.set(route.cluster, route);
  for (const trip of all<Trip>()) state.addTrip(trip);
  for (const trip of all<Trip>()) state.ended.set(trip.trip, trip);
  for (const guest of all<Guest>()) state.addGuest(guest);
  for (const key of all<string>()) state.settled.add(key);
  for (const digest of all<string>()) state.removing.add(digest);
  restoreOrders(state, all(), all(), all(), all());
  return state;
}

function restoreOrders(state: State, away: readonly number[], stopping: readonly number[], released: readonly number[], unserved: readonly number[]): void {
  state.away.clear();
  for (const number of away) state.dispatched(state.trip(number));
  state.stopping.clear();
  for (const number of stopping) state.stopping.add(state.trip(number));
  state.released.clear();
  for (const number of released) state.released.add(state.guest(number));
  state.unserved.clear();
  for (const number of unserved) state.unserved.add(state.guest(number));
}
