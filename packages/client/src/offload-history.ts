/** What happened on one trip, read from the router's history. */
import { decodeCommit, FIRST_ACTOR_CODE } from "@longshore/kernel";
import type { OffloadEvent, TripOutcome } from "@longshore/offload-router";
import { OFFLOAD_ACTOR, OFFLOAD_KIND, offloadRouter } from "@longshore/offload-router";
import type { Client } from "./client.ts";
import type { CallOptions } from "./handle.ts";
import { readJournal } from "./timeline.ts";

/** `{ type, trip, at, commit, …fields }`, as the router recorded it; `at` is server time of this cluster, milliseconds. */
export type TravelEvent = Shown & { readonly at: number; readonly commit: number };

/** Of a trip of this cluster; what is of a guest carries the number of another cluster's trip. */
type TripEvent = Exclude<Extract<OffloadEvent, { readonly trip: number }>, { readonly type: "GuestAccepted" | "OfferRefused" }>;
/** Input and result are of the job, and may be large. */
type Shown = { [Type in TripEvent["type"]]: Readonly<WithoutPayload<Extract<TripEvent, { readonly type: Type }>>> }[TripEvent["type"]];
type WithoutPayload<Event> = Event extends { readonly outcome: TripOutcome } ? Omit<Event, "outcome"> & { readonly outcome: Omit<TripOutcome, "result"> } : Omit<Event, "input">;

const isOfTrip = (event: OffloadEvent, trip: number): event is TripEvent =>
  "trip" in event && event.trip === trip && event.type !== "GuestAccepted" && event.type !== "OfferRefused";

function shown(event: TripEvent): Shown {
  switch (event.type) {
    case "TripStarted": {
      const { input: _, ...rest } = event;
      return rest;
    }
    case "TripReturned": {
      const { result: _, ...outcome } = event.outcome;
      return { ...event, outcome };
    }
    default: return event;
  }
}

/** Oldest first; what was purged from the history is missing. */
export async function travelEvents(client: Client, trip: number, { signal }: CallOptions): Promise<readonly TravelEvent[]> {
  const { events: codec } = offloadRouter({ cluster: client.setup.cluster });
  const found: TravelEvent[] = [];
  await readJournal(client, OFFLOAD_ACTOR, 0, (stored) => {
    const { number: commit, at, format, events } = decodeCommit(stored.bytes);
    for (const wire of events) {
      if ((wire[0] as number) < FIRST_ACTOR_CODE) continue;
      const event = codec.decode(wire, format);
      if (isOfTrip(event, trip)) found.push({ ...shown(event), at, commit });
    }
  }, signal, OFFLOAD_KIND);
  return found;
}
