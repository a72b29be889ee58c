/** Hosts of several shards in one process, on one connection; and of every shard that the wanted configuration names. */
import { queueOfWantedKey, readWantedQueue, shardsOf } from "@longshore/job-queue";
import type { StopReason, WantedEntry } from "@longshore/kernel";
import { WantedFollower } from "@longshore/kernel";
import { wantedOf } from "@longshore/nats";
import { ActorHosts, type HostingOptions } from "./actor-hosts.ts";
import { DEFAULT_CLUSTER, openGround, shared } from "./ground.ts";
import type { JobQueueOptions, JobQueueService } from "./job-queue.ts";
import { hostShard } from "./job-queue.ts";
import { nodeClock } from "./node-ports.ts";

export interface ShardsOptions extends Omit<JobQueueOptions, "shard" | "onStandby" | "gate">, HostingOptions<JobQueueService> {
  readonly shards: readonly string[];
  /** Also every shard that the wanted configuration names, now and later. */
  readonly followsWanted?: boolean;
}

export interface ShardHosts {
  readonly hosted: ReadonlyMap<string, JobQueueService>;
  /** The first host that stops by itself; not one that placement has moved. Rejects when a shard that is placed here cannot be hosted. */
  readonly stopped: Promise<{ readonly shard: string; readonly reason: StopReason }>;
  /** Idempotent. */
  close(): Promise<void>;
}

/**
 * Resolves when all `shards` are served; with a placement at once.
 *
 * @throws {Fault} as `startJobQueue`; then none is hosted.
 */
export async function startShards(options: ShardsOptions): Promise<ShardHosts> {
  const { shards, followsWanted, placement, standsBy, onServing, onStandby, onMoved, onFailed, ...service } = options;
  const ground = await openGround(options);
  const hosts = new ActorHosts<JobQueueService>("job-queue", options, (shard, opening) => hostShard(shared(ground), { ...service, ...opening, shard }));
  let follower: WantedFollower | undefined;
  let closing: Promise<void> | undefined;
  const end = async (): Promise<void> => {
    follower?.close();
    await hosts.close();
    await ground.free();
  };
  const close = (): Promise<void> => (closing ??= end());
  try {
    await Promise.all(shards.map((shard) => hosts.start(shard)));
  } catch (error) {
    await close();
    throw error;
  }
  if (followsWanted === true) {
    follower = new WantedFollower(wantedOf(ground.connection, options.cluster ?? DEFAULT_CLUSTER), nodeClock, {
      changed: (entries) => {
        for (const shard of entries.flatMap(shardsIn)) hosts.startLater(shard);
      },
    });
    follower.start();
  }
  const stopped = hosts.stopped.then(({ actor, reason }) => ({ shard: actor, reason }));
  // Whoever does not look has decided so.
  stopped.catch(() => undefined);
  return { hosted: hosts.hosted, stopped, close };
}

/** Where a queue lives and has lived. What is no configuration names nothing. */
export function shardsIn({ key, value }: WantedEntry): readonly string[] {
  if (queueOfWantedKey(key) === undefined || value === undefined) return [];
  try {
    const { config, former } = readWantedQueue(value);
    return [...shardsOf(config), ...former];
  } catch {
    return [];
  }
}
