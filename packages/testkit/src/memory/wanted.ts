/** The wanted configuration in memory: the newest value of each key, under one growing revision. */
import type { PutAnswer, WantedAnswer, WantedConfiguration, WantedEntry } from "@longshore/kernel";
import type { Defer } from "./defer.ts";

export class MemoryWanted implements WantedConfiguration {
  /** Neither read nor written, as without a server. */
  away = false;
  /** No hint is given, as when one is lost on its way. */
  silent = false;
  private readonly defer: Defer;
  private readonly entries = new Map<string, WantedEntry>();
  private readonly hints = new Set<() => void>();
  private revision = 0;

  constructor(defer: Defer) {
    this.defer = defer;
  }

  read(after: number, max: number, done: (answer: WantedAnswer) => void): void {
    this.defer(() => {
      if (this.away) return this.defer(() => done({ kind: "unavailable" }));
      const newer = [...this.entries.values()].filter(({ revision }) => revision > after).sort((a, b) => a.revision - b.revision);
      const entries = newer.slice(0, max).map((entry) => ({ ...entry, value: entry.value?.slice() }));
      this.defer(() => done({ kind: "entries", entries }));
    });
  }

  put(key: string, value: Uint8Array, expected: number, done: (answer: PutAnswer) => void): void {
    const copy = value.slice();
    this.defer(() => {
      if (this.away) return this.defer(() => done({ kind: "unknown" }));
      if ((this.entries.get(key)?.revision ?? 0) !== expected) return this.defer(() => done({ kind: "conflict" }));
      const revision = ++this.revision;
      this.entries.set(key, { key, revision, value: copy.length === 0 ? undefined : copy });
      if (!this.silent) for (const hint of this.hints) this.defer(hint);
      this.defer(() => done({ kind: "stored", revision }));
    });
  }

  onChange(hint: () => void): () => void {
    this.hints.add(hint);
    return () => this.hints.delete(hint);
  }
}
