/** Starting a JobQueue from a program: what it says when it cannot, and that waiting can be ended. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startJobQueue } from "@longshore/cli";
import { Fault } from "@longshore/kernel";
import { connect, type NatsServer, provision, startServer } from "@longshore/nats";
import { afterAll, beforeAll, expect, it } from "vitest";

let folder: string;
let server: NatsServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "longshore-service-"));
  server = await startServer({ storeDir: folder });
});

afterAll(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

const errorOf = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => undefined, (error: unknown) => error);

it("a host without streams is a fault that says how to make them", async () => {
  const error = await errorOf(startJobQueue({ connection: { principal: "host", servers: server.url }, cluster: "bare" }));
  expect(error).toBeInstanceOf(Fault);
  expect(error).toMatchObject({ code: "nats/no-stream", remedy: "run `longshore setup`", message: expect.stringContaining("LS_bare_") });
});

it("waiting in standby ends when it is told to, and the host that serves goes on", async () => {
  const connection = { principal: "host", servers: server.url };
  const setup = await connect(connection);
  await provision(setup, { cluster: "main", totalBytes: 256 * 1024 * 1024 });
  await setup.close();
  const first = await startJobQueue({ connection });
  const stop = new AbortController();
  const reason = new Error("enough");
  const second = errorOf(startJobQueue({ connection, signal: stop.signal, onStandby: () => stop.abort(reason) }));
  expect(await second).toBe(reason);
  expect(await errorOf(startJobQueue({ connection, signal: stop.signal }))).toBe(reason);
  expect(first.host.isServing).toBe(true);
  await first.close();
});
