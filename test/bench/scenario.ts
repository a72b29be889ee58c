/** What a scenario is. Each gets a system started afresh, and a measurement in a process of its own. */
import type { Session } from "./session.ts";

export interface Metric {
  readonly key: string;
  readonly label: string;
  readonly unit: "jobs/s" | "events/s" | "ms" | "bytes/job";
  readonly better: "higher" | "lower";
}

export interface Scenario {
  readonly name: string;
  /** JSON bytes of one job's input. */
  readonly inputBytes: number;
  /** How many jobs beside the warm-up the ledger must have room for. */
  jobs(size: Size): number;
  readonly metrics: readonly Metric[];
  /** Measured once, however many rounds the others have: it takes minutes, and what it tells is no matter of a few percent. */
  readonly isLong?: boolean;
  /** About how long one measurement takes beside start, warm-up and stop; for the estimate at the start. */
  seconds(size: Size): number;
  /** Figures by metric key; a key may be missing, where a system has no such thing. */
  run(session: Session): Promise<Readonly<Record<string, number>>>;
}

/** How much to measure; set on the command line, the same for every contender. */
export interface Size {
  readonly jobs: number;
  /** Longest time that jobs are offered in one measurement; a slow system gets fewer, not more time. */
  readonly seconds: number;
  readonly inFlight: number;
  readonly clients: number;
  readonly backlog: number;
  readonly rate: number;
  readonly samples: number;
  /** Worker concurrency instead of each contender's own. */
  readonly concurrency?: number;
}

/** 1000000 as "1 000 000". */
export function grouped(figure: number): string {
  return figure.toLocaleString("en").replaceAll(",", " ");
}
