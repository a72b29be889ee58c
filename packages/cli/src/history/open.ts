/** Finds the history that somebody named: a file, or one of a running system. */
import { resolve } from "node:path";
import { connect } from "@longshore/nats";
import type { Shared } from "../command.ts";
import { accessTo, findPlace } from "../connection.ts";
import type { Io } from "../io.ts";
import { historyAddress, isHistoryFile } from "./address.ts";
import { fileSource } from "./file-source.ts";
import { liveSource } from "./live-source.ts";
import type { HistorySource } from "./source.ts";

/** Opens it for the time of `run`. `kinds`: of actors whose histories will do; job queues alone when absent. */
export async function withHistory<Result>(shared: Shared, io: Io, name: string | undefined, run: (source: HistorySource) => Promise<Result>, kinds?: readonly string[]): Promise<Result> {
  const source = name !== undefined && isHistoryFile(name) ? await fileSource(resolve(io.cwd, name)) : await openLive(shared, io, name, kinds);
  try {
    return await run(source);
  } finally {
    await source.close();
  }
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
