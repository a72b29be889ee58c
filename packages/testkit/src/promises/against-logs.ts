/**
 * What a history says against what clients and workers wrote down: P1 nothing resolved is lost, P9 nothing is applied
 * twice, P3 nothing runs that was not recorded, P4 no outcome that no worker gave, P5 no two run at once in an ordered
 * queue, P2 the end that was told is the end that was recorded.
 */

import type { JobQueueEvent, Payload } from "@longshore/job-queue";
import type { Commit, KernelEvent } from "@longshore/kernel";
import { sameBytes } from "@longshore/kernel";
import type { ClientEntry, Logs, WorkerEntry } from "./logs.ts";
import type { Findings } from "./report.ts";

interface AcceptedJob {
  readonly number: number;
  readonly queue: string;
  readonly isRepeat: boolean;
  end: { readonly state: string; readonly attempt: number; readonly result: Payload | undefined } | undefined;
}

/** Gathers from the history what the logs will be held against. */
export class LogCheck {
  private readonly findings: Findings;
  private readonly byId = new Map<string, AcceptedJob>();
  private readonly byNumber = new Map<number, AcceptedJob>();
  private readonly incarnations = new Map<number, string>();
  /** `job/attempt` → incarnation it was given to. */
  private readonly attempts = new Map<string, string>();
  /** Inbox messages that left a rejection. */
  private readonly refusedInbox = new Set<string>();
  private readonly positions = new Map<string, number>();
  /** What the commit at hand accounts for of each inbox: from after, up to. */
  private covered: readonly { readonly stream: string; readonly from: number; readonly to: number }[] = [];

  constructor(findings: Findings) {
    this.findings = findings;
  }

  commit({ inbox }: Commit): void {
    this.covered = inbox.map(({ stream, sequence, index }) => ({ stream, from: this.positions.get(stream) ?? 0, to: index === 0 ? sequence : sequence + 1 }));
    for (const { stream, sequence } of inbox) this.positions.set(stream, sequence);
  }

  kernelEvent(event: KernelEvent): void {
    if (event.type !== "CommandRejected" && event.type !== "CommandParked") return;
    const { source } = event;
    if (source.kind === "inbox") this.refusedInbox.add(`${source.stream} ${source.sequence}`);
    // In a session the rejection names the session's number, not the message: it was one of those of this commit.
    if (source.kind !== "session") return;
    for (const { stream, from, to } of this.covered) for (let at = from + 1; at <= to; at++) this.refusedInbox.add(`${stream} ${at}`);
  }

  event(event: JobQueueEvent): void {
    switch (event.type) {
      case "JobAccepted": {
        const known = this.byId.get(event.id);
        const job: AcceptedJob = { number: event.job, queue: event.queue, isRepeat: event.options?.cause !== undefined, end: undefined };
        if (known !== undefined && event.options?.digest === undefined) this.findings.add("P9", `the job ${event.id} is accepted twice, as ${known.number} and ${event.job}`);
        this.byId.set(event.id, job);
        this.byNumber.set(event.job, job);
        return;
      }
      case "InstanceJoined":
        this.incarnations.set(event.member, event.incarnation);
        return;
      case "AttemptStarted":
        this.attempts.set(`${event.job}/${event.attempt}`, this.incarnations.get(event.member) ?? "?");
        return;
      case "JobEnded": {
        const job = this.byNumber.get(event.job);
        if (job !== undefined) job.end ??= { state: event.state, attempt: event.attempt, result: event.result };
        return;
      }
      default:
        return;
    }
  }

  finish(logs: Logs): void {
    this.clients(logs.clients);
    this.results(logs);
    this.executions(logs.workers);
    this.overlaps(logs.workers);
  }

  private clients(entries: readonly ClientEntry[]): void {
    const invoked = new Set<string>();
    const succeeded = new Set<string>();
    for (const entry of entries) {
      if (entry.verb !== "add") continue;
      if (entry.phase === "invoke") invoked.add(entry.id);
      if (entry.phase === "ok") succeeded.add(entry.id);
    }
    for (const entry of entries) if (entry.verb === "add") this.answerOf(entry, succeeded);
    for (const [id, job] of this.byId) {
      if (!invoked.has(id) && !job.isRepeat) this.findings.add("P1", `the job ${id} is accepted and nobody had added it`);
    }
  }

  /** What one add was told, against what is recorded. */
  private answerOf({ phase, id, client, operation, stored, refused }: ClientEntry, succeeded: ReadonlySet<string>): void {
    const isThere = this.byId.has(id);
    if (phase === "ok") {
      const isRefused = stored !== undefined && this.refusedInbox.has(`${stored.stream} ${stored.sequence}`);
      if (!isThere && !isRefused) this.findings.add("P1", `the job ${id} is lost: operation ${operation} of client ${client} was told that it is durable`);
    } else if (phase === "fail" && isThere && !succeeded.has(id)) {
      this.findings.add("P1", `the job ${id} is accepted although operation ${operation} of client ${client} was told that it ${refused === true ? "is refused" : "took no effect"}`);
    }
  }

  private results({ results }: Logs): void {
    for (const { client, id, state, attempt, result } of results) {
      const end = this.byId.get(id)?.end;
      if (end === undefined) this.findings.add("P2", `client ${client} was told that job ${id} has ended as ${state}, and it has not`);
      else if (end.state !== state || end.attempt !== attempt || !samePayload(end.result, result)) {
        this.findings.add("P2", `client ${client} was told another end of job ${id} (${state}, attempt ${attempt}) than is recorded (${end.state}, attempt ${end.attempt})`);
      }
    }
  }

  private executions(entries: readonly WorkerEntry[]): void {
    const started = new Set<string>();
    const outcomes = new Map<string, WorkerEntry>();
    for (const entry of entries) {
      const attempt = `${entry.job}/${entry.attempt}`;
      const execution = `${attempt} ${entry.incarnation}`;
      if (entry.phase === "end") {
        if (!outcomes.has(execution)) outcomes.set(execution, entry);
        continue;
      }
      const given = this.attempts.get(attempt);
      if (given === undefined) this.findings.add("P3", `attempt ${attempt} was run by ${entry.incarnation} and is not recorded`);
      else if (given !== entry.incarnation) this.findings.add("P3", `attempt ${attempt} was run by ${entry.incarnation} and belongs to ${given}`);
      if (started.has(execution)) this.findings.add("P3", `attempt ${attempt} was run twice by ${entry.incarnation}`);
      started.add(execution);
    }
    this.successes(outcomes);
  }

  /** Every recorded success was said by the worker of its attempt, with that result. */
  private successes(outcomes: ReadonlyMap<string, WorkerEntry>): void {
    for (const [number, { end }] of this.byNumber) {
      if (end?.state !== "succeeded") continue;
      const attempt = `${number}/${end.attempt}`;
      const said = outcomes.get(`${attempt} ${this.attempts.get(attempt)}`);
      if (said?.outcome !== "succeeded") this.findings.add("P4", `job ${number} has succeeded by attempt ${end.attempt}, and its worker did not say so`);
      else if (!samePayload(end.result, said.result)) this.findings.add("P4", `job ${number} has another result than its worker gave`);
    }
  }

  /** Executions of one ordered queue must not overlap, by the clock of the world. */
  private overlaps(entries: readonly WorkerEntry[]): void {
    const running = new Map<string, WorkerEntry>();
    const queueOf = ({ job }: WorkerEntry): string | undefined => this.byNumber.get(job)?.queue;
    for (const entry of entries) {
      if (entry.exclusive !== true) continue;
      const key = `${entry.job}/${entry.attempt} ${entry.incarnation}`;
      if (entry.phase === "end") {
        running.delete(key);
        continue;
      }
      for (const other of running.values()) {
        if (other.excused === true || queueOf(other) !== queueOf(entry)) continue;
        this.findings.add("P5", `attempt ${entry.job}/${entry.attempt} began on ${entry.incarnation} while attempt ${other.job}/${other.attempt} of the same ordered queue still ran on ${other.incarnation}`);
      }
      running.set(key, entry);
    }
  }
}

const samePayload = (a: Payload | undefined, b: Uint8Array | undefined): boolean =>
  a instanceof Uint8Array ? b !== undefined && sameBytes(a, b) : a === undefined ? b === undefined : true;
