/**
 * Time that only moves when it is told to.
 *
 * Events stand in a heap of (time, tie, order). The tie decides among events of one instant: by default they run in the
 * order they were made; a simulation draws it by lot, so that every order gets its turn.
 */
import type { Clock } from "@longshore/kernel";

interface Entry {
  readonly atMs: number;
  readonly tie: number;
  readonly order: number;
  run: (() => void) | undefined;
}

const isBefore = (a: Entry, b: Entry): boolean =>
  a.atMs !== b.atMs ? a.atMs < b.atMs : a.tie !== b.tie ? a.tie < b.tie : a.order < b.order;

export class VirtualClock implements Clock {
  private readonly heap: Entry[] = [];
  private readonly tie: () => number;
  private now: number;
  private order = 0;
  private steps = 0;

  constructor(options: { readonly startMs?: number; readonly tie?: () => number } = {}) {
    this.now = options.startMs ?? 0;
    this.tie = options.tie ?? (() => 0);
  }

  monotonicMs(): number {
    return this.now;
  }

  /** Events run so far. */
  get stepCount(): number {
    return this.steps;
  }

  /** When the next event is due; undefined when nothing waits. */
  get nextMs(): number | undefined {
    return this.peek()?.atMs;
  }

  after(delayMs: number, run: () => void): () => void {
    const entry: Entry = { atMs: this.now + Math.max(0, delayMs), tie: this.tie(), order: this.order++, run };
    this.push(entry);
    return () => {
      entry.run = undefined;
    };
  }

  /** Runs the next event, if there is one, and moves time to it. */
  step(): boolean {
    const entry = this.peek();
    if (entry === undefined) return false;
    this.pop();
    this.now = entry.atMs;
    this.steps++;
    entry.run?.();
    return true;
  }

  /** Moves time forward, running everything that falls due on the way. */
  advance(ms: number): void {
    const untilMs = this.now + ms;
    for (let next = this.peek(); next !== undefined && next.atMs <= untilMs; next = this.peek()) this.step();
    this.now = untilMs;
  }

  /** Runs events until the fact holds; false when it did not within `limitMs`. */
  runUntil(fact: () => boolean, limitMs = 60_000): boolean {
    const untilMs = this.now + limitMs;
    while (!fact()) {
      const next = this.peek();
      if (next === undefined || next.atMs > untilMs) {
        this.now = untilMs;
        return fact();
      }
      this.step();
    }
    return true;
  }

  private peek(): Entry | undefined {
    while (this.heap.length > 0 && this.heap[0]!.run === undefined) this.pop();
    return this.heap[0];
  }

  private push(entry: Entry): void {
    const { heap } = this;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(entry, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  private pop(): void {
    const { heap } = this;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}
