/** Instances as processes of their own on one server, for tests: started with `longshore run`, watched by what they log. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { hostsFor } from "@longshore/discovery-agent";
import { connect as connectNats, provision, startServer } from "@longshore/nats";
import { connect, type Longshore } from "longshore";
import { onTestFinished } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const NODE = ["--import", import.meta.resolve("tsx"), "--conditions=@longshore/source", join(ROOT, "packages/cli/src/main.ts")];
export const TEST_MS = 180_000;
const WITHIN_MS = 60_000;

const JOBS = `
import { defineJob } from "longshore";
export const work = defineJob("work", { retries: 5, run: async (input: { n: number }) => {
  await new Promise((done) => setTimeout(done, 20));
  return { n: input.n, pid: process.pid };
} });
`;

export interface Process {
  readonly name: string;
  readonly child: ChildProcess;
  /** Everything it has logged, one document a line. */
  readonly events: { readonly event: string; readonly [field: string]: unknown }[];
}

export interface World {
  readonly ls: Longshore;
  start(name: string, ...args: readonly string[]): Process;
}

export async function world(): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), "longshore-instances-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, "node_modules"));
  await symlink(join(ROOT, "packages/client"), join(folder, "node_modules/longshore"));
  await writeFile(join(folder, "jobs.mts"), JOBS);
  const server = await startServer({ storeDir: join(folder, "nats"), syncAlways: false });
  onTestFinished(() => server.stop());
  const setup = await connectNats({ principal: "me", servers: server.url });
  await provision(setup, { cluster: "main" });
  await setup.close();
  const ls = await connect({ servers: server.url });
  onTestFinished(() => ls.close());
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
      onTestFinished(async () => {
        child.kill("SIGKILL");
        await ended;
      });
      return { name, child, events };
    },
  };
}

export async function until(fact: () => boolean | Promise<boolean>, what: () => string): Promise<number> {
  const fromMs = performance.now();
  while (!(await fact())) {
    if (performance.now() - fromMs > WITHIN_MS) throw new Error(`not within ${WITHIN_MS} ms: ${what()}`);
    await new Promise((next) => setTimeout(next, 10));
  }
  return Math.round(performance.now() - fromMs);
}

export const said = (process: Process, event: string): Process["events"] => process.events.filter((one) => one.event === event);
export const lastView = (process: Process): string => ((said(process, "topology.view").at(-1)?.["instances"] ?? []) as readonly string[]).toSorted().join();
export const tail = (processes: readonly Process[]): string => processes.map(({ name, events }) => `${name}: ${JSON.stringify(events.slice(-8))}`).join("\n");
export const loggedAt = (process: Process, event: string): number => Date.parse(String(said(process, event).at(-1)?.["time"]));
/** Served, and has not been told since that somebody else does. */
export const hosts = (process: Process): boolean => said(process, "host.serving").length > said(process, "host.moved").length;

/** The one that the view chooses, once it is the only one: until all have come the queue may have moved. */
export async function settledHost(ls: Longshore, all: readonly Process[]): Promise<Process> {
  const chosen = hostsFor((await ls.topology.view()).localCluster.instances, "job-queue", "main")[0]?.instance;
  await until(() => all.every((one) => hosts(one) === (one.name === chosen)), () => `${chosen} alone hosts the queue\n${tail(all)}`);
  return all.find(hosts)!;
}
