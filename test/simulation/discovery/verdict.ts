/** The oracles at the end of a run: the history, what listeners were told, who was evicted and why, and how long crashes took. */
import type { ClusterView, DiscoveryEvent, DiscoveryState } from "@longshore/discovery-agent";
import { checkDelivery, TopologyCheck } from "@longshore/discovery-agent";
import { History } from "@longshore/kernel";
import { sha256 } from "@longshore/testkit";
import type { Cluster, LifeRecord } from "./cluster.ts";
import type { Eviction } from "./rules.ts";
import { EvictionRules, evictionOf } from "./rules.ts";

export interface Detection {
  readonly what: "crash" | "hang" | "hang of one of two";
  /** The one that crashed hosted the history. */
  readonly wasHost: boolean;
  /** From the crash until one survivor was told, milliseconds. */
  readonly changingMs: number;
  readonly changedMs: number;
}

export interface Verdict {
  readonly violations: readonly string[];
  readonly alarms: readonly string[];
  readonly evictions: readonly Eviction[];
  /** In a world where nothing but crashes happens. */
  readonly detections: readonly Detection[];
  readonly events: number;
  readonly views: number;
}

/**
 * Families in which nothing is wrong with any instance or between them: nobody may be evicted (INV-14) but who has ended for good,
 * or has a listener that does not return.
 */
const STREAMS_ONLY: ReadonlySet<string> = new Set(["outage", "no-streams", "full", "lost-answers", "late-appends", "deposed", "clocks", "properties", "leaders", "doubles", "slow"]);

export function judge(cluster: Cluster, healedMs: number): Verdict {
  const { config, lives, alarms } = cluster;
  const events: DiscoveryEvent[] = [];
  const evictions: Eviction[] = [];
  const activated: ClusterView[] = [];
  const check = new TopologyCheck();
  const rules = new EvictionRules();
  const history = new History(cluster.actor, sha256);
  let index = 0;
  try {
    for (; index < cluster.commits.length; index++) {
      history.fold(cluster.commits[index]!, { actorEvent: (event, state) => {
        events.push(event);
        const mark = markOf(event);
        if (mark !== undefined) cluster.marks.hit(mark);
        check.event(event);
        rules.event(event);
        if (event.type === "InstanceEvicted") evictions.push(evictionOf(event, cluster.storedMs[index]!, cluster));
        if (event.type === "ViewActivated") activated.push(state.clusterView()!);
        if (event.type === "RemoteClusterAnnounced") checkLeader(event.view.members[0]?.incarnation ?? "", state, alarms);
      } });
    }
  } catch (error) {
    alarms.push(`INV-11: commit ${index + 1} does not follow: ${String(error)}`);
  }
  const logs = lives.map(({ log }) => log);
  const violations = [
    ...check.violations.map(({ invariant, event, text }) => `${invariant} at event ${event}: ${text}`),
    ...checkDelivery(logs, activated).map(({ invariant, incarnation, message }) => `${invariant} at ${incarnation}: ${message}`),
    ...rules.violations.map((text) => `RULE: ${text}`),
    ...evictions.filter(({ because }) => because === undefined).map(({ incarnation, cause, atMs }) => `FALSE: ${incarnation} was evicted at ${Math.round(atMs)} ms (${cause}), and was alive and connected`),
    ...(config.families.every((family) => STREAMS_ONLY.has(family)) ? evictions : []).filter(({ because }) => because !== "dead" && because !== "listeners are slow").map(({ incarnation, cause }) => `INV-14: ${incarnation} was evicted (${cause}) for what was wrong with the server`),
  ];
  return { violations, alarms, evictions, events: events.length, views: activated.length, detections: config.isMeasured ? detectionsIn(cluster, healedMs) : [] };
}

/** The hard places of a history. */
function markOf(event: DiscoveryEvent): string | undefined {
  switch (event.type) {
    case "InstanceEvicted": return `an incarnation is given up: ${event.cause}`;
    case "ViewProposed": return `a view is proposed: ${event.reason}`;
    case "ViewSuperseded": return `a proposal is superseded: ${event.reason}`;
    case "EvidenceDiscarded": return `evidence is void: ${event.reason}`;
    case "AckOverdue": return "an ack is overdue";
    case "SuspicionRefuted": return event.by === event.instance ? "an accused speaks up for itself" : "an accuser takes its word back";
    case "DuplicateInstanceDetected": return "a second incarnation is refused";
    case "RemoteClusterAnnounced": return "a leader is heard of another cluster";
    case "RemoteClusterExpired": return "another cluster is not heard any more";
    default: return undefined;
  }
}

/** INV-11: what only the leader may say counts only while the view stands in which it leads. */
function checkLeader(claim: string, state: DiscoveryState, alarms: string[]): void {
  const [leader, number] = claim.split("_");
  const first = state.view?.members[0]?.incarnation;
  if (first !== leader || String(state.view?.number) !== number) alarms.push(`INV-11: ${leader} was heard as leader of view ${number}, and ${first} leads in ${state.view?.number}`);
}

function detectionsIn({ lives, stamps, config: { instances } }: Cluster, healedMs: number): readonly Detection[] {
  return lives.flatMap((dead) => {
    const { hungMs, crashedAs, toMs } = dead;
    if (hungMs === undefined && (crashedAs === undefined || toMs > healedMs)) return [];
    const what = hungMs === undefined ? "crash" : instances === 2 ? "hang of one of two" : "hang";
    return lives.flatMap((survivor) => detectionBy(survivor, dead, hungMs ?? toMs, what, stamps));
  });
}

function detectionBy({ log, fromMs, toMs }: LifeRecord, { incarnation: crashed, wasHost }: LifeRecord, atMs: number, what: Detection["what"], stamps: readonly number[]): readonly Detection[] {
  if (fromMs >= atMs || toMs <= atMs + 5_000) return [];
  let changingMs: number | undefined;
  for (const entry of log.entries) {
    if (entry.kind !== "told" || stamps[entry.at]! < atMs || entry.oldView?.members.includes(crashed) !== true) continue;
    if (entry.type === "TOPOLOGY_CHANGING") changingMs ??= stamps[entry.at]! - atMs;
    if (entry.type === "TOPOLOGY_CHANGED" && changingMs !== undefined && entry.newView?.members.includes(crashed) === false) return [{ what, wasHost, changingMs, changedMs: stamps[entry.at]! - atMs }];
  }
  return [];
}
