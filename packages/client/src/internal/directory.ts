/**
 * Which queue takes a topic and which shards it lives in, as this process knows the wanted configuration.
 *
 * It may lag behind: whoever sends a job to a shard that is not (any more) its own is told where to, so a late directory
 * costs a round trip, never a job.
 */
import type { RankedQueue, WantedQueue } from "@longshore/job-queue";
import { DEFAULT_QUEUE, inRankingOrder, queueOfWantedKey, queueTaking, readWantedQueue, shardFor, shardsOf } from "@longshore/job-queue";
import type { Clock, WantedConfiguration, WantedEntry } from "@longshore/kernel";
import { WantedFollower } from "@longshore/kernel";

/** A queue as it is wanted. */
export interface DirectoryEntry extends RankedQueue, WantedQueue {
  readonly since: number | undefined;
  readonly revision: number;
}

const READY_WITHIN_MS = 2_000;
const TOPICS_MAX = 50_000;

export class Directory {
  /** The shard of jobs that no wanted queue takes. */
  readonly defaultShard: string;
  private readonly clock: Clock;
  private readonly follower: WantedFollower | undefined;
  private readonly entries = new Map<string, DirectoryEntry>();
  /** Of every queue's newest value, also of those that say nothing. */
  private readonly revisions = new Map<string, number>();
  private readonly listeners = new Set<() => void>();
  private ordered: readonly DirectoryEntry[] = [];
  private byTopic = new Map<string, DirectoryEntry | null>();
  private newest = 0;
  private waiting: (() => void)[] | undefined = [];
  private looks: (() => void)[] = [];
  private cancelWait: () => void = () => undefined;

  constructor(wanted: WantedConfiguration | undefined, clock: Clock, defaultShard: string) {
    this.clock = clock;
    this.defaultShard = defaultShard;
    if (wanted === undefined) {
      this.waiting = undefined;
      return;
    }
    this.follower = new WantedFollower(wanted, clock, {
      changed: (entries) => this.take(entries),
      looked: () => this.looked(),
    });
  }

  /** Begins to follow; nothing is asked before. */
  start(): void {
    if (this.follower === undefined) return;
    this.cancelWait = this.clock.after(READY_WITHIN_MS, () => this.ready());
    this.follower.start();
  }

  /** What is wanted has been read once, or cannot be read in time. */
  get isReady(): boolean {
    return this.waiting === undefined;
  }

  whenReady(run: () => void): void {
    if (this.waiting === undefined) run();
    else this.waiting.push(run);
  }

  /** The newest revision that says something of a queue. */
  get revision(): number {
    return this.newest;
  }

  /** Reads what is new; `done` is called when that is done, however it went. */
  refresh(done: () => void): void {
    if (this.follower === undefined) return done();
    this.looks.push(done);
    this.follower.look();
  }

  get(queue: string): DirectoryEntry | undefined {
    return this.entries.get(queue);
  }

  /** The last revision of a queue's key; 0 when nothing was ever wanted of it. */
  revisionOf(queue: string): number {
    return this.revisions.get(queue) ?? 0;
  }

  /** The shard of a job. `key`: its key, or else its id without the shard. */
  route(topic: string, queue: string | undefined, key: string): string {
    const entry = queue === undefined ? this.taking(topic) : this.entries.get(queue);
    return entry === undefined || entry.name === DEFAULT_QUEUE ? this.defaultShard : shardFor(entry.config, key);
  }

  /** A job's queue asks on which instance it was added. */
  asksForCreator(topic: string, queue: string | undefined): boolean {
    const entry = queue === undefined ? this.taking(topic) : undefined;
    return (entry ?? this.entries.get(queue ?? DEFAULT_QUEUE))?.config.placement === "creator";
  }

  /** Every shard that jobs of a queue may be in; of all queues, when none is named. The default shard comes first. */
  shards(queue?: string): readonly string[] {
    const entry = queue === undefined ? undefined : this.entries.get(queue);
    if (entry !== undefined && entry.name !== DEFAULT_QUEUE) return [...new Set([...placesOf(entry), this.defaultShard])];
    return [...new Set([this.defaultShard, ...[...this.entries.values()].flatMap(placesOf)])];
  }

  /**
   * How many of a worker's slots a shard is granted: all, for each of its queues alone; where only partitions live, their
   * part, and at least one.
   */
  slotsIn(shard: string, slots: number): number {
    if (shard === this.defaultShard) return slots;
    let most = 0;
    for (const { config } of this.entries.values()) {
      const place = shardsOf(config).indexOf(shard);
      const { partitions = 1 } = config;
      if (place >= 0) most = Math.max(most, 1, Math.floor((slots + partitions - 1 - place) / partitions));
    }
    return most === 0 ? slots : most;
  }

  /** Takes an entry as read, for instance one that was just written. */
  learn(entry: WantedEntry): void {
    this.take([entry]);
  }

  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  close(): void {
    this.follower?.close();
    this.ready();
    this.looked();
  }

  private taking(topic: string): DirectoryEntry | undefined {
    let entry = this.byTopic.get(topic);
    if (entry === undefined) {
      entry = queueTaking(this.ordered, topic) ?? null;
      if (this.byTopic.size >= TOPICS_MAX) this.byTopic.clear();
      this.byTopic.set(topic, entry);
    }
    return entry ?? undefined;
  }

  private take(changed: readonly WantedEntry[]): void {
    for (const { key, revision, value } of changed) {
      const name = queueOfWantedKey(key);
      if (name === undefined || revision <= this.revisionOf(name)) continue;
      this.revisions.set(name, revision);
      if (value === undefined) this.entries.delete(name);
      else this.put(name, revision, value);
    }
    this.ordered = inRankingOrder(this.entries.values());
    this.byTopic = new Map();
    for (const listener of [...this.listeners]) listener();
  }

  /** Shards go on with the last configuration that they understood, and so do we. */
  private put(name: string, revision: number, value: Uint8Array): void {
    this.newest = Math.max(this.newest, revision);
    try {
      this.entries.set(name, { name, revision, ...readWantedQueue(value) });
    } catch {
      // The shards record why.
    }
  }

  private looked(): void {
    this.ready();
    for (const done of this.looks.splice(0)) done();
  }

  private ready(): void {
    this.cancelWait();
    const { waiting = [] } = this;
    this.waiting = undefined;
    for (const run of waiting) run();
  }
}

const placesOf = ({ config, former }: DirectoryEntry): readonly string[] => [...shardsOf(config), ...former];
