/**
 * What the topology says to the OffloadRouter: which other clusters take jobs, and what this one works on for them.
 *
 * Only instances of the topology count: what a program works on that belongs to none is worked on for its own cluster alone.
 */
import type { ClusterView, MemberLists, MemberRecord, TopologyAnswer } from "@longshore/discovery-agent";
import { enabledTopics, mergeClusters } from "@longshore/discovery-agent";
import { DEFAULT_SHARD, INPUT_LIMITS } from "@longshore/job-queue";
import type { Clock, WantedConfiguration } from "@longshore/kernel";
import { WantedFollower } from "@longshore/kernel";
import type { Outlook, OutlookSource, RoutePool } from "@longshore/offload-router";
import { OFFLOAD_KIND } from "@longshore/offload-router";
import type { InstanceService } from "./instance/instance.ts";
import { nodeClock } from "./node-ports.ts";
import { shardsIn } from "./shards.ts";

/** Bounds of what is told of one instance, within what a queue reads of a route. */
const LABELS_MAX = 100;
const LABEL_CHARS_MAX = 1_000;

const NO_LISTS = { exclusive: undefined, disabled: [] } as const;

/** The other clusters of a picture. One in which nobody can host a router is none: jobs would go there and be read by nobody. */
export function routesIn({ view, remote }: Pick<TopologyAnswer, "view" | "remote">): Outlook["routes"] {
  if (view === null) return [];
  return mergeClusters(view, remote)
    .filter(({ members }) => members.some(({ kinds }) => kinds.includes(OFFLOAD_KIND)))
    .map(({ cluster, members, lists }: ClusterView) => ({ cluster, pools: poolsOf(members, lists) }));
}

function poolsOf(members: readonly MemberRecord[], lists: readonly MemberLists[] = []): readonly RoutePool[] {
  const listsOf = new Map(lists.map((own) => [own.instance, own]));
  return members.map((member) => poolOf(member, enabledTopics(member.topics, listsOf.get(member.instance) ?? NO_LISTS))).filter(({ topics, slots }) => topics.length > 0 && slots > 0).slice(0, INPUT_LIMITS.poolsMax);
}

function poolOf({ slots, properties }: MemberRecord, topics: readonly string[]): RoutePool {
  const labels = Object.entries(properties).slice(0, LABELS_MAX).map(([name, value]) => [name, value.slice(0, LABEL_CHARS_MAX)]);
  return { topics: topics.toSorted(), slots: Math.min(slots, INPUT_LIMITS.slotsMax), labels: Object.fromEntries(labels) as Record<string, string> };
}

/** Topics that somebody of this cluster works on, sorted, each once. */
export const ownTopicsIn = ({ members }: Pick<ClusterView, "members">, isEnabled: (instance: string, pattern: string) => boolean): readonly string[] =>
  [...new Set(members.flatMap(({ instance, topics }) => topics.filter((topic) => isEnabled(instance, topic))))].toSorted().slice(0, INPUT_LIMITS.patternsMax);

/** Follows the topology and the wanted configuration from when it is listened to. */
export class InstanceOutlook implements OutlookSource {
  private readonly instance: InstanceService;
  private readonly wanted: WantedConfiguration;
  private readonly clock: Clock;
  /** By key of the wanted configuration. */
  private readonly shards = new Map<string, readonly string[]>();
  private knowsShards = false;

  constructor(instance: InstanceService, wanted: WantedConfiguration, clock: Clock = nodeClock) {
    this.instance = instance;
    this.wanted = wanted;
    this.clock = clock;
  }

  current(): Outlook | undefined {
    const { answer, topology, roster } = this.instance;
    if (!this.knowsShards || answer === undefined || answer.view === null || answer.proposed !== null || !topology.view().isCurrent) return undefined;
    const topics = ownTopicsIn(answer.view, (instance, pattern) => roster.isEnabled(instance, pattern));
    // A job of another cluster is given to the first of them, and moves where its topic lives.
    const shards = new Set([DEFAULT_SHARD, ...[...this.shards.values()].flat().toSorted()]);
    return { routes: routesIn(answer), own: { topics, shards: [...shards] } };
  }

  onChange(changed: () => void): () => void {
    const { instance } = this;
    const follower = new WantedFollower(this.wanted, this.clock, {
      changed: (entries) => {
        for (const entry of entries) this.shards.set(entry.key, shardsIn(entry));
        if (this.knowsShards) changed();
      },
      looked: (trouble) => {
        if (trouble !== undefined || this.knowsShards) return;
        this.knowsShards = true;
        changed();
      },
    });
    const stops = [instance.watch(changed), instance.roster.onTopics(changed), () => follower.close(), () => instance.unlisten(changed)];
    // The view may be current only after the picture was read.
    instance.listen(changed, { barrier: false });
    follower.start();
    return () => {
      this.knowsShards = false;
      for (const stop of stops) stop();
    };
  }
}
