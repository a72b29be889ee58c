/** Hosts of several shards in one process, on one connection; and of every shard that the wanted configuration names. */
import { queueOfWantedKey, readWantedQueue, shardsOf } from "@longshore/job-queue";
import type { StopReason, WantedEntry } from "@longshore/kernel";
import { WantedFollower } from "@longshore/kernel";
import { wantedOf } from "@longshore/nats";
import type { Ground, JobQueueOptions, JobQueueService } from "./job-queue.ts";
import { hostShard, openGround } from "./job-queue.ts";
import { nodeClock } from "./node-ports.ts";
import { PlacedShard } from "./placed-shard.ts";
import type { Placement } from "./placement.ts";

export interface ShardsOptions extends Omit<JobQueueOptions, "shard" | "onStandby" | "gate"> {
  readonly shards: readonly string[];
  /** Says which of them are hosted here, and when; without it all of them are, as soon as nobody else hosts them. */
  readonly placement?: Placement;
  /** With a placement: the histories of shards that others host are folded here, so that this instance can go on at once. */
  readonly standsBy?: boolean;
  /** Also every shard that the wanted configuration names, now and later. */
  readonly followsWanted?: boolean;
  readonly onServing?: (shard: string, service: JobQueueService) => void;
  /** Another host of the shard is alive; this one waits for it to go. */
  readonly onStandby?: (shard: string) => void;
  /** A shard is hosted elsewhere from now on: it was handed over, or another host has overtaken this one. */
  readonly onMoved?: (shard: string, cause: "closed" | "fenced") => void;
  /** A shard named by the configuration could not be hosted; it is tried again. */
  readonly onFailed?: (shard: string, error: unknown) => void;
}

export interface ShardHosts {
  readonly hosted: ReadonlyMap<string, JobQueueService>;
  /** The first host that stops by itself; not one that placement has moved. Rejects when a shard that is placed here cannot be hosted. */
  readonly stopped: Promise<{ readonly shard: string; readonly reason: StopReason }>;
  /** Idempotent. */
  close(): Promise<void>;
}

const TRY_AGAIN_MS = 5_000;

/**
 * Resolves when all `shards` are served; with a placement at once.
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
  private readonly placed: PlacedShard[] = [];
  private readonly timers = new Set<NodeJS.Timeout>();
  private readonly ending = new AbortController();
  private follower: WantedFollower | undefined;
  private closing: Promise<void> | undefined;
  private hasStopped: (what: { readonly shard: string; readonly reason: StopReason }) => void = () => undefined;
  private hasFailed: (error: unknown) => void = () => undefined;

  constructor(ground: Ground, options: ShardsOptions) {
    this.ground = ground;
    this.options = options;
    this.stopped = new Promise((resolve, reject) => {
      this.hasStopped = resolve;
      this.hasFailed = reject;
    });
    // Whoever does not look has decided so.
    this.stopped.catch(() => undefined);
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
    const { placement } = this.options;
    // Successors look at the view: without this instance in it they ask for its shards.
    if (placement !== undefined && [...this.hosted.keys()].some((shard) => placement.hasSuccessor(shard))) await placement.leave();
    await Promise.all(this.placed.map((shard) => shard.close()));
    await Promise.allSettled(this.starting.values());
    await Promise.all([...this.hosted.values()].map((service) => service.close()));
    await this.ground.free();
  }

  private async host(shard: string): Promise<void> {
    const { placement } = this.options;
    if (placement !== undefined) return this.place(shard, placement);
    const service = await this.open(shard, {});
    this.served(shard, service);
    void service.stopped.then((reason) => {
      if (this.closing === undefined) this.hasStopped({ shard, reason });
    });
  }

  private served(shard: string, service: JobQueueService): void {
    this.hosted.set(shard, service);
    void service.stopped.then(() => this.hosted.delete(shard));
    this.options.onServing?.(shard, service);
  }

  private place(shard: string, placement: Placement): void {
    const { takeOver = false, standsBy = false, onStandby, onMoved } = this.options;
    const placed = new PlacedShard({
      shard, placement, standsBy, takeOver, signal: this.endingSignal,
      open: (gate) => this.open(shard, { gate, takeOver: false }),
      onServing: (service) => this.served(shard, service),
      onStandby: () => onStandby?.(shard),
      onMoved: (cause) => onMoved?.(shard, cause),
      onStopped: (reason) => this.hasStopped({ shard, reason }),
    });
    this.placed.push(placed);
    placed.keep().catch((error: unknown) => this.hasFailed(error));
  }

  private get endingSignal(): AbortSignal {
    const { signal } = this.options;
    return signal === undefined ? this.ending.signal : AbortSignal.any([signal, this.ending.signal]);
  }

  private open(shard: string, more: Partial<JobQueueOptions>): Promise<JobQueueService> {
    const { shards: _, followsWanted: __, placement: ___, standsBy: ____, onServing: _____, onStandby, onMoved: ______, onFailed: _______, ...options } = this.options;
    // The connection is everybody's: it stays when one host goes.
    const ground: Ground = { ...this.ground, free: () => Promise.resolve() };
    return hostShard(ground, { ...options, ...more, shard, signal: this.endingSignal, ...(onStandby === undefined ? {} : { onStandby: () => onStandby(shard) }) });
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
