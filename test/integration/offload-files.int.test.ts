/** Files of jobs that are done in another cluster, on two real servers: there they are the same, and what is left comes home. */
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { blobsOf } from "@longshore/nats";
import type { JobFile, Longshore } from "longshore";
import { defineJob } from "longshore";
import { expect, it, onTestFinished } from "vitest";
import { HUB, WEST } from "./nats/leaf.ts";
import { until } from "./nats/world.ts";
import { type OffloadWorld, offloadWorld, routed } from "./offload-world.ts";

const TEST_MS = 90_000;
const PHOTO = randomBytes(3_000_000);
const digestOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const shrink = defineJob<{ readonly fails?: true }, string>("media/shrink", { outputs: ["small.jpg"], retries: 1, retryDelayMs: 50 });

interface Pair {
  readonly world: OffloadWorld;
  readonly ls: Longshore;
  readonly worker: Longshore;
  isLetGo(): Promise<void>;
}

/** West is the origin and has no worker; hub works on the topic. */
async function pair(sharedPayloads?: string): Promise<Pair> {
  const world = await offloadWorld(sharedPayloads === undefined ? {} : { sharedPayloads });
  const [hub, west] = await Promise.all([world.node(HUB, "h1"), world.node(WEST, "w1")]);
  const worker = await world.worker(HUB, [shrink.topic]);
  const ls = await world.client(WEST, "submitter");
  await routed(await world.client(WEST, "operator"), HUB, shrink.topic);
  const isLetGo = (): Promise<void> => until(() => {
    const [origin, far] = [west.router()?.host.current.state, hub.router()?.host.current.state];
    return origin?.trips.size === 0 && far?.guests.size === 0 && far.removing.size === 0;
  }, "nothing of a trip is left on either side");
  return { world, ls, worker, isLetGo };
}

const read = async (file: JobFile | undefined): Promise<string> => digestOf(await file!.read());

it("OFF-RUN-02 OFF-TRN-02 OFF-RET-01 OFF-RET-02 OFF-RET-04 the handler finds the files there, and what it leaves is read at home, also what it only passes on; nothing stays there", async () => {
  const { world, ls, worker, isLetGo } = await pair();
  await worker.work(shrink, async (_, ctx) => {
    const photo = ctx.inputs.get("photo.jpg")!;
    await ctx.outputs.put("small.jpg", PHOTO.subarray(0, 400_000));
    await ctx.outputs.put("same.jpg", photo);
    return read(photo);
  });
  const job = await ls.add(shrink, {}, { inputs: { "photo.jpg": PHOTO } });
  expect(await job.result()).toBe(digestOf(PHOTO));
  const outputs = await job.outputs();
  expect([...outputs.keys()].sort()).toEqual(["same.jpg", "small.jpg"]);
  expect([await read(outputs.get("same.jpg")), await read(outputs.get("small.jpg"))]).toEqual([digestOf(PHOTO), digestOf(PHOTO.subarray(0, 400_000))]);
  expect((await ls.jobs.get(job.id))?.outputs?.map(({ name, bytes }) => [name, bytes]).sort()).toEqual([["same.jpg", 3_000_000], ["small.jpg", 400_000]]);

  const next = await ls.add(shrink, {}, { inputs: { "photo.jpg": outputs.get("small.jpg")! } });
  expect(await next.result()).toBe(digestOf(PHOTO.subarray(0, 400_000)));
  await isLetGo();
  const host = await world.clusters.as(HUB, "host");
  const names = await new Promise<readonly { readonly principal: string }[] | undefined>((done) => blobsOf(host, HUB).list(done));
  expect(names?.filter(({ principal }) => principal === "offload-guest")).toEqual([]);
}, TEST_MS);

it("OFF-RET-12 OFF-RET-16 a success without a file that it must leave is a failure there, and what the last attempt has left comes home with it", async () => {
  const { ls, worker } = await pair();
  await worker.work(shrink, async (_, ctx) => {
    await ctx.outputs.put(`report-${ctx.attempt}.txt`, Buffer.from("no room"));
    return "done";
  });
  const job = await ls.add(shrink, {}, { inputs: { "photo.jpg": PHOTO } });
  await expect(job.result()).rejects.toMatchObject({ state: "given-up", message: expect.stringContaining('"small.jpg"') });
  const outputs = await job.outputs();
  expect([...outputs.keys()]).toEqual(["report-2.txt"]);
  expect(Buffer.from(await outputs.get("report-2.txt")!.read()).toString()).toBe("no room");
}, TEST_MS);

it("OFF-TRN-14 where both sides reach a folder, files lie there on their way, and are gone when nobody needs them", async () => {
  const folder = await mkdtemp(join(tmpdir(), "longshore-shared-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const { ls, worker, isLetGo } = await pair(folder);
  const small = PHOTO.subarray(0, 400_000);
  await worker.work(shrink, async (_, ctx) => {
    await ctx.outputs.put("small.jpg", small);
    return (await readdir(folder)).join();
  });
  const job = await ls.add(shrink, {}, { inputs: { "photo.jpg": PHOTO } });
  expect(await job.result()).toBe(digestOf(PHOTO));
  expect(await read((await job.outputs()).get("small.jpg"))).toBe(digestOf(small));
  await isLetGo();
  expect(await readdir(folder)).toEqual([]);
}, TEST_MS);
