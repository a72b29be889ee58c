/** Finds the history that somebody named: a file, or one of a running system. */
import { resolve } from "node:path";
import { type Connection, connect, historiesOf } from "@longshore/nats";
import type { Shared } from "../command.ts";
import { accessTo, findPlace } from "../connection.ts";
import { CommandFailure, EXIT, notFound } from "../errors.ts";
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

/** A running system's histories, as long as its connection is open. */
export interface LiveCluster {
  readonly cluster: string;
  readonly sources: readonly HistorySource[];
}

/** Opens all histories of the running system that actors of these kinds have, for the time of `run`. */
export async function withEachHistory<Result>(shared: Shared, io: Io, kinds: readonly string[], run: (live: LiveCluster) => Promise<Result>): Promise<Result> {
  const place = await findPlace(shared, io);
  const connection = await connect(accessTo(place, shared, io));
  try {
    return await run({ cluster: place.cluster, sources: await sourcesIn(connection, place.cluster, kinds) });
  } finally {
    await connection.close();
  }
}

/**
 * The same of another system, whose cluster is one of these; a login in its address comes before ours.
 *
 * @throws {CommandFailure} `cli/not-found` when none of them has a history there.
 */
export async function withOtherCluster<Result>(server: string, clusters: readonly string[], kinds: readonly string[], shared: Shared, io: Io, run: (live: LiveCluster) => Promise<Result>): Promise<Result> {
  const place = await findPlace({ server, cluster: undefined, shard: undefined }, { env: {} });
  const { user, password } = place.login;
  const own = user === undefined ? shared : { ...shared, user, creds: undefined };
  const connection = await connect(accessTo(place, own, password === undefined ? io : { ...io, env: { ...io.env, LONGSHORE_PASSWORD: password } }));
  try {
    for (const cluster of clusters) {
      const sources = await sourcesIn(connection, cluster, kinds).catch((error: unknown) => {
        if (error instanceof CommandFailure && error.exitCode === EXIT.notFound) return undefined;
        throw error;
      });
      if (sources !== undefined) return await run({ cluster, sources });
    }
    throw notFound(`${place.url} has no history of ${clusters.join(" or ")}`, "name a server of a cluster that jobs went to or came from");
  } finally {
    await connection.close();
  }
}

async function sourcesIn(connection: Connection, cluster: string, kinds: readonly string[]): Promise<readonly HistorySource[]> {
  const sources: HistorySource[] = [];
  for (const address of await addressesIn(connection, cluster, kinds)) sources.push(await liveSource(connection, address));
  return sources;
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
