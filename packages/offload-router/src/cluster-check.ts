/** What one cluster's histories say of its round trips, and where they contradict themselves. One pass, whatever its length. */
import type { JobQueueEvent } from "@longshore/job-queue";
import { HANDED_BACK } from "@longshore/job-queue";
import type { EventOf, OffloadEvent } from "./events.ts";
import type { TripOutcome } from "./vocabulary.ts";

/** Where in the histories of a cluster: the router's (undefined) or a shard's, and the event in it; −1: its end. */
export interface Violation {
  readonly cluster: string;
  readonly shard: string | undefined;
  readonly event: number;
  readonly text: string;
}

export interface TripFacts {
  readonly start: EventOf<"TripStarted">;
  isStaged: boolean;
  isDispatched: boolean;
  outcome: TripOutcome | undefined;
  /** Which event has said so. */
  returnedAt: number;
  isImported: boolean;
  end: EventOf<"TripEnded"> | undefined;
}

export interface GuestFacts {
  readonly taken: EventOf<"GuestAccepted">;
  readonly takenAt: number;
  digests: Set<string>;
  outcome: TripOutcome | undefined;
  isReleased: boolean;
  releasedAt: number;
}

export class ClusterCheck {
  readonly found: Violation[] = [];
  readonly cluster: string;
  readonly trips: Map<number, TripFacts> = new Map();
  readonly guests: Map<number, GuestFacts> = new Map();
  /** The highest number of its own trips; 0: none. */
  lastTrip = 0;
  /** Ends of jobs that the router's history may not have reached; counted only where it may end earlier. */
  open = 0;
  private readonly tripOfAttempt = new Map<string, TripFacts>();
  private readonly openTrips = new Map<string, TripFacts>();
  private readonly guestOfTrip = new Map<string, GuestFacts>();
  private readonly lastTripOf = new Map<string, number>();
  private readonly lateReturns = new Set<string>();
  /** By digest, the guests that are not released. */
  private readonly needed = new Map<string, Set<GuestFacts>>();
  private readonly removing = new Set<string>();
  private readonly isCut: boolean;
  private shard: string | undefined;
  private at = -1;

  constructor(cluster: string, isCut: boolean) {
    this.cluster = cluster;
    this.isCut = isCut;
  }

  add(text: string): void {
    this.found.push({ cluster: this.cluster, shard: this.shard, event: this.at, text });
  }

  /** What another history contradicts, at the event that says it here. */
  addAt(event: number, text: string): void {
    this.found.push({ cluster: this.cluster, shard: undefined, event, text });
  }

  guestOf(origin: string, trip: number): GuestFacts | undefined {
    return this.guestOfTrip.get(`${origin} ${trip}`);
  }

  /** The highest number of a trip of that cluster that has been taken in here; 0: none. */
  lastTaken(origin: string): number {
    return this.lastTripOf.get(origin) ?? 0;
  }

  hasRefusedLate(cluster: string, trip: number): boolean {
    return this.lateReturns.has(`${cluster} ${trip}`);
  }

  router(events: readonly OffloadEvent[]): void {
    this.shard = undefined;
    for (const [index, event] of events.entries()) {
      this.at = index;
      if ("trip" in event && event.type !== "TripStarted" && event.type !== "GuestAccepted" && event.type !== "OfferRefused" && event.type !== "LateReturnRefused") this.ofTrip(event);
      else if ("guest" in event && event.type !== "GuestAccepted") this.ofGuest(event);
      else this.other(event);
    }
    this.at = -1;
  }

  /** An attempt in another cluster ends the job only as its trip did, and what is away is on one trip. Behind `router`. */
  queue(shard: string, events: readonly JobQueueEvent[]): void {
    this.shard = shard;
    const routes = new Set<number>();
    const away = new Map<number, number>();
    const running = new Set<number>();
    for (const [index, event] of events.entries()) {
      this.at = index;
      this.givenBack(shard, event, running);
      if (event.type === "InstanceJoined" && event.instance.startsWith("@")) routes.add(event.member);
      if (event.type === "AttemptStarted") {
        if (routes.has(event.member)) away.set(event.job, event.attempt);
        else away.delete(event.job);
      }
      const attempt = "job" in event ? away.get(event.job) : undefined;
      if (attempt === undefined) continue;
      if (event.type === "AttemptFailed" || event.type === "AttemptReleased") away.delete(event.job);
      if (event.type === "JobEnded") this.jobEnded(shard, event, attempt);
    }
    this.at = -1;
  }

  /** A job of another cluster that runs here is not given back. */
  private givenBack(shard: string, event: JobQueueEvent, running: Set<number>): void {
    if (event.type === "AttemptStarted") running.add(event.job);
    else if (event.type === "AttemptFailed" || event.type === "AttemptReleased") running.delete(event.job);
    else if (event.type === "JobEnded" && running.delete(event.job) && event.reason === HANDED_BACK) this.add(`job ${event.job} of shard ${shard} is given back while it runs`);
  }

  atRest(): void {
    this.shard = undefined;
    for (const [number, { end }] of this.trips) if (end === undefined) this.add(`trip ${number} has not ended`);
    for (const { taken, isReleased } of this.guests.values()) if (!isReleased) this.add(`guest ${taken.guest} was never released`);
    for (const digest of this.removing) this.add(`blob ${digest} was never removed`);
  }

  private other(event: OffloadEvent): void {
    switch (event.type) {
      case "TripStarted": return this.started(event);
      case "GuestAccepted": return this.taken(event);
      case "LateReturnRefused":
        this.lateReturns.add(`${event.cluster} ${event.trip}`);
        return;
      case "PayloadRemoved":
        for (const digest of event.digests) this.removing.delete(digest);
        return;
      default: return;
    }
  }

  private started(event: EventOf<"TripStarted">): void {
    const { shard, job, attempt, trip } = event;
    const other = this.openTrips.get(`${shard} ${job}`);
    if (other !== undefined) this.add(`job ${event.id} starts trip ${trip} while it is on trip ${other.start.trip}`);
    const facts: TripFacts = { start: event, isStaged: event.blobs.length === 0, isDispatched: false, outcome: undefined, returnedAt: -1, isImported: false, end: undefined };
    this.trips.set(trip, facts);
    this.lastTrip = Math.max(trip, this.lastTrip);
    this.openTrips.set(`${shard} ${job}`, facts);
    this.tripOfAttempt.set(`${shard} ${job} ${attempt}`, facts);
  }

  private taken(event: EventOf<"GuestAccepted">): void {
    const { origin, trip, guest } = event;
    const twin = this.guestOf(origin, trip);
    if (twin !== undefined) this.add(`trip ${trip} of ${origin} is taken in twice, as guests ${twin.taken.guest} and ${guest}`);
    const facts: GuestFacts = { taken: event, takenAt: this.at, digests: digestsOf(event.blobs), outcome: undefined, isReleased: false, releasedAt: -1 };
    this.guests.set(guest, facts);
    if (twin === undefined) this.guestOfTrip.set(`${origin} ${trip}`, facts);
    this.lastTripOf.set(origin, Math.max(trip, this.lastTaken(origin)));
    for (const digest of facts.digests) this.needs(facts, digest);
  }

  private needs(guest: GuestFacts, digest: string): void {
    const guests = this.needed.get(digest) ?? new Set();
    this.needed.set(digest, guests.add(guest));
  }

  private ofTrip(event: Extract<OffloadEvent, { trip: number }>): void {
    const trip = this.trips.get(event.trip);
    if (trip === undefined) return this.add(`${event.type} of trip ${event.trip}, which never started`);
    if (trip.end !== undefined) return this.add(`${event.type} of trip ${event.trip} after its end`);
    switch (event.type) {
      case "InputStaged":
        trip.isStaged = true;
        return;
      case "TripDispatched":
        if (!trip.isStaged) this.add(`trip ${event.trip} is dispatched before its inputs are staged`);
        trip.isDispatched = true;
        return;
      case "TripReturned":
        if (!trip.isDispatched) this.add(`trip ${event.trip} returns and was never dispatched`);
        if (trip.outcome !== undefined) this.add(`trip ${event.trip} returns twice`);
        trip.outcome = event.outcome;
        trip.returnedAt = this.at;
        return;
      case "OutputImported":
        trip.isImported = true;
        return;
      case "TripEnded":
        trip.end = event;
        if (this.openTrips.get(jobOf(trip)) === trip) this.openTrips.delete(jobOf(trip));
        return this.ended(trip, event);
      default: return;
    }
  }

  private ended({ outcome, isImported }: TripFacts, { trip, how }: EventOf<"TripEnded">): void {
    if (how !== "returned") return;
    if (outcome === undefined || outcome.end === null) this.add(`trip ${trip} ends as returned without an outcome`);
    else if (outcome.blobs.length > 0 && !isImported) this.add(`trip ${trip} shows its outcome before its outputs are imported`);
  }

  private ofGuest(event: Extract<OffloadEvent, { guest: number }>): void {
    const guest = this.guests.get(event.guest);
    if (guest === undefined) return this.add(`${event.type} of guest ${event.guest}, which was never taken in`);
    if (guest.isReleased) return this.add(`${event.type} of guest ${event.guest} after its payload was released`);
    switch (event.type) {
      case "InputVerified":
        return this.blameRemoved(guest, "relies on");
      case "GuestEnded":
        guest.digests = new Set([...guest.digests, ...digestsOf(event.outcome.blobs)]);
        for (const digest of guest.digests) this.needs(guest, digest);
        return;
      case "OutputStaged":
        return this.blameRemoved(guest, "keeps");
      case "GuestReturned":
        if (guest.outcome !== undefined) this.add(`guest ${event.guest} returns twice`);
        guest.outcome = event.outcome;
        return;
      case "GuestReleased":
        if (guest.outcome === undefined) this.add(`guest ${event.guest} is released before it has returned`);
        return;
      case "PayloadReleased": return this.released(guest, event.digests);
      default: return;
    }
  }

  private blameRemoved({ taken, digests }: GuestFacts, verb: string): void {
    for (const digest of digests) if (this.removing.has(digest)) this.add(`guest ${taken.guest} ${verb} blob ${digest}, which is being removed`);
  }

  private released(guest: GuestFacts, digests: readonly string[]): void {
    guest.isReleased = true;
    guest.releasedAt = this.at;
    for (const digest of guest.digests) {
      const others = this.needed.get(digest);
      others?.delete(guest);
      if (others?.size === 0) this.needed.delete(digest);
    }
    for (const digest of digests) {
      const [other] = this.needed.get(digest) ?? [];
      if (other !== undefined) this.add(`blob ${digest} is released while guest ${other.taken.guest} needs it`);
      this.removing.add(digest);
    }
    for (const digest of guest.digests) {
      if (!this.needed.has(digest) && !this.removing.has(digest)) this.add(`guest ${guest.taken.guest} leaves blob ${digest} behind`);
    }
  }

  private jobEnded(shard: string, { job, state }: Extract<JobQueueEvent, { type: "JobEnded" }>, attempt: number): void {
    // Stopped or removed here: that needs no word from there.
    if (state === "stopped" || state === "dropped") return;
    const trip = this.tripOfAttempt.get(`${shard} ${job} ${attempt}`);
    if (trip !== undefined && toldBy(trip) === state) return;
    if (this.isCut && trip?.end === undefined) this.open++;
    else this.add(`job ${job} of shard ${shard} ends as ${state}, and its trip ${trip?.start.trip ?? "(none)"} as ${trip === undefined ? "nothing" : (toldBy(trip) ?? trip.end?.how ?? "nothing")}`);
  }
}

/** How its queue is told that the job has ended. */
function toldBy({ end, outcome }: TripFacts): string | null | undefined {
  return end?.how === "returned" ? outcome?.end : end?.how === "failed" ? "error" : undefined;
}

const jobOf = ({ start: { shard, job } }: TripFacts): string => `${shard} ${job}`;
const digestsOf = (blobs: TripOutcome["blobs"]): Set<string> => new Set(blobs.map(({ digest }) => digest));
