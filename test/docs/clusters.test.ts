/** "Several clusters" of `docs/operations.md`, with the two configurations it names, on other ports and in another folder. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type NatsServer, ROLE_USERS, startServer } from "@longshore/nats";
import { expect, it, onTestFinished } from "vitest";
import { freePort } from "../free-port.ts";
import { root, textOf } from "./fill.ts";
import { until } from "./world.ts";

const PROCESSES_MS = 150_000;
const CLUSTERS = ["hub", "west"] as const;
type Cluster = (typeof CLUSTERS)[number];

const otherOf = (cluster: Cluster): Cluster => (cluster === "hub" ? "west" : "hub");

/** The configuration as it is shipped, but for places that are taken. */
async function serverOf(cluster: Cluster, folder: string, leafPort: number): Promise<NatsServer> {
  const storeDir = join(folder, cluster);
  const text = textOf(`docs/examples/leaf/${cluster}.conf`)
    .replace(/^listen: "127\.0\.0\.1:\d+"$/m, 'listen: "127.0.0.1:-1"').replace(/^http: "127\.0\.0\.1:\d+"$/m, 'http: "127.0.0.1:-1"')
    .replace("127.0.0.1:7422", `127.0.0.1:${leafPort}`).replace(`.longshore/${cluster}`, join(storeDir, "store"));
  const configFile = join(folder, `${cluster}.conf`);
  await writeFile(configFile, text);
  const env = Object.fromEntries(ROLE_USERS.map(({ name, passwordVariable }) => [passwordVariable, `secret-${name}`]));
  const server = await startServer({ storeDir, configFile, env: { ...env, LONGSHORE_PASSWORD_WEST: "secret-west", LONGSHORE_HUB: `nats://west:secret-west@127.0.0.1:${leafPort}` } });
  onTestFinished(() => server.stop());
  return server;
}

it("two clusters that name each other show each other's instances and topics", async () => {
  const folder = await mkdtemp(join(tmpdir(), "longshore-leaf-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const leafPort = await freePort();
  const servers = { hub: await serverOf("hub", folder, leafPort), west: await serverOf("west", folder, leafPort) };

  const longshore = (cluster: Cluster, user: string, ...args: readonly string[]): { readonly child: ChildProcess; readonly words: { text: string } } => {
    const command = ["--import", "tsx", "--conditions=@longshore/source", join(root, "packages/cli/src/main.ts"), ...args, "--user", user];
    const env = {
      ...process.env, NATS_URL: servers[cluster].url, LONGSHORE_CLUSTER: cluster, LONGSHORE_PEERS: otherOf(cluster), LONGSHORE_PASSWORD: `secret-${user}`,
      XDG_STATE_HOME: join(folder, `state-${cluster}`), NO_COLOR: "1",
    };
    const child = spawn(process.execPath, command, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
    const words = { text: "" };
    for (const stream of [child.stdout!, child.stderr!]) stream.setEncoding("utf8").on("data", (data: string) => { words.text += data; });
    const ended = new Promise((resolve) => child.once("close", resolve));
    onTestFinished(async () => {
      child.kill("SIGKILL");
      await ended;
    });
    return { child, words };
  };
  const done = async (cluster: Cluster, user: string, ...args: readonly string[]): Promise<string> => {
    const { child, words } = longshore(cluster, user, ...args);
    await new Promise((closed) => child.once("close", closed));
    expect([child.exitCode, words.text]).toEqual([0, words.text]);
    return words.text;
  };

  for (const cluster of CLUSTERS) await done(cluster, "provisioner", "setup");
  for (const cluster of CLUSTERS) longshore(cluster, "host", "run", "job-queue");
  const worker = longshore("west", "worker", "run", "worker", fileURLToPath(new URL("guide/greeting.ts", import.meta.url)));
  await until("the worker works", () => worker.words.text.includes("worker.started") || undefined, 60_000);
  await until("the hub shows the other cluster", async () => (/cluster west +view/.test(await done("hub", "operator", "topology")) && / greeting/.test(await done("hub", "operator", "topology"))) || undefined, 60_000);
  expect(await done("hub", "operator", "topics")).toMatch(/^TOPIC +west\/\S+\ngreeting +enabled\n/);
  expect(await done("west", "operator", "topology")).toMatch(/cluster hub +view/);
}, PROCESSES_MS);
