/** Several nats-servers that keep copies of each other's streams, each with ports and a store of its own. */

import { mkdir, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { findServer, type NatsServer, type StartOptions, startServer } from "@longshore/nats";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { freePorts } from "../free-port.ts";
import type { Network } from "./network.ts";

/** Choosing the first leader takes seconds, on a busy machine many. */
const READY_WITHIN_MS = 120_000;
const NAME = /^n(\d+)$/;

export interface ServersOptions extends Partial<StartOptions> {
  /** Each on a place of its own; otherwise all on loopback. */
  readonly network?: Network | undefined;
}

/** Starts so many servers and waits until all are healthy; the n-th is called `n0`, `n1`, … Whoever starts them stops them. */
export async function startServers(folder: string, count: number, { network, ...options }: ServersOptions = {}): Promise<readonly NatsServer[]> {
  const ports = await freePorts(2 * count);
  const sites = await Promise.all(ports.slice(count).map((_, i) => siteOf(folder, `n${i}`, network)));
  const routes = ports.slice(count).map((port, i) => `${sites[i]?.host ?? "127.0.0.1"}:${port}`);
  return Promise.all(routes.map((address, i) => startServer({
    readyWithinMs: READY_WITHIN_MS, ...options, ...sites[i], port: ports[i]!,
    storeDir: join(folder, `n${i}`), serverName: `n${i}`, routes: { name: "longshore", listen: address, servers: routes },
  })));
}

/** A server's address, and a program of the server's name that runs it there. */
async function siteOf(folder: string, name: string, network: Network | undefined): Promise<Pick<StartOptions, "host" | "binary">> {
  if (network === undefined) return {};
  const { address, enter } = await network.place(name);
  const binary = await findServer();
  const path = join(folder, `${name}-bin`, basename(binary.path));
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `#!/bin/sh\nexec ${enter.join(" ")} ${binary.path} "$@"\n`, { mode: 0o700 });
  return { host: address, binary: { ...binary, path } };
}

/** Addresses for a client, which goes on with another when one is gone. */
export const urlsOf = (servers: readonly NatsServer[]): string => servers.map(({ url }) => url).join(",");

/** The server that leads a stream; undefined while none does. */
export async function leaderOf(servers: readonly NatsServer[], stream: string): Promise<NatsServer | undefined> {
  const { cluster } = (await infoOf(servers, stream)) ?? {};
  const name = NAME.exec(cluster?.leader ?? "");
  return name === null ? undefined : servers[Number(name[1])];
}

/** Every copy of every one of these streams is there and has all of it. */
export async function areWhole(servers: readonly NatsServer[], streams: readonly string[]): Promise<boolean> {
  const found = await Promise.all(streams.map((stream) => infoOf(servers, stream)));
  return found.every((info) => info?.cluster?.leader !== undefined && (info.cluster.replicas ?? []).every(({ current, offline }) => current && offline !== true));
}

interface StreamInfo {
  readonly cluster?: { readonly leader?: string; readonly replicas?: readonly { readonly current: boolean; readonly offline?: boolean }[] };
}

async function infoOf(servers: readonly NatsServer[], stream: string): Promise<StreamInfo | undefined> {
  const running = servers.filter(({ isRunning }) => isRunning).map(({ url }) => url);
  let nc: NatsConnection | undefined;
  try {
    nc = await connect({ servers: running, maxReconnectAttempts: 0, timeout: 2_000 });
    return (await nc.request(`$JS.API.STREAM.INFO.${stream}`, "", { timeout: 2_000 })).json<StreamInfo>();
  } catch {
    // Nobody leads yet, or the one that was asked has just gone.
    return undefined;
  } finally {
    await nc?.close();
  }
}
