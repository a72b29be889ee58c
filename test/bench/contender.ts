/**
 * What a system must offer to be measured here, and nothing more.
 *
 * A measurement has three roles, in processes of their own: the orchestrator (`main.ts`) only says what
 * to measure; the runner (`runner.ts`) calls `start` and `connect`, adds, works and holds the clock;
 * small clients (`producer.ts`) call `connect` and only add. So an `Endpoint` crosses process borders
 * as JSON, and a contender keeps no state between `start` and `connect`.
 */

/** One unit of benchmark work: its number, and a body that pads the input to the size measured. */
export interface BenchJob {
  readonly seq: number;
  readonly body: string;
}

/** Where a started system is found. `pids` are roots: memory is read from their whole process trees. */
export interface Endpoint {
  readonly url: string;
  readonly pids: readonly number[];
  readonly directory: string;
  /** Loopback port where a host of ours answers what `host-control.ts` can ask. */
  readonly control?: number;
}

export interface Server {
  /** Server software and version as it reports itself, e.g. "Redis 7.0.15". */
  readonly software: string;
  readonly endpoint: Endpoint;
  /** Ways to lose the process that holds the queue and to get it back, in the order in which they are to be tried. */
  readonly outages: readonly Outage[];
  stop(): Promise<void>;
}

/** `restart`: it starts again on what is stored. The others only a system with a journal has: without a snapshot, and with another host waiting. */
export type OutageName = "journal" | "restart" | "standby";

export interface Outage {
  readonly name: OutageName;
  /** Outside the clock: until the system is as it must be before (a snapshot made, another host waiting). */
  prepare(): Promise<void>;
  /** Kills the process that holds the queue, as a crash would, and has it started again. Resolves when it is dead and the next one is starting. */
  strike(): Promise<void>;
  /** Once it serves: how long that took by the system's own account, milliseconds; the start of its process is not in it. */
  recoveredMs(): Promise<number>;
}

/** What the server holds now, in bytes. */
export interface Usage {
  readonly memoryBytes: number;
  readonly storageBytes: number;
}

/** Called when work on a job starts, once for each execution. The work itself is nothing. */
export type Handler = (seq: number) => void;

export interface Workers {
  /** Resolves when no further job will be handed to the handler. */
  stop(): Promise<void>;
}

/** What can be asked of a host of ours, beside the queue itself. */
export interface HostProbe {
  /** Bytes that its JavaScript holds, after a collection: heap and buffers. Payloads of jobs are in it. */
  heapBytes(): Promise<number>;
  /** Bytes of the payloads it holds. */
  payloadBytes(): Promise<number>;
  /** Gaps between two turns of its loop beyond the millisecond its timer waits, since they were last asked for. */
  pauses(): Promise<{ readonly p99Ms: number; readonly maxMs: number }>;
  /** Folds the whole journal again, as `longshore replay` does. */
  replay(): Promise<{ readonly events: number; readonly elapsedMs: number }>;
}

export interface Client {
  /** Resolves when the system has acknowledged the job, as durably as the contender's label says. */
  add(job: BenchJob): Promise<void>;
  /** One call of the system's bulk interface, with the same acknowledgement. */
  addMany(jobs: readonly BenchJob[]): Promise<void>;
  /** Starts working; at most `concurrency` handlers would run at once were they to take time. */
  work(handler: Handler, concurrency: number): Promise<Workers>;
  /** How many stored jobs have no recorded success. 0 is what ends a measured run. */
  unfinished(): Promise<number>;
  /** Upkeep that production would have done by now (statistics, compaction); outside the clock. */
  settle(): Promise<void>;
  usage(): Promise<Usage>;
  /** Absent where no process of JavaScript decides. */
  readonly host?: HostProbe;
  close(): Promise<void>;
}

export interface Contender {
  /** Chosen by `--only`, which matches its beginning: "bullmq" also means "bullmq-always". */
  readonly name: string;
  /** The library and its version, e.g. "BullMQ 6.7.0". */
  readonly system: string;
  /** What an acknowledgement survives, in a few words; printed beside every figure. */
  readonly durability: string;
  /** How it was tuned, and after which document. */
  readonly tuning: string;
  /** The concurrency of one worker process that was found best at 500 adds in flight; given to `Client.work`. */
  readonly concurrency: number;
  /** Starts the system alone on loopback with its files under `directory`, ready for `connect`. Called by the runner. */
  start(directory: string): Promise<Server>;
  connect(endpoint: Endpoint): Promise<Client>;
}
