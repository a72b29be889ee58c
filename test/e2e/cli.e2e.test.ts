/** The real command against a real server: what it prints, what it ends with, and that a history survives the trip through a file. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startServer } from "@longshore/nats";
import { afterEach, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const NODE = ["--import", import.meta.resolve("tsx"), "--conditions=@longshore/source", join(ROOT, "packages/cli/src/main.ts")];

const JOBS = `
import { defineJob, defineQueue } from "longshore";
export const hello = defineJob("hello", {
  run: async (input: { name?: string }, ctx) => {
    ctx.progress(0.5, "half way");
    ctx.log("saying hello");
    return { text: "hello " + (input.name ?? "you") };
  },
});
export const shout = defineJob("shout", {
  outputs: ["loud.txt"],
  run: async (_: unknown, ctx) => {
    const text = Buffer.from(await ctx.inputs.get("said.txt")!.read()).toString();
    await ctx.outputs.put("loud.txt", Buffer.from(text.toUpperCase()));
  },
});
export const failing = defineJob("fail", { run: async () => { throw new TypeError("no way"); } });
export const media = defineQueue("media", { topics: ["media/*"], retries: 0 });
`;

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

interface Running {
  /** Resolves once its output or its log holds the text. */
  until(text: string): Promise<void>;
  signal(name: NodeJS.Signals): void;
  readonly ended: Promise<Ended>;
}

interface World {
  readonly folder: string;
  start(...args: readonly string[]): Running;
  run(...args: readonly string[]): Promise<Ended>;
  /** Runs with --json, expects success, and reads its document. */
  json(...args: readonly string[]): Promise<never>;
  feed(input: string, ...args: readonly string[]): Promise<Ended>;
}

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

/** A folder with a file of jobs, and a home of its own, so that nothing of this machine is found or changed. */
async function world(env: Readonly<Record<string, string>> = {}): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), "longshore-cli-"));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, "node_modules"));
  await symlink(join(ROOT, "packages/client"), join(folder, "node_modules/longshore"));
  await writeFile(join(folder, "jobs.mts"), JOBS);
  const { NATS_URL: _, ...inherited } = process.env;
  const launch = (args: readonly string[]): ChildProcess =>
    spawn(process.execPath, [...NODE, ...args], { cwd: folder, env: { ...inherited, XDG_STATE_HOME: join(folder, "state"), NO_COLOR: "1", ...env } });
  const start = (...args: readonly string[]): Running => {
    const running = watch(launch(args));
    cleanups.push(() => {
      running.signal("SIGKILL");
      return running.ended;
    });
    return running;
  };
  const run = (...args: readonly string[]): Promise<Ended> => watch(launch(args)).ended;
  return {
    folder,
    start,
    run,
    async json(...args) {
      const { code, out, err } = await run(...args, "--json");
      expect(`${code} ${err}`).toMatch(/^0 /);
      return JSON.parse(out) as never;
    },
    feed(input, ...args) {
      const child = launch(args);
      child.stdin?.end(input);
      return watch(child).ended;
    },
  };
}

function watch(child: ChildProcess): Running {
  const text = { out: "", err: "" };
  const waiting = new Set<() => void>();
  for (const [name, stream] of [["out", child.stdout], ["err", child.stderr]] as const) {
    stream?.setEncoding("utf8").on("data", (chunk: string) => {
      text[name] += chunk;
      for (const look of waiting) look();
    });
  }
  const ended = new Promise<Ended>((resolve) => child.once("close", (code) => resolve({ code: code ?? -1, ...text })));
  return {
    ended,
    signal: (name) => void child.kill(name),
    until: (wanted) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (!`${text.out}${text.err}`.includes(wanted)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        void ended.then(({ code, err }) => reject(new Error(`it ended with ${code} before it said "${wanted}": ${err}`)));
        look();
      }),
  };
}

interface JobLine {
  readonly id: string;
  readonly state: string;
}

test("up, add, look, change, export, audit, and down again", async () => {
  const { folder, start, run, json, feed } = await world();
  const up = start("up", "jobs.mts", "--log", "json");
  await up.until("longshore is up");

  // One job, its result on stdout and nothing else.
  expect(await run("add", "hello", '{"name":"Ada"}', "--wait")).toMatchObject({ code: 0, out: '{"text":"hello Ada"}\n' });
  const added = await run("add", "hello", "--id", "one");
  expect(added).toEqual({ code: 0, out: "main.hello.one\n", err: "" });
  expect(await json("add", "hello", "--id", "one")).toEqual({ id: "main.hello.one", outcome: "deduplicated" });
  expect(await run("add", "hello", '{"other":1}', "--id", "one")).toMatchObject({ code: 5, out: "", err: expect.stringContaining("another") });

  // Many, from stdin; one line is wrong.
  const many = await feed('{"topic":"hello"}\nnonsense\n{"topic":"hello","input":{"name":"B"}}\n', "add", "--file", "-", "--wait");
  expect(many).toMatchObject({ code: 5, out: "2 created, 2 succeeded, 0 did not\n", err: expect.stringContaining("line 2: it is not JSON") });

  // What did not succeed says so, and by its exit code.
  expect(await run("add", "fail", "--retries", "1", "--retry-delay", "50ms", "--wait")).toMatchObject({ code: 1, err: expect.stringContaining("TypeError: no way") });
  const { jobs: [given] } = (await json("jobs", "--state", "given-up")) as { readonly jobs: readonly [JobLine] };
  const shown = await run("job", given.id);
  expect(shown.out).toMatch(/attempt 1 started on .*\n.*attempt 1 failed: TypeError: no way; tried again at .*\n.*attempt 2 started on .*\n.*given-up: TypeError: no way/);
  const followed = await run("job", given.id, "--follow", "--json");
  expect(followed.out.trim().split("\n").map((line) => (JSON.parse(line) as { readonly type: string }).type)).toEqual(
    ["JobAccepted", "AttemptStarted", "AttemptFailed", "AttemptStarted", "JobEnded"]);
  expect(await json("retry", given.id)).toMatchObject({ cause: given.id, outcome: "created" });

  // Queues: the file's own is there; a suspended one starts nothing and says so.
  expect((await run("queues", "suspend", "media")).out).toBe("media is suspended\n");
  const { id } = (await json("add", "media/thumbnail", '{"path":"a.jpg"}', "--property", "customer=42")) as JobLine;
  expect(await json("why", id)).toMatchObject({ state: "queued", waits: "suspended" });
  expect(await json("jobs", "--where", "customer=42")).toMatchObject({ jobs: [{ id, state: "queued", waits: "suspended" }], next: null });
  expect(await json("stop", "--queue", "media", "--dry-run")).toMatchObject({ matched: 1, sample: [id], dryRun: true });
  expect(await json("queues", "media")).toMatchObject({ suspended: true, statistics: { queued: 1 } });
  expect(await json("stop", "--queue", "media")).toMatchObject({ matched: 1 });
  expect(await json("job", id)).toMatchObject({ job: { state: "stopped", input: { path: "a.jpg" } }, timeline: [{ type: "JobAccepted" }, { type: "JobEnded" }] });
  expect((await run("queues", "resume", "media")).out).toBe("media is running\n");
  expect(await json("queues", "configure", "media", "--retries", "7")).toMatchObject({ config: { topics: ["media/*"], retries: 7 } });
  const [counted, present] = await Promise.all([json("statistics"), json("instances")]);
  expect(counted).toMatchObject({ topics: { hello: { finished: 4 } } });
  expect(present).toMatchObject([{ draining: false, pools: [{ topics: ["fail"] }, { topics: ["hello"] }, { topics: ["shout"] }] }]);

  // The instance that `up` is can be told to be another.
  const { view } = (await json("topology")) as { readonly view: { readonly members: readonly { readonly instance: string }[] } };
  const { instance } = view.members[0]!;
  const sets = await Promise.all([
    run("topology", "set", "zone=east", "load=3", "--remove", "nothing", "--instance", instance), run("topology", "set", "zone=east"), run("topology", "set", "zone=east", "--instance", "nobody"),
  ]);
  expect(sets.map(({ code, out }) => `${code} ${out}`)).toEqual(["0 load=3\nzone=east\n", "2 ", "5 "]);

  // Not there is 3, wrong usage is 2.
  const ends = await Promise.all([
    run("job", "main.01J00000000000000000000000"), run("queues", "show", "nope"), run("queues", "suspend", "nope"),
    run("add", "hello", "--dely", "1s"), run("add", "hello", "{nonsense"), run("stop"),
  ]);
  expect(ends.map(({ code, out }) => `${code}${out}`)).toEqual(["3", "3", "3", "2", "2", "2"]);
  expect(ends[3]?.err).toContain("did you mean --delay?");

  // Files go in and come out, and none that is there is written over.
  await writeFile(join(folder, "quiet.txt"), "hello");
  expect(await run("add", "shout", "null", "--id", "files", "--input", "said.txt=quiet.txt", "--wait")).toMatchObject({ code: 0 });
  expect((await run("job", "main.shout.files")).out).toMatch(/inputs +said.txt \(5 B, 2cf24dba5fb0…\)\noutputs +loud.txt \(5 B, /);
  const [saved, again, wrong] = [await run("job", "main.shout.files", "--save-outputs", "out"), await run("job", "main.shout.files", "--save-outputs", "out"), await run("add", "shout", "--input", "quiet.txt")];
  expect([saved.code, again.code, wrong.code, await readFile(join(folder, "out", "loud.txt"), "utf8")]).toEqual([0, 5, 2, "HELLO"]);

  // What is stored: checked, folded, written to files, and the same from there.
  const [healthy] = await Promise.all([run("doctor"), run("export", "--out", "a.lsh"), run("export", "--out", "a.ndjson")]);
  expect(healthy).toMatchObject({ code: 0, out: expect.stringContaining("sync_interval: always") });
  const { hash, commit } = (await json("replay", "a.lsh", "--hash")) as { readonly hash: string; readonly commit: number };
  const stored = await Promise.all([
    json("replay", "--hash", "--to", String(commit)), json("replay", "a.ndjson", "--hash", "--to", String(commit)),
    json("replay", "--diff", "1", String(commit)), json("audit"), json("audit", "a.ndjson"),
  ]);
  expect(stored).toMatchObject([
    { hash, commit }, { hash, commit }, { jobs: expect.arrayContaining([expect.objectContaining({ id, before: "absent", after: "stopped" })]) },
    { violationCount: 0, histories: [{ history: "discovery-agent.main" }, { history: "job-queue.main" }, { history: "offload-router.main" }, { history: "round trips" }] }, { violationCount: 0 },
  ]);

  up.signal("SIGTERM");
  const down = await up.ended;
  expect(down.code).toBe(0);
  expect(down.err).not.toContain("follower.failed");
  expect(await run("jobs")).toMatchObject({ code: 4, out: "" });
  await importsInto(folder);
});

/** The exported history, in a fresh cluster: the same state, and a host goes on from it. */
async function importsInto(folder: string): Promise<void> {
  const server = await startServer({ storeDir: join(folder, "other"), syncAlways: false });
  cleanups.push(() => server.stop());
  const { start, run, json } = await world({ NATS_URL: server.url });
  const file = join(folder, "a.lsh");
  expect(await run("import", file)).toMatchObject({ code: 5, err: expect.stringContaining("longshore setup") });
  expect(await run("run", "job-queue")).toMatchObject({ code: 5, err: expect.stringContaining("longshore setup") });
  expect(await run("setup", "--check")).toMatchObject({ code: 1 });
  await json("setup");
  expect(await json("setup", "--check")).toMatchObject({ findings: [] });
  const { hash } = (await json("replay", file, "--hash")) as { readonly hash: string };
  expect(await json("import", file)).toMatchObject({ history: "job-queue.main", stateHash: hash });
  expect(await json("replay", "--hash")).toMatchObject({ hash });
  expect(await run("import", file)).toMatchObject({ code: 5, err: expect.stringContaining("is not empty") });

  const host = start("run", "job-queue", "--log", "json");
  await host.until("host.serving");
  const standby = start("run", "job-queue", "--log", "json");
  await standby.until("host.standby");
  expect(await json("queues", "media")).toMatchObject({ config: { retries: 7 } });
  standby.signal("SIGTERM");
  expect(await standby.ended).toMatchObject({ code: 0 });

  // One that takes over fences the other, which learns it when it next writes, and then stands by.
  const other = start("run", "job-queue", "worker", "jobs.mts", "--take-over", "--log", "json");
  await other.until("worker.started");
  await host.until('"cause":"fenced"');
  expect(await run("add", "hello", "--wait")).toMatchObject({ code: 0, out: '{"text":"hello you"}\n' });
  expect(await json("audit")).toMatchObject({ violationCount: 0 });
  for (const one of [other, host]) one.signal("SIGTERM");
  for (const one of [other, host]) expect(await one.ended).toMatchObject({ code: 0 });
}

test("what needs no server, and what misses it", async () => {
  const { folder, run } = await world({ NATS_URL: "nats://127.0.0.1:1" });
  expect(await run("--version")).toMatchObject({ code: 0, err: "" });
  expect(await run("help", "queues", "suspend")).toMatchObject({ code: 0, out: expect.stringContaining("longshore queues suspend") });
  expect(await run("schedules", "list")).toMatchObject({ code: 2, err: expect.stringContaining("not available yet") });
  const unreached = await Promise.all([["jobs"], ["add", "hello"], ["doctor"], ["replay"], ["run", "job-queue"]].map((command) => run(...command)));
  for (const ended of unreached) expect(ended).toMatchObject({ code: 4, out: "", err: expect.stringContaining("longshore up") });
  expect(await run("replay", "./missing.lsh")).toMatchObject({ code: 3 });
  expect(await run("up", "missing.ts")).toMatchObject({ code: 3 });
  await writeFile(join(folder, "not.lsh"), "something else");
  expect(await run("audit", "not.lsh")).toMatchObject({ code: 1, err: expect.stringContaining("not a whole export") });
  expect(await readFile(join(folder, "not.lsh"), "utf8")).toBe("something else");
});
