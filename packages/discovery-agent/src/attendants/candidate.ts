/**
 * When an instance that can host the topology history opens it.
 *
 *              somebody answers
 *              ┌────────────┐
 *              ▼            │   nobody answers for rank × 500 ms, or it is silent for 10 s,
 *              │            │   or for rank × 500 ms while its process is accused
 *           looking ────────┴──────────────────────────▶ hosting
 *              ▲                                            │
 *              └──── fenced: another was first ─────────────┘
 *
 * The history is not placed by views, because views come from it. The rank is the place among those members of the last known
 * view that can host it and are not accused; whoever knows no view waits a random part of 500 ms. A host that answers nothing may
 * wait for its own append, so it has 10 s; one whose process sends no heartbeat and answers no probe, either, waits for nothing. All this is for peace: if two open at once, the
 * guard of the journal decides, and the one that is fenced looks on, without a word to anybody.
 */
import type { Clock, StopReason, Telemetry, Wire } from "@longshore/kernel";
import { encode } from "@longshore/kernel";
import { mapIn } from "./exchange.ts";

/** Timings, milliseconds. */
const CANDIDATE = {
  /** How often the next in line looks; the others look once a second. */
  nextLooksEveryMs: 250,
  lookEveryMs: 1_000,
  answerWithinMs: 500,
  rankMs: 500,
  silentMs: 10_000,
  /** After a stop that needs a person. */
  againMs: 30_000,
} as const;

/** One opening of the history. */
export interface Opening {
  /** Stops in order; `stopped` follows. */
  close(): void;
}

export interface CandidateOptions {
  /** Where the host of the history is asked. */
  readonly querySubject: string;
  /** Place among those who can host it; undefined when no view is known that has this instance. */
  readonly rank: () => number | undefined;
  /** This instance holds evidence against the process of that incarnation, and is well itself. */
  readonly isAccused: (incarnation: string) => boolean;
  /** Less than 1. */
  readonly chance: () => number;
  readonly open: (stopped: (reason: StopReason) => void) => Opening;
  readonly telemetry: Telemetry;
}

export class Candidate {
  private readonly wire: Wire;
  private readonly clock: Clock;
  private readonly options: CandidateOptions;
  private opening: Opening | undefined;
  private isClosed = false;
  private heardMs = 0;
  private nobodySinceMs: number | undefined;
  private accusedSinceMs: number | undefined;
  /** Of the host that answered last. */
  private hostIncarnation: string | undefined;
  private waitMs = 0;
  private cancel: () => void = () => undefined;
  private onStopped: (() => void)[] = [];

  constructor({ wire, clock }: { readonly wire: Wire; readonly clock: Clock }, options: CandidateOptions) {
    this.wire = wire;
    this.clock = clock;
    this.options = options;
  }

  get isHosting(): boolean {
    return this.opening !== undefined;
  }

  start(): void {
    this.heardMs = this.clock.monotonicMs();
    this.look();
  }

  /** Looks no more; `closed` runs when the history is no longer hosted here. */
  close(closed: () => void): void {
    this.isClosed = true;
    this.cancel();
    if (this.opening === undefined) return closed();
    this.onStopped.push(closed);
    this.opening.close();
  }

  private look(): void {
    if (this.isClosed || this.opening !== undefined) return;
    this.wire.request(this.options.querySubject, encode({ ask: "host" }), CANDIDATE.answerWithinMs, (answer) => {
      const { kind } = answer;
      if (this.isClosed || this.opening !== undefined) return;
      const nowMs = this.clock.monotonicMs();
      // Without a connection nobody can be heard, and a refusal says nothing of the host.
      if (!this.wire.connected || kind === "denied") return this.heard(nowMs);
      if (answer.kind === "answer") {
        this.hostIncarnation = hostIn(answer.data);
        return this.heard(nowMs);
      }
      if (kind === "no-responders") return this.nobody(nowMs);
      if (nowMs - this.heardMs >= CANDIDATE.silentMs || this.isStuck(nowMs)) return this.open();
      this.later(this.accusedSinceMs === undefined ? this.everyMs : 0);
    });
  }

  /** Its host is silent and accused, and those who stand before this one have had their time. */
  private isStuck(nowMs: number): boolean {
    const { rank, isAccused } = this.options;
    const isHeld = this.hostIncarnation !== undefined && isAccused(this.hostIncarnation);
    this.accusedSinceMs = isHeld ? (this.accusedSinceMs ?? nowMs) : undefined;
    const place = rank();
    return this.accusedSinceMs !== undefined && place !== undefined && nowMs - this.accusedSinceMs >= place * CANDIDATE.rankMs;
  }

  private heard(nowMs: number): void {
    this.heardMs = nowMs;
    this.nobodySinceMs = this.accusedSinceMs = undefined;
    this.later(this.everyMs);
  }

  private nobody(nowMs: number): void {
    if (this.nobodySinceMs === undefined) {
      const { rank, chance } = this.options;
      this.nobodySinceMs = nowMs;
      this.waitMs = (rank() ?? chance()) * CANDIDATE.rankMs;
    }
    const leftMs = this.nobodySinceMs + this.waitMs - nowMs;
    if (leftMs <= 0) return this.open();
    this.later(Math.min(leftMs, CANDIDATE.nextLooksEveryMs));
  }

  private get everyMs(): number {
    return (this.options.rank() ?? 2) <= 1 ? CANDIDATE.nextLooksEveryMs : CANDIDATE.lookEveryMs;
  }

  private later(delayMs: number): void {
    this.cancel();
    this.cancel = this.clock.after(delayMs, () => this.look());
  }

  private open(): void {
    this.nobodySinceMs = this.accusedSinceMs = this.hostIncarnation = undefined;
    this.opening = this.options.open((reason) => this.stopped(reason));
  }

  private stopped(reason: StopReason): void {
    this.opening = undefined;
    this.heardMs = this.clock.monotonicMs();
    for (const run of this.onStopped.splice(0)) run();
    if (this.isClosed) return;
    if (!("message" in reason)) return this.later(this.everyMs);
    this.options.telemetry("discovery.stopped", { cause: reason.kind, reason: reason.message });
    this.later(CANDIDATE.againMs);
  }
}

function hostIn(data: Uint8Array): string | undefined {
  const host = mapIn(data)?.["answer"];
  const incarnation = typeof host === "object" && host !== null ? (host as { readonly incarnation?: unknown }).incarnation : undefined;
  return typeof incarnation === "string" ? incarnation : undefined;
}
