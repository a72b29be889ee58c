/** The past: a history commit by commit, and the state it had at any of them. */

import type { JobFilter, JobQueueCommand, JobQueueEvent, JobQueueRejection, JobView, Names, PublicEvent, QueueState, QueueView } from "@longshore/job-queue";
import { jobByNumber, jobQueue, memberByNumber, publicEvent } from "@longshore/job-queue";
import type { Commit, Snapshot, StoredCommit } from "@longshore/kernel";
import { decodeCommit, History as Fold } from "@longshore/kernel";
import type { AuditReport } from "@longshore/testkit/promises";
import { Audit } from "@longshore/testkit/promises";
import type { Client } from "./client.ts";
import { JOB_QUEUE } from "./client.ts";
import { InvalidOption, Rejected } from "./errors.ts";
import type { CallOptions } from "./handle.ts";
import type { JobInfo } from "./job-info.ts";
import { jobInfo } from "./job-info.ts";
import { readJournal } from "./timeline.ts";

/** A commit, with its events as the world outside sees them. */
export interface HistoryCommit {
  readonly number: number;
  readonly epoch: number;
  readonly at: number;
  /** Incarnation of the host that wrote it. */
  readonly host: string;
  readonly events: readonly PublicEvent[];
}

export interface ReadOptions extends CallOptions {
  /** A commit's number, or an instant; both ends are part of it. */
  readonly from?: number | Date;
  readonly to?: number | Date;
}

/** The state a history had, with the same questions as the living one. */
export interface PastState {
  readonly commit: number;
  readonly at: Date;
  /** SHA-256 over the state, hex: equal on every machine that folded the same commits. */
  readonly hash: string;
  job(id: string): Promise<JobInfo | undefined>;
  find(filter?: JobFilter & { readonly limit?: number; readonly after?: string }): Promise<{ readonly jobs: readonly JobInfo[]; readonly next: string | undefined }>;
  queues(): readonly QueueView[];
}

type QueueFold = Fold<QueueState, JobQueueCommand, JobQueueEvent, JobQueueRejection>;

/** Commits handed on at a time: reading is much faster than a loop of awaits. */
const PAGE = 256;

export class Histories {
  private readonly client: Client;

  constructor(client: Client) {
    this.client = client;
  }

  /**
   * Reads a history, named `job-queue` or `job-queue.<shard>`, oldest first.
   *
   * Names of jobs that were accepted before the oldest kept commit are missing from their events.
   */
  read(name: string = JOB_QUEUE, options: ReadOptions = {}): AsyncIterable<HistoryCommit> {
    const shard = this.shardOf(name);
    return { [Symbol.asyncIterator]: () => this.commits(shard, options) };
  }

  private async *commits(shard: string, { from, to, signal }: ReadOptions): AsyncGenerator<HistoryCommit> {
    const fold = this.newFold(shard);
    let page: HistoryCommit[] = [];
    const names: Names = {
      job: (number) => {
        const job = jobByNumber(fold.state, number);
        return job === undefined ? undefined : { id: `${shard}.${job.id}`, topic: job.topic, queue: job.queue.name };
      },
      member: (member) => memberByNumber(fold.state, member),
    };
    await this.foldUpTo(fold, shard, to, signal, (stored) => {
      const events: PublicEvent[] = [];
      const commit = fold.fold(stored, { actorEvent: (event, _state, { number, at }) => events.push(publicEvent(event, { commit: number, at }, names)) });
      if (isBefore(commit, from)) return;
      page.push({ number: commit.number, epoch: commit.epoch, at: commit.at, host: commit.host, events });
    });
    while (page.length > 0) {
      const now = page.slice(0, PAGE);
      page = page.slice(PAGE);
      yield* now;
    }
  }

  /** Folds a history up to a commit or an instant, and shows the state it had. */
  async stateAt(name: string, at: number | Date, { signal }: CallOptions = {}): Promise<PastState> {
    const shard = this.shardOf(name);
    const fold = this.newFold(shard);
    await this.foldUpTo(fold, shard, at, signal, (stored) => void fold.fold(stored));
    if (fold.kernel.number === 0) throw new Rejected("history/not-found", `the history ${JOB_QUEUE}.${shard} has no commit up to there`);
    return new Past(this.client, fold);
  }

  /**
   * Holds a history against every promise that its commits allow to judge; what they cannot show is named. `longshore
   * audit` also folds it a second way.
   */
  async audit(name: string = JOB_QUEUE, { signal }: CallOptions = {}): Promise<AuditReport> {
    const shard = this.shardOf(name);
    const start = { shard, hash: this.client.setup.hash };
    const horizon = (await this.isWhole(shard)) ? undefined : await this.latestSnapshot(shard);
    const pass = new Audit(horizon === undefined ? start : { ...start, horizon });
    await readJournal(this.client, shard, 0, (stored) => pass.add(stored), signal);
    return pass.finish();
  }

  /** Whether the journal still has its first commit. */
  private async isWhole(shard: string): Promise<boolean> {
    const journal = this.client.setup.journal(JOB_QUEUE, shard);
    const size = await new Promise<{ readonly first: number } | undefined>((resolve) => journal.size(resolve));
    if (size === undefined) return true;
    const first = await new Promise<StoredCommit | undefined>((resolve) => journal.get(size.first, resolve));
    return first === undefined || decodeCommit(first.bytes).number === 1;
  }

  private latestSnapshot(shard: string): Promise<Snapshot | undefined> {
    const snapshots = this.client.setup.snapshots?.(JOB_QUEUE, shard);
    return snapshots === undefined ? Promise.resolve(undefined) : new Promise((resolve) => snapshots.latest(resolve));
  }

  private newFold(shard: string): QueueFold {
    return new Fold(jobQueue({ cluster: this.client.setup.cluster, shard }), this.client.setup.hash);
  }

  /** Commits up to a point, those a snapshot covers left out where the journal no longer has them. */
  private async foldUpTo(fold: QueueFold, shard: string, to: number | Date | undefined, signal: AbortSignal | undefined, take: (stored: StoredCommit) => void): Promise<void> {
    let isFirst = true;
    let isDone = false;
    const held: StoredCommit[] = [];
    await readJournal(this.client, shard, 0, (stored) => {
      if (isDone) return;
      const commit = decodeCommit(stored.bytes);
      if (isAfter(commit, to)) {
        isDone = true;
        return;
      }
      if (isFirst && commit.number > 1) held.push(stored);
      else if (held.length > 0) held.push(stored);
      else take(stored);
      isFirst = false;
    }, signal);
    if (held.length > 0) await this.fromSnapshot(fold, shard, held, take);
  }

  /** The oldest commits are gone: the fold starts from the latest snapshot. */
  private async fromSnapshot(fold: QueueFold, shard: string, held: readonly StoredCommit[], take: (stored: StoredCommit) => void): Promise<void> {
    const snapshot = await this.latestSnapshot(shard);
    const oldest = decodeCommit(held[0]!.bytes).number;
    if (snapshot === undefined || !fold.restore(snapshot)) {
      throw new Rejected("history/purged", `the journal begins with commit ${oldest}, and there is no snapshot to start from`);
    }
    const last = decodeCommit(held.at(-1)!.bytes).number;
    if (last < snapshot.number) throw new Rejected("history/purged", `the oldest state that can be shown is that of commit ${snapshot.number}`);
    for (const stored of held) if (decodeCommit(stored.bytes).number > fold.kernel.number) take(stored);
  }

  private shardOf(name: string): string {
    if (name === JOB_QUEUE) return this.client.setup.shard;
    const match = /^job-queue\.([A-Za-z0-9_-]{1,128})$/.exec(name);
    if (match === null) throw new InvalidOption("name", `"${name}" is no history: use job-queue, or job-queue.<shard>`);
    return match[1]!;
  }
}

/** Small numbers are commits, dates are instants. */
const isBefore = (commit: Commit, from: number | Date | undefined): boolean =>
  from !== undefined && (from instanceof Date ? commit.at < from.getTime() : commit.number < from);

const isAfter = (commit: Commit, to: number | Date | undefined): boolean =>
  to !== undefined && (to instanceof Date ? commit.at > to.getTime() : commit.number > to);

const ASKER = { role: "operate", principal: "reader" } as const;

class Past implements PastState {
  readonly commit: number;
  readonly at: Date;
  readonly hash: string;
  private readonly client: Client;
  private readonly fold: QueueFold;

  constructor(client: Client, fold: QueueFold) {
    this.client = client;
    this.fold = fold;
    this.commit = fold.kernel.number;
    this.at = new Date(fold.kernel.at);
    this.hash = [...fold.stateHash()].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  async job(id: string): Promise<JobInfo | undefined> {
    const view = this.ask({ ask: "job", id }) as JobView | null;
    return view === null ? undefined : jobInfo(this.client, view);
  }

  async find({ limit = 100, after, ...filter }: JobFilter & { readonly limit?: number; readonly after?: string } = {}): Promise<{ readonly jobs: readonly JobInfo[]; readonly next: string | undefined }> {
    const { jobs, next } = this.ask({ ask: "find", filter, limit, ...(after === undefined ? {} : { after }) }) as { readonly jobs: readonly JobView[]; readonly next: string | null };
    return { jobs: await Promise.all(jobs.map((view) => jobInfo(this.client, view))), next: next ?? undefined };
  }

  queues(): readonly QueueView[] {
    return this.ask({ ask: "queues" }) as readonly QueueView[];
  }

  private ask(question: Readonly<Record<string, unknown>>): unknown {
    const { actor, state, kernel } = this.fold;
    return actor.query(state, question, ASKER, kernel.at);
  }
}
