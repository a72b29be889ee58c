/** Ports for servers of tests and benchmarks. */
import { createServer, type Server } from "node:net";

/** Below what systems give to outgoing connections: one of those could take the port of a server that has yet to start, or is down for a moment. */
const PORTS = { from: 20_000, to: 32_000 } as const;

/** A loopback port free at this moment. Another process may take it first; the server then fails loudly. */
export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  return port!;
}

export async function freePorts(count: number): Promise<readonly number[]> {
  const free = new Map<number, Server>();
  while (free.size < count) {
    const port = PORTS.from + Math.floor(Math.random() * (PORTS.to - PORTS.from));
    const listener = await listen(port);
    if (listener !== undefined) free.set(port, listener);
  }
  await Promise.all([...free.values()].map((listener) => new Promise((closed) => listener.close(closed))));
  return [...free.keys()];
}

const listen = (port: number): Promise<Server | undefined> =>
  new Promise((resolve) => {
    const listener = createServer().once("error", () => resolve(undefined)).listen(port, "127.0.0.1", () => resolve(listener));
  });
