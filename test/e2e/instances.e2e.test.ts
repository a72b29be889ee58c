/**
 * Several instances as processes, on one server: the one that hosts everything is killed, and the others go on.
 *
 * How long it took is printed, and bounded generously: this is no benchmark.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { hostsFor } from "@longshore/discovery-agent";
import { connect as connectNats, provision, startServer } from "@longshore/nats";
import { connect, type JobHandle, type Longshore } from "longshore";
import { afterEach, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const NODE = ["--import", import.meta.resolve("tsx"), "--conditions=@longshore/source", join(ROOT, "packages/cli/src/main.ts")];
const TEST_MS = 180_000;
const WITHIN_MS = 60_000;

const JOBS = `
import { defineJob } from "longshore";
export const work = defineJob("work", { retries: 5, run: async (input: { n: number }) => {
  await new Promise((done) => setTimeout(done, 20));
  return { n: input.n, pid: process.pid };
} });
`;

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

interface Process {
  readonly name: string;
  readonly child: ChildProcess;
  /** Everything it has logged, one document a line. */
  readonly events: { readonly event: string; readonly [field: string]: unknown }[];
}

interface World {
  readonly ls: Longshore;
  start(name: string, ...args: readonly string[]): Process;
}

async function world(): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), "longshore-instances-"));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, "node_modules"));
  await symlink(join(ROOT, "packages/client"), join(folder, "node_modules/longshore"));
  await writeFile(join(folder, "jobs.mts"), JOBS);
  const server = await startServer({ storeDir: join(folder, "nats"), syncAlways: false });
  cleanups.push(() => server.stop());
  const setup = await connectNats({ principal: "me", servers: server.url });
  await provision(setup, { cluster: "main" });
  await setup.close();
  const ls = await connect({ servers: server.url });
  cleanups.push(() => ls.close());
  return {
    ls,
    start(name, ...args) {
      const child = spawn(process.execPath, [...NODE, "run", ...args, "--instance", name, "--log", "json", "--log-level", "debug", "--server", server.url], {
        cwd: folder, env: { ...process.env, XDG_STATE_HOME: join(folder, `state-${name}`), NO_COLOR: "1" }, stdio: ["ignore", "ignore", "pipe"],
      });
      const events: Process["events"] = [];
      let rest = "";
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        const lines = (rest + text).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) events.push(line.startsWith("{") ? JSON.parse(line) : { event: line });
      });
      const ended = new Promise((resolve) => child.once("close", resolve));
      cleanups.push(() => {
        child.kill("SIGKILL");
        return ended;
      });
      return { name, child, events };
    },
  };
}

async function until(fact: () => boolean | Promise<boolean>, what: () => string): Promise<number> {
  const fromMs = performance.now();
  while (!(await fact())) {
    if (performance.now() - fromMs > WITHIN_MS) throw new Error(`not within ${WITHIN_MS} ms: ${what()}`);
    await new Promise((next) => setTimeout(next, 10));
  }
  return Math.round(performance.now() - fromMs);
}

const said = (process: Process, event: string): Process["events"] => process.events.filter((one) => one.event === event);
const lastView = (process: Process): string => ((said(process, "topology.view").at(-1)?.["instances"] ?? []) as readonly string[]).toSorted().join();
const tail = (processes: readonly Process[]): string => processes.map(({ name, events }) => `${name}: ${JSON.stringify(events.slice(-8))}`).join("\n");
const loggedAt = (process: Process, event: string): number => Date.parse(String(said(process, event).at(-1)?.["time"]));
/** Served, and has not been told since that somebody else does. */
const hosts = (process: Process): boolean => said(process, "host.serving").length > said(process, "host.moved").length;

/** The one that the view chooses, once it is the only one: until all have come the queue may have moved. */
async function settledHost(ls: Longshore, all: readonly Process[]): Promise<Process> {
  const chosen = hostsFor((await ls.topology.view()).localCluster.instances, "job-queue", "main")[0]?.instance;
  await until(() => all.every((one) => hosts(one) === (one.name === chosen)), () => `${chosen} alone hosts the queue\n${tail(all)}`);
  return all.find(hosts)!;
}

test("one of three instances is killed that hosts the queue: the others agree, one of them hosts it, and every job is done", { timeout: TEST_MS }, async () => {
  const { ls, start } = await world();
  const all = ["a", "b", "c"].map((name) => start(name, "job-queue", "worker", "jobs.mts", "--concurrency", "4"));
  await until(() => all.every((one) => lastView(one) === "a,b,c"), () => `all three see each other\n${tail(all)}`);
  const host = await settledHost(ls, all);
  const others = all.filter((one) => one !== host);

  // The topology's history too is hosted by the one that is killed, or by another: both must do.
  const jobs: JobHandle[] = [];
  for (let n = 0; n < 100; n++) jobs.push(await ls.add("work", { n }));
  const killedAt = Date.now();
  host.child.kill("SIGKILL");
  const fromMs = performance.now();
  for (let n = 100; n < 200; n++) jobs.push(await ls.add("work", { n }));
  const times: Record<string, number> = { added: Math.round(performance.now() - fromMs) };

  const wanted = others.map(({ name }) => name).toSorted().join();
  await until(() => others.every((one) => lastView(one) === wanted), () => `the others are without it\n${tail(others)}`);
  await until(() => others.some(hosts), () => `another hosts the queue\n${tail(others)}`);
  const results = await Promise.all(jobs.map((job) => job.result()));
  times["done"] = Math.round(performance.now() - fromMs);
  expect(results.map((result) => (result as { readonly n: number }).n)).toEqual(Array.from({ length: 200 }, (_, n) => n));
  // As they have logged it: this test may have looked later.
  times["view"] = Math.max(...others.map((one) => loggedAt(one, "topology.view"))) - killedAt;
  times["hosted"] = loggedAt(others.find(hosts)!, "host.serving") - killedAt;
  const hostsTopology = said(host, "discovery.serving").length > 0 ? ", which hosted the topology, too" : "";
  process.stdout.write(`killed ${host.name}${hostsTopology}; milliseconds since: ${JSON.stringify(times)}\n`);
  const view = await ls.topology.view();
  expect(view.localCluster.instances.map(({ instance }) => instance).toSorted().join()).toBe(wanted);
});

test("the host is told to end: it hands the queue over, and adding goes on", { timeout: TEST_MS }, async () => {
  const { ls, start } = await world();
  const all = ["a", "b"].map((name) => start(name, "job-queue", "worker", "jobs.mts", "--concurrency", "4"));
  await until(() => all.every((one) => lastView(one) === "a,b"), () => `both see each other\n${tail(all)}`);
  const host = await settledHost(ls, all);
  const other = all.find((one) => one !== host)!;
  const twice = start(other.name, "worker", "jobs.mts");
  await until(() => twice.child.exitCode !== null, () => `a second process of the name ${other.name} is refused\n${tail([twice])}`);
  expect(twice.child.exitCode).toBe(5);

  const jobs: JobHandle[] = [];
  let slowestMs = 0;
  let isMoved = false;
  host.child.kill("SIGTERM");
  for (let n = 0; !isMoved || n < 100; n++) {
    const fromMs = performance.now();
    jobs.push(await ls.add("work", { n }));
    slowestMs = Math.max(slowestMs, performance.now() - fromMs);
    isMoved = hosts(other);
    await new Promise((next) => setTimeout(next, 5));
  }
  await Promise.all(jobs.map((job) => job.result()));
  expect(said(host, "host.moved")).toMatchObject([{ cause: "closed" }]);
  process.stdout.write(`handed over; milliseconds from closed to serving: ${loggedAt(other, "host.serving") - loggedAt(host, "host.moved")}; slowest add: ${Math.round(slowestMs)}\n`);
  await until(() => host.child.exitCode !== null, () => `it has ended\n${tail([host])}`);
  expect(host.child.exitCode).toBe(0);
});
