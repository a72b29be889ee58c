/** What the history says so far: trips on their way, guests taken in, and what other clusters take. */
import type { Payload } from "@longshore/job-queue";
import { workerPatternMatches } from "@longshore/job-queue";
import { invariant } from "@longshore/kernel";
import type { CarriedOptions, GuestPhase, NamedBlob, RoutePool, Standing, TripEnd, TripOutcome, TripPhase, Trouble } from "./vocabulary.ts";

export interface Stop {
  readonly reason: string;
  readonly at: number;
}

/** One attempt of a job of this cluster in another. */
export interface Trip {
  readonly trip: number;
  readonly cluster: string;
  readonly shard: string;
  readonly job: number;
  readonly attempt: number;
  /** The whole id of the job. */
  readonly id: string;
  readonly topic: string;
  readonly input: Payload;
  readonly blobs: readonly NamedBlob[];
  readonly options: CarriedOptions;
  readonly startedAt: number;
  phase: TripPhase;
  /** When the other cluster was last heard of it; until then when it was dispatched. */
  heardAt: number;
  /** It was offered, so the other cluster may have something of it. */
  isDispatched: boolean;
  report: Standing;
  stop: Stop | null;
  outcome: TripOutcome | null;
  trouble: Trouble | null;
  how: TripEnd | null;
  reason: string | null;
  endedAt: number;
}

/** One attempt of a job of another cluster in this one. */
export interface Guest {
  readonly guest: number;
  readonly origin: string;
  readonly trip: number;
  readonly id: string;
  readonly topic: string;
  readonly input: Payload;
  readonly blobs: readonly NamedBlob[];
  readonly options: CarriedOptions;
  readonly acceptedAt: number;
  phase: GuestPhase;
  shard: string;
  report: Standing;
  stop: Stop | null;
  outcome: TripOutcome | null;
  /** Of everything that was or may have been brought into this cluster's store for it, each once; it only grows. */
  digests: readonly string[];
  trouble: Trouble | null;
  /** Since when nobody here works on its topic, or when its queue was asked last to give it back. */
  unservedSince: number | null;
  /** Released: when its blobs may go. */
  removeAt: number;
}

/** Another cluster, as this one has to do with it. */
export interface Route {
  readonly cluster: string;
  pools: readonly RoutePool[];
  heardAt: number;
  isDrained: boolean;
}

export class OffloadState {
  nextTrip = 1;
  nextGuest = 1;
  /** On their way, oldest first. */
  readonly trips: Map<number, Trip> = new Map();
  /** Over, oldest end first. */
  readonly ended: Map<number, Trip> = new Map();
  readonly guests: Map<number, Guest> = new Map();
  /** Keys of offers that are over here, oldest first. */
  readonly settled: Set<string> = new Set();
  readonly routes: Map<string, Route> = new Map();
  /** Undefined: nobody has said so yet. */
  ownTopics: readonly string[] | undefined = undefined;
  shards: readonly string[] = ["main"];
  /** Digests that nobody needs any more and that are still in the store. */
  readonly removing: Set<string> = new Set();

  /** Derived from here on. */
  private readonly tripsByJob = new Map<string, Trip>();
  private readonly guestsByOffer = new Map<string, Guest>();
  /** Of trips that are on their way: per cluster, those that were not offered yet, and those that were. */
  readonly staging: Map<string, Set<Trip>> = new Map();
  readonly away: Map<string, Set<Trip>> = new Map();
  /** Trips that are to stop and guests that were released, first due first where all wait equally long. */
  readonly stopping: Set<Trip> = new Set();
  readonly released: Set<Guest> = new Set();
  /** Guests in a queue that nobody here works on, first come first. */
  readonly unserved: Set<Guest> = new Set();
  /** By digest, how many guests need it. */
  readonly needed: Map<string, number> = new Map();

  trip(number: number): Trip {
    const trip = this.trips.get(number);
    invariant(trip !== undefined, `a recorded event names trip ${number}, which is not on its way`);
    return trip;
  }

  guest(number: number): Guest {
    const guest = this.guests.get(number);
    invariant(guest !== undefined, `a recorded event names guest ${number}, which is not here`);
    return guest;
  }

  tripOf(shard: string, job: number): Trip | undefined {
    return this.tripsByJob.get(jobKey(shard, job));
  }

  guestOf(origin: string, trip: number): Guest | undefined {
    return this.guestsByOffer.get(offerKey(origin, trip));
  }

  addTrip(trip: Trip): void {
    invariant(this.tripOf(trip.shard, trip.job) === undefined, `job ${trip.id} starts a trip while it is on another`);
    this.trips.set(trip.trip, trip);
    this.tripsByJob.set(jobKey(trip.shard, trip.job), trip);
    setOf(trip.isDispatched ? this.away : this.staging, trip.cluster).add(trip);
    if (trip.stop !== null) this.stopping.add(trip);
  }

  dispatched(trip: Trip): void {
    trip.isDispatched = true;
    setOf(this.staging, trip.cluster).delete(trip);
    setOf(this.away, trip.cluster).add(trip);
  }

  removeTrip(trip: Trip): void {
    this.trips.delete(trip.trip);
    this.tripsByJob.delete(jobKey(trip.shard, trip.job));
    setOf(trip.isDispatched ? this.away : this.staging, trip.cluster).delete(trip);
    this.stopping.delete(trip);
  }

  addGuest(guest: Guest): void {
    this.guests.set(guest.guest, guest);
    this.guestsByOffer.set(offerKey(guest.origin, guest.trip), guest);
    for (const digest of guest.digests) this.needed.set(digest, (this.needed.get(digest) ?? 0) + 1);
    if (guest.phase === "released") this.released.add(guest);
    if (guest.unservedSince !== null) this.unserved.add(guest);
  }

  isWorkedOn(topic: string): boolean {
    return this.ownTopics === undefined || this.ownTopics.some((pattern) => workerPatternMatches(pattern, topic));
  }

  /**
   * Says anew whether anybody will take it up, after whatever may have changed that. Whether it runs is not looked at: the word that it
   * has stopped to may have been left out, and its queue knows.
   */
  watch(guest: Guest, at: number): void {
    const waits = guest.phase === "submitted" && guest.stop === null;
    if (!waits || this.isWorkedOn(guest.topic)) {
      guest.unservedSince = null;
      this.unserved.delete(guest);
    } else if (guest.unservedSince === null) this.askAgainAfter(guest, at);
  }

  askAgainAfter(guest: Guest, at: number): void {
    guest.unservedSince = at;
    this.unserved.delete(guest);
    this.unserved.add(guest);
  }

  /** The outcome is known: its outputs are needed too. */
  ends(guest: Guest, outcome: TripOutcome): void {
    guest.outcome = outcome;
    const added = digestsOf(outcome.blobs).filter((digest) => !guest.digests.includes(digest));
    guest.digests = [...guest.digests, ...added];
    for (const digest of added) this.needed.set(digest, (this.needed.get(digest) ?? 0) + 1);
  }

  removeGuest(guest: Guest): void {
    this.guests.delete(guest.guest);
    this.guestsByOffer.delete(offerKey(guest.origin, guest.trip));
    this.released.delete(guest);
    for (const digest of guest.digests) {
      const left = this.needed.get(digest)! - 1;
      if (left === 0) this.needed.delete(digest);
      else this.needed.set(digest, left);
    }
  }
}

export const offerKey = (origin: string, trip: number): string => `${origin} ${trip}`;
const jobKey = (shard: string, job: number): string => `${shard} ${job}`;

/** Each once. */
export const digestsOf = (blobs: readonly NamedBlob[]): readonly string[] => [...new Set(blobs.map(({ digest }) => digest))];

/** A digest on its way out of the store must be gone before a guest may rely on it again. */
export const waitsForRemoval = (state: OffloadState, guest: Guest): boolean => state.removing.size > 0 && guest.digests.some((digest) => state.removing.has(digest));

function setOf(sets: Map<string, Set<Trip>>, cluster: string): Set<Trip> {
  let set = sets.get(cluster);
  if (set === undefined) {
    set = new Set();
    sets.set(cluster, set);
  }
  return set;
}
