/** Several shards, on twins: routing, moves, partitions, workers with all of them, and looking at them as one. */
import { writeWantedQueue } from "@longshore/job-queue";
import { describe, expect, it } from "vitest";
import { defineQueue } from "./define.ts";
import type { TestLongshore } from "./testing.ts";
import { createTestLongshore } from "./testing.ts";

async function withWorld(shards: readonly string[], body: (world: TestLongshore) => Promise<void>): Promise<void> {
  const world = await createTestLongshore({ shards });
  try {
    await body(world);
  } finally {
    await world.close();
  }
}

const shardOf = (id: string): string => id.slice(0, id.indexOf("."));

describe("a queue with a shard of its own", () => {
  it("gets its jobs there, whoever adds them, and others go on in main", () => withWorld(["main", "b"], async ({ ls, another, drain }) => {
    expect(await ls.queues.configure("media", { topics: ["media/*"], shard: "b" })).toMatchObject({ pending: [] });
    await ls.work("media/**", () => "done");
    await ls.work("mail", () => "sent");
    const jobs = [await ls.add("media/a", 1), await another().add("media/b", 2), await ls.add("mail", 3), await ls.add("mail", 4, { queue: "media" })];
    expect(jobs.map(({ id }) => shardOf(id))).toEqual(["b", "b", "main", "b"]);
    await drain();
    expect(await Promise.all(jobs.map((job) => job.result()))).toEqual(["done", "done", "sent", "sent"]);
  }));

  it("that does not exist yet is said to be pending, and takes its jobs when it does", () => withWorld(["main"], async ({ ls, clock, startHost, drain }) => {
    const configuring = ls.queues.configure("media", { topics: ["media/*"], shard: "late" });
    await clock.advance(10_000);
    expect(await configuring).toMatchObject({ pending: ["late"] });
    const job = await ls.add("media/a", 1);
    expect([job.outcome, shardOf(job.id)]).toEqual(["stored", "late"]);
    await ls.work("media/a", () => "done");
    await startHost("late");
    await clock.advance(5_000);
    await drain();
    expect(await job.result()).toBe("done");
  }));

  it("is refused for the default queue, which is in every shard", () => withWorld(["main"], async ({ ls }) => {
    await expect(ls.queues.configure("main", { topics: ["*"], shard: "b" })).rejects.toMatchObject({ code: "queue/invalid" });
  }));
});

describe("a queue that moves while others add", () => {
  it("loses no job and doubles none: a client that knows the old place is told the new one", () => withWorld(["main", "a", "b"], async ({ ls, another, drain, clock }) => {
    const ran: unknown[] = [];
    await ls.queues.configure("media", { topics: ["media/*"], shard: "a" });
    const other = another();
    const before = await other.addAll("media/x", [1, 2, 3]);
    // From here on the other client hears nothing of what is wanted: it knows the old place only.
    (other as unknown as { client: { directory: { close(): void } } }).client.directory.close();
    const during = other.addAll("media/x", Array.from({ length: 200 }, (_, i) => i + 4));
    await ls.queues.configure("media", { topics: ["media/*"], shard: "b" });
    const after = await other.addAll("media/x", [204, 205]);
    const jobs = [...before, ...(await during), ...after];
    expect(new Set(before.map(({ id }) => shardOf(id)))).toEqual(new Set(["a"]));
    expect(new Set(after.map(({ id }) => shardOf(id)))).toEqual(new Set(["b"]));
    await ls.work("media/x", (input) => void ran.push(input));
    await clock.advance(1_000);
    await drain();
    expect(new Set(jobs.map(({ id }) => id)).size).toBe(205);
    expect([...ran].sort((x, y) => Number(x) - Number(y))).toEqual(Array.from({ length: 205 }, (_, i) => i + 1));
  }));

  it("is followed to where the shard says, even when its newest configuration is none", () => withWorld(["main", "a"], async ({ ls, another, clock }) => {
    await ls.queues.configure("media", { topics: ["media/*"], shard: "a" });
    const { wanted } = (ls as unknown as { client: { setup: { wanted: Wanted } } }).client.setup;
    wanted.put("queue.media", new Uint8Array([123]), 1, () => undefined);
    await clock.advance(3_000);
    const job = await another().add("media/x", 1);
    expect(shardOf(job.id)).toBe("a");
  }));
});

interface Wanted {
  put(key: string, value: Uint8Array, expected: number, done: () => void): void;
}

describe("a partitioned queue", () => {
  const parts = defineQueue("orders", { topics: ["orders/*"], partitions: 3, shard: "p" });
  const shards = ["main", "p-0", "p-1", "p-2"];

  it("keeps the jobs of one key together and in order, and spreads the others", () => withWorld(shards, async ({ ls, drain }) => {
    const order: string[] = [];
    await ls.queues.configure("orders", { ...parts.config, type: "ordered" });
    await ls.work("orders/new", (input) => void order.push(String(input)));
    const jobs = await Promise.all(["a1", "b1", "a2", "b2", "c1", "a3"].map((name) => ls.add("orders/new", name, { key: name[0]! })));
    for (const key of ["a", "b", "c"]) expect(new Set(jobs.filter((_, i) => "ababca"[i] === key).map(({ id }) => shardOf(id))).size).toBe(1);
    const spread = await ls.addAll("orders/new", Array.from({ length: 60 }, (_, i) => `x${i}`));
    expect(new Set(spread.map(({ id }) => shardOf(id)))).toEqual(new Set(["p-0", "p-1", "p-2"]));
    await drain();
    for (const key of ["a", "b", "c"]) expect(order.filter((name) => name[0] === key)).toEqual(["a1", "a2", "a3", "b1", "b2", "c1"].filter((name) => name[0] === key));
    expect(order).toHaveLength(66);
  }));

  it("knows an id again in whichever partition it is", () => withWorld(shards, async ({ ls }) => {
    await ls.queues.configure(parts);
    for (const id of ["one", "two", "three", "four"]) {
      const first = await ls.add("orders/new", 1, { id });
      expect(await ls.add("orders/new", 1, { id })).toMatchObject({ id: first.id, outcome: "deduplicated" });
    }
  }));

  it("P6 shares a worker's slots among its partitions", () => withWorld(shards, async ({ ls, clock }) => {
    await ls.queues.configure(parts);
    const worker = await ls.work("orders/new", () => new Promise(() => undefined), { concurrency: 7 });
    await ls.addAll("orders/new", Array.from({ length: 90 }, (_, i) => i));
    await clock.advance(2_000);
    expect(worker.running).toBe(7);
  }));

  it.each([[2, 3], [3, 2], [1, 3]])("P6 shares them out anew when its %i partitions become %i", (before, after) => withWorld(shards, async ({ ls, clock }) => {
    await ls.queues.configure("orders", { ...parts.config, partitions: before });
    const worker = await ls.work("orders/*", () => new Promise(() => undefined), { concurrency: 7 });
    await ls.queues.configure("orders", { ...parts.config, partitions: after });
    await ls.addAll("orders/new", Array.from({ length: 90 }, (_, i) => i));
    await clock.advance(2_000);
    expect(worker.running).toBe(7);
  }));

  it("is looked at and acted on as one", () => withWorld(shards, async ({ ls, clock, drain }) => {
    await ls.queues.configure(parts);
    for (let i = 0; i < 25; i++) {
      await ls.add("orders/new", i);
      await clock.advance(1);
    }
    const inputs = async (limit: number): Promise<readonly unknown[]> => {
      const found: unknown[] = [];
      let after: string | undefined;
      do {
        const page = await ls.jobs.find({ queue: "orders", limit, payloads: true, ...(after === undefined ? {} : { after }) });
        found.push(...page.jobs.map(({ input }) => input));
        after = page.next;
      } while (after !== undefined);
      return found;
    };
    for (const limit of [1, 4, 100]) expect(await inputs(limit)).toEqual(Array.from({ length: 25 }, (_, i) => i));
    expect(await ls.queues.get("orders")).toMatchObject({ suspended: false, statistics: { queued: 25 } });
    expect((await ls.queues.list()).map(({ name }) => name).sort()).toEqual(["main", "orders"]);
    await ls.queues.suspend("orders");
    expect(await ls.queues.get("orders")).toMatchObject({ suspended: true });
    await ls.work("orders/new", () => null);
    await clock.advance(2_000);
    expect((await ls.queues.statistics("orders"))?.active).toBe(0);
    await expect(ls.queues.configure("orders", { ...parts.config, partitions: 2 })).rejects.toMatchObject({ code: "queue/partitions-in-use" });
    await ls.queues.resume("orders");
    await drain();
    expect((await ls.queues.statistics("orders"))).toMatchObject({ finished: 25, queued: 0, started: 25 });
    expect((await ls.queues.statistics()).all.finished).toBe(25);
    const ended = await ls.jobs.find({ state: "history", limit: 100 });
    expect(ended.jobs.map(({ endedAt }) => endedAt)).toEqual(ended.jobs.map(({ endedAt }) => endedAt).sort((a, b) => Number(b) - Number(a)));
    expect(ended.jobs).toHaveLength(25);
    await ls.addAll("orders/later", [1, 2, 3, 4, 5, 6]);
    const bulk = await ls.queues.removeAll("orders");
    const done = bulk.done();
    await clock.advance(1_000);
    await done;
    expect((await ls.queues.statistics("orders"))?.queued).toBe(0);
    expect(await ls.queues.configure("orders", { ...parts.config, partitions: 2 })).toMatchObject({ pending: [] });
  }));
});

describe("finding jobs while a shard has no host", () => {
  it("shows what the others have, names the shard, and goes on with it when it is back", () => withWorld(["main", "b"], async ({ ls, clock, killHost, startHost }) => {
    await ls.queues.configure("media", { topics: ["media/*"], shard: "b" });
    for (let n = 0; n < 3; n++) for (const topic of ["mail", "media/a"]) await ls.add(topic, n);
    killHost("b");
    const found = async (limit: number, after?: string): ReturnType<typeof ls.jobs.find> => {
      const finding = ls.jobs.find({ limit, ...(after === undefined ? {} : { after }) });
      await clock.advance(15_000);
      return finding;
    };
    const part = await found(2);
    expect(part).toMatchObject({ missing: ["b"], jobs: [{ topic: "mail" }, { topic: "mail" }] });
    await startHost("b");
    const rest = await found(10, part.next);
    expect(rest).toMatchObject({ missing: [], next: undefined });
    expect(rest.jobs.map(({ topic }) => topic).sort()).toEqual(["mail", "media/a", "media/a", "media/a"]);
    expect(await found(10)).toMatchObject({ missing: [], jobs: { length: 6 } });
  }));

  it("says that nobody answers when nobody does, and counts nothing by halves", () => withWorld(["main", "b"], async ({ ls, clock, killHost }) => {
    await ls.queues.configure("media", { topics: ["media/*"], shard: "b" });
    killHost("b");
    const counting = ls.jobs.stop({ state: "all" }, { dryRun: true }).catch((error: unknown) => error);
    await clock.advance(15_000);
    expect(await counting).toMatchObject({ code: "host/unavailable", message: expect.stringContaining("shard b") });
    killHost("main");
    const finding = ls.jobs.find().catch((error: unknown) => error);
    await clock.advance(15_000);
    expect(await finding).toMatchObject({ code: "host/unavailable" });
  }));
});

it("a value written beside the library is taken as it is", () => withWorld(["main", "b"], async ({ ls, clock }) => {
  const { wanted } = (ls as unknown as { client: { setup: { wanted: Wanted } } }).client.setup;
  wanted.put("queue.raw", writeWantedQueue({ config: { topics: ["raw"], shard: "b" }, since: undefined, former: [] }), 0, () => undefined);
  await clock.advance(3_000);
  expect(shardOf((await ls.add("raw", 1)).id)).toBe("b");
}));
