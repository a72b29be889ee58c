/**
 * One instance's worker: takes dispatches, runs them bounded by its pools, brings home how they ended.
 *
 *   told RUN ─▶ waiting ─▶ running ─end─▶ reported ─answered─▶ remembered
 *                  │          │
 *                  └──────────┴─ superseded: let go, its end is not reported
 *
 * What keeps attempts single:
 *
 * - a message of an older epoch is refused: its host has been overtaken;
 * - a dispatch is known by (job, attempt): a repeat changes nothing, a higher attempt supersedes the one that runs;
 * - a missing number means a lost message: a hello goes out at once, and the host tells everything again;
 * - what was told before the host took this incarnation in was for an earlier one, and is let pass;
 * - when the host answers under another member number, it had given this worker up: what ran before is superseded;
 * - exclusive attempts (ordered queues) are aborted when the host has not proven itself for T, because after twice that
 *   time another host may start them elsewhere.
 *
 * Timeouts are kept by this process's own clock, all with one timer.
 */

import type { AbortReason } from "@longshore/job-queue";
import { ABORT, RUN } from "@longshore/job-queue";
import type { WireMessage } from "@longshore/kernel";
import { encode, subjectsOf, workAddress } from "@longshore/kernel";
import { Answered } from "./answered.ts";
import type { AbortCause, AttemptEnd } from "./attempt.ts";
import { Attempt } from "./attempt.ts";
import type { Answer } from "./courier.ts";
import { Deadlines } from "./deadlines.ts";
import type { Epochs } from "./epochs.ts";
import type { HelloFields } from "./hello.ts";
import { Hello } from "./hello.ts";
import type { ClientLimits, WorkerLimits } from "./limits.ts";
import { Outcomes } from "./outcomes.ts";
import { poolFor } from "./patterns.ts";
import type { PoolSpec } from "./pool.ts";
import { Pool } from "./pool.ts";
import type { ActorPlace, ClientPorts } from "./ports.ts";
import { Standing } from "./standing.ts";
import { readTold, runOf } from "./told.ts";

export interface WorkerIdentity {
  readonly instance: string;
  /** Unique for this life of the process. */
  readonly incarnation: string;
  readonly processors: number;
}

export interface WorkerHandlers {
  /** Something that keeps this worker from working; said once per trouble. */
  fault?(code: string, message: string): void;
  /** A host has answered a hello (true), or nobody could be reached. */
  greeted?(byHost: boolean): void;
}

/** How long the handler of an exclusive attempt may take to heed its signal before the attempt is handed back all the same. */
const HEED_MS = 2_000;

type Life = "working" | "draining" | "leaving" | "closed";

export class WorkerLoop {
  readonly identity: WorkerIdentity;
  private readonly ports: ClientPorts;
  private readonly limits: ClientLimits & WorkerLimits;
  private readonly handlers: WorkerHandlers;
  private readonly outcomes: Outcomes;
  private readonly hello: Hello;
  private readonly deadlines: Deadlines;
  private readonly standing: Standing;
  private readonly answered: Answered;
  private readonly pools: Pool[] = [];
  /** Attempts that run, wait for a slot, or are reported and not answered yet, by job number. */
  private readonly attempts = new Map<number, Attempt>();
  private readonly stops: (() => void)[];
  /** Looked at whenever an attempt has gone. */
  private readonly looks = new Set<() => void>();
  private life: Life = "working";
  private cancelSilence: (() => void) | undefined;
  private onLeft: (() => void) | undefined;

  constructor(ports: ClientPorts, place: ActorPlace, identity: WorkerIdentity, limits: ClientLimits & WorkerLimits, epochs: Epochs, handlers: WorkerHandlers) {
    this.ports = ports;
    this.identity = identity;
    this.limits = limits;
    this.handlers = handlers;
    this.answered = new Answered(limits.answeredMax);
    this.standing = new Standing(epochs, ports.clock.monotonicMs());
    this.deadlines = new Deadlines(ports.clock, (attempt) => this.timedOut(attempt));
    this.outcomes = new Outcomes(ports, place, limits, epochs, {
      settled: (attempt) => this.settled(attempt),
      fault: (code, message) => handlers.fault?.(code, message),
    });
    this.hello = new Hello(ports, { ...place, instance: identity.instance }, limits, {
      fields: () => this.helloFields(),
      answered: (answer, sentMs, said) => this.helloAnswered(answer, sentMs, said),
      unheard: (said) => this.unheard(said),
    });
    const subjects = subjectsOf(place.cluster);
    this.stops = [
      ports.wire.subscribe(subjects.prefix + workAddress(place.principal, identity.instance, place.actor), (message) => this.told(message)),
      ports.wire.subscribe(subjects.ping(place.principal, identity.instance, place.actor), (message) => message.reply?.(encode({ incarnation: identity.incarnation }))),
      ports.wire.onReconnect(() => this.hello.say()),
      epochs.onNewer((epoch) => {
        if (!this.standing.isGreeting(epoch)) this.hello.say();
      }),
    ];
  }

  /** Attempts that run here or wait for a slot. */
  get running(): number {
    let count = 0;
    for (const attempt of this.attempts.values()) if (!attempt.isOver) count++;
    return count;
  }

  /** Offers a pool to the hosts. */
  addPool(spec: PoolSpec): Pool {
    const pool = new Pool(spec);
    this.pools.push(pool);
    this.hello.say();
    return pool;
  }

  /** Offers another number of slots from now on. */
  resizePool(pool: Pool, slots: number): void {
    if (pool.spec.slots === slots || !this.pools.includes(pool)) return;
    pool.resize(slots);
    this.hello.say();
  }

  /** Whether no other pool is offered. */
  isLast(pool: Pool): boolean {
    return this.pools.every((other) => other === pool);
  }

  /** Takes nothing new for this pool, hands back what has not begun; `done` when what it runs has ended or, after `drainMs`, was handed back. */
  removePool(pool: Pool, drainMs: number, done: () => void): void {
    const index = this.pools.indexOf(pool);
    if (index < 0) return done();
    this.pools.splice(index, 1);
    this.hello.say();
    this.handBack((attempt) => attempt.pool === pool && !attempt.holdsSlot);
    const cancel = this.ports.clock.after(drainMs, () => this.handBack((attempt) => attempt.pool === pool));
    this.whenever(() => pool.isIdle, () => {
      cancel();
      done();
    });
  }

  /**
   * Takes nothing new, hands back what has not begun, waits for what runs, hands back what is not done within `drainMs`, sees its outcomes taken, and
   * leaves. `done` is called once, whatever happens.
   */
  close(drainMs: number, done: () => void): void {
    if (this.life !== "working") return done();
    this.life = "draining";
    this.hello.say();
    this.onLeft = done;
    this.handBack((attempt) => !attempt.holdsSlot);
    const { clock } = this.ports;
    const cancelDrain = clock.after(drainMs, () => this.handBack(() => true));
    const cancelFarewell = clock.after(drainMs + this.limits.farewellMs, () => {
      this.outcomes.store(() => this.leave());
    });
    this.whenever(() => this.attempts.size === 0 && this.outcomes.isEmpty, () => {
      cancelDrain();
      cancelFarewell();
      this.leave();
    });
  }

  /** Stops at once, without a word to anybody: as if the process had died. */
  kill(): void {
    this.life = "closed";
    for (const stop of this.stops) stop();
    this.hello.close();
    this.outcomes.close();
    this.deadlines.close();
    this.cancelSilence?.();
    this.looks.clear();
    for (const attempt of this.waitingFirst()) this.drop(attempt, "superseded", "the worker was closed");
    this.attempts.clear();
  }

  /** `AttemptKeeper`: what an attempt says of itself. */
  ended(attempt: Attempt, end: AttemptEnd): void {
    if (attempt.isOver) return;
    attempt.isOver = true;
    this.deadlines.remove(attempt);
    this.outcomes.report(attempt, attempt.endsAs ?? end);
    attempt.pool?.free(attempt);
    this.look();
  }

  noted(attempt: Attempt): void {
    if (!attempt.isOver && this.life !== "closed") this.outcomes.note(attempt);
  }

  extended(attempt: Attempt): void {
    const { timeoutMs } = attempt.options;
    if (!attempt.isOver && timeoutMs !== undefined && timeoutMs > 0) this.deadlines.set(attempt, timeoutMs);
  }

  private told(message: WireMessage): void {
    const told = readTold(message.data);
    const foreign = told === undefined ? undefined : this.standing.foreign(told);
    if (told === undefined || foreign === undefined) return;
    for (let i = foreign; i < told.items.length; i++) {
      const item = told.items[i]!;
      if (item[0] === RUN) this.run(item, told.epoch, told.first + i);
      else if (item[0] === ABORT) this.abortTold(item);
    }
    if (this.standing.hasGap) this.hello.say();
  }

  private run(item: readonly unknown[], epoch: number, told: number): void {
    const run = runOf(item);
    if (run === undefined) return;
    const known = this.attempts.get(run.job);
    if (known !== undefined) {
      if (known.number === run.attempt) Object.assign(known, { epoch, told });
      if (known.number >= run.attempt) return;
      this.supersede(known);
    }
    if (this.answered.has(run.job, run.attempt)) return;
    const attempt = new Attempt(this, run);
    attempt.epoch = epoch;
    attempt.told = told;
    this.attempts.set(run.job, attempt);
    const pool = this.life === "working" ? poolFor(this.pools, run.topic) : undefined;
    if (pool === undefined) return attempt.end({ kind: "released" });
    attempt.pool = pool;
    this.extended(attempt);
    if (attempt.isExclusive) this.watchSilence();
    pool.take(attempt);
  }

  private abortTold([, job, number, reason]: readonly unknown[]): void {
    // The host's last word on this attempt: a dispatch of it that is still on its way must not begin it (again).
    if (reason === "superseded" && typeof job === "number" && typeof number === "number") this.answered.add(job, number);
    const attempt = this.attempts.get(job as number);
    if (attempt?.number !== number || attempt === undefined) return;
    if (reason === "superseded") return this.supersede(attempt);
    if (reason === "timeout") {
      this.timedOut(attempt);
      return attempt.end({ kind: "timed-out" });
    }
    const { holdsSlot } = attempt;
    attempt.abort("stop" satisfies AbortReason, typeof reason === "string" ? reason : "stop");
    if (!holdsSlot) attempt.end({ kind: "canceled", reason: "stopped before it began" });
  }

  /**
   * The host takes a timed-out attempt back whatever its handler does: its slot is free again. An exclusive one is
   * reported when its handler has let go, because the next starts at once; if it does not, the host takes the attempt
   * back a little later, and then waits.
   */
  private timedOut(attempt: Attempt): void {
    attempt.abort("timeout", `no end within ${attempt.options.timeoutMs ?? 0} ms`);
    if (attempt.isExclusive && attempt.holdsSlot) attempt.endsAs = { kind: "timed-out" };
    else attempt.end({ kind: "timed-out" });
  }

  private supersede(attempt: Attempt): void {
    this.drop(attempt, "superseded", "the host has given this attempt up");
    if (this.attempts.get(attempt.job) === attempt) this.attempts.delete(attempt.job);
    this.look();
  }

  /** Lets go of an attempt without a report. */
  private drop(attempt: Attempt, cause: AbortCause, message: string): void {
    attempt.abort(cause, message);
    if (attempt.isOver) return;
    attempt.isOver = true;
    this.deadlines.remove(attempt);
    attempt.pool?.free(attempt);
  }

  /** The time of a closing worker is over. */
  private handBack(which: (attempt: Attempt) => boolean): void {
    for (const attempt of this.waitingFirst()) {
      if (attempt.isOver || !which(attempt)) continue;
      attempt.abort("drain", "the worker is closing and hands this attempt back");
      if (!attempt.isExclusive || !attempt.holdsSlot) {
        attempt.end({ kind: "released" });
        continue;
      }
      attempt.endsAs ??= { kind: "released" };
      this.ports.clock.after(HEED_MS, () => attempt.end({ kind: "released" }));
    }
  }

  /** Those without a slot before those with one: a slot that is let go must not begin what is to be let go next. */
  private waitingFirst(): readonly Attempt[] {
    return [...this.attempts.values()].sort((a, b) => Number(a.holdsSlot) - Number(b.holdsSlot));
  }

  /** A host has taken the attempt's end. */
  private settled(attempt: Attempt): void {
    this.answered.add(attempt.job, attempt.number);
    if (this.attempts.get(attempt.job) === attempt) this.attempts.delete(attempt.job);
    this.look();
  }

  private helloFields(): HelloFields {
    const { incarnation, processors } = this.identity;
    const isDone = this.life !== "working";
    const pools = this.pools.map(({ spec: { topics, slots } }) => ({ topics, slots }));
    return { incarnation, processors, pools, ...this.standing.fields(), ...(isDone && { draining: true }), ...(this.life === "leaving" && { leaving: true }) };
  }

  private helloAnswered(answer: Answer, sentMs: number, said: HelloFields): void {
    if (said.leaving === true) return this.left();
    if (answer["error"] !== undefined) return this.helloRefused(answer["error"]);
    const { member } = this.standing;
    if (!this.standing.answered(answer, sentMs)) return;
    if (member !== undefined && member !== this.standing.member) this.wasGivenUp(answer["running"]);
    this.handlers.greeted?.(true);
  }

  /**
   * The host had given this worker up, and its attempts with it, before it took it in under another number. What it has
   * told since may have come before its answer: that it names, or it was told under a later number.
   */
  private wasGivenUp(running: unknown): void {
    const held = new Set(Array.isArray(running) ? (running as readonly (readonly unknown[])[]).map((pair) => `${pair[0]}/${pair[1]}`) : []);
    for (const attempt of this.waitingFirst()) {
      if (!held.has(`${attempt.job}/${attempt.number}`) && !this.standing.isOurs(attempt.epoch, attempt.told)) this.supersede(attempt);
    }
  }

  private helloRefused(error: unknown): void {
    const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
    this.handlers.fault?.(String(code), String(message));
    this.handlers.greeted?.(false);
  }

  private unheard(said: HelloFields): void {
    if (said.leaving === true) return this.left();
    this.handlers.greeted?.(false);
  }

  /** Aborts exclusive attempts once the host has been silent for T: another host may soon start them elsewhere. */
  private watchSilence(): void {
    if (this.cancelSilence !== undefined) return;
    const exclusive = [...this.attempts.values()].filter((attempt) => attempt.isExclusive && !attempt.isOver);
    if (exclusive.length === 0) return;
    const leftMs = this.standing.provenMs + this.limits.hostSilenceMs - this.ports.clock.monotonicMs();
    if (leftMs <= 0) {
      for (const attempt of exclusive) attempt.abort("host-silent", "the host has been silent too long: it may no longer hold this job");
    }
    this.cancelSilence = this.ports.clock.after(leftMs > 0 ? leftMs : this.limits.helloEveryMs, () => {
      this.cancelSilence = undefined;
      this.watchSilence();
    });
  }

  private whenever(isTrue: () => boolean, run: () => void): void {
    const look = (): void => {
      if (!isTrue()) return;
      this.looks.delete(look);
      run();
    };
    this.looks.add(look);
    look();
  }

  private look(): void {
    if (this.looks.size > 0) for (const look of [...this.looks]) look();
  }

  private leave(): void {
    if (this.life !== "draining") return;
    this.life = "leaving";
    this.hello.say();
  }

  private left(): void {
    const { onLeft } = this;
    this.onLeft = undefined;
    this.kill();
    onLeft?.();
  }
}
