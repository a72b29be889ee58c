/**
 * This process's worker: one loop for every shard that there is, all under one instance and incarnation.
 *
 * Each shard has a standing of its own with the instance (epoch, member number, what it was told), so each has a loop of its
 * own; what the loops share is the handlers. A job may be sent to any queue by name, and a queue that has moved leaves jobs
 * behind, so every shard that the configuration names is greeted, also later ones.
 *
 * Slots are credits per queue and instance: a shard is granted what the worker offers, a partition its part of that, also when their number changes.
 */
import type { Directory } from "./directory.ts";
import type { Pool, PoolSpec } from "./pool.ts";
import type { WorkerHandlers, WorkerIdentity, WorkerLoop } from "./worker-loop.ts";

export interface CrewHandlers {
  /** A loop with a shard. */
  join(shard: string, handlers: WorkerHandlers): WorkerLoop;
  fault(code: string, message: string): void;
}

interface Shard {
  readonly loop: WorkerLoop;
  /** Called when a host has answered a hello, or nobody could be reached. */
  readonly greeted: (() => void)[];
}

/** What one `work` offers, to every shard. */
export class Offer {
  readonly spec: PoolSpec;
  readonly pools: Map<string, Pool> = new Map();

  constructor(spec: PoolSpec) {
    this.spec = spec;
  }

  /** Attempts that hold a slot. */
  get running(): number {
    let running = 0;
    for (const pool of this.pools.values()) running += pool.running;
    return running;
  }
}

export class Crew {
  readonly identity: WorkerIdentity;
  private readonly directory: Directory;
  private readonly handlers: CrewHandlers;
  private readonly shards = new Map<string, Shard>();
  private readonly offers = new Set<Offer>();
  private readonly stopListening: () => void;
  private isClosed = false;

  constructor(identity: WorkerIdentity, directory: Directory, handlers: CrewHandlers) {
    this.identity = identity;
    this.directory = directory;
    this.handlers = handlers;
    this.stopListening = directory.onChange(() => this.extend());
  }

  /** Offers a pool to every shard; `greeted` is called when each has answered, or could not be reached. */
  add(spec: PoolSpec, greeted: () => void): Offer {
    const offer = new Offer(spec);
    this.offers.add(offer);
    this.directory.whenReady(() => {
      if (this.isClosed || !this.offers.has(offer)) return greeted();
      const shards = this.directory.shards();
      let open = shards.length;
      const one = (): void => {
        if (--open === 0) greeted();
      };
      for (const shard of shards) this.offerTo(offer, shard).greeted.push(one);
    });
    return offer;
  }

  /** Whether no other pool is offered. */
  isLast(offer: Offer): boolean {
    return [...this.offers].every((other) => other === offer);
  }

  /** As `WorkerLoop.removePool`, with every shard. */
  remove(offer: Offer, drainMs: number, done: () => void): void {
    this.offers.delete(offer);
    const parts = [...offer.pools].map(([shard, pool]) => (end: () => void) => this.shards.get(shard)!.loop.removePool(pool, drainMs, end));
    allOf(parts, done);
  }

  /** As `WorkerLoop.close`, with every shard. */
  close(drainMs: number, done: () => void): void {
    this.end();
    allOf([...this.shards.values()].map(({ loop }) => (end: () => void) => loop.close(drainMs, end)), done);
  }

  kill(): void {
    this.end();
    for (const { loop } of this.shards.values()) loop.kill();
  }

  private end(): void {
    this.isClosed = true;
    this.stopListening();
    for (const { greeted } of this.shards.values()) for (const run of greeted.splice(0)) run();
  }

  /** The configuration names shards that were not there before, or another number of partitions. */
  private extend(): void {
    if (!this.directory.isReady) return;
    for (const offer of this.offers) {
      for (const shard of this.directory.shards()) if (!offer.pools.has(shard)) this.offerTo(offer, shard);
      for (const [shard, pool] of offer.pools) this.shards.get(shard)!.loop.resizePool(pool, this.directory.slotsIn(shard, offer.spec.slots));
    }
  }

  private offerTo(offer: Offer, name: string): Shard {
    const shard = this.shards.get(name) ?? this.join(name);
    const { topics, slots, start } = offer.spec;
    offer.pools.set(name, shard.loop.addPool({ topics, slots: this.directory.slotsIn(name, slots), start }));
    return shard;
  }

  private join(name: string): Shard {
    const greeted: (() => void)[] = [];
    const loop = this.handlers.join(name, {
      fault: (code, message) => this.handlers.fault(code, message),
      greeted: () => {
        for (const run of greeted.splice(0)) run();
      },
    });
    const shard = { loop, greeted };
    this.shards.set(name, shard);
    return shard;
  }
}

/** Begins all, and ends when all have ended. */
function allOf(parts: readonly ((end: () => void) => void)[], done: () => void): void {
  let open = parts.length;
  if (open === 0) return done();
  for (const part of parts) {
    part(() => {
      if (--open === 0) done();
    });
  }
}
