/**
 * One simulated process: its own clock, which may run fast or slow; it may be killed and may stand still.
 *
 * Everything that reaches a process (a timer, a message, an answer) comes through `run`. What was meant for an earlier
 * life is dropped; what comes while it stands still waits, in order, and is delivered when it goes on, late and all at
 * once, which is how a stopped process wakes up.
 */
import type { Clock } from "@longshore/kernel";
import type { VirtualClock } from "../memory/virtual-clock.ts";

export class SimProcess implements Clock {
  readonly name: string;
  private readonly world: VirtualClock;
  private readonly offsetMs: number;
  private readonly rate: number;
  private readonly waiting: (() => void)[] = [];
  /** Grows with every start. */
  life = 0;
  isUp = false;
  isPaused = false;
  /** When it last went on after standing still. */
  resumedMs = 0;

  constructor(name: string, world: VirtualClock, clock: { readonly offsetMs: number; readonly rate: number }) {
    this.name = name;
    this.world = world;
    this.offsetMs = clock.offsetMs;
    this.rate = clock.rate;
  }

  monotonicMs(): number {
    return this.offsetMs + this.world.monotonicMs() * this.rate;
  }

  after(delayMs: number, run: () => void): () => void {
    const { life } = this;
    let isWanted = true;
    const cancel = this.world.after(delayMs / this.rate, () => this.run(life, () => {
      if (isWanted) run();
    }));
    // Also when it fell due while the process stood still, and waits.
    return () => {
      isWanted = false;
      cancel();
    };
  }

  /** Runs something meant for a certain life of this process. */
  run(life: number, step: () => void): void {
    if (life !== this.life || !this.isUp) return;
    if (this.isPaused) this.waiting.push(() => this.run(life, step));
    else step();
  }

  start(): void {
    this.life++;
    this.isUp = true;
    this.isPaused = false;
    this.waiting.length = 0;
  }

  /** Everything volatile is gone. What it has sent is on its way and may still arrive. */
  kill(): void {
    this.isUp = false;
    this.isPaused = false;
    this.waiting.length = 0;
  }

  pause(): void {
    if (this.isUp) this.isPaused = true;
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.resumedMs = this.world.monotonicMs();
    const waiting = this.waiting.splice(0);
    for (let i = 0; i < waiting.length; i++) {
      if (this.isPaused) this.waiting.push(waiting[i]!);
      else waiting[i]!();
    }
  }
}
