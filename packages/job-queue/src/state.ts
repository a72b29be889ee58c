/** Everything JobQueue knows. Made by `evolve` alone; what is marked as derived is rebuilt from the rest at restore. */
import { invariant } from "@longshore/kernel";
import { Board } from "./board.ts";
import type { OperationKind } from "./events.ts";
import { IdMap } from "./id-map.ts";
import type { Job } from "./job.ts";
import { JobHeap } from "./job-heap.ts";
import { JobList } from "./job-list.ts";
import { JobTable } from "./job-table.ts";
import { DEFAULT_QUEUE } from "./limits.ts";
import type { Member } from "./members.ts";
import type { RememberedId } from "./queue.ts";
import { Queue } from "./queue.ts";
import { inRankingOrder, queueTaking } from "./routing.ts";
import { Statistics } from "./statistics.ts";
import type { ConfigurationRefusal, JobFilter, QueueConfig } from "./vocabulary.ts";

/** A name that was announced belongs to the principal that announced it first. */
export interface InstanceRecord {
  readonly principal: string;
  /** Its present incarnation; undefined while it is away. */
  member: Member | undefined;
}

export interface Operation {
  readonly number: number;
  readonly kind: OperationKind;
  readonly filter: JobFilter;
  readonly upTo: number;
  readonly principal: string;
  /** All jobs up to this number have been looked at. */
  cursor: number;
}

/** Numbers that the next of each kind gets. */
export interface Counters {
  job: number;
  /** Readiness: a job that becomes ready stands behind all that are. */
  order: number;
  member: number;
  operation: number;
  /** Turns of pools in the rotation. */
  turn: number;
}

/** Statistics of the default queue count from the first event on. */
export const NOT_BEGUN = -1;
const RESOLUTIONS_MAX = 50_000;

export class QueueState {
  readonly next: Counters = { job: 1, order: 1, member: 1, operation: 1, turn: 1 };
  readonly jobs: JobTable;
  /** In the order of their first configuration; the default queue stands first and matches last. */
  readonly queues: Map<string, Queue> = new Map();
  private readonly queueList: Queue[] = [];
  readonly topics: Map<string, Statistics> = new Map();
  readonly instances: Map<string, InstanceRecord> = new Map();
  /** Present ones, and gone ones that still have attempts. */
  readonly members: Map<number, Member> = new Map();
  readonly operations: Map<number, Operation> = new Map();
  /** Revisions of the wanted configuration up to here were applied or refused. */
  configuredUpTo: number = 0;
  /** By queue: its newest wanted configuration, where that was refused. */
  readonly refusals: Map<string, ConfigurationRefusal> = new Map();
  /** The history: ended jobs, oldest end first. */
  readonly ended: JobList;
  /** Ids given by users, of jobs that may be long gone. */
  readonly rememberedIds: IdMap<RememberedId> = new IdMap();

  /** Members of the view in its order, as far as a host knew it; those of no view stand behind them. */
  ranked: readonly string[] = [];

  /** Derived from here on. */
  hasBegun: boolean = false;
  /** Sleeping jobs by when they wake, and running ones by when their timeout is over. */
  readonly delays: JobHeap;
  readonly deadlines: JobHeap;
  endedBytes = 0;
  queued = 0;
  active = 0;
  /** Members that are gone and whose attempts are still to be taken back. */
  readonly lost: Set<Member> = new Set();
  /** Other clusters that jobs may go to. */
  readonly routes: Set<Member> = new Set();
  /** Numbers of jobs that come from other clusters. */
  readonly guests: Set<number> = new Set();
  private board: Board | undefined = undefined;
  private resolutions = new Map<string, Queue>();
  private rankedQueues: readonly Queue[] | undefined = undefined;

  constructor() {
    this.jobs = new JobTable(this.queueList);
    this.ended = new JobList(this.jobs);
    this.delays = new JobHeap(this.jobs);
    this.deadlines = new JobHeap(this.jobs);
  }

  /** The state before any event: there is a default queue. */
  static initial(): QueueState {
    const state = new QueueState();
    state.addQueue(DEFAULT_QUEUE, { topics: ["*"] }, new Statistics(NOT_BEGUN));
    return state;
  }

  /** The default queue is there from the first event on. */
  begin(at: number): void {
    this.hasBegun = true;
    this.queue(DEFAULT_QUEUE).statistics.since = at;
  }

  addQueue(name: string, config: QueueConfig, statistics: Statistics): Queue {
    const queue = new Queue(name, this.queueList.length, config, statistics, this.jobs);
    this.queues.set(name, queue);
    this.queueList.push(queue);
    return queue;
  }

  /** The board, if anybody has asked for it since instances or configurations last changed. */
  get liveBoard(): Board | undefined {
    return this.board;
  }

  /** The board, built if need be. */
  ensureBoard(at: number): Board {
    if (this.board === undefined) {
      this.board = new Board(this.queues.values(), this.members.values(), this.ranked);
      this.board.moveTo(at);
    }
    return this.board;
  }

  dropBoard(): void {
    this.board = undefined;
  }

  queue(name: string): Queue {
    const queue = this.queues.get(name);
    invariant(queue !== undefined, `a recorded event names the queue "${name}", which was never configured`);
    return queue;
  }

  job(number: number): Job {
    const job = this.jobs.get(number);
    invariant(job !== undefined, `a recorded event names job ${number}, which is not there`);
    return job;
  }

  member(number: number): Member {
    const member = this.members.get(number);
    invariant(member !== undefined, `a recorded event names member ${number}, which is not there`);
    return member;
  }

  /** The first queue that takes the topic, by ranking and then by order of configuration; else the default queue. */
  queueFor(topic: string): Queue {
    let queue = this.resolutions.get(topic);
    if (queue !== undefined) return queue;
    this.rankedQueues ??= inRankingOrder(this.queues.values());
    queue = queueTaking(this.rankedQueues, topic) ?? this.queue(DEFAULT_QUEUE);
    if (this.resolutions.size >= RESOLUTIONS_MAX) this.resolutions.clear();
    this.resolutions.set(topic, queue);
    return queue;
  }

  /** A configuration has changed: topics may belong to other queues, and slots to other limits. */
  queuesChanged(): void {
    this.resolutions = new Map();
    this.rankedQueues = undefined;
    this.dropBoard();
  }
}
