/**
 * P12, judged from histories alone: an offloaded job has one outcome at its origin, output imported before it is visible, and
 * leaves no payload behind. Shares nothing with `evolve`: an error in the fold must not hide itself.
 *
 * Histories have no common clock. What holds within one cluster is judged event by event (`cluster-check.ts`); what holds between two
 * when all have been read. A history that is read while it grows, or ends earlier than another, does not have everything yet that
 * the other speaks of: what may be missing only for that is counted as open, not blamed. At rest nothing is on its way any more:
 * then every trip and every guest is over.
 */
import type { JobQueueEvent } from "@longshore/job-queue";
import type { GuestFacts, TripFacts, Violation } from "./cluster-check.ts";
import { ClusterCheck } from "./cluster-check.ts";
import type { OffloadEvent } from "./events.ts";
import type { TripOutcome } from "./vocabulary.ts";

/** Everything one cluster has written, routers and queues, each from its first event on. */
export interface ClusterHistory {
  readonly cluster: string;
  readonly router: readonly OffloadEvent[];
  readonly queues: Readonly<Record<string, readonly JobQueueEvent[]>>;
  /** So many of the router's events were there before the others' histories were read to their ends: only they are held against those. All when absent. */
  readonly upTo?: number;
}

export interface RoundTripOptions {
  /** Nothing is on its way any more. */
  readonly atRest?: boolean;
  /** One history may end earlier than another, as exports that were made one after the other. */
  readonly isCut?: boolean;
}

export interface RoundTripReport {
  readonly violations: readonly Violation[];
  readonly trips: number;
  readonly guests: number;
  /** Clusters concerned whose histories were not given. */
  readonly missing: readonly string[];
  /** Facts that another history may not have reached. */
  readonly open: number;
}

/** Holds the round trips of all clusters concerned against each other. */
export function judgeRoundTrips(histories: readonly ClusterHistory[], options: RoundTripOptions = {}): RoundTripReport {
  const isCut = options.isCut === true;
  const checks = new Map(histories.map((history) => [history.cluster, checkOf(history, isCut)]));
  const between = new BetweenClusters(checks, isCut);
  for (const { cluster, router, upTo = router.length } of histories) between.judge(checks.get(cluster)!, upTo);
  const all = [...checks.values()];
  if (options.atRest === true) for (const check of all) check.atRest();
  return {
    violations: all.flatMap(({ found }) => found), missing: [...between.missing].sort(), open: all.reduce((sum, { open }) => sum + open, between.open),
    trips: all.reduce((sum, { trips }) => sum + trips.size, 0), guests: all.reduce((sum, { guests }) => sum + guests.size, 0),
  };
}

/** Every violation of P12 in these histories, as a sentence that begins with the cluster's name. */
export const brokenRoundTrips = (histories: readonly ClusterHistory[], options: RoundTripOptions = {}): readonly string[] =>
  judgeRoundTrips(histories, options).violations.map(({ cluster, text }) => `${cluster}: ${text}`);

function checkOf({ cluster, router, queues }: ClusterHistory, isCut: boolean): ClusterCheck {
  const check = new ClusterCheck(cluster, isCut);
  check.router(router);
  for (const [shard, events] of Object.entries(queues)) check.queue(shard, events);
  return check;
}

class BetweenClusters {
  readonly missing = new Set<string>();
  open = 0;
  private readonly checks: ReadonlyMap<string, ClusterCheck>;
  private readonly isCut: boolean;

  constructor(checks: ReadonlyMap<string, ClusterCheck>, isCut: boolean) {
    this.checks = checks;
    this.isCut = isCut;
  }

  judge(check: ClusterCheck, upTo: number): void {
    for (const trip of check.trips.values()) {
      const worker = this.other(trip.start.cluster);
      if (worker !== undefined && trip.outcome !== undefined && trip.returnedAt < upTo) this.returned(check, worker, trip, trip.outcome);
    }
    for (const guest of check.guests.values()) {
      const origin = this.other(guest.taken.origin);
      if (origin !== undefined && guest.takenAt < upTo) this.guest(check, origin, guest, upTo);
    }
  }

  private other(cluster: string): ClusterCheck | undefined {
    const check = this.checks.get(cluster);
    if (check === undefined) this.missing.add(cluster);
    return check;
  }

  private returned(check: ClusterCheck, worker: ClusterCheck, { start: { trip, cluster }, returnedAt }: TripFacts, outcome: TripOutcome): void {
    const guest = worker.guestOf(check.cluster, trip);
    if (isSame(outcome, guest?.outcome)) return;
    const isBehind = guest === undefined ? worker.lastTaken(check.cluster) < trip : guest.outcome === undefined;
    if (this.mayBeBehind(isBehind)) return;
    check.addAt(returnedAt, `trip ${trip} returns with another outcome than guest ${guest?.taken.guest ?? "(none)"} of ${cluster} has sent`);
  }

  private guest(check: ClusterCheck, origin: ClusterCheck, { taken, takenAt, outcome, isReleased, releasedAt }: GuestFacts, upTo: number): void {
    const { guest, trip: number } = taken;
    const trip = origin.trips.get(number);
    if (trip?.isDispatched !== true) {
      const isBehind = trip === undefined ? origin.lastTrip < number : trip.end === undefined;
      if (!this.mayBeBehind(isBehind)) check.addAt(takenAt, `guest ${guest} is trip ${number} of ${taken.origin}, which was never dispatched`);
    }
    if (!isReleased || releasedAt >= upTo) return;
    if (outcome === undefined) check.addAt(releasedAt, `guest ${guest} is released and has never returned`);
    const isLetGo = trip?.end !== undefined || origin.hasRefusedLate(check.cluster, number);
    if (!isLetGo && !this.mayBeBehind(true)) check.addAt(releasedAt, `guest ${guest} is released while ${taken.origin} still needs trip ${number}`);
  }

  /** Whether that may be so only because the other history ends earlier; then it is counted. */
  private mayBeBehind(isBehind: boolean): boolean {
    if (!this.isCut || !isBehind) return false;
    this.open++;
    return true;
  }
}

/** By their ends, reasons and digests: where a blob lies differs from side to side. */
function isSame(a: TripOutcome, b: TripOutcome | undefined): boolean {
  const key = ({ end, reason, blobs }: TripOutcome): string => JSON.stringify([end, reason, blobs.map(({ name, digest }) => [name, digest])]);
  return b !== undefined && key(a) === key(b);
}
