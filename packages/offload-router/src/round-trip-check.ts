/**
 * P12, judged from histories alone: an offloaded job has one outcome at its origin, output imported before it is visible, and
 * leaves no payload behind. Shares nothing with `evolve`: an error in the fold must not hide itself.
 *
 * Histories have no common clock, so what holds between two of them is judged when all have been read (`finish`); what holds
 * within one is judged event by event. At rest nothing is on its way any more: then every trip and every guest is over.
 */
import type { JobQueueEvent } from "@longshore/job-queue";
import { HANDED_BACK } from "@longshore/job-queue";
import type { EventOf, OffloadEvent } from "./events.ts";
import type { TripOutcome } from "./vocabulary.ts";

/** Everything one cluster has written, routers and queues, each from its first event on. */
export interface ClusterHistory {
  readonly cluster: string;
  readonly router: readonly OffloadEvent[];
  readonly queues: Readonly<Record<string, readonly JobQueueEvent[]>>;
}

interface TripFacts {
  readonly start: EventOf<"TripStarted">;
  isStaged: boolean;
  isDispatched: boolean;
  outcome: TripOutcome | undefined;
  isImported: boolean;
  end: EventOf<"TripEnded"> | undefined;
}

interface GuestFacts {
  readonly taken: EventOf<"GuestAccepted">;
  digests: Set<string>;
  outcome: TripOutcome | undefined;
  isReleased: boolean;
}

/** Every violation of P12 in these histories, as a sentence that begins with the cluster's name. */
export function brokenRoundTrips(histories: readonly ClusterHistory[], { atRest = false }: { readonly atRest?: boolean } = {}): readonly string[] {
  const checks = new Map(histories.map((history) => [history.cluster, new ClusterCheck(history)]));
  for (const check of checks.values()) check.againstOthers(checks);
  if (atRest) for (const check of checks.values()) check.atRest();
  return [...checks.values()].flatMap(({ found }) => found);
}

class ClusterCheck {
  readonly found: string[] = [];
  private readonly history: ClusterHistory;
  private readonly trips = new Map<number, TripFacts>();
  private readonly guests = new Map<number, GuestFacts>();
  private readonly lateReturns = new Set<string>();
  private readonly removing = new Set<string>();

  constructor(history: ClusterHistory) {
    this.history = history;
    for (const event of history.router) {
      if ("trip" in event && event.type !== "TripStarted" && event.type !== "GuestAccepted" && event.type !== "OfferRefused" && event.type !== "LateReturnRefused") this.ofTrip(event);
      else if ("guest" in event && event.type !== "GuestAccepted") this.ofGuest(event);
      else this.other(event);
    }
    for (const [shard, events] of Object.entries(history.queues)) {
      this.queue(shard, events);
      this.givenBack(shard, events);
    }
  }

  private add(text: string): void {
    this.found.push(`${this.history.cluster}: ${text}`);
  }

  private other(event: OffloadEvent): void {
    switch (event.type) {
      case "TripStarted": {
        const { shard, job } = event;
        const other = [...this.trips.values()].find(({ start, end }) => end === undefined && start.shard === shard && start.job === job);
        if (other !== undefined) this.add(`job ${event.id} starts trip ${event.trip} while it is on trip ${other.start.trip}`);
        this.trips.set(event.trip, { start: event, isStaged: event.blobs.length === 0, isDispatched: false, outcome: undefined, isImported: false, end: undefined });
        return;
      }
      case "GuestAccepted": {
        const twin = [...this.guests.values()].find(({ taken }) => taken.origin === event.origin && taken.trip === event.trip);
        if (twin !== undefined) this.add(`trip ${event.trip} of ${event.origin} is taken in twice, as guests ${twin.taken.guest} and ${event.guest}`);
        this.guests.set(event.guest, { taken: event, digests: digestsOf(event.blobs), outcome: undefined, isReleased: false });
        return;
      }
      case "LateReturnRefused":
        this.lateReturns.add(`${event.cluster} ${event.trip}`);
        return;
      case "PayloadRemoved":
        for (const digest of event.digests) this.removing.delete(digest);
        return;
      default: return;
    }
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
        return;
      case "OutputImported":
        trip.isImported = true;
        return;
      case "TripEnded":
        trip.end = event;
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
        for (const digest of guest.digests) if (this.removing.has(digest)) this.add(`guest ${event.guest} relies on blob ${digest}, which is being removed`);
        return;
      case "GuestEnded":
        guest.digests = new Set([...guest.digests, ...digestsOf(event.outcome.blobs)]);
        return;
      case "OutputStaged":
        for (const digest of guest.digests) if (this.removing.has(digest)) this.add(`guest ${event.guest} keeps blob ${digest}, which is being removed`);
        return;
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

  private released(guest: GuestFacts, digests: readonly string[]): void {
    guest.isReleased = true;
    for (const digest of digests) {
      const other = [...this.guests.values()].find(({ isReleased, digests: needed }) => !isReleased && needed.has(digest));
      if (other !== undefined) this.add(`blob ${digest} is released while guest ${other.taken.guest} needs it`);
      this.removing.add(digest);
    }
    for (const digest of guest.digests) {
      const isNeeded = [...this.guests.values()].some(({ isReleased, digests: needed }) => !isReleased && needed.has(digest));
      if (!isNeeded && !this.removing.has(digest)) this.add(`guest ${guest.taken.guest} leaves blob ${digest} behind`);
    }
  }

  /** An attempt in another cluster ends the job only as its trip did, and what is away is on one trip. */
  private queue(shard: string, events: readonly JobQueueEvent[]): void {
    const clusters = new Map<number, string>();
    const away = new Map<number, { readonly attempt: number; readonly cluster: string }>();
    for (const event of events) {
      if (event.type === "InstanceJoined" && event.instance.startsWith("@")) clusters.set(event.member, event.instance.slice(1));
      if (event.type === "AttemptStarted") {
        const cluster = clusters.get(event.member);
        if (cluster === undefined) away.delete(event.job);
        else away.set(event.job, { attempt: event.attempt, cluster });
      }
      const run = "job" in event ? away.get(event.job) : undefined;
      if (run === undefined) continue;
      if (event.type === "AttemptFailed" || event.type === "AttemptReleased") away.delete(event.job);
      if (event.type === "JobEnded") this.jobEnded(shard, event, run.attempt);
    }
  }

  /** A job of another cluster that runs here is not given back. */
  private givenBack(shard: string, events: readonly JobQueueEvent[]): void {
    const running = new Set<number>();
    for (const event of events) {
      if (event.type === "AttemptStarted") running.add(event.job);
      else if (event.type === "AttemptFailed" || event.type === "AttemptReleased") running.delete(event.job);
      else if (event.type === "JobEnded" && event.reason === HANDED_BACK && running.has(event.job)) this.add(`job ${event.job} of shard ${shard} is given back while it runs`);
    }
  }

  private jobEnded(shard: string, { job, state }: Extract<JobQueueEvent, { type: "JobEnded" }>, attempt: number): void {
    const trip = [...this.trips.values()].find(({ start }) => start.shard === shard && start.job === job && start.attempt === attempt);
    // Stopped or removed here: that needs no word from there.
    if (state === "stopped" || state === "dropped") return;
    const end = trip?.end?.how === "returned" ? trip.outcome?.end : trip?.end?.how === "failed" ? "error" : undefined;
    if (end !== state) this.add(`job ${job} of shard ${shard} ends as ${state}, and its trip ${trip?.start.trip ?? "(none)"} as ${end ?? trip?.end?.how ?? "nothing"}`);
  }

  againstOthers(checks: ReadonlyMap<string, ClusterCheck>): void {
    for (const [number, { start, outcome }] of this.trips) {
      const guest = checks.get(start.cluster)?.guestOf(this.history.cluster, number);
      if (outcome !== undefined && !isSame(outcome, guest?.outcome)) this.add(`trip ${number} returns with another outcome than guest ${guest?.taken.guest ?? "(none)"} of ${start.cluster} has sent`);
    }
    for (const { taken, outcome, isReleased } of this.guests.values()) {
      const origin = checks.get(taken.origin);
      const trip = origin?.trips.get(taken.trip);
      if (trip?.isDispatched !== true) this.add(`guest ${taken.guest} is trip ${taken.trip} of ${taken.origin}, which was never dispatched`);
      const isLetGo = trip?.end !== undefined || origin?.lateReturns.has(`${this.history.cluster} ${taken.trip}`) === true;
      if (isReleased && !isLetGo) this.add(`guest ${taken.guest} is released while ${taken.origin} still needs trip ${taken.trip}`);
      if (isReleased && outcome === undefined) this.add(`guest ${taken.guest} is released and has never returned`);
    }
  }

  private guestOf(origin: string, trip: number): GuestFacts | undefined {
    return [...this.guests.values()].find(({ taken }) => taken.origin === origin && taken.trip === trip);
  }

  atRest(): void {
    for (const [number, { end }] of this.trips) if (end === undefined) this.add(`trip ${number} has not ended`);
    for (const { taken, isReleased } of this.guests.values()) if (!isReleased) this.add(`guest ${taken.guest} was never released`);
    for (const digest of this.removing) this.add(`blob ${digest} was never removed`);
  }
}

const digestsOf = (blobs: TripOutcome["blobs"]): Set<string> => new Set(blobs.map(({ digest }) => digest));

/** By their ends, reasons and digests: where a blob lies differs from side to side. */
function isSame(a: TripOutcome, b: TripOutcome | undefined): boolean {
  const key = ({ end, reason, blobs }: TripOutcome): string => JSON.stringify([end, reason, blobs.map(({ name, digest }) => [name, digest])]);
  return b !== undefined && key(a) === key(b);
}
