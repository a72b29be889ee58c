import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { MemoryBlobs } from "@longshore/testkit";
import { MemoryServer } from "@longshore/testkit";
import { afterEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { Files } from "./files.ts";
import type { FileSource, JobContext, JobFile } from "./index.ts";
import { defineJob, InvalidOption, PayloadError } from "./index.ts";
import { SteppedClock } from "./testing/stepped-clock.ts";
import type { TestLongshore } from "./testing.ts";
import { createTestLongshore } from "./testing.ts";

const TOPIC = "media/thumbnail";
const PHOTO = randomBytes(300_000);
const THUMB = Buffer.from("a small picture");
const digestOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const HOUR = 3_600_000;

let test: TestLongshore | undefined;
const folders: string[] = [];

afterEach(async () => {
  await test?.close();
  test = undefined;
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

async function world(): Promise<TestLongshore> {
  test = await createTestLongshore();
  return test;
}

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), "longshore-test-"));
  folders.push(made);
  return made;
}

async function fileOf(bytes: Uint8Array): Promise<string> {
  const path = join(await folder(), "photo.jpg");
  await writeFile(path, bytes);
  return path;
}

async function* parts(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 70_000) yield bytes.subarray(at, at + 70_000);
}

type Handler = (input: unknown, ctx: JobContext) => unknown;

/** A job with one file, and what its handler says. */
async function ran(source: FileSource, handler: Handler): Promise<unknown> {
  const { ls } = await world();
  await ls.work(TOPIC, handler);
  return (await ls.add(TOPIC, null, { inputs: { "photo.jpg": source } })).result();
}

const readPhoto: Handler = async (_, ctx) => digestOf(await ctx.inputs.get("photo.jpg")!.read());

describe("files that a job is added with", () => {
  it.each<readonly [string, () => FileSource | Promise<FileSource>]>([
    ["bytes", () => PHOTO],
    ["a file of this machine", async () => ({ file: await fileOf(PHOTO) })],
    ["a stream of Node", () => Readable.from(parts(PHOTO), { objectMode: false })],
    ["a web stream", () => Readable.toWeb(Readable.from(parts(PHOTO), { objectMode: false })) as FileSource],
    ["an async iterable", () => parts(PHOTO)],
  ])("OFF-RUN-02 come to the handler whole: %s", async (_, source) => {
    expect(await ran(await source(), readPhoto)).toBe(digestOf(PHOTO));
  });

  it("say their name, length and digest, to the handler and to whoever looks", async () => {
    const { ls } = await world();
    await ls.work(TOPIC, (_, ctx) => [...ctx.inputs].map(([name, file]) => [name, file.name, file.bytes, file.digest]));
    const job = await ls.add(TOPIC, null, { inputs: { "photo.jpg": PHOTO, "empty": new Uint8Array(0) } });
    expect(await job.result()).toEqual([["photo.jpg", "photo.jpg", 300_000, digestOf(PHOTO)], ["empty", "empty", 0, digestOf(new Uint8Array(0))]]);
    const info = await ls.jobs.get(job.id);
    expect(JSON.parse(JSON.stringify(info?.inputs))).toEqual([{ name: "photo.jpg", bytes: 300_000, digest: digestOf(PHOTO) }, { name: "empty", bytes: 0, digest: digestOf(new Uint8Array(0)) }]);
    expect(await info?.inputs?.[0]?.read()).toEqual(new Uint8Array(PHOTO));
  });

  it("are streamed, and saved under a name of the handler's choice", async () => {
    const path = join(await folder(), "saved");
    const seen = await ran(PHOTO, async (_, ctx) => {
      const photo = ctx.inputs.get("photo.jpg")!;
      const sizes: number[] = [];
      for await (const part of photo.stream()) sizes.push(part.length);
      await photo.save(path);
      return sizes;
    });
    expect((seen as number[]).length).toBeGreaterThan(1);
    expect((await readFile(path)).equals(PHOTO)).toBe(true);
  });

  it("leave nothing in the folder for temporary files", async () => {
    const own = await folder();
    vi.stubEnv("TMPDIR", own);
    try {
      expect(await ran(parts(PHOTO), readPhoto)).toBe(digestOf(PHOTO));
      await expect(test!.ls.add(TOPIC, null, { inputs: { photo: (async function* () { yield PHOTO; throw new Error("no more"); })() } })).rejects.toThrow("no more");
      expect(await readdir(own)).toEqual([]);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it("a job without files has none", async () => {
    const { ls } = await world();
    await ls.work(TOPIC, (_, ctx) => ctx.inputs.size);
    const job = await ls.add(TOPIC);
    expect([await job.result(), await job.outputs()]).toEqual([0, new Map()]);
  });

  it("the same id with the same files is the same job, with others it is refused", async () => {
    const { ls } = await world();
    await ls.add(TOPIC, null, { id: "one", inputs: { photo: PHOTO } });
    expect((await ls.add(TOPIC, null, { id: "one", inputs: { photo: PHOTO } })).outcome).toBe("deduplicated");
    await expect(ls.add(TOPIC, null, { id: "one", inputs: { photo: THUMB } })).rejects.toMatchObject({ code: "job/id-reused" });
  });

  it.each<readonly [string, unknown, string]>([
    ["a path", { "a/b": THUMB }, "inputs"],
    ["a hidden name", { ".a": THUMB }, "inputs"],
    ["too many", Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`n${i}`, THUMB])), "inputs"],
    ["a list", [THUMB], "inputs"],
    ["text", { photo: "bytes" }, "inputs.photo"],
    ["a stream of text", { photo: Readable.from(["text"]) }, "inputs.photo"],
  ])("%s is refused, naming the option", async (_, inputs, field) => {
    const { ls } = await world();
    await expect(ls.add(TOPIC, null, { inputs: inputs as Record<string, FileSource> })).rejects.toMatchObject({ code: "option/invalid", field });
    expect((await ls.jobs.find()).jobs).toEqual([]);
  });

  it("belong to one job: addAll takes none", async () => {
    const { ls } = await world();
    await expect(ls.addAll(TOPIC, [1], { inputs: { photo: PHOTO } } as object)).rejects.toThrow(InvalidOption);
  });

  it("a file that is not there refuses the job, with the words of the file system", async () => {
    const { ls } = await world();
    await expect(ls.add(TOPIC, null, { inputs: { photo: { file: join(await folder(), "nothing") } } })).rejects.toThrow("ENOENT");
  });

  it("an input that its schema refuses is refused before a file is read", async () => {
    const { ls } = await world();
    const { z } = await import("zod");
    let reads = 0;
    const source = (async function* () { reads++; yield PHOTO; })();
    await expect(ls.add(defineJob(TOPIC, { input: z.string() }), 1 as never, { inputs: { photo: source } })).rejects.toMatchObject({ code: "input/invalid" });
    expect(reads).toBe(0);
  });

  it("an aborted add adds nothing", async () => {
    const { ls } = await world();
    const aborting = new AbortController();
    const endless = (async function* () {
      for (;;) {
        yield PHOTO;
        aborting.abort(new Error("enough"));
      }
    })();
    await expect(ls.add(TOPIC, null, { inputs: { photo: endless }, signal: aborting.signal })).rejects.toThrow("enough");
    expect((await ls.jobs.find()).jobs).toEqual([]);
  });
});

describe("an add that is aborted", () => {
  it.each<readonly [string, () => FileSource]>([
    ["an iterable that gives nothing", () => (async function* (): AsyncGenerator<Uint8Array> { await new Promise(() => undefined); yield PHOTO; })()],
    ["a stream of Node that gives nothing", () => new Readable({ read: () => undefined })],
    ["a web stream that gives nothing", () => new ReadableStream<Uint8Array>() as FileSource],
  ])("does not wait for %s, and leaves no temporary file", async (_, source) => {
    const own = await folder();
    vi.stubEnv("TMPDIR", own);
    onTestFinished(() => void vi.unstubAllEnvs());
    const { ls } = await world();
    const aborting = new AbortController();
    const adding = ls.add(TOPIC, null, { inputs: { photo: source() }, signal: aborting.signal });
    await vi.waitFor(async () => expect(await readdir(own)).toHaveLength(1));
    aborting.abort(new Error("enough"));
    await expect(adding).rejects.toThrow("enough");
    await vi.waitFor(async () => expect(await readdir(own)).toEqual([]));
  });
});

describe("files that a job leaves", () => {
  it("OFF-RET-01 are there for whoever added it, streamed or read", async () => {
    const { ls } = await world();
    await ls.work(TOPIC, async (_, ctx) => {
      const put = await ctx.outputs.put("thumb.jpg", THUMB);
      await ctx.outputs.put("large.bin", parts(PHOTO));
      return put.digest;
    });
    const job = await ls.add(TOPIC);
    const outputs = await job.outputs();
    expect(await job.result()).toBe(digestOf(THUMB));
    expect([...outputs.keys()]).toEqual(["thumb.jpg", "large.bin"]);
    expect(Buffer.from(await outputs.get("large.bin")!.read()).equals(PHOTO)).toBe(true);
    expect(JSON.parse(JSON.stringify((await ls.jobs.get(job.id))?.outputs))).toEqual([
      { name: "thumb.jpg", bytes: THUMB.length, digest: digestOf(THUMB) }, { name: "large.bin", bytes: PHOTO.length, digest: digestOf(PHOTO) },
    ]);
  });

  it("a name that is put again takes the place of the first", async () => {
    const { ls } = await world();
    await ls.work(TOPIC, async (_, ctx) => {
      await ctx.outputs.put("thumb.jpg", PHOTO);
      await ctx.outputs.put("thumb.jpg", THUMB);
    });
    const outputs = await (await ls.add(TOPIC)).outputs();
    expect([...outputs.values()].map(({ digest }) => digest)).toEqual([digestOf(THUMB)]);
  });

  it("what the handler does not wait for is waited for", async () => {
    const { ls } = await world();
    await ls.work(TOPIC, (_, ctx) => void ctx.outputs.put("thumb.jpg", parts(THUMB)));
    expect([...(await (await ls.add(TOPIC)).outputs()).keys()]).toEqual(["thumb.jpg"]);
  });

  it("what the handler does not wait for and cannot be stored fails the attempt", async () => {
    const { ls } = await world();
    await ls.work(TOPIC, (_, ctx) => void ctx.outputs.put("../thumb.jpg", THUMB));
    await expect((await ls.add(TOPIC, null, { retries: 0 })).result()).rejects.toThrow("separator");
  });

  it("OFF-RET-16 a job that fails leaves what its last attempt has stored, and only that", async () => {
    const { ls, drain } = await world();
    await ls.work(TOPIC, async (_, ctx) => {
      await ctx.outputs.put(`report-${ctx.attempt}`, THUMB);
      throw new Error("it broke");
    });
    const job = await ls.add(TOPIC, null, { retries: 1, retryDelayMs: 1 });
    await drain();
    await expect(job.result()).rejects.toThrow("it broke");
    expect([...(await job.outputs()).keys()]).toEqual(["report-2"]);
  });

  it("OFF-RET-12 a success without a file that its definition names is a failed attempt", async () => {
    const { ls, drain } = await world();
    const thumbnail = defineJob(TOPIC, { outputs: ["thumb.jpg", "mask.png"], retries: 1, retryDelayMs: 1 });
    await ls.work(thumbnail, async (_, ctx) => {
      await ctx.outputs.put("thumb.jpg", THUMB);
      if (ctx.attempt === 2) await ctx.outputs.put("mask.png", THUMB);
      return ctx.failures;
    });
    const job = await ls.add(thumbnail);
    await drain();
    expect(await job.result()).toBe(1);
    const failed = await ls.add(defineJob(TOPIC, { retries: 0 }));
    await expect(failed.result()).rejects.toThrow('"mask.png"');
    expect(() => defineJob(TOPIC, { outputs: ["a/b"] })).toThrow(InvalidOption);
  });

  it("what is stored after the end is told so", async () => {
    const { ls } = await world();
    let late: Promise<JobFile> | undefined;
    await ls.work(TOPIC, async (_, ctx) => {
      await ctx.outputs.put("one", THUMB);
      setImmediate(() => void (late = ctx.outputs.put("two", THUMB)));
    });
    expect([...(await (await ls.add(TOPIC)).outputs()).keys()]).toEqual(["one"]);
    await vi.waitFor(() => expect(late).toBeDefined());
    await expect(late).rejects.toThrow("too late");
  });

  it("an attempt that is stopped stores nothing more", async () => {
    const { ls } = await world();
    await ls.work(TOPIC, async (_, ctx) => {
      void ls.jobs.stop(ctx.jobId);
      await ctx.outputs.put("endless", (async function* () { for (;;) yield THUMB; })());
    });
    const job = await ls.add(TOPIC);
    await expect(job.result()).rejects.toMatchObject({ state: "stopped" });
    expect((await job.outputs()).size).toBe(0);
  });
});

describe("files that are stored already", () => {
  it("go from a job to the next, and from an input to an output", async () => {
    const { ls, another } = await world();
    await ls.work(TOPIC, (_, ctx) => ctx.outputs.put("copy", ctx.inputs.get("photo")!).then(() => null));
    const first = await ls.add(TOPIC, null, { inputs: { photo: PHOTO } });
    const second = await another().add(TOPIC, null, { inputs: { photo: (await first.outputs()).get("copy")! } });
    expect(Buffer.from(await (await second.outputs()).get("copy")!.read()).equals(PHOTO)).toBe(true);
  });

  it("are not sent again while they may be relied on, or are named; those of another store are", async () => {
    const clock = new SteppedClock();
    const [here, there] = [1, 2].map(() => new MemoryServer({ cluster: "test", clock, startedAt: 1_700_000_000_000 }).blobs) as [MemoryBlobs, MemoryBlobs];
    const [ann, bob, far] = [new Files("ann", here, clock), new Files("bob", here, clock), new Files("ann", there, clock)];
    const blob = await ann.store("photo", "photo", parts(PHOTO));
    expect(here.sentBytes).toBe(PHOTO.length);
    expect(await bob.store("copy", "copy", bob.one(blob))).toEqual({ ...blob, name: "copy" });
    await clock.advance(1.5 * HOUR);
    expect(await bob.store("copy", "copy", bob.one(blob), { isNamed: () => true })).toMatchObject({ principal: "ann" });
    expect(here.sentBytes).toBe(PHOTO.length);
    expect(await bob.store("copy", "copy", bob.one(blob))).toMatchObject({ principal: "bob" });
    await far.store("copy", "copy", ann.one(blob));
    expect([here.sentBytes, there.sentBytes]).toEqual([2 * PHOTO.length, PHOTO.length]);
    clock.close();
  });

  it("are stored again when they have grown old, before anything relies on them", async () => {
    const { ls, clock } = await world();
    await ls.work(TOPIC, (_, ctx) => ctx.outputs.put("copy", PHOTO).then(() => null));
    const copy = (await (await ls.add(TOPIC)).outputs()).get("copy")!;
    await clock.advance(1.5 * HOUR);
    const later = await ls.add(TOPIC, null, { inputs: { photo: copy }, delayMs: 2 * HOUR });
    await clock.advance(1.9 * HOUR);
    expect((await (await ls.jobs.get(later.id))!.inputs![0]!.read()).length).toBe(PHOTO.length);
  });

  it("that are gone are said to be", async () => {
    const { ls, clock } = await world();
    await ls.work(TOPIC, (_, ctx) => ctx.outputs.put("copy", PHOTO).then(() => null));
    const copy = (await (await ls.add(TOPIC)).outputs()).get("copy")!;
    await clock.advance(3 * HOUR);
    await expect(copy.read()).rejects.toMatchObject({ code: "payload/missing" });
    await expect(ls.add(TOPIC, null, { inputs: { photo: copy } })).rejects.toThrow(PayloadError);
  });

  it("outputs of an attempt that runs for hours are still there at its end", async () => {
    const { ls, clock } = await world();
    let finish: () => void = () => undefined;
    await ls.work(TOPIC, async (_, ctx) => {
      await ctx.outputs.put("early", PHOTO);
      await new Promise<void>((resolve) => { finish = resolve; });
    });
    const job = await ls.add(TOPIC);
    await clock.advance(5 * HOUR);
    finish();
    expect((await (await job.outputs()).get("early")!.read()).length).toBe(PHOTO.length);
  });
});
