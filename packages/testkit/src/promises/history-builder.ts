/** Writes job queue histories by hand, good ones and planted bad ones. */

import type { JobQueueEvent } from "@longshore/job-queue";
import { jobQueue } from "@longshore/job-queue";
import type { CommitHeader, InboxPosition, KernelEvent, StoredCommit } from "@longshore/kernel";
import { COMMIT_FORMAT, encodeKernelEvent, sealCommit, ValueRun } from "@longshore/kernel";
import { sha256 } from "../memory/hash.ts";

const { events: codec } = jobQueue({ cluster: "t", shard: "main" });

export type AnyEvent = JobQueueEvent | KernelEvent;

const KERNEL = new Set(["Opened", "SessionAdvanced", "CommandAnswered", "CommandRejected", "CommandParked", "MessageReceived", "LinkBroken", "TimeStepped", "RewindAccepted"]);

export class HistoryBuilder {
  readonly commits: StoredCommit[] = [];
  private header: CommitHeader = { format: COMMIT_FORMAT, host: "h1", epoch: 0, number: 0, at: 1_000_000, previous: new Uint8Array(0), inbox: [], outboxAcked: [] };
  private version = 0;

  /** A history with one opened host and one instance of two slots for `mail/*`. */
  static begun(): HistoryBuilder {
    return new HistoryBuilder().open().commit(joined(1, "w1"));
  }

  open(change: Partial<CommitHeader> = {}): this {
    return this.write([{ type: "Opened", instance: "i1", view: 0, software: "test" }], { epoch: this.header.epoch + 1, host: `h${this.header.epoch + 1}`, ...change });
  }

  commit(...events: readonly AnyEvent[]): this {
    return this.write(events, {});
  }

  /** A commit whose header says something else than it should. */
  write(events: readonly AnyEvent[], change: Partial<CommitHeader> & { readonly version?: number }): this {
    const { version = this.version + 2, ...header } = change;
    const run = new ValueRun();
    for (const event of events) run.push(KERNEL.has(event.type) ? encodeKernelEvent(event as KernelEvent) : codec.encode(event as JobQueueEvent));
    const next: CommitHeader = { ...this.header, number: this.header.number + 1, at: this.header.at + 1, inbox: [], outboxAcked: [], ...header };
    const bytes = sealCommit(next, run);
    this.commits.push({ version, bytes });
    this.version = version;
    this.header = { ...next, previous: sha256(bytes) };
    return this;
  }

  /** Time passes before the next commit. */
  wait(ms: number): this {
    this.header = { ...this.header, at: this.header.at + ms };
    return this;
  }

  get at(): number {
    return this.header.at;
  }
}

export const position = (sequence: number, index = 0, created = "c1"): InboxPosition => ({ stream: "LS_t_INBOX", created, sequence, index });

export const joined = (member: number, instance: string, slots = 2): JobQueueEvent =>
  ({ type: "InstanceJoined", member, instance, incarnation: `${instance}-${member}`, principal: "w", processors: 4, pools: [{ topics: ["mail/*"], slots }] });

export const accepted = (job: number, queue = "main", notBefore?: number): JobQueueEvent =>
  ({ type: "JobAccepted", job, id: `j${job}`, topic: "mail/send", queue, input: new Uint8Array([0xc0]), principal: "alice", options: notBefore === undefined ? undefined : { notBefore } });

export const started = (job: number, attempt = 1, member = 1, pool = 0): JobQueueEvent => ({ type: "AttemptStarted", job, attempt, member, pool });

export const ended = (job: number, attempt = 1, state: "succeeded" | "stopped" | "dropped" | "given-up" = "succeeded", reason?: string): JobQueueEvent =>
  ({ type: "JobEnded", job, state, attempt, result: state === "succeeded" ? new Uint8Array([0xc0]) : undefined, reason, error: undefined });

export const failed = (job: number, attempt: number, retryAt: number, kind: "failed" | "lost" = "failed"): JobQueueEvent =>
  ({ type: "AttemptFailed", job, attempt, kind, retryAt, error: undefined });
