/** A queue of this shard: its configuration, its lanes of waiting jobs, its counters. */

import type { Station } from "./board.ts";
import { Fifo } from "./fifo.ts";
import type { HeapItem } from "./heap.ts";
import type { Job } from "./job.ts";
import { JobList } from "./job-list.ts";
import type { JobTable } from "./job-table.ts";
import { DEFAULT_RETRIES, DEFAULT_RETRY_DELAY_MS } from "./limits.ts";
import type { Statistics } from "./statistics.ts";
import type { QueueConfig } from "./vocabulary.ts";

/** An id a user gave, remembered so that a repeat is known. */
export interface RememberedId {
  readonly id: string;
  readonly digest: number;
  readonly at: number;
}

/**
 * Waiting jobs that are taken one after the other: in an unordered queue the ready ones of one topic by readiness (and of one
 * creator, where that decides who may take them), in an ordered queue all unfinished ones of all topics by number, the running one at the head.
 */
export class Lane extends JobList implements HeapItem {
  readonly queue: Queue;
  /** Its name among the queue's lanes. */
  readonly name: string;
  /** Readiness of the head, as long as the lane stands on the board. */
  key = 0;
  readonly tie = 0;
  place = -1;
  station: Station | undefined = undefined;

  constructor(table: JobTable, queue: Queue, name: string) {
    super(table);
    this.queue = queue;
    this.name = name;
  }
}

/** Empty lanes kept for the next job of their topic. */
const IDLE_LANES_MAX = 1_024;

export class Queue {
  readonly name: string;
  /** Place among the queues of the shard. */
  readonly index: number;
  config: QueueConfig;
  suspendedSince: number | undefined = undefined;
  /** Of the wanted configuration that it follows; undefined when a command configured it. */
  revision: number | undefined = undefined;
  /** When it was first configured, as far as anybody said. */
  since: number | undefined = undefined;
  /** Ordered only: nothing starts before, because a worker may still be running what was taken from it. */
  heldUntil = 0;
  /** Unfinished jobs of other clusters. */
  guests = 0;
  readonly statistics: Statistics;
  readonly lanes: Map<string, Lane> = new Map();
  /** Ids its users gave, oldest first. */
  readonly rememberedIds: Fifo<RememberedId> = new Fifo();

  private readonly table: JobTable;

  constructor(name: string, index: number, config: QueueConfig, statistics: Statistics, table: JobTable) {
    this.name = name;
    this.index = index;
    this.table = table;
    this.config = config;
    this.statistics = statistics;
  }

  get isOrdered(): boolean {
    return this.config.type === "ordered";
  }

  get isSuspended(): boolean {
    return this.suspendedSince !== undefined;
  }

  retriesOf(job: Job): number {
    return job.ownRetries ?? this.config.retries ?? DEFAULT_RETRIES;
  }

  retryDelayOf(job: Job): number {
    return job.ownRetryDelayMs ?? this.config.retryDelayMs ?? DEFAULT_RETRY_DELAY_MS;
  }

  /** What its waiting jobs are sorted by. */
  get lanesBy(): "nothing" | "topic" | "creator" {
    if (this.isOrdered) return "nothing";
    return this.config.placement === "creator" ? "creator" : "topic";
  }

  /** The lane a job waits in. */
  lane(job: Job): Lane {
    const key = this.laneName(job);
    let lane = this.lanes.get(key);
    if (lane === undefined) {
      lane = new Lane(this.table, this, key);
      this.lanes.set(key, lane);
    }
    return lane;
  }

  private laneName(job: Job): string {
    switch (this.lanesBy) {
      case "nothing": return "";
      case "topic": return job.topic;
      // Neither has a blank in it.
      case "creator": return `${job.topic} ${job.extra?.creator ?? ""}`;
    }
  }

  /** Forgets an empty lane when there are many. */
  dropIfIdle(lane: Lane): void {
    if (lane.size === 0 && lane.place < 0 && this.lanes.size > IDLE_LANES_MAX) this.lanes.delete(lane.name);
  }

  /**
   * Attempts of this queue at a time on one instance with that many processors. A share is rounded, and is at least one
   * (in Sling a share that rounds to none makes the configuration invalid, but it cannot know the next machine).
   * Absent: no bound of the queue's own, what the workers' slots allow. A partition has its part of it, and at least one.
   */
  parallelOn(processors: number): number {
    const { maxParallel, partitions = 1 } = this.config;
    if (maxParallel === undefined) return Number.POSITIVE_INFINITY;
    return Math.max(1, Math.floor(wholeParallel(maxParallel, processors) / partitions));
  }
}

function wholeParallel(maxParallel: number, processors: number): number {
  if (maxParallel > 0 && maxParallel < 1) return Math.max(1, Math.round(processors * maxParallel));
  return Number.isInteger(maxParallel) && maxParallel >= 1 ? maxParallel : processors;
}
