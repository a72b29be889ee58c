/**
 * What the history must show of every eviction, told from its events and from what really was the case. Shares nothing with the
 * decider.
 */
import type { DiscoveryEvent, EventOf, GoneCause } from "@longshore/discovery-agent";
import type { Cluster, Episode } from "./cluster.ts";

/** Evidence is at most so old when it leads to an eviction; what was wrong before that explains nothing. Milliseconds. */
const EXPLAINS_MS = 20_000;
/** What explains an eviction by evidence when it was wrong with the world, and not with the one that was evicted. */
const OF_THE_NETWORK = ["instances are parted", "instances are parted, and it is noticed", "weather: loss", "weather: reorder"];

export interface Eviction {
  readonly incarnation: string;
  readonly cause: GoneCause;
  readonly atMs: number;
  /** What explains it; undefined: nothing. */
  readonly because: string | undefined;
}

/** Every incarnation that was ended by others, and why that may be. */
export function evictionOf({ incarnation, cause }: EventOf<"InstanceEvicted">, atMs: number, cluster: Cluster): Eviction {
  return { incarnation, cause, atMs, because: explain(incarnation, cause, atMs, cluster) };
}

function explain(incarnation: string, cause: GoneCause, atMs: number, { lives, episodes }: Cluster): string | undefined {
  const life = lives.find((one) => one.incarnation === incarnation);
  if (life === undefined) return "never lived";
  if (life.toMs <= atMs) return "dead";
  const fromMs = Math.max(life.fromMs, atMs - EXPLAINS_MS);
  const isAround = (episode: Episode): boolean => episode.fromMs <= atMs && episode.toMs >= fromMs;
  // Slow listeners explain that an ack is overdue and nothing else; where deadlines are short, so does whatever keeps it from being heard.
  const own = episodes.find((episode) => episode.process === life.process && (episode.what !== "listeners are slow" || cause === "ack-overdue") && isAround(episode));
  if (own !== undefined) return own.what;
  return episodes.find((episode) => episode.process === undefined && OF_THE_NETWORK.includes(episode.what) && isAround(episode))?.what;
}

interface Accusation {
  readonly by: string;
  readonly kind: "witness" | "silent";
}

/** Two accusers for silence, one for anything; not more than half but one lost by silence in one view. */
export class EvictionRules {
  readonly violations: string[] = [];
  private readonly accusations = new Map<string, Accusation[]>();
  private members: readonly string[] = [];
  private proposed: readonly string[] = [];
  /** Who waits to join has a voice too. */
  private readonly announced = new Set<string>();
  private silentlyLost = 0;

  event(event: DiscoveryEvent): void {
    switch (event.type) {
      case "InstanceSuspected": {
        const others = (this.accusations.get(event.incarnation) ?? []).filter(({ by }) => by !== event.byIncarnation);
        if (event.isHealthy) this.accusations.set(event.incarnation, [...others, { by: event.byIncarnation, kind: event.kind }]);
        return;
      }
      case "SuspicionRefuted": {
        const { instance, incarnation, by } = event;
        this.accusations.set(incarnation, by === instance ? [] : (this.accusations.get(incarnation) ?? []).filter((one) => !one.by.startsWith(`${by}-`)));
        return;
      }
      case "EvidenceDiscarded": return this.accusations.clear();
      case "InstanceAnnounced":
        this.announced.add(event.incarnation);
        return;
      case "InstanceLeaving":
        this.announced.delete(event.incarnation);
        return;
      case "InstanceEvicted":
        this.evicted(event);
        this.announced.delete(event.incarnation);
        return;
      case "ViewProposed":
        this.proposed = event.members.map(({ incarnation }) => incarnation);
        return;
      case "ViewActivated":
        this.members = this.proposed;
        this.silentlyLost = 0;
        return;
      default: return;
    }
  }

  private evicted({ incarnation, cause }: EventOf<"InstanceEvicted">): void {
    const accusations = this.accusations.get(incarnation) ?? [];
    const electors = new Set([...this.members, ...this.proposed, ...this.announced]).size;
    if (cause === "silent" && accusations.length < 2) this.violations.push(`${incarnation} is evicted for silence by ${accusations.length} accusers`);
    if (cause === "witness" && !accusations.some(({ kind }) => kind === "witness")) this.violations.push(`${incarnation} is evicted without a witness`);
    if (cause === "certain" && accusations.length === 0) this.violations.push(`${incarnation} is evicted as certain without evidence`);
    // One that has not joined yet is no part of the majority that must not be lost.
    if (cause !== "silent" || !this.members.includes(incarnation)) return;
    this.silentlyLost++;
    if (this.silentlyLost > Math.floor((electors - 1) / 2)) this.violations.push(`${this.silentlyLost} of ${electors} are lost by silence in one view`);
  }
}
