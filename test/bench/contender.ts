/**
 * What a system must offer to be measured here, and nothing more.
 *
 * A measurement has three roles, in processes of their own: the orchestrator (`main.ts`) calls
 * `start`; the runner (`runner.ts`) calls `connect`, adds, works and holds the clock; small clients
 * (`producer.ts`) call `connect` and only add. So an `Endpoint` crosses process borders as JSON, and a
 * contender keeps no state between `start` and `connect`.
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
}

export interface Server {
  /** Server software and version as it reports itself, e.g. "Redis 7.0.15". */
  readonly software: string;
  readonly endpoint: Endpoint;
  stop(): Promise<void>;
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
  /** The best documented concurrency of one worker process; given to `Client.work`. */
  readonly concurrency: number;
  /** Starts the system alone on loopback with its files under `directory`, ready for `connect`. */
  start(directory: string): Promise<Server>;
  connect(endpoint: Endpoint): Promise<Client>;
}
