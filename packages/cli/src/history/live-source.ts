/** Reads a history from its journal. */
import type { Journal, LastAnswer, ReadAnswer, Snapshot, StoredCommit } from "@longshore/kernel";
import { type Connection, journalOf, snapshotsOf } from "@longshore/nats";
import { notFound } from "../errors.ts";
import { type HistoryAddress, showAddress } from "./address.ts";
import { type HistorySource, readFault } from "./source.ts";

/** @throws {CommandFailure} `cli/not-found` when there is no such history. */
export async function liveSource(connection: Connection, address: HistoryAddress): Promise<HistorySource> {
  const name = showAddress(address);
  const exact = await lastOf(journalOf(connection, address));
  // Observers may look at replicas only.
  const isObserver = exact.kind === "stop" && exact.cause === "denied";
  const journal = journalOf(connection, { ...address, from: "replica" });
  const last = isObserver ? await lastOf(journal) : exact;
  if (last.kind !== "last") throw readFault(name, last);
  if (last.commit === undefined) throw notFound(`there is no history ${name} in cluster ${address.cluster}`, "name the shard, as in job-queue.main, and the cluster with --cluster");
  const size = await new Promise<{ readonly commits: number; readonly first: number } | undefined>((resolve) => journal.size(resolve));
  return {
    address,
    name,
    commits: size?.commits,
    snapshot: () => new Promise<Snapshot | undefined>((resolve) => snapshotsOf(connection, { ...address, from: "replica" }).latest(resolve)),
    async first() {
      const first = size === undefined ? undefined : await new Promise<StoredCommit | undefined>((resolve) => journal.get(size.first, resolve));
      if (first === undefined) throw readFault(name, { kind: "unavailable" });
      return first;
    },
    read: (onCommit) => readAll(name, journal, onCommit),
    close: () => connection.close(),
  };
}

const lastOf = (journal: Journal): Promise<LastAnswer> => new Promise((resolve) => journal.last(resolve));

async function readAll(name: string, journal: Journal, onCommit: (commit: StoredCommit) => void): Promise<void> {
  let failure: { readonly error: unknown } | undefined;
  const take = (commit: StoredCommit): void => {
    if (failure !== undefined) return;
    try {
      onCommit(commit);
    } catch (error) {
      failure = { error };
    }
  };
  const answer = await new Promise<ReadAnswer>((resolve) => journal.read(0, take, resolve));
  if (failure !== undefined) throw failure.error;
  if (answer.kind !== "end") throw readFault(name, answer);
}
