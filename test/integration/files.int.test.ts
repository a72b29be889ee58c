/** Files of jobs on a real server: large ones with little memory, wrong and lost ones, what is left behind, and who may store them. */
import { createHash } from "node:crypto";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { startJobQueue } from "@longshore/cli";
import type { BlobName, Blobs } from "@longshore/kernel";
import { blobsOf, connect as connectNats, type NatsServer, provision, ROLE_USERS, startServer } from "@longshore/nats";
import { connect as connectBare } from "@nats-io/transport-node";
import type { JobFile, Longshore } from "longshore";
import { connect } from "longshore";
import { expect, it, onTestFinished } from "vitest";

const MIB = 1024 * 1024;
const LARGE_BYTES = 64 * MIB;
/** More than what the submitter, the worker and the host, all in this process, have on its way at a time; less than one large file. */
const HELD_MAX = 40 * MIB;
const WITHIN_MS = 30_000;
const TOPIC = "media/film";
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

interface World {
  readonly server: NatsServer;
  readonly ls: Longshore;
  readonly blobs: Blobs;
  names(): Promise<readonly BlobName[] | undefined>;
}

async function folderOf(what: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `longshore-${what}-`));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function world(): Promise<World> {
  const server = await startServer({ storeDir: await folderOf("files"), syncAlways: false });
  onTestFinished(() => server.stop());
  const setup = await connectNats({ principal: "host", servers: server.url });
  onTestFinished(() => setup.close());
  await provision(setup, { cluster: "main", totalBytes: 2_048 * MIB });
  const ls = await connect({ servers: server.url });
  onTestFinished(() => ls.close());
  const blobs = blobsOf(setup, "main");
  return { server, ls, blobs, names: () => new Promise((resolve) => blobs.list(resolve)) };
}

async function host({ server }: World, options: object = {}): Promise<{ close(): Promise<void> }> {
  const started = await startJobQueue({ connection: { principal: "host", servers: server.url }, ...options });
  onTestFinished(() => started.close());
  return started;
}

/** Bytes that are the same every time, none of them held. */
async function* film(bytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes; at += 65_536) yield Buffer.alloc(65_536, createHash("sha512").update(String(at)).digest());
}

async function digestOf(parts: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash("sha256");
  for await (const part of parts) hash.update(part);
  return hash.digest("hex");
}

/** The most bytes held outside the heap while something goes on, beyond those that were held before; what is garbage does not count. */
async function heldWhile(run: () => Promise<void>): Promise<number> {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const held = (): number => {
    collect();
    return process.memoryUsage().arrayBuffers;
  };
  const before = held();
  let most = 0;
  const look = setInterval(() => { most = Math.max(most, held() - before); }, 250);
  try {
    await run();
  } finally {
    clearInterval(look);
  }
  return most;
}

it("a stream of 64 MiB goes to a job and comes back, a few pieces in memory at a time, and nothing stays in temporary files", async () => {
  const own = await folderOf("spool");
  const before = process.env["TMPDIR"];
  process.env["TMPDIR"] = own;
  onTestFinished(() => {
    if (before === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = before;
  });
  const here = await world();
  await host(here);
  await here.ls.work(TOPIC, async (_, ctx) => {
    const file = ctx.inputs.get("film")!;
    // Other bytes than those that came, so that they are sent.
    const copied = await ctx.outputs.put("negative", (async function* () {
      for await (const part of file.stream()) yield part.map((byte) => 255 - byte);
    })());
    return [file.bytes, copied.bytes];
  });
  const held = await heldWhile(async () => {
    const job = await here.ls.add(TOPIC, null, { inputs: { film: film(LARGE_BYTES) } });
    expect(await job.result()).toEqual([LARGE_BYTES, LARGE_BYTES]);
    const negative = (await job.outputs()).get("negative")!;
    const positive = (async function* () {
      for await (const part of negative.stream()) yield part.map((byte) => 255 - byte);
    })();
    expect(await digestOf(positive)).toBe(await digestOf(film(LARGE_BYTES)));
  });
  expect(held).toBeLessThan(HELD_MAX);
  expect((await readdir(own)).filter((name) => name.startsWith("longshore-spool-"))).toEqual([]);
});

it("OFF-TRN-24 a file that is not what was stored, or is gone, is told to who reads it, with a code; nothing is saved", async () => {
  const here = await world();
  await host(here);
  const bytes = Buffer.alloc(600_000, 7);
  const job = await here.ls.add(TOPIC, null, { inputs: { film: bytes } });
  const file = (await here.ls.jobs.get(job.id))!.inputs![0]!;
  const nc = await connectBare({ servers: here.server.url });
  onTestFinished(() => nc.close());
  await nc.request(`ls.main.bl.me.${sha256(bytes)}.1`, Buffer.alloc(262_144, 8));
  const path = join(await folderOf("saved"), "film");
  await expect(file.save(path)).rejects.toMatchObject({ name: "PayloadError", code: "payload/corrupt" });
  await expect(file.read()).rejects.toMatchObject({ code: "payload/corrupt" });
  expect(await readdir(join(path, ".."))).toEqual([]);
  await new Promise<void>((resolve) => here.blobs.removeOlder({ principal: "me", digest: sha256(bytes) }, Number.MAX_SAFE_INTEGER, () => resolve()));
  await expect(file.save(path)).rejects.toMatchObject({ code: "payload/missing" });
  await here.ls.work(TOPIC, async (_, ctx) => {
    const error = await ctx.inputs.get("film")!.read().then(() => undefined, (thrown: unknown) => thrown as { readonly code: string });
    return error?.code;
  });
  expect(await job.result()).toBe("payload/missing");
});

it("an add that is aborted while its file is sent adds no job, and what was sent is swept away", async () => {
  const here = await world();
  const first = await host(here);
  const path = join(await folderOf("film"), "film");
  await writeFile(path, film(LARGE_BYTES));
  const aborting = new AbortController();
  const nc = await connectBare({ servers: here.server.url });
  onTestFinished(() => nc.close());
  nc.subscribe("ls.main.bl.>", { max: 1, callback: () => aborting.abort(new Error("enough")) });
  await nc.flush();
  await expect(here.ls.add(TOPIC, null, { inputs: { film: { file: path } }, signal: aborting.signal })).rejects.toThrow("enough");
  expect((await here.ls.jobs.find()).jobs).toEqual([]);
  expect(await here.names()).toHaveLength(1);
  await first.close();
  await host(here, { payloadSweep: { everyMs: 100, pauseMs: 10, ageMs: 0 } });
  await expect.poll(here.names, { timeout: WITHIN_MS }).toEqual([]);
});

it("what jobs have and have left stays for as long as they are there, also over a change of hosts, and goes with them", async () => {
  const here = await world();
  const first = await host(here);
  const worker = await here.ls.work(TOPIC, async (_, ctx) => {
    await ctx.outputs.put("left", Buffer.from(`left in attempt ${ctx.attempt}`));
    if (ctx.attempt === 1) throw new Error("again");
  });
  const job = await here.ls.add(TOPIC, null, { inputs: { had: Buffer.from("had") }, retryDelayMs: 1 });
  await job.result();
  await worker.close();
  expect(await here.names()).toHaveLength(3);
  await first.close();
  await host(here, { payloadSweep: { everyMs: 100, pauseMs: 10, ageMs: 0 } });
  const kept = [sha256(Buffer.from("had")), sha256(Buffer.from("left in attempt 2"))].sort();
  await expect.poll(async () => (await here.names())?.map(({ digest }) => digest).sort(), { timeout: WITHIN_MS }).toEqual(kept);
  expect(Buffer.from(await (await job.outputs()).get("left")!.read()).toString()).toBe("left in attempt 2");
  await here.ls.jobs.remove(job.id);
  await expect.poll(here.names, { timeout: WITHIN_MS }).toEqual([]);
});

it("submitters and workers with their own rights only may give and leave files, and pass on what is stored", async () => {
  const env = Object.fromEntries(ROLE_USERS.map((user) => [user.passwordVariable, `pw-${user.name}`]));
  const server = await startServer({ storeDir: await folderOf("roles"), syncAlways: false, users: ROLE_USERS, env, cluster: "main" });
  onTestFinished(() => server.stop());
  const login = (user: string) => ({ servers: server.url, principal: user, user, password: `pw-${user}` });
  const setup = await connectNats({ principal: "provisioner", servers: server.url, user: "provisioner", password: "pw-provisioner" });
  await provision(setup, { cluster: "main", totalBytes: 512 * MIB });
  await setup.close();
  const queue = await startJobQueue({ connection: login("host") });
  onTestFinished(() => queue.close());
  const clients = await Promise.all(["submitter", "worker"].map((user) => connect(login(user)))) as [Longshore, Longshore];
  for (const client of clients) onTestFinished(() => client.close());
  const [submitter, worker] = clients;
  await worker.work(TOPIC, async (_, ctx) => {
    await ctx.outputs.put("same", ctx.inputs.get("film")!);
    await ctx.outputs.put("made", film(MIB));
  });
  const file = async (inputs: Record<string, Uint8Array | JobFile>): Promise<ReadonlyMap<string, JobFile>> => (await submitter.add(TOPIC, null, { inputs })).outputs();
  const outputs = await file({ film: Buffer.alloc(600_000, 1) });
  const again = await file({ film: outputs.get("made")! });
  expect([...again.values()].map(({ name, bytes }) => [name, bytes])).toEqual([["same", MIB], ["made", MIB]]);
  expect(await digestOf(again.get("same")!.stream())).toBe(await digestOf(film(MIB)));
});
