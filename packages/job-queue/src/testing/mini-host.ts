/**
 * A host without a world: decides, settles and folds on a virtual clock, every event through the journal's codec.
 *
 * It holds the actor to its contract: what `due` calls due must make `settle` say something.
 */

import type { Malformed, Role } from "@longshore/kernel";
import { decodeTrusted, encode, encodeCanonical, invariant } from "@longshore/kernel";
import type { JobQueueCommand, JobQueueRejection } from "../commands.ts";
import type { JobQueueEvent } from "../events.ts";
import type { JobQueueActor } from "../job-queue.ts";
import { jobQueue } from "../job-queue.ts";
import type { JobQueueLimits } from "../limits.ts";
import type { QueueState } from "../state.ts";
import type { QueueConfig, WorkerPool } from "../vocabulary.ts";
import { OUTCOME } from "../vocabulary.ts";

export type Answer =
  | { readonly kind: "accepted"; readonly answer?: unknown; readonly events: readonly JobQueueEvent[] }
  | { readonly kind: "rejected"; readonly rejection: JobQueueRejection }
  | { readonly kind: "malformed"; readonly malformed: Malformed };

export interface Told {
  readonly address: string;
  readonly item: readonly unknown[];
}

const START_AT = 1_700_000_000_000;

export class MiniHost {
  readonly actor: JobQueueActor;
  state: QueueState;
  at: number = START_AT;
  /** All events since the start. */
  readonly events: JobQueueEvent[] = [];
  /** When each of them was folded. */
  readonly instants: number[] = [];
  readonly told: Told[] = [];
  /** What the router is owed: verb and item. */
  readonly sent: (readonly [string, Readonly<Record<string, unknown>>])[] = [];
  /** Events a commit has room for after its command. */
  room = 10_000;
  private ids = 0;

  constructor(limits: Partial<JobQueueLimits> = {}) {
    this.actor = jobQueue({ cluster: "test", shard: "main", limits });
    this.state = this.actor.initial();
  }

  /** One commit with one item of a message in it. */
  send(verb: string, item: unknown, role: Role = "operate", principal = "ann"): Answer {
    const parsed = this.actor.parse(verb, item, { role, principal }, () => `gen${++this.ids}`);
    return parsed.kind === "malformed" ? parsed : this.command(parsed.command);
  }

  command(command: JobQueueCommand): Answer {
    const from = this.events.length;
    const decision = this.actor.decide(this.state, command, this.at);
    if (decision.kind === "rejected") return decision;
    for (const event of decision.events) this.apply(event);
    this.settleAll();
    return { kind: "accepted", answer: decision.answer, events: this.events.slice(from) };
  }

  /** Moves the clock, stopping wherever something is due. */
  advance(ms: number): void {
    const until = this.at + ms;
    for (let due = this.due(); due !== undefined && due <= until; due = this.due()) {
      this.at = Math.max(this.at, due);
      this.settleOnce();
    }
    this.at = until;
  }

  settleAll(): void {
    this.settleIfAny();
    for (let due = this.due(); due !== undefined && due <= this.at; due = this.due()) this.settleOnce();
  }

  due(): number | undefined {
    return this.actor.due(this.state);
  }

  /** The state is replaced by what a snapshot of it restores. */
  restart(): void {
    this.state = this.actor.restore(snapshotValues(this.actor, this.state));
  }

  digest(): string {
    return digestOf(this.actor, this.state);
  }

  private settleOnce(): void {
    const before = this.events.length;
    this.settleIfAny();
    const due = this.due();
    invariant(this.events.length > before || due === undefined || due > this.at, `something is due at ${this.at}, and settle says nothing`);
  }

  private settleIfAny(): void {
    let room = this.room;
    this.actor.settle(this.state, this.at, (event) => {
      this.apply(event);
      return --room > 0;
    });
  }

  private apply(event: JobQueueEvent): void {
    const stored = this.actor.events.decode(decodeTrusted(encode(this.actor.events.encode(event))) as unknown[], 1);
    this.actor.evolve(this.state, stored, this.at);
    this.events.push(stored);
    this.instants.push(this.at);
    this.actor.react(this.state, stored, {
      tell: (address, item) => void this.told.push({ address, item: decodeTrusted(encode(item)) as unknown[] }),
      send: (to, body) => {
        invariant(to.kind === "offload-router", "JobQueue sends to the router only");
        this.sent.push(decodeTrusted(encode(body)) as [string, Readonly<Record<string, unknown>>]);
      },
    });
  }

  /** Shorthand for the commonest commands. */
  join(instance: string, pools: readonly WorkerPool[], who: { readonly incarnation?: string; readonly principal?: string; readonly processors?: number } = {}): Answer {
    const { incarnation = "1", principal = "wendy", processors = 4 } = who;
    return this.send("join", { instance, incarnation, processors, pools }, "hello", principal);
  }

  leave(instance: string, incarnation = "1"): Answer {
    return this.send("leave", { instance, incarnation, reason: "silent" }, "hello", "wendy");
  }

  configure(queue: string, config: QueueConfig): Answer {
    return this.send("configure", { queue, ...config });
  }

  /** The number of the job it made, or the reason why not. */
  submit(topic: string, fields: Readonly<Record<string, unknown>> = {}): number {
    const answer = this.send("submit", { topic, input: {}, ...fields }, "submit");
    invariant(answer.kind === "accepted", `submit was refused: ${JSON.stringify(answer)}`);
    return this.state.next.job - 1;
  }

  outcome(job: number, kind: keyof typeof OUTCOME, ...details: readonly unknown[]): Answer {
    return this.send("outcome", [job, this.state.job(job).attempt, OUTCOME[kind], ...details], "outcome", "wendy");
  }

  succeed(job: number, result: unknown = null): Answer {
    return this.outcome(job, "succeeded", encode(result));
  }

  fail(job: number, retryInMs?: number): Answer {
    return this.outcome(job, "failed", { name: "Error", message: "it broke" }, ...(retryInMs === undefined ? [] : [retryInMs]));
  }

  /** Numbers of the jobs that run. */
  running(): readonly number[] {
    return [...this.state.members.values()].flatMap((member) => [...member.running].map((job) => job.number)).sort((a, b) => a - b);
  }

  count(type: JobQueueEvent["type"]): number {
    return this.events.filter((event) => event.type === type).length;
  }

  stateOf(job: number): string | undefined {
    return this.state.jobs.get(job)?.state;
  }
}

/** A snapshot as it comes back from storage. */
const snapshotValues = (actor: JobQueueActor, state: QueueState): unknown[] =>
  [...actor.snapshot(state)].map((value) => decodeTrusted(encodeCanonical(value)));

export const digestOf = (actor: JobQueueActor, state: QueueState): string =>
  [...actor.snapshot(state)].map((value) => hex(encodeCanonical(value))).join("\n");

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
