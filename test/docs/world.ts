/** A nats-server and a host of one's own, on a free port, gone when the test is done. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startJobQueue } from "@longshore/cli";
import { connect, provision, startServer } from "@longshore/nats";

export interface World {
  readonly url: string;
  stopHost(): Promise<void>;
  startHost(): Promise<void>;
  stop(): Promise<void>;
}

const STORE_BYTES = 256 * 1024 * 1024;

export async function startWorld(): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), "longshore-docs-"));
  const server = await startServer({ storeDir: folder });
  const connection = { principal: "host", servers: server.url };
  const setup = await connect(connection);
  await provision(setup, { cluster: "main", totalBytes: STORE_BYTES });
  await setup.close();
  let host = await startJobQueue({ connection });
  return {
    url: server.url,
    stopHost: () => host.close(),
    async startHost() {
      host = await startJobQueue({ connection });
    },
    async stop() {
      await host.close();
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Waits until `look` answers something, and fails when it does not in time. */
export async function until<Value>(what: string, look: () => Promise<Value | undefined> | Value | undefined, withinMs = 10_000): Promise<Value> {
  for (const deadlineMs = performance.now() + withinMs; performance.now() < deadlineMs;) {
    const value = await look();
    if (value !== undefined) return value;
    await new Promise((next) => setTimeout(next, 10));
  }
  throw new Error(`${what} did not happen within ${withinMs} ms`);
}
