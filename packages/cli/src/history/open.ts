/** Finds the history that somebody named: a file, or one of a running system. */
import { resolve } from "node:path";
import { type Connection, connect, historiesOf } from "@longshore/nats";
import type { Shared } from "../command.ts";
import { accessTo, findPlace } from "../connection.ts";
import { notFound } from "../errors.ts";
import type { Io } from "../io.ts";
import { type HistoryAddress, historyAddress, isHistoryFile, showAddress } from "./address.ts";
import { fileSource } from "./file-source.ts";
import { liveSource } from "./live-source.ts";
import { type HistorySource, readFault } from "./source.ts";

/** Opens it for the time of `run`. `kinds`: of actors whose histories will do; job queues alone when absent. */
export async function withHistory<Result>(shared: Shared, io: Io, name: string | undefined, run: (source: HistorySource) => Promise<Result>, kinds?: readonly string[]): Promise<Result> {
  const source = name !== undefined && isHistoryFile(name) ? await fileSource(resolve(io.cwd, name)) : await openLive(shared, io, name, kinds);
  try {
    return await run(source);
  } finally {
    await source.close();
  }
}

/** Opens all histories of the running system that actors of these kinds have, one after the other. */
export async function withEachHistory(shared: Shared, io: Io, kinds: readonly string[], run: (source: HistorySource) => Promise<void>): Promise<void> {
  const place = await findPlace(shared, io);
  const connection = await connect(accessTo(place, shared, io));
  try {
    for (const address of await addressesIn(connection, place.cluster, kinds)) await run(await liveSource(connection, address));
  } finally {
    await connection.close();
  }
}

async function addressesIn(connection: Connection, cluster: string, kinds: readonly string[]): Promise<readonly HistoryAddress[]> {
  const names = await new Promise<readonly (readonly [kind: string, actor: string])[] | undefined>((resolve) => historiesOf(connection, cluster)(resolve));
  if (names === undefined) throw readFault(`the list of histories of cluster ${cluster}`, { kind: "unavailable" });
  const addresses = names.filter(([kind]) => kinds.includes(kind)).map(([kind, actor]) => ({ cluster, kind, actor }));
  if (addresses.length === 0) throw notFound(`there is no history in cluster ${cluster}`, "name the cluster with --cluster; a cluster has histories once it has had a host");
  return addresses.sort((a, b) => (showAddress(a) < showAddress(b) ? -1 : 1));
}

async function openLive(shared: Shared, io: Io, name: string | undefined, kinds?: readonly string[]): Promise<HistorySource> {
  // A wrong name is told before anything is connected.
  historyAddress("main", name, kinds);
  const place = await findPlace(shared, io);
  const connection = await connect(accessTo(place, shared, io));
  try {
    return await liveSource(connection, historyAddress(place.cluster, name, kinds));
  } catch (error) {
    await connection.close();
    throw error;
  }
}
