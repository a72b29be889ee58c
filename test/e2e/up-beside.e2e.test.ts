/** `longshore up` is an instance like any other: a shard goes to one that comes beside it, and back when that one is killed. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { hostsFor } from "@longshore/discovery-agent";
import { connect } from "longshore";
import { expect, onTestFinished, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const NODE = ["--import", import.meta.resolve("tsx"), "--conditions=@longshore/source", join(ROOT, "packages/cli/src/main.ts")];
const TEST_MS = 180_000;
const WITHIN_MS = 60_000;

interface Started {
  readonly child: ChildProcess;
  /** What it has logged, one document a line. */
  readonly events: { readonly event?: string; readonly [field: string]: unknown }[];
}

async function folderOf(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "longshore-beside-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

function start(folder: string, ...args: readonly string[]): Started {
  const { NATS_URL: _, ...env } = process.env;
  const child = spawn(process.execPath, [...NODE, ...args, "--log", "json"], { cwd: folder, env: { ...env, XDG_STATE_HOME: join(folder, "state"), NO_COLOR: "1" }, stdio: ["ignore", "ignore", "pipe"] });
  const events: Started["events"] = [];
  let rest = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) events.push(line.startsWith("{") ? JSON.parse(line) : { line });
  });
  const ended = new Promise((resolve) => child.once("close", resolve));
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  return { child, events };
}

const said = ({ events }: Started, event: string): Started["events"] => events.filter((one) => one.event === event);

async function until(fact: () => boolean, what: string, ...all: readonly Started[]): Promise<void> {
  const fromMs = performance.now();
  while (!fact()) {
    if (performance.now() - fromMs > WITHIN_MS) throw new Error(`not within ${WITHIN_MS} ms: ${what}\n${all.map(({ events }) => JSON.stringify(events.slice(-8))).join("\n")}`);
    await new Promise((next) => setTimeout(next, 20));
  }
}

/** A name that placement prefers to `up`. */
const preferred = (): string => {
  const member = (instance: string): Parameters<typeof hostsFor>[0][number] => ({ instance, kinds: ["job-queue"] }) as never;
  for (let n = 1; ; n++) if (hostsFor([member("upper"), member(`second-${n}`)], "job-queue", "main")[0]?.instance === `second-${n}`) return `second-${n}`;
};

/** How often it has begun to serve the queue; `up` serves the OffloadRouter, too. */
const served = (process: Started): number => said(process, "host.serving").filter(({ actor }) => actor === "job-queue.main").length;

test("a shard goes to the instance that comes beside up, and back when that is killed; jobs go on", { timeout: TEST_MS }, async () => {
  const folder = await folderOf();
  const up = start(folder, "up", "--store", join(folder, "store"), "--instance", "upper");
  await until(() => served(up) === 1, "up serves", up);
  const server = String(said(up, "nats.started")[0]?.["url"]);
  const ls = await connect({ servers: server });
  onTestFinished(() => ls.close());
  await ls.work("t", () => "done");
  expect(await (await ls.add("t")).result()).toBe("done");

  const second = start(folder, "run", "job-queue", "--instance", preferred(), "--server", server);
  await until(() => served(second) === 1, "the second serves", up, second);
  expect(said(up, "host.moved")).toMatchObject([{ actor: "job-queue.main", cause: "closed" }]);
  expect(await (await ls.add("t")).result()).toBe("done");

  second.child.kill("SIGKILL");
  const job = await ls.add("t");
  await until(() => served(up) === 2, "up serves again", up);
  expect(await job.result()).toBe("done");
  expect(up.child.exitCode).toBeNull();
});
