/** Starting a JobQueue from a program: what it says when it cannot, and that waiting can be ended. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startJobQueue } from "@longshore/cli";
import { Fault } from "@longshore/kernel";
import { connect, type NatsServer, provision, startServer } from "@longshore/nats";
import { connect as connectClient } from "longshore";
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
  expect(error).toMatchObject({ code: "setup/missing", remedy: "run `longshore setup`", message: expect.stringContaining("LS_bare_") });
});

it("the feed of a host that takes over says which commits it has not told", async () => {
  const connection = { principal: "host", servers: server.url };
  const setup = await connect(connection);
  await provision(setup, { cluster: "feed", totalBytes: 256 * 1024 * 1024 });
  await setup.close();
  const ls = await connectClient({ servers: server.url, cluster: "feed" });
  const stop = new AbortController();
  const first = await startJobQueue({ connection, cluster: "feed" });
  const job = await ls.add("a/b", 1);
  await first.close();
  // Told of gaps, whatever else is asked for.
  const events = ls.events.follow({ topic: "x/y", signal: stop.signal })[Symbol.asyncIterator]();
  const next = events.next();
  const second = await startJobQueue({ connection, cluster: "feed" });
  const { value } = await next;
  expect(value).toMatchObject({ type: "Gap", from: 1 });
  const seen: unknown[] = [];
  for await (const commit of ls.history.read("job-queue", { from: value!["from"] as number, to: value!["to"] as number })) seen.push(...commit.events.map(({ id }) => id));
  expect(seen).toContain(job.id);
  stop.abort();
  await ls.close();
  await second.close();
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
