/** A history to be read, wherever it is: on a live system, or in an exported file. */
import { Fault, type Snapshot, type StoredCommit } from "@longshore/kernel";
import type { HistoryAddress } from "./address.ts";

export interface HistorySource {
  readonly address: HistoryAddress;
  /** What it is called in messages: the history's name, or the file. */
  readonly name: string;
  /** Commits it holds, when that is known beforehand. */
  readonly commits: number | undefined;
  /** The latest snapshot; where the oldest commits are gone, the only place to start from. */
  snapshot(): Promise<Snapshot | undefined>;
  /** The oldest commit it holds. */
  first(): Promise<StoredCommit | undefined>;
  /** Every commit it holds, in order. What `onCommit` throws ends the reading and is thrown on. */
  read(onCommit: (commit: StoredCommit) => void): Promise<void>;
  close(): Promise<void>;
}

/** Read failures of a journal port, as what they mean to an operator. */
export function readFault(name: string, answer: { readonly kind: "unavailable" } | { readonly kind: "stop"; readonly cause: "no-stream" | "denied" }): Fault {
  if (answer.kind === "unavailable") return new Fault("nats/unavailable", `${name} could not be read to its end: the server does not answer`, { retry: "backoff" });
  if (answer.cause === "no-stream") {
    return new Fault("nats/no-stream", `${name} cannot be read: this cluster has no journal yet: run \`longshore setup\` or \`longshore up\``, { retry: "never" });
  }
  return new Fault("nats/denied", `${name} cannot be read: this user may not read the journal: use one with the role host or observer (nats.conf)`, { retry: "never" });
}
