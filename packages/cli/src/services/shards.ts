/** Hosts of several shards in one process, on one connection; and of every shard that the wanted configuration names. */
import { queueOfWantedKey, readWantedQueue, shardsOf } from "@longshore/job-queue";
import type { StopReason, WantedEntry } from "@longshore/kernel";
import { WantedFollower } from "@longshore/kernel";
import { wantedOf } from "@longshore/nats";
import type { Ground, JobQueueOptions, JobQueueService } from "./job-queue.ts";
import { hostShard, openGround } from "./job-queue.ts";
import { nodeClock } from "./node-ports.ts";

export interface ShardsOptions extends Omit<JobQueueOptions, "shard" | "onStandby"> {
  readonly shards: readonly string[];
  /** Also every shard that the wanted configuration names, now and later. */
  readonly followsWanted?: boolean;
  readonly onServing?: (shard: string, service: JobQueueService) => void;
  /** Another host of the shard is alive; this one waits for it to go. */
  readonly onStandby?: (shard: string) => void;
  /** A shard named by the configuration could not be hosted; it is tried again. */
  readonly onFailed?: (shard: string, error: unknown) => void;
}

export interface ShardHosts {
  readonly hosted: ReadonlyMap<string, JobQueueService>;
  /** The first host that stops by itself. */
  readonly stopped: Promise<{ readonly shard: string; readonly reason: StopReason }>;
  /** Idempotent. */
  close(): Promise<void>;
}

const TRY_AGAIN_MS = 5_000;

/**
 * Resolves when all `shards` are served.
 *
 * @throws {Fault} as `startJobQueue`; then none is hosted.
 */
export async function startShards(options: ShardsOptions): Promise<ShardHosts> {
  const hosts = new Hosts(await openGround(options), options);
  try {
    await Promise.all(options.shards.map((shard) => hosts.start(shard)));
  } catch (error) {
    await hosts.close();
    throw error;
  }
  if (options.followsWanted === true) hosts.follow();
  return hosts;
}

class Hosts implements ShardHosts {
  readonly hosted: Map<string, JobQueueService> = new Map();
  readonly stopped: ShardHosts["stopped"];
  private readonly ground: Ground;
  private readonly options: ShardsOptions;
  private readonly starting = new Map<string, Promise<void>>();
  private readonly timers = new Set<NodeJS.Timeout>();
  private readonly ending = new AbortController();
  private follower: WantedFollower | undefined;
  private closing: Promise<void> | undefined;
  private hasStopped: (what: { readonly shard: string; readonly reason: StopReason }) => void = () => undefined;

  constructor(ground: Ground, options: ShardsOptions) {
    this.ground = ground;
    this.options = options;
    this.stopped = new Promise((resolve) => {
      this.hasStopped = resolve;
    });
  }

  start(shard: string): Promise<void> {
    const started = this.starting.get(shard) ?? this.host(shard);
    this.starting.set(shard, started);
    return started;
  }

  follow(): void {
    this.follower = new WantedFollower(wantedOf(this.ground.connection, this.options.cluster ?? "main"), nodeClock, {
      changed: (entries) => {
        for (const shard of entries.flatMap(shardsIn)) this.startLater(shard);
      },
    });
    this.follower.start();
  }

  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  private async end(): Promise<void> {
    this.follower?.close();
    for (const timer of this.timers) clearTimeout(timer);
    this.ending.abort(new Error("the hosts are being closed"));
    await Promise.allSettled(this.starting.values());
    await Promise.all([...this.hosted.values()].map((service) => service.close()));
    await this.ground.free();
  }

  private async host(shard: string): Promise<void> {
    const { shards: _, followsWanted: __, onServing, onStandby, onFailed: ___, signal, ...options } = this.options;
    const ending = signal === undefined ? this.ending.signal : AbortSignal.any([signal, this.ending.signal]);
    // The connection is everybody's: it stays when one host goes.
    const ground: Ground = { ...this.ground, free: () => Promise.resolve() };
    const service = await hostShard(ground, { ...options, shard, signal: ending, ...(onStandby === undefined ? {} : { onStandby: () => onStandby(shard) }) });
    this.hosted.set(shard, service);
    onServing?.(shard, service);
    void service.stopped.then((reason) => {
      if (this.closing === undefined) this.hasStopped({ shard, reason });
    });
  }

  private startLater(shard: string): void {
    if (this.closing !== undefined) return;
    this.start(shard).catch((error: unknown) => {
      if (this.closing !== undefined) return;
      this.options.onFailed?.(shard, error);
      this.starting.delete(shard);
      const timer = setTimeout(() => {
        this.timers.delete(timer);
        this.startLater(shard);
      }, TRY_AGAIN_MS);
      this.timers.add(timer);
    });
  }
}

/** Where a queue lives and has lived. What is no configuration names nothing. */
function shardsIn({ key, value }: WantedEntry): readonly string[] {
  if (queueOfWantedKey(key) === undefined || value === undefined) return [];
  try {
    const { config, former } = readWantedQueue(value);
    return [...shardsOf(config), ...former];
  } catch {
    return [];
  }
}
