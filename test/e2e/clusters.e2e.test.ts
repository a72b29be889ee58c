/**
 * Two clusters as they are meant to run: processes of users that may do no more than their roles, on two nats-servers joined by a leaf
 * node. The one that speaks for its cluster is killed, and the link is cut for longer than a cluster may be silent.
 *
 * How long it took is printed, and bounded generously: this is no benchmark.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connect, type Longshore } from "longshore";
import { expect, onTestFinished, test } from "vitest";
import { HUB, type TwoClusters, twoClusters, WEST } from "../integration/nats/leaf.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const NODE = ["--import", import.meta.resolve("tsx"), "--conditions=@longshore/source", join(ROOT, "packages/cli/src/main.ts")];
const TEST_MS = 240_000;
const WITHIN_MS = 45_000;
/** A cluster is gone when it was not heard for 60 s; the rest is how long a busy machine may take. */
const GONE_WITHIN_MS = 90_000;

const JOBS = `
import { defineJob } from "longshore";
export const work = defineJob("media/encode", { run: async () => ({ pid: process.pid }) });
`;

interface Process {
  readonly name: string;
  readonly child: ChildProcess;
  readonly words: string[];
}

async function folderWithJobs(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "longshore-clusters-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, "node_modules"));
  await symlink(join(ROOT, "packages/client"), join(folder, "node_modules/longshore"));
  await writeFile(join(folder, "jobs.mts"), JOBS);
  return folder;
}

function spawned(folder: string, clusters: TwoClusters, cluster: typeof HUB | typeof WEST, user: string, args: readonly string[]): ChildProcess {
  const place = ["--cluster", cluster, "--user", user, "--server", (cluster === HUB ? clusters.hub : clusters.west).url];
  return spawn(process.execPath, [...NODE, ...args, ...place], {
    cwd: folder, env: { ...process.env, LONGSHORE_PASSWORD: `pw-${user}`, XDG_STATE_HOME: join(folder, "state"), NO_COLOR: "1" }, stdio: ["ignore", "pipe", "pipe"],
  });
}

function heard(child: ChildProcess): string[] {
  const words: string[] = [];
  for (const stream of [child.stdout!, child.stderr!]) stream.setEncoding("utf8").on("data", (text: string) => void words.push(text));
  return words;
}

async function until(fact: () => boolean | Promise<boolean>, what: () => string, withinMs = WITHIN_MS): Promise<number> {
  const fromMs = performance.now();
  while (!(await fact())) {
    if (performance.now() - fromMs > withinMs) throw new Error(`not within ${withinMs} ms: ${what()}`);
    await new Promise((next) => setTimeout(next, 20));
  }
  return Math.round(performance.now() - fromMs);
}

/** `<cluster>: <instances>`, the own cluster first. */
const sightOf = async (ls: Longshore): Promise<string> => {
  const view = await ls.topology.view().catch(() => undefined);
  return view?.isCurrent === true ? view.clusters.map(({ cluster, instances }) => `${cluster}: ${instances.map(({ instance }) => instance).toSorted().join()}`).join("; ") : "";
};

test("18.9 OFF-TOP-02 OFF-TOP-06 OFF-TOP-08 two clusters see each other, one loses the instance that speaks for it, the link is cut and comes back", { timeout: TEST_MS }, async () => {
  const clusters = await twoClusters();
  const folder = await folderWithJobs();
  const processes: Process[] = [];
  const start = (cluster: typeof HUB | typeof WEST, name: string, user: string, ...args: readonly string[]): Process => {
    const child = spawned(folder, clusters, cluster, user, ["run", ...args, "--instance", name, "--log", "json"]);
    const ended = new Promise((resolve) => child.once("close", resolve));
    onTestFinished(async () => {
      child.kill("SIGKILL");
      await ended;
    });
    const process = { name, child, words: heard(child) };
    processes.push(process);
    return process;
  };
  const tail = (): string => processes.map(({ name, words }) => `${name}: ${words.join("").slice(-800)}`).join("\n");
  const outside = async (cluster: typeof HUB | typeof WEST): Promise<Longshore> => {
    const ls = await connect({ servers: (cluster === HUB ? clusters.hub : clusters.west).url, cluster, principal: "operator", password: "pw-operator" });
    onTestFinished(() => ls.close());
    return ls;
  };
  const [hub, west] = [await outside(HUB), await outside(WEST)];
  const sees = (ls: Longshore, sight: string, withinMs?: number): Promise<number> => {
    let last = "";
    return until(async () => (last = await sightOf(ls)) === sight, () => `${sight}, not ${last}\n${tail()}`, withinMs);
  };

  for (const name of ["h1", "h2"]) start(HUB, name, "host", "discovery-agent", "--peers", WEST);
  const speakers = ["w1", "w2"].map((name) => start(WEST, name, "host", "discovery-agent", "--peers", HUB, "--property", `rack=${name}`));
  start(WEST, "w3", "worker", "worker", "jobs.mts");
  await sees(hub, "hub: h1,h2; west: w1,w2,w3");
  await sees(west, "west: w1,w2,w3; hub: h1,h2");
  await until(async () => JSON.stringify(await hub.topics.list()) === JSON.stringify([{ topic: "media/encode", instances: [], remote: [{ cluster: WEST, instance: "w3", state: "enabled" }] }]), () => "the hub knows who works on media/encode");

  const shown = spawned(folder, clusters, HUB, "operator", ["topology"]);
  const text = heard(shown);
  await until(() => shown.exitCode !== null, () => "longshore topology ends");
  expect(text.join("")).toMatch(/cluster west +view \d+, led by w\d, 3 instances, heard/);
  expect(text.join("")).toMatch(/west +w3 +15 +media\/encode/);
  expect(text.join("")).toMatch(/west +w1 +discovery-agent +0 +rack=w1/);

  const serving = speakers.find(({ words }) => words.join("").includes("discovery.serving"))!;
  const other = speakers.find((one) => one !== serving)!;
  serving.child.kill("SIGKILL");
  const times: Record<string, number> = { killed: await sees(hub, `hub: h1,h2; west: ${other.name},w3`) };

  await clusters.cut();
  times["gone"] = Math.max(...await Promise.all([sees(hub, "hub: h1,h2", GONE_WITHIN_MS), sees(west, `west: ${other.name},w3`, GONE_WITHIN_MS)]));
  start(WEST, "w4", "worker", "worker", "jobs.mts");
  await sees(west, `west: ${other.name},w3,w4`);
  const fromMs = performance.now();
  await clusters.join();
  times["joined"] = Math.round(performance.now() - fromMs);
  times["back"] = Math.max(...await Promise.all([sees(hub, `hub: h1,h2; west: ${other.name},w3,w4`), sees(west, `west: ${other.name},w3,w4; hub: h1,h2`)]));
  process.stdout.write(`milliseconds: ${JSON.stringify(times)}\n`);
});
