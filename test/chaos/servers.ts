/** Several nats-servers on loopback that keep copies of each other's streams, each with ports and a store of its own. */
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { type NatsServer, type StartOptions, startServer } from "@longshore/nats";
import { connect, type NatsConnection } from "@nats-io/transport-node";

/** Choosing the first leader takes seconds, on a busy machine many. */
const READY_WITHIN_MS = 120_000;
const NAME = /^n(\d+)$/;

/** Starts so many servers and waits until all are healthy; the n-th is called `n0`, `n1`, … Whoever starts them stops them. */
export async function startServers(folder: string, count: number, options: Partial<StartOptions> = {}): Promise<readonly NatsServer[]> {
  const listening = await Promise.all(Array.from({ length: count }, listen));
  const servers = listening.map((listener) => `127.0.0.1:${portOf(listener)}`);
  await Promise.all(listening.map((listener) => new Promise((closed) => listener.close(closed))));
  return Promise.all(servers.map((address, i) => startServer({
    readyWithinMs: READY_WITHIN_MS, ...options,
    storeDir: join(folder, `n${i}`), serverName: `n${i}`, routes: { name: "longshore", listen: address, servers },
  })));
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

const listen = (): Promise<Server> =>
  new Promise((resolve, reject) => {
    const listener = createServer().once("error", reject).listen(0, "127.0.0.1", () => resolve(listener));
  });

function portOf(listener: Server): number {
  const address = listener.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}
