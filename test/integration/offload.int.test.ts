/** Jobs that are done in another cluster, on two real servers: one without a worker, and one with. */
import { randomBytes } from "node:crypto";
import { GUEST_BLOBS, IMPORTED_BLOBS } from "@longshore/kernel";
import { blobsOf } from "@longshore/nats";
import type { OffloadState } from "@longshore/offload-router";
import { type Longshore, Snooze } from "longshore";
import { expect, it } from "vitest";
import { HUB, WEST } from "./nats/leaf.ts";
import { until } from "./nats/world.ts";
import { type Node, type OffloadWorld, offloadWorld, routed } from "./offload-world.ts";

const TEST_MS = 90_000;
const TOPIC = "media/thumbnail";

interface Pair {
  readonly world: OffloadWorld;
  readonly hub: Node;
  readonly west: Node;
  /** Of the origin: who adds, and who operates. */
  readonly ls: Longshore;
  readonly operator: Longshore;
  readonly worker: Longshore;
}

/** West is the origin and has no worker; hub works on the topic. */
async function pair(topics: readonly string[] = [TOPIC], slots?: number, options: Parameters<typeof offloadWorld>[0] = {}): Promise<Pair> {
  const world = await offloadWorld(options);
  const [hub, west] = await Promise.all([world.node(HUB, "h1"), world.node(WEST, "w1")]);
  const worker = await world.worker(HUB, topics, slots);
  const [ls, operator] = [await world.client(WEST, "submitter"), await world.client(WEST, "operator")];
  for (const topic of topics) await routed(operator, HUB, topic);
  return { world, hub, west, ls, operator, worker };
}

/** Nothing of any trip is left on either side. */
async function isLetGo({ hub, west }: Pair): Promise<void> {
  await until(() => {
    const [origin, far] = [west.router()?.host.current.state, hub.router()?.host.current.state];
    return origin?.trips.size === 0 && far?.guests.size === 0 && far.removing.size === 0;
  }, "nothing of a trip is left on either side");
}

/** Holds a handler until it is released. */
function gate(): { readonly held: Promise<void>; readonly release: () => void } {
  let release = (): void => undefined;
  const held = new Promise<void>((done) => { release = done; });
  return { held, release };
}

it("OFF-DST-02 OFF-ORG-01 OFF-RET-03 a job that nobody here works on is done in the other cluster, and ends at home with its result", async () => {
  const both = await pair();
  const { ls, operator, worker } = both;
  await worker.work(TOPIC, (input) => ({ got: input }));
  const job = await ls.add(TOPIC, { width: 3 });
  expect(await job.result()).toEqual({ got: { width: 3 } });
  const { cluster, how, attempt } = await operator.offload.show(job.id);
  expect({ cluster, how, attempt }).toEqual({ cluster: HUB, how: "returned", attempt: 1 });
  await isLetGo(both);
}, TEST_MS);

it("OFF-DST-09 P5 jobs of an ordered queue go one at a time, and end in the order in which they were added", async () => {
  const both = await pair();
  const { ls, operator, worker } = both;
  await operator.queues.configure("line", { topics: [TOPIC], type: "ordered" });
  const order: unknown[] = [];
  let running = 0;
  await worker.work(TOPIC, async (input) => {
    expect(++running).toBe(1);
    await new Promise((next) => setTimeout(next, 20));
    running--;
    order.push(input);
  });
  const jobs = await ls.addAll(TOPIC, [1, 2, 3, 4, 5]);
  await Promise.all(jobs.map((job) => job.result()));
  expect(order).toEqual([1, 2, 3, 4, 5]);
  await isLetGo(both);
}, TEST_MS);

it("OFF-CLN-01 a job that is stopped stops where it runs, and one that is removed leaves nothing there", async () => {
  const both = await pair();
  const { ls, operator, worker } = both;
  const started = new Set<unknown>();
  const aborted = new Set<unknown>();
  await worker.work(TOPIC, async (input, { signal }) => {
    started.add(input);
    await new Promise<void>((done) => signal.addEventListener("abort", () => done(), { once: true }));
    aborted.add(input);
    signal.throwIfAborted();
  });
  const [stopped, removed] = [await ls.add(TOPIC, "stopped"), await ls.add(TOPIC, "removed")];
  await until(() => started.size === 2, "both run in the other cluster");
  await operator.jobs.stop(stopped.id, { reason: "enough" });
  await operator.jobs.remove(removed.id);
  await until(() => aborted.size === 2, "both are told there");
  await expect(stopped.result()).rejects.toMatchObject({ state: "stopped" });
  expect(await operator.jobs.get(removed.id)).toMatchObject({ state: "dropped" });
  await isLetGo(both);
}, TEST_MS);

it("OFF-RUN-04 a job goes from and to queues that live in shards of their own, and runs there as that queue says", async () => {
  const both = await pair();
  const { world, ls, operator, worker } = both;
  const far = await world.client(HUB, "operator");
  await operator.queues.configure("media", { topics: ["media/*"], shard: "here" });
  await far.queues.configure("media", { topics: ["media/*"], shard: "there", type: "ordered" });
  await until(() => [both.west, both.hub].every((node, i) => node.router()?.host.current.state.shards.includes(i === 0 ? "here" : "there")), "both routers know the shard");
  let running = 0;
  await worker.work(TOPIC, async (input) => {
    expect(++running).toBe(1);
    await new Promise((next) => setTimeout(next, 20));
    running--;
    return input;
  });
  const jobs = await ls.addAll(TOPIC, [1, 2, 3]);
  expect(jobs.map(({ id }) => id.slice(0, 5))).toEqual(["here.", "here.", "here."]);
  expect(await Promise.all(jobs.map((job) => job.result()))).toEqual([1, 2, 3]);
  await isLetGo(both);
}, TEST_MS);

it("OFF-TRN-19 OFF-RET-09 the router of the other cluster goes and comes back: what waits is done, what is done comes home", async () => {
  const both = await pair();
  const { world, ls, worker } = both;
  const { held, release } = gate();
  const started: unknown[] = [];
  await worker.work(TOPIC, async (input) => {
    started.push(input);
    await held;
    return input;
  });
  const first = await ls.add(TOPIC, "runs meanwhile");
  await until(() => started.length === 1, "the first runs there");
  await both.hub.end();
  const second = await ls.add(TOPIC, "comes meanwhile");
  release();
  const again = await world.node(HUB, "h2");
  expect([await first.result(), await second.result()]).toEqual(["runs meanwhile", "comes meanwhile"]);
  await isLetGo({ ...both, hub: again });
}, TEST_MS);

it("OFF-ORG-04 OFF-TRN-25 the origin's router is handed over to another instance while jobs are away, and nothing runs twice", async () => {
  const both = await pair();
  const { world, ls, worker } = both;
  const second = await world.node(WEST, "w2");
  const runs: unknown[] = [];
  await worker.work(TOPIC, async (input) => {
    runs.push(input);
    await new Promise((next) => setTimeout(next, 300));
    return input;
  });
  const numbers = Array.from({ length: 20 }, (_, n) => n);
  const jobs = await ls.addAll(TOPIC, numbers);
  await until(() => runs.length > 0, "some run there");
  const [host, other] = both.west.router() === undefined ? [second, both.west] : [both.west, second];
  await host.end();
  expect(await Promise.all(jobs.map((job) => job.result()))).toEqual(numbers);
  expect(runs.toSorted((a, b) => Number(a) - Number(b))).toEqual(numbers);
  await until(() => other.router() !== undefined, "the other instance serves the router");
  await isLetGo({ ...both, west: other });
}, TEST_MS);

it("OFF-ENB-28 OFF-ENB-11 a topic is disabled there: what runs finishes there, what waits stays at home until it is enabled", async () => {
  const both = await pair([TOPIC], 1);
  const { world, ls, operator, worker } = both;
  const { held, release } = gate();
  const started: unknown[] = [];
  await worker.work(TOPIC, async (input) => {
    started.push(input);
    await held;
    return input;
  }, { concurrency: 1 });
  const running = await ls.add(TOPIC, "runs");
  await until(() => started.length === 1, "it runs there");
  const far = await world.client(HUB, "operator");
  await far.topics.disable(TOPIC, "worker-hub");
  await until(async () => (await operator.offload.clusters())[0]?.pools.length === 0, "the origin knows that it is disabled there");
  const waiting = await ls.add(TOPIC, "waits");
  release();
  expect(await running.result()).toBe("runs");
  // Its queue hears it a moment after the router: sent off until then, it is refused there and comes back.
  await until(async () => (await operator.jobs.why(waiting.id))?.waits === "no-capable-instance", "it waits at home");
  expect(started).toEqual(["runs"]);
  await far.topics.enable(TOPIC, "worker-hub");
  expect(await waiting.result()).toBe("waits");
  expect(started).toEqual(["runs", "waits"]);
}, TEST_MS);

it("OFF-ADM-08 a cluster that is drained is sent nothing new, and gets what waits once it is resumed", async () => {
  const both = await pair();
  const { ls, operator, worker } = both;
  let runs = 0;
  await worker.work(TOPIC, () => ++runs);
  expect(await (await ls.add(TOPIC, 0)).result()).toBe(1);
  expect(await operator.offload.drain(HUB, { wait: true })).toMatchObject({ isDrained: true, isEmpty: true });
  const job = await ls.add(TOPIC, 1);
  await until(async () => (await operator.jobs.why(job.id))?.waits === "no-capable-instance", "it waits at home");
  expect((await operator.offload.list({ all: true })).length).toBe(1);
  await operator.offload.resume(HUB);
  expect(await job.result()).toBe(2);
}, TEST_MS);

it("OFF-TRN-02 OFF-RET-04 OFF-CLN-01 a large input and a large result travel as payloads, and nothing of them stays there", async () => {
  const both = await pair();
  const { ls, worker } = both;
  const input = randomBytes(3_000_000).toString("base64");
  await worker.work(TOPIC, (text) => `${String(text)}!`);
  const job = await ls.add(TOPIC, input);
  expect(await job.result()).toBe(`${input}!`);
  await isLetGo(both);
  expect(await kept(both, HUB, GUEST_BLOBS)).toEqual([]);
}, TEST_MS);

/** Payloads that a cluster's router keeps under a name of its own, by digest. */
async function kept({ world }: Pair, cluster: typeof HUB | typeof WEST, principal: string): Promise<readonly string[]> {
  const blobs = blobsOf(await world.clusters.as(cluster, "host"), cluster);
  const names = await new Promise<Parameters<Parameters<typeof blobs.list>[0]>[0]>((done) => blobs.list(done));
  return (names ?? []).filter((name) => name.principal === principal).map(({ digest }) => digest);
}

it("OFF-TRN-03 OFF-RET-02 OFF-CLN-01 files go with a job and come back with it, the same bytes, and none of them stays there", async () => {
  const both = await pair();
  const { ls, worker } = both;
  const [photo, note] = [randomBytes(5_000_000), randomBytes(10)];
  await worker.work(TOPIC, async (_, { inputs, outputs }) => {
    await outputs.put("small.jpg", (await inputs.get("photo.jpg")!.read()).subarray(0, 1_500_000));
    await outputs.put("note.txt", inputs.get("note.txt")!);
  });
  const job = await ls.add(TOPIC, null, { inputs: { "photo.jpg": photo, "note.txt": note } });
  const files = await job.outputs();
  expect([...files.keys()].toSorted()).toEqual(["note.txt", "small.jpg"]);
  expect(Buffer.compare(await files.get("small.jpg")!.read(), photo.subarray(0, 1_500_000))).toBe(0);
  expect(Buffer.compare(await files.get("note.txt")!.read(), note)).toBe(0);
  await isLetGo(both);
  expect(await kept(both, HUB, GUEST_BLOBS)).toEqual([]);
  expect((await kept(both, WEST, IMPORTED_BLOBS)).length).toBe(2);
}, TEST_MS);

it("OFF-CLN-05 OFF-TRN-06 two jobs with the same file: it is there once, until the second has ended", async () => {
  const both = await pair();
  const { ls, worker } = both;
  const photo = randomBytes(3_000_000);
  const { held, release } = gate();
  await worker.work(TOPIC, async (input, { inputs }) => {
    if (input === "second") await held;
    return (await inputs.get("photo.jpg")!.read()).length;
  });
  const [first, second] = [await ls.add(TOPIC, "first", { inputs: { "photo.jpg": photo } }), await ls.add(TOPIC, "second", { inputs: { "photo.jpg": photo } })];
  expect(await first.result()).toBe(photo.length);
  await until(() => both.west.router()?.host.current.state.trips.size === 1, "the first is home");
  expect((await kept(both, HUB, GUEST_BLOBS)).length).toBe(1);
  release();
  expect(await second.result()).toBe(photo.length);
  await isLetGo(both);
  expect(await kept(both, HUB, GUEST_BLOBS)).toEqual([]);
}, TEST_MS);

it("OFF-TRN-19 the link is cut while a job is away, and what it leaves comes home when the link is back", async () => {
  const both = await pair();
  const { world, ls, worker } = both;
  const { held, release } = gate();
  let runs = 0;
  await worker.work(TOPIC, async (_, { outputs }) => {
    runs++;
    await held;
    await outputs.put("out", randomBytes(2_000_000));
    return "done";
  });
  const job = await ls.add(TOPIC);
  await until(() => runs === 1, "it runs there");
  await world.clusters.cut();
  release();
  const router = (): OffloadState | undefined => both.hub.router()?.host.current.state;
  await until(() => [...(router()?.guests.values() ?? [])].some(({ phase }) => phase === "returned"), "it has ended there, and nobody can be told");
  expect(both.west.router()?.host.current.state.trips.size).toBe(1);
  await world.clusters.join();
  expect(await job.result()).toBe("done");
  expect((await job.outputs()).get("out")?.bytes).toBe(2_000_000);
  expect(runs).toBe(1);
  await isLetGo(both);
}, TEST_MS);

it("OFF-CLN-10 while the link is cut the sweep there takes what nobody names, and leaves what is on its way home", async () => {
  const both = await pair([TOPIC], undefined, { payloadSweep: { everyMs: 200, pauseMs: 20, ageMs: 3_000 } });
  const { world, ls, worker } = both;
  const { held, release } = gate();
  let runs = 0;
  await worker.work(TOPIC, async (_, { outputs }) => {
    runs++;
    await held;
    await outputs.put("out", randomBytes(2_000_000));
  });
  const job = await ls.add(TOPIC);
  await until(() => runs === 1, "it runs there");
  await world.clusters.cut();
  release();
  await until(() => [...(both.hub.router()?.host.current.state.guests.values() ?? [])].some(({ phase }) => phase === "returned"), "it has ended there");
  // Nothing names it there any more but the router. What is swept is put after it, so it is old enough, too.
  const far = await world.client(HUB, "operator");
  const { jobs: [there] } = await far.jobs.find({ state: "history" });
  await far.jobs.remove(there!.id);
  const host = await world.clusters.as(HUB, "host");
  await new Promise((done) => blobsOf(host, HUB).put("host", randomBytes(10), done));
  await until(async () => (await kept(both, HUB, "host")).length === 0, "what nobody names is swept away");
  expect((await kept(both, HUB, GUEST_BLOBS)).length).toBe(1);
  await world.clusters.join();
  expect((await (await job.outputs()).get("out")!.read()).length).toBe(2_000_000);
  await isLetGo(both);
}, TEST_MS);

it("OFF-RUN-08 a job that fails there is tried again there, and is away for one attempt as its origin has it", async () => {
  const both = await pair();
  const { ls, operator, worker } = both;
  let runs = 0;
  await worker.work(TOPIC, () => {
    if (++runs === 1) throw new Error("broke");
    if (runs === 2) throw new Snooze(50);
    return runs;
  });
  const job = await ls.add(TOPIC, 0, { retries: 3, retryDelayMs: 50 });
  expect(await job.result()).toBe(3);
  expect((await operator.offload.show(job.id)).attempt).toBe(1);
}, TEST_MS);
