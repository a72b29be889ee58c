/** When each instance was last seen, and what it had been told by then. By this process's clock; nothing of it is recorded. */
import type { WorkerPool } from "../vocabulary.ts";

export interface RollEntry {
  seenMs: number;
  noResponders: number;
  isProbed: boolean;
  /** Told when it last said hello, and when that was. */
  told: number | undefined;
  toldMs: number;
  /** What it offered when it last said hello. */
  offered: readonly WorkerPool[] | undefined;
}

export class Roll {
  private readonly entries = new Map<string, RollEntry>();

  /** One nobody has heard of counts as seen now. */
  entry(instance: string, nowMs: number): RollEntry {
    let entry = this.entries.get(instance);
    if (entry === undefined) {
      entry = { seenMs: nowMs, noResponders: 0, isProbed: false, told: undefined, toldMs: nowMs, offered: undefined };
      this.entries.set(instance, entry);
    }
    return entry;
  }

  seen(instance: string, nowMs: number): void {
    const entry = this.entry(instance, nowMs);
    entry.seenMs = nowMs;
    entry.noResponders = 0;
  }

  everybodySeen(nowMs: number): void {
    for (const instance of this.entries.keys()) this.seen(instance, nowMs);
  }

  told(instance: string, told: number, nowMs: number): void {
    const entry = this.entry(instance, nowMs);
    entry.told = told;
    entry.toldMs = nowMs;
  }

  offers(instance: string, pools: readonly WorkerPool[], nowMs: number): void {
    this.entry(instance, nowMs).offered = pools;
  }

  offered(instance: string): readonly WorkerPool[] | undefined {
    return this.entries.get(instance)?.offered;
  }

  /** What it had been told at its last hello, if that was before an instant. */
  toldBefore(instance: string, atMs: number): number | undefined {
    const entry = this.entries.get(instance);
    return entry !== undefined && entry.toldMs <= atMs ? entry.told : undefined;
  }

  keepOnly(instances: readonly string[]): void {
    if (this.entries.size <= instances.length) return;
    const present = new Set(instances);
    for (const instance of this.entries.keys()) if (!present.has(instance)) this.entries.delete(instance);
  }

  clear(): void {
    this.entries.clear();
  }
}
