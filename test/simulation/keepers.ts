/** The small stores of a host in the simulated world: the server's time, the high-water mark, snapshots. */
import type { HighWater, HostPorts, Snapshot } from "@longshore/kernel";
import type { Link, Marks, Weather } from "@longshore/testkit/simulation";

/** What of them outlives every process. */
export interface Kept {
  readonly nowMs: number;
  /** The server's time. */
  readonly serverMs: number;
  readonly weather: Weather;
  readonly marks: Marks;
  /** Every snapshot that was ever saved. */
  readonly snapshots: Snapshot[];
  mark: HighWater | undefined;
}

export function keepersOf(link: Link, kept: Kept): Pick<HostPorts, "serverTime" | "marks" | "snapshots"> {
  const { process, server } = link;
  return {
    serverTime: {
      sample: (done) => {
        const sentMs = kept.nowMs;
        const cancel = process.after(2_000, () => finish(undefined));
        let isOpen = true;
        const finish = (serverMs: number | undefined): void => {
          if (!isOpen) return;
          isOpen = false;
          cancel();
          done(serverMs);
        };
        server.up(link, "time", () => {
          const { serverMs } = kept;
          server.down(link, "time", () => finish(kept.nowMs - sentMs > 250 ? undefined : serverMs + (kept.nowMs - sentMs) / 2));
        }, true);
      },
    },
    marks: {
      read: (done) => {
        if (link.isCut || kept.weather.outage) return void process.after(1_000, () => done({ kind: "unavailable" }));
        process.after(1, () => done({ kind: "mark", mark: kept.mark }));
      },
      write: (mark) => {
        if (!link.isCut && !kept.weather.outage) kept.mark = mark;
      },
    },
    snapshots: {
      latest: (done) => {
        const snapshot = link.isCut || kept.weather.outage ? undefined : kept.snapshots.at(-1);
        process.after(1, () => done(snapshot));
      },
      save: (snapshot, done) => process.after(1, () => {
        const isSaved = !link.isCut && !kept.weather.outage && !kept.weather.full;
        if (isSaved && snapshot.version > (kept.snapshots.at(-1)?.version ?? 0)) kept.snapshots.push(snapshot);
        if (isSaved) kept.marks.hit("a snapshot is saved");
        done(isSaved);
      }),
    },
  };
}
