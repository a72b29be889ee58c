/** The fold of what happens to jobs of other clusters here. */
import { invariant } from "@longshore/kernel";
import type { EventOf } from "./events.ts";
import { SETTLED_MAX } from "./limits.ts";
import { copied, copiedOutcome } from "./payload-copy.ts";
import { standingAfter } from "./reports.ts";
import type { Guest, OffloadState } from "./state.ts";
import { digestsOf, offerKey } from "./state.ts";
import type { GuestPhase } from "./vocabulary.ts";

type GuestEvent = EventOf<
  | "GuestAccepted" | "OfferRefused" | "GuestTroubled" | "GuestUnserved" | "InputVerified" | "GuestMoved" | "GuestReported" | "GuestStopRequested" | "GuestEnded" | "OutputStaged"
  | "GuestReturned" | "GuestReleased" | "PayloadReleased" | "PayloadRemoved"
>;

export function evolveGuests(state: OffloadState, event: GuestEvent, at: number): void {
  switch (event.type) {
    case "GuestAccepted": return accepted(state, event, at);
    case "OfferRefused": return settled(state, offerKey(event.origin, event.trip));
    case "PayloadRemoved":
      for (const digest of event.digests) state.removing.delete(digest);
      return;
    case "PayloadReleased": return forgotten(state, event);
    default: return advanced(state, state.guest(event.guest), event, at);
  }
}

function accepted(state: OffloadState, event: EventOf<"GuestAccepted">, at: number): void {
  const { guest, origin, trip, id, topic, input, blobs, options } = event;
  invariant(guest === state.nextGuest, `guest ${guest} is accepted where ${state.nextGuest} would be next`);
  invariant(state.guestOf(origin, trip) === undefined, `trip ${trip} of ${origin} is accepted a second time`);
  state.nextGuest++;
  state.addGuest({
    guest, origin, trip, id, topic, input: copied(input), blobs, options, acceptedAt: at,
    phase: "fetching", shard: state.shards[0] ?? "main", report: {}, stop: null, outcome: null, digests: digestsOf(blobs), trouble: null, unservedSince: null, removeAt: 0,
  });
}

function advanced(state: OffloadState, guest: Guest, event: Exclude<GuestEvent, EventOf<"GuestAccepted" | "OfferRefused" | "PayloadRemoved" | "PayloadReleased">>, at: number): void {
  switch (event.type) {
    case "GuestTroubled": {
      const { step, kind, message, failures, retryAt } = event;
      guest.trouble = { step, kind, message, failures, at, retryAt };
      return;
    }
    case "InputVerified":
      enter(guest, "submitted", "fetching");
      guest.trouble = null;
      return state.watch(guest, at);
    case "GuestMoved":
      guest.shard = event.shard;
      return;
    case "GuestReported":
      guest.report = standingAfter(guest.report, event.report);
      return state.watch(guest, at);
    case "GuestUnserved": return state.askAgainAfter(guest, at);
    case "GuestStopRequested":
      guest.stop = { reason: event.reason, at };
      return state.watch(guest, at);
    case "GuestEnded":
      enter(guest, "collecting", "fetching", "submitted");
      state.watch(guest, at);
      return state.ends(guest, copiedOutcome(event.outcome));
    case "OutputStaged":
      guest.trouble = null;
      return;
    case "GuestReturned":
      enter(guest, "returned", "collecting");
      return state.ends(guest, copiedOutcome(event.outcome));
    case "GuestReleased":
      enter(guest, "released", "returned");
      guest.removeAt = event.removeAt;
      state.released.add(guest);
      return;
  }
}

function enter(guest: Guest, phase: GuestPhase, ...from: readonly GuestPhase[]): void {
  invariant(from.includes(guest.phase), `guest ${guest.guest} is ${guest.phase}, and cannot become ${phase}`);
  guest.phase = phase;
}

function forgotten(state: OffloadState, event: EventOf<"PayloadReleased">): void {
  const guest = state.guest(event.guest);
  state.removeGuest(guest);
  settled(state, offerKey(guest.origin, guest.trip));
  for (const digest of event.digests) state.removing.add(digest);
}

function settled(state: OffloadState, key: string): void {
  state.settled.add(key);
  if (state.settled.size <= SETTLED_MAX) return;
  for (const oldest of state.settled) {
    state.settled.delete(oldest);
    return;
  }
}
