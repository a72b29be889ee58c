/** Which client waits for which job. Bounded; every client's part goes when it falls silent. */
export interface Watcher {
  readonly address: string;
  readonly jobs: Set<number>;
  heardMs: number;
}

export interface Watch {
  readonly watcher: Watcher;
  /** As the client gave it. */
  readonly id: string;
}

export class Watches {
  private readonly max: number;
  private readonly watchers = new Map<string, Watcher>();
  private readonly byJob = new Map<number, Watch | Watch[]>();
  private count = 0;

  constructor(max: number) {
    this.max = max;
  }

  watcher(address: string, nowMs: number): Watcher {
    let watcher = this.watchers.get(address);
    if (watcher === undefined) {
      watcher = { address, jobs: new Set(), heardMs: nowMs };
      this.watchers.set(address, watcher);
    }
    watcher.heardMs = nowMs;
    return watcher;
  }

  /** False when there is no room; once more for the same job is no further watch. */
  add(job: number, watcher: Watcher, id: string): boolean {
    if (watcher.jobs.has(job)) return true;
    if (this.count >= this.max) return false;
    watcher.jobs.add(job);
    this.count++;
    const others = this.byJob.get(job);
    if (others === undefined) this.byJob.set(job, { watcher, id });
    else this.byJob.set(job, [...asList(others), { watcher, id }]);
    return true;
  }

  /** The job has ended: nobody waits for it any more. */
  end(job: number): readonly Watch[] | undefined {
    const found = this.byJob.get(job);
    if (found === undefined) return undefined;
    this.byJob.delete(job);
    const watches = asList(found);
    this.count -= watches.length;
    for (const { watcher } of watches) watcher.jobs.delete(job);
    return watches;
  }

  forget(job: number, watcher: Watcher): void {
    const found = this.byJob.get(job);
    if (found === undefined || !watcher.jobs.delete(job)) return;
    this.count--;
    const left = asList(found).filter((watch) => watch.watcher !== watcher);
    if (left.length === 0) this.byJob.delete(job);
    else this.byJob.set(job, left);
  }

  /** Forgets clients not heard since an instant; their addresses. */
  forgetSilent(sinceMs: number): readonly string[] {
    const gone: string[] = [];
    for (const watcher of this.watchers.values()) {
      if (watcher.heardMs >= sinceMs) continue;
      for (const job of [...watcher.jobs]) this.forget(job, watcher);
      this.watchers.delete(watcher.address);
      gone.push(watcher.address);
    }
    return gone;
  }

  clear(): void {
    this.watchers.clear();
    this.byJob.clear();
    this.count = 0;
  }
}

const asList = (watches: Watch | Watch[]): readonly Watch[] => (Array.isArray(watches) ? watches : [watches]);
