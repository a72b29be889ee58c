/** A host's context over `MiniHost`: what an attendant sees of a host, with a clock that the test moves and a store that it fills. */
import type { Attendant, BlobCarrier, BlobName, BlobRef, CarryAnswer, CarryFailure, HostContext } from "@longshore/kernel";
import type { OffloadEvent } from "../events.ts";
import type { OffloadState } from "../state.ts";
import { MiniHost } from "./mini-host.ts";

interface Timer {
  readonly atMs: number;
  run: (() => void) | undefined;
}

export class FakeHost {
  readonly mini: MiniHost;
  sinceStoredMs = 0;
  /** What is folded is stored when the test says so. */
  isStoring = false;
  /** Commands given by attendants, as `<verb> <item>`. */
  readonly commands: (readonly [verb: string, item: Readonly<Record<string, unknown>>])[] = [];
  private readonly attendant: Attendant<OffloadState, OffloadEvent>;
  private nowMs = 0;
  private readonly timers: Timer[] = [];
  private unstored: (() => void)[] = [];
  private seen: number;

  constructor(attendant: Attendant<OffloadState, OffloadEvent>, mini: MiniHost = new MiniHost()) {
    this.attendant = attendant;
    this.mini = mini;
    this.seen = mini.events.length;
    attendant.serving(this.context());
  }

  /** What the actor is told beside its attendants. */
  after(act: (mini: MiniHost) => void): void {
    act(this.mini);
    this.showEvents();
    this.advance(0);
  }

  advance(ms: number): void {
    const untilMs = this.nowMs + ms;
    for (;;) {
      const next = this.timers.filter(({ run, atMs }) => run !== undefined && atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined) break;
      this.moveTo(Math.max(this.nowMs, next.atMs));
      const { run } = next;
      next.run = undefined;
      run?.();
    }
    this.moveTo(untilMs);
  }

  stored(): void {
    for (const run of this.unstored.splice(0)) run();
    this.advance(0);
  }

  stop(): void {
    this.attendant.stopped();
  }

  private moveTo(nowMs: number): void {
    this.mini.advance(nowMs - this.nowMs);
    this.nowMs = nowMs;
    this.showEvents();
  }

  private showEvents(): void {
    const fresh = this.mini.events.slice(this.seen);
    this.seen = this.mini.events.length;
    for (const event of fresh) this.attendant.event?.(event, this.mini.state);
  }

  private context(): HostContext<OffloadState> {
    const host = this;
    return {
      clock: { monotonicMs: () => this.nowMs, after: (delayMs, run) => this.timer(delayMs, run) },
      cluster: "home", epoch: 1,
      get state() { return host.mini.state; },
      now: () => this.mini.at,
      command: (verb, item, { role, principal }, done) => {
        this.commands.push([verb, item as Readonly<Record<string, unknown>>]);
        const answer = this.mini.send(verb, item, role, principal);
        this.showEvents();
        this.timer(0, () => done?.(answer.kind === "accepted" ? { count: 1 } : { rejected: [answer] }));
      },
      whenStored: (run) => void (this.isStoring ? this.unstored.push(run) : run()),
      sinceStoredMs: () => this.sinceStoredMs,
      touch: () => undefined,
    } as Partial<HostContext<OffloadState>> as HostContext<OffloadState>;
  }

  private timer(delayMs: number, run: () => void): () => void {
    const timer: Timer = { atMs: this.nowMs + delayMs, run };
    this.timers.push(timer);
    return () => {
      timer.run = undefined;
    };
  }
}

const HERE: CarryAnswer = { kind: "here", travelled: 0 };

/** A carrier whose answers the test gives: what it was asked, and what it has not answered yet. */
export class FakeCarrier implements BlobCarrier {
  readonly asked: string[] = [];
  readonly open: { readonly what: string; answer(failure?: CarryFailure): void }[] = [];
  /** Answered at once: nothing waits for the test. */
  isQuick = true;

  check(ref: BlobRef, done: (answer: CarryAnswer) => void): void {
    this.ask(`check ${ref.principal} ${ref.digest[0]!}`, done);
  }

  copy(ref: BlobRef, to: string, done: (answer: CarryAnswer) => void): void {
    this.ask(`copy ${ref.principal} ${ref.digest[0]!} to ${to}`, done);
  }

  bring(cluster: string, ref: BlobRef, to: string, done: (answer: CarryAnswer) => void): void {
    this.ask(`bring ${cluster} ${ref.principal} ${ref.digest[0]!} to ${to}`, done);
  }

  remove({ principal, digest }: BlobName, done: (ok: boolean) => void): void {
    this.ask(`remove ${principal} ${digest[0]!}`, ({ kind }) => done(kind === "here"));
  }

  /** Answers the oldest that waits. */
  answer(failure?: CarryFailure): void {
    this.open.shift()?.answer(failure);
  }

  private ask(what: string, done: (answer: CarryAnswer) => void): void {
    this.asked.push(what);
    if (this.isQuick) return done(HERE);
    this.open.push({ what, answer: (failure) => done(failure === undefined ? HERE : { kind: "failed", failure }) });
  }
}
