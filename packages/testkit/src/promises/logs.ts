/**
 * What clients, workers and listeners of a test write down themselves, because a history cannot know it.
 *
 * Instants are those of the world the test runs in (real or virtual), milliseconds; only differences count.
 */

/** One step of a command as its client saw it. `info`: it does not know what became of it. */
export interface ClientEntry {
  readonly at: number;
  readonly client: string;
  readonly operation: number;
  readonly phase: "invoke" | "ok" | "fail" | "info";
  readonly verb: string;
  /** The job's id without its shard. */
  readonly id: string;
  /** `ok`, durable in the inbox and not decided yet: its stream and sequence. */
  readonly stored?: { readonly stream: string; readonly sequence: number };
  /** `fail`: decided and refused (true), or certainly never decided. */
  readonly refused?: boolean;
}

/** What a client was told of a job's end. */
export interface ResultEntry {
  readonly at: number;
  readonly client: string;
  readonly id: string;
  readonly state: string;
  readonly attempt: number;
  readonly result: Uint8Array | undefined;
}

/** The beginning and the end of one execution as its handler saw it. */
export interface WorkerEntry {
  readonly at: number;
  readonly incarnation: string;
  readonly phase: "start" | "end";
  readonly job: number;
  readonly attempt: number;
  /** `end`: how. */
  readonly outcome?: string;
  readonly result?: Uint8Array;
  /** It must not overlap with another of its queue. */
  readonly exclusive?: boolean;
  /** It may go on after it was told to stop: the handler ignores its signal, or its process stood still. */
  readonly excused?: boolean;
}

export interface Logs {
  readonly clients: readonly ClientEntry[];
  readonly results: readonly ResultEntry[];
  readonly workers: readonly WorkerEntry[];
}
