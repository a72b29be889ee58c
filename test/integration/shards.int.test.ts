/** Several shards on a real server: partitions, a queue that moves under its clients, shards that appear. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ShardHosts } from "@longshore/cli";
import { startShards } from "@longshore/cli";
import type { InboxAnswer } from "@longshore/kernel";
import { connect as connectNats, provision, startServer, strayInboxOf, wantedOf } from "@longshore/nats";
import type { Longshore } from "longshore";
import { connect } from "longshore";
import { describe, expect, it, onTestFinished } from "vitest";

const STORE_BYTES = 256 * 1024 * 1024;
const WITHIN_MS = 20_000;

interface World {
  readonly servers: string;
  host(shards: readonly string[], followsWanted?: boolean): Promise<ShardHosts>;
  client(): Promise<Longshore>;
}

async function setup(): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), "longshore-shards-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const server = await startServer({ storeDir: folder });
  onTestFinished(() => server.stop());
  const connection = { principal: "me", servers: server.url };
  const setting = await connectNats(connection);
  await provision(setting, { cluster: "main", totalBytes: STORE_BYTES });
  await setting.close();
  return {
    servers: server.url,
    async host(shards, followsWanted = false) {
      const hosts = await startShards({ connection, shards, followsWanted, follower: false, instance: `host-${shards.join("-")}` });
      onTestFinished(() => hosts.close());
      return hosts;
    },
    async client() {
      const ls = await connect({ servers: server.url });
      onTestFinished(() => ls.close({ drainMs: 0 }));
      return ls;
    },
  };
}

async function until(what: string, fact: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadlineMs = performance.now() + WITHIN_MS; performance.now() < deadlineMs;) {
    if (await fact()) return;
    await new Promise((next) => setTimeout(next, 10));
  }
  throw new Error(`${what} did not happen within ${WITHIN_MS} ms`);
}

const shardOf = (id: string): string => id.slice(0, id.indexOf("."));

describe("several shards on one server", () => {
  it("P1 P2 a queue moves while a client that knows the old place goes on adding: no job is lost, none doubled, and the old shard finishes its own", async () => {
    const world = await setup();
    await world.host(["main", "a", "b"]);
    const [operator, adder] = [await world.client(), await world.client()];
    expect(await operator.queues.configure("media", { topics: ["media/*"], shard: "a" })).toMatchObject({ pending: [] });
    await until("the adder hears of the first place", async () => shardOf((await adder.add("media/probe", 0)).id) === "a");
    // From here on it hears nothing more of what is wanted.
    (adder as unknown as { client: { directory: { close(): void } } }).client.directory.close();
    const early = await adder.addAll("media/x", Array.from({ length: 50 }, (_, i) => i));
    let isMoved = false;
    const ids: string[] = early.map(({ id }) => id);
    const adding = (async () => {
      let next = early.length;
      for (let rounds = 0; rounds < 3 || !isMoved; rounds++) {
        const jobs = await Promise.all(Array.from({ length: 20 }, () => adder.add("media/x", next++)));
        ids.push(...jobs.map(({ id }) => id));
      }
      const last = await Promise.all(Array.from({ length: 20 }, () => adder.add("media/x", next++)));
      ids.push(...last.map(({ id }) => id));
      return next;
    })();
    expect(await operator.queues.configure("media", { topics: ["media/*"], shard: "b" })).toMatchObject({ pending: [] });
    isMoved = true;
    const count = await adding;
    expect(new Set(ids).size).toBe(count);
    expect(new Set(ids.map(shardOf))).toEqual(new Set(["a", "b"]));
    expect(new Set(ids.slice(-20).map(shardOf))).toEqual(new Set(["b"]));

    const ran = new Map<unknown, number>();
    await operator.work("media/x", (input) => void ran.set(input, (ran.get(input) ?? 0) + 1));
    await until("every job runs", () => ran.size === count);
    await until("every job ends", async () => (await operator.queues.statistics("media"))?.finished === count);
    expect([...ran.values()].every((times) => times === 1)).toBe(true);
    for (const id of [ids[0]!, ids.at(-1)!]) expect((await operator.jobs.get(id))?.state).toBe("succeeded");
    expect((await operator.history.audit("job-queue.a")).violations).toEqual([]);
    expect((await operator.history.audit("job-queue.b")).violations).toEqual([]);
  });

  it("a partitioned queue keeps each key in one shard and in order, over all of them", async () => {
    const world = await setup();
    await world.host(["main", "p-0", "p-1", "p-2"]);
    const ls = await world.client();
    await ls.queues.configure("orders", { topics: ["orders/*"], type: "ordered", shard: "p", partitions: 3 });
    const keys = ["ann", "bob", "cleo", "dan", "eve"];
    const jobs = await Promise.all(Array.from({ length: 50 }, (_, i) => ls.add("orders/new", [keys[i % 5], i], { key: keys[i % 5]! })));
    for (let k = 0; k < keys.length; k++) expect(new Set(jobs.filter((_, i) => i % 5 === k).map(({ id }) => shardOf(id))).size).toBe(1);
    expect(new Set(jobs.map(({ id }) => shardOf(id))).size).toBeGreaterThan(1);
    expect((await ls.jobs.find({ queue: "orders", limit: 7 })).jobs).toHaveLength(7);
    const order: (readonly [string, number])[] = [];
    await ls.work("orders/new", (input) => void order.push(input as [string, number]));
    await Promise.all(jobs.map((job) => job.result()));
    for (const key of keys) {
      const numbers = order.filter(([of]) => of === key).map(([, number]) => number);
      expect(numbers).toEqual([...numbers].sort((x, y) => x - y));
      expect(numbers).toHaveLength(10);
    }
    expect((await ls.queues.statistics("orders"))?.finished).toBe(50);
  });

  it("a shard that the configuration names is hosted where hosts follow it, also one that was named while nobody was there", async () => {
    const world = await setup();
    const ls = await world.client();
    const setting = await connectNats({ principal: "me", servers: world.servers });
    await new Promise((done) => wantedOf(setting, "main").put("queue.early", new TextEncoder().encode('{"topics":["early"],"shard":"one"}'), 0, done));
    await setting.close();
    const hosts = await world.host(["main"], true);
    await until("the first shard is hosted", () => hosts.hosted.has("one"));
    await ls.work("early", () => 1);
    await ls.work("late", () => 2);
    const early = await ls.add("early");
    expect([shardOf(early.id), await early.result()]).toEqual(["one", 1]);
    await ls.queues.configure("late", { topics: ["late"], shard: "two" });
    await until("the second shard is hosted", () => hosts.hosted.has("two"));
    const late = await ls.add("late");
    expect([shardOf(late.id), await late.result()]).toEqual(["two", 2]);
  });

  it("what waits in the inbox of a shard that is away is no stray", async () => {
    const world = await setup();
    const first = await world.host(["b"]);
    const main = await world.host(["main"]);
    const ls = await world.client();
    await ls.queues.configure("media", { topics: ["media"], shard: "b" });
    await first.close();
    await main.close();
    const job = await ls.add("media", 1);
    expect(job.outcome).toBe("stored");
    const looking = await connectNats({ principal: "me", servers: world.servers });
    onTestFinished(() => looking.close());
    await ls.close();
    const strays = strayInboxOf(looking, { cluster: "main", isKnown: () => false });
    await looking.nc.request("ls.main.in.job-queue.typo.submit.me", new Uint8Array([0x80]), { timeout: 5_000 });
    const look = (): Promise<InboxAnswer> => new Promise((done) => strays.read(0, 100, done));
    // A message counts as stray at the second look only.
    expect(await look()).toMatchObject({ messages: [] });
    expect(await look()).toMatchObject({ messages: [{ subject: "ls.main.in.job-queue.typo.submit.me" }] });
    const again = await world.client();
    await world.host(["b"]);
    await again.work("media", () => "done");
    await until("the job that waited ends", async () => (await again.jobs.get(job.id))?.state === "succeeded");
  });
});
