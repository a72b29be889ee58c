/** What a test against a real server needs: a private server, connections that are closed, answers as promises. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Connection, type ConnectOptions, connect, findServer, type NatsServer, provision, type ServerBinary, type StartOptions, type Suite, startServer } from "@longshore/nats";
import { connect as connectBare, type NatsConnection } from "@nats-io/transport-node";
import { onTestFinished } from "vitest";

export const CLUSTER = "t";
export const SUITE: Suite = process.env["LONGSHORE_NATS_SUITE"] === "trixie" ? "trixie" : "forky";

export const binary = (): Promise<ServerBinary> => findServer({ suite: SUITE });

export async function tempDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "longshore-test-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** Without syncing on every write, unless a test asks for it: that is slow and no test can tell the difference. */
export async function server(options: Partial<StartOptions> = {}): Promise<NatsServer> {
  const storeDir = options.storeDir ?? (await tempDir());
  const started = await startServer({ binary: await binary(), syncAlways: false, ...options, storeDir });
  onTestFinished(() => started.stop());
  return started;
}

export async function connected(nats: NatsServer, options: Partial<ConnectOptions> = {}): Promise<Connection> {
  const connection = await connect({ principal: "host", servers: nats.url, ...options });
  onTestFinished(() => connection.close());
  return connection;
}

/** A client that knows nothing of Longshore. */
export async function bare(nats: NatsServer, options: { readonly user?: string; readonly pass?: string } = {}): Promise<NatsConnection> {
  const inboxPrefix = options.user === undefined ? "_INBOX" : `_INBOX.${options.user}`;
  const nc = await connectBare({ servers: nats.url, inboxPrefix, maxReconnectAttempts: -1, reconnectTimeWait: 50, ...options });
  onTestFinished(() => nc.close());
  return nc;
}

/** A server with the streams of cluster `t`, and a connection that may do everything. */
export async function provisioned(options: Partial<StartOptions> = {}): Promise<{ readonly nats: NatsServer; readonly connection: Connection }> {
  const nats = await server(options);
  const connection = await connected(nats);
  await provision(connection, { cluster: CLUSTER });
  return { nats, connection };
}

export const answerOf = <T>(call: (done: (answer: T) => void) => void): Promise<T> => new Promise((resolve) => call(resolve));

const UNTIL_MS = 20_000;

/** Waits for a fact, not for time. */
export async function until(fact: () => boolean | Promise<boolean>, what: string, withinMs: number = UNTIL_MS): Promise<void> {
  const deadlineMs = performance.now() + withinMs;
  while (!(await fact())) {
    if (performance.now() > deadlineMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((next) => setTimeout(next, 10));
  }
}

export const bytes = (length: number, fill = 7): Uint8Array => new Uint8Array(length).fill(fill);
export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
