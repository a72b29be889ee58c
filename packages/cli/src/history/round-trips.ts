/**
 * P12 over the histories of all clusters at hand: what routers say, and what queues say of jobs that were away.
 *
 * Of a running system each router's history is read twice: the first reading says what is judged, and when everything else has been read
 * the second brings what that may speak of. Exported files may end one before the other, and are judged as far as both go.
 */
import type { JobQueueEvent } from "@longshore/job-queue";
import { HANDED_BACK, jobQueue } from "@longshore/job-queue";
import { decodeCommit, type EventCodec, FIRST_ACTOR_CODE } from "@longshore/kernel";
import { judgeRoundTrips, OFFLOAD_KIND, type OffloadEvent, offloadRouter } from "@longshore/offload-router";
import type { AuditReport, Position } from "@longshore/testkit/promises";
import { plural } from "../render/quantities.ts";
import { numberOf } from "./audit-queue.ts";
import { readably } from "./fold.ts";
import type { HistorySource } from "./source.ts";

/** The histories of one cluster that are at hand. */
export interface ClusterSources {
  readonly cluster: string;
  readonly sources: readonly HistorySource[];
  /** Of a running system, not of exported files. */
  readonly isLive: boolean;
}

export interface RoundTripsReport extends AuditReport {
  readonly trips: number;
  readonly guests: number;
}

/** Undefined when none of them is a router's. */
export async function auditRoundTrips(clusters: readonly ClusterSources[]): Promise<RoundTripsReport | undefined> {
  const all: ClusterReading[] = [];
  for (const cluster of merged(clusters)) all.push(await read(cluster));
  const known = all.filter((one) => one.router !== undefined);
  if (known.length === 0) return undefined;
  for (const one of known) await one.readOn();
  const { violations, missing, open, trips, guests } = judgeRoundTrips(known.map((one) => one.history()), { isCut: clusters.some(({ isLive }) => !isLive) });
  const reasons = [
    ...missing.map((cluster) => `in part: cluster ${cluster} had a part in it, and its histories are not here: --with <a server of it, or an export>`),
    ...(open === 0 ? [] : [`in part: ${plural(open, "fact")} may be newer than what another history has of it`]),
    ...known.flatMap((one) => one.notJudged),
  ];
  return {
    violations: violations.map(({ cluster, shard, event, text }) => ({
      promise: "P12", text: `${cluster}: ${text}`, position: known.find((one) => one.cluster === cluster)?.placeOf(shard, event) ?? NOWHERE,
    })),
    violationCount: violations.length, trips, guests,
    commits: known.reduce((sum, one) => sum + one.commits, 0), events: known.reduce((sum, one) => sum + one.events, 0),
    judged: ["P12"], notJudged: reasons.map((reason) => ({ promise: "P12", reason })),
  };
}

/** Files of one cluster may be named one by one. */
function merged(clusters: readonly ClusterSources[]): readonly ClusterSources[] {
  const names = [...new Set(clusters.map(({ cluster }) => cluster))];
  return names.map((name) => {
    const same = clusters.filter(({ cluster }) => cluster === name);
    return { cluster: name, sources: same.flatMap(({ sources }) => sources), isLive: same.every(({ isLive }) => isLive) };
  });
}

/** The other clusters that the routers at hand had to do with. */
export async function clustersIn(clusters: readonly ClusterSources[]): Promise<readonly string[]> {
  const found = new Set<string>();
  for (const { cluster, sources } of clusters) {
    for (const source of sources) {
      if (source.address.kind !== OFFLOAD_KIND) continue;
      await new Placed<OffloadEvent>().readOn(source, offloadRouter({ cluster }).events, (event) => {
        if (event.type === "TripStarted") found.add(event.cluster);
        if (event.type === "GuestAccepted") found.add(event.origin);
        return [];
      });
    }
  }
  return [...found].sort();
}

const NOWHERE: Position = { commit: 0, version: 0, event: -1 };

async function read({ cluster, sources, isLive }: ClusterSources): Promise<ClusterReading> {
  const reading = new ClusterReading(cluster, sources.find(({ address }) => address.kind === OFFLOAD_KIND), isLive);
  await reading.begin();
  if (reading.hasTravellers) for (const source of sources) if (source.address.kind === "job-queue") await reading.queue(source);
  return reading;
}

/** Events with the places they stand at. */
class Placed<Event> {
  readonly events: Event[] = [];
  readonly places: Position[] = [];
  /** The last commit that was read. */
  version = 0;
  commits = 0;

  async readOn(source: HistorySource, codec: EventCodec<object>, keep: (event: Event) => readonly Event[]): Promise<void> {
    const from = this.version;
    await source.read((stored) => {
      if (stored.version <= from) return;
      readably(source.name, this.commits, () => {
        const { number: commit, format, events } = decodeCommit(stored.bytes);
        for (const [event, wire] of events.entries()) {
          if ((wire[0] as number) < FIRST_ACTOR_CODE) continue;
          for (const kept of keep(codec.decode(wire, format) as Event)) {
            this.events.push(kept);
            this.places.push({ commit, version: stored.version, event });
          }
        }
      });
      this.version = stored.version;
      this.commits++;
    });
  }
}

class ClusterReading {
  readonly cluster: string;
  readonly router: HistorySource | undefined;
  readonly notJudged: string[] = [];
  private readonly isLive: boolean;
  private readonly travels = new Placed<OffloadEvent>();
  private readonly queues = new Map<string, Placed<JobQueueEvent>>();
  private upTo = 0;

  constructor(cluster: string, router: HistorySource | undefined, isLive: boolean) {
    this.cluster = cluster;
    this.router = router;
    this.isLive = isLive;
  }

  get hasTravellers(): boolean {
    return this.travels.events.length > 0;
  }

  get commits(): number {
    return [this.travels, ...this.queues.values()].reduce((sum, { commits }) => sum + commits, 0);
  }

  get events(): number {
    return [this.travels, ...this.queues.values()].reduce((sum, { events }) => sum + events.length, 0);
  }

  async begin(): Promise<void> {
    if (this.router === undefined) return;
    if (!(await isWhole(this.router))) this.notJudged.push(`in part: the first commits of ${this.router.name} were purged, and trips that began in them are not judged`);
    else await this.readRouter(this.router);
    this.upTo = this.travels.events.length;
  }

  async readOn(): Promise<void> {
    if (this.isLive && this.router !== undefined && this.notJudged.length === 0) await this.readRouter(this.router);
  }

  async queue(source: HistorySource): Promise<void> {
    if (!(await isWhole(source))) {
      this.notJudged.push(`in part: the first commits of ${source.name} were purged, and so how its jobs ended is not held against their trips`);
      return;
    }
    const placed = new Placed<JobQueueEvent>();
    this.queues.set(source.address.actor, placed);
    const away = new AwayOnly();
    await placed.readOn(source, jobQueue({ cluster: this.cluster, shard: source.address.actor }).events, (event) => away.keep(event));
  }

  history(): Parameters<typeof judgeRoundTrips>[0][number] {
    const queues = Object.fromEntries([...this.queues].map(([shard, { events }]) => [shard, events]));
    return { cluster: this.cluster, router: this.travels.events, queues, upTo: this.upTo };
  }

  placeOf(shard: string | undefined, event: number): Position | undefined {
    return (shard === undefined ? this.travels : this.queues.get(shard))?.places[event];
  }

  private readRouter(router: HistorySource): Promise<void> {
    return this.travels.readOn(router, offloadRouter({ cluster: this.cluster }).events, withoutPayload);
  }
}

async function isWhole(source: HistorySource): Promise<boolean> {
  const first = await source.first();
  return first === undefined || numberOf(first) === 1;
}

const NOTHING = new Uint8Array(0);

/** What is judged are names and digests; the bytes of inputs would fill the memory. */
function withoutPayload(event: OffloadEvent): readonly OffloadEvent[] {
  switch (event.type) {
    case "TripStarted": case "GuestAccepted": return [{ ...event, input: NOTHING }];
    case "TripReturned": case "GuestEnded": case "GuestReturned": return [{ ...event, outcome: { ...event.outcome, result: null } }];
    case "RouteChanged": case "RouteHeard": case "RouteLost": case "OwnChanged": case "ClusterDrained": case "ClusterResumed": case "TripReported": case "GuestReported":
      return [];
    default: return [event];
  }
}

type Started = Extract<JobQueueEvent, { type: "AttemptStarted" }>;

/** Of a queue's history what is said of jobs in other clusters, or given back to them; of a million that stay here nothing is kept. */
class AwayOnly {
  private readonly routes = new Set<number>();
  private readonly away = new Set<number>();
  /** What runs here now. */
  private readonly running = new Map<number, Started>();

  keep(event: JobQueueEvent): readonly JobQueueEvent[] {
    switch (event.type) {
      case "InstanceJoined": {
        if (!event.instance.startsWith("@")) return [];
        this.routes.add(event.member);
        return [event];
      }
      case "AttemptStarted": return this.started(event);
      case "AttemptFailed": case "AttemptReleased": return this.over(event.job) === "away" ? [event] : [];
      case "JobEnded": {
        const run = this.over(event.job);
        const ended = { ...event, result: undefined };
        if (run === "away") return [ended];
        return run !== undefined && event.reason === HANDED_BACK ? [run, ended] : [];
      }
      default: return [];
    }
  }

  private started(event: Started): readonly JobQueueEvent[] {
    const wasAway = this.over(event.job) === "away";
    if (this.routes.has(event.member)) this.away.add(event.job);
    else this.running.set(event.job, event);
    return wasAway || this.routes.has(event.member) ? [event] : [];
  }

  private over(job: number): Started | "away" | undefined {
    const run = this.running.get(job);
    this.running.delete(job);
    return this.away.delete(job) ? "away" : run;
  }
}
