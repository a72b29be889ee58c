/** "Several clusters" of `docs/operations.md` and "Two clusters" of `docs/guide.md`, with the two configurations they name, on other ports and in another folder. */
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

it("OFF-ADM-03 OFF-ADM-04 OFF-ADM-08 two clusters that name each other show each other's instances and topics, and one does the other's jobs", async () => {
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
  for (const cluster of CLUSTERS) longshore(cluster, "host", "run", "job-queue", "offload-router");
  const worker = longshore("west", "worker", "run", "worker", fileURLToPath(new URL("guide/greeting.ts", import.meta.url)));
  await until("the worker works", () => worker.words.text.includes("worker.started") || undefined, 60_000);
  await until("the hub shows the other cluster", async () => (/cluster west +view/.test(await done("hub", "operator", "topology")) && / greeting/.test(await done("hub", "operator", "topology"))) || undefined, 60_000);
  const [matrix, rows, far] = await Promise.all([done("hub", "operator", "topics"), done("hub", "operator", "topics", "--json"), done("west", "operator", "topology")]);
  expect(matrix).toMatch(/^TOPIC +west\/\S+\ngreeting +enabled\n/);
  expect(JSON.parse(rows)).toMatchObject([{ topic: "greeting", instances: [{ cluster: "west", state: "enabled" }] }]);
  expect(far).toMatch(/cluster hub +view/);

  await until("the hub may send greetings", async () => /west +open .*greeting/.test(await done("hub", "operator", "offload", "clusters")) || undefined, 60_000);
  expect(await done("hub", "operator", "add", "greeting", '{"name":"Ada"}', "--id", "1", "--wait")).toContain("Ada");
  const [trip, job, drained] = await Promise.all([done("hub", "operator", "offload", "show", "main.greeting.1"), done("hub", "operator", "job", "main.greeting.1"), done("hub", "operator", "offload", "drain", "west", "--wait")]);
  expect(trip).toMatch(/^trip +1 +returned\n[\s\S]*attempt 1 given to cluster west\n[\s\S]*ended: returned\n$/);
  expect(job).toMatch(/attempt 1 started on cluster west/);
  expect(drained).toMatch(/west is drained, and empty/);
  await done("hub", "operator", "add", "greeting", '{"name":"Bob"}', "--id", "2");
  const [why, untaken, audit] = await Promise.all([done("hub", "operator", "why", "main.greeting.2"), done("hub", "operator", "jobs", "--where", "job.waits=no-capable-instance"), done("hub", "observer", "audit", "--with", servers.west.url)]);
  expect(why).toMatch(/no-capable-instance/);
  expect(untaken).toContain("main.greeting.2");
  expect(audit).toMatch(/round trips: .* no violations\n\nholds +P12/);
  const [resumed, queue] = await Promise.all([done("hub", "operator", "offload", "resume", "west"), done("hub", "operator", "queues", "configure", "greetings", "--topic", "greeting", "--offload-backlog", "100")]);
  expect(resumed).toContain("west gets jobs again");
  expect(queue).toMatch(/elsewhere +jobs that no instance here takes, and others when more than 100 wait/);
}, PROCESSES_MS);
