/** Who is there: incarnations of instances, what they take and what they run. */
import type { Seat } from "./board.ts";
import type { Job } from "./job.ts";
import type { JobTable } from "./job-table.ts";
import type { Queue } from "./queue.ts";
import type { InstanceView, WorkerPool } from "./vocabulary.ts";

/** Other clusters are members too: named so that no instance can be, and spoken for by the router alone. */
export const ROUTER: string = "(offload-router)";
export const routeName = (cluster: string): string => `@${cluster}`;

/** One `work()` of an incarnation: what it takes and how many at a time. */
export interface Pool {
  /** Place among the pools of its incarnation; −1 when it is no longer offered and its last attempts run out. */
  index: number;
  readonly topics: readonly string[];
  labels: Readonly<Record<string, string>> | undefined;
  slots: number;
  used: number;
  /** Grows with every start in the shard: the pool with the lowest is next in turn. */
  lastStart: number;
}

/** The live attempts of one incarnation: its jobs, in the order they were started. */
export class Running {
  private readonly table: JobTable;
  private readonly pools = new Map<number, Pool>();

  constructor(table: JobTable) {
    this.table = table;
  }

  get size(): number {
    return this.pools.size;
  }

  poolOf(job: number): Pool | undefined {
    return this.pools.get(job);
  }

  add(job: number, pool: Pool): void {
    this.pools.set(job, pool);
  }

  delete(job: number): void {
    this.pools.delete(job);
  }

  *[Symbol.iterator](): Generator<Job> {
    for (const number of this.pools.keys()) yield this.table.get(number)!;
  }
}

/** One incarnation of an instance, from its joining until the last of its attempts is taken back. */
export class Member {
  readonly number: number;
  readonly instance: string;
  readonly incarnation: string;
  readonly principal: string;
  readonly processors: number;
  readonly joinedAt: number;
  /** Another cluster: what it runs is on its way there and back. */
  readonly isRoute: boolean;
  pools: readonly Pool[];
  isDraining = false;
  /** It is gone: why. Its attempts are being taken back. */
  leftBecause: string | undefined = undefined;
  readonly running: Running;
  private readonly perQueue = new Map<Queue, number>();
  /** Seats of the board that found no free slot here: looked at again when an attempt ends. */
  parked: Seat[] = [];

  constructor(number: number, who: { readonly instance: string; readonly incarnation: string; readonly principal: string; readonly processors: number }, joinedAt: number, pools: readonly Pool[], table: JobTable) {
    this.number = number;
    this.instance = who.instance;
    this.incarnation = who.incarnation;
    this.principal = who.principal;
    this.processors = who.processors;
    this.joinedAt = joinedAt;
    this.isRoute = who.principal === ROUTER;
    this.pools = pools;
    this.running = new Running(table);
  }

  /** Takes nothing new when it drains or is gone. */
  get takesWork(): boolean {
    return !this.isDraining && this.leftBecause === undefined;
  }

  runningOf(queue: Queue): number {
    return this.perQueue.get(queue) ?? 0;
  }

  hasRoomFor(queue: Queue, pool: Pool): boolean {
    return pool.used < pool.slots && this.runningOf(queue) < queue.parallelOn(this.processors);
  }

  start({ number, queue }: Job, pool: Pool): void {
    pool.used++;
    this.running.add(number, pool);
    this.perQueue.set(queue, this.runningOf(queue) + 1);
  }

  end({ number, queue }: Job): void {
    const pool = this.running.poolOf(number);
    if (pool !== undefined) pool.used--;
    this.running.delete(number);
    const left = this.runningOf(queue) - 1;
    if (left === 0) this.perQueue.delete(queue);
    else this.perQueue.set(queue, left);
  }

  /** Takes over new pools; one with the same topics goes on with its attempts and its turn. */
  replacePools(wanted: readonly WorkerPool[], nextTurn: () => number): void {
    const old = [...this.pools];
    this.pools = wanted.map((worker, index) => {
      const same = old.findIndex((pool) => sameTopics(pool.topics, worker.topics));
      if (same === -1) return newPool(index, worker, nextTurn());
      const [pool] = old.splice(same, 1);
      return Object.assign(pool!, { index, slots: worker.slots, labels: worker.labels });
    });
    for (const gone of old) gone.index = -1;
  }

  view(): InstanceView {
    const { instance, incarnation, principal, joinedAt, isDraining } = this;
    const pools = this.pools.map(({ topics, slots, labels, used }) => ({ topics, slots, ...(labels === undefined ? {} : { labels }), used }));
    return { instance, incarnation, principal, joinedAt, draining: isDraining, pools };
  }
}

export const newPool = (index: number, { topics, slots, labels }: WorkerPool, lastStart: number): Pool => ({ index, topics: [...topics], labels, slots, used: 0, lastStart });

const sameTopics = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((topic, i) => topic === b[i]);
