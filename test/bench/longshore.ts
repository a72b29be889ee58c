/** Longshore on nats-server: one shard with its follower, host in a process of its own, at two durabilities. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connect as connectNats, provision, startServer } from "@longshore/nats";
import { connect as connectLongshore } from "longshore";
import type { BenchJob, Client, Contender, Endpoint, Server } from "./contender.ts";
import { launch } from "./launch.ts";
import { allocatedBytes, memoryOf } from "./measure.ts";

const TOPIC = "bench/work";
/** Twice the server's default: a backlog of a million must fit. */
const STORE_BYTES = 24 * 1024 ** 3;

export const longshore: readonly Contender[] = [
  contender("longshore-always", "fsync before each reply (sync_interval always)", true),
  contender("longshore-default", "fsync every 2 min (NATS default)", false),
];

function contender(name: string, durability: string, syncAlways: boolean): Contender {
  const { version } = JSON.parse(readFileSync(new URL("../../packages/client/package.json", import.meta.url), "utf8")) as { version: string };
  return {
    name,
    system: `Longshore ${version}`,
    durability,
    tuning: "as shipped; worker concurrency 500; snapshots, feed and timelines on",
    concurrency: 500,
    start: (directory) => start(directory, syncAlways),
    connect,
  };
}

async function start(directory: string, syncAlways: boolean): Promise<Server> {
  const server = await startServer({ storeDir: join(directory, "nats"), syncAlways, fileStoreBytes: STORE_BYTES });
  const admin = await connectNats({ principal: "provisioner", servers: server.url });
  await provision(admin, { cluster: "main", totalBytes: STORE_BYTES });
  await admin.close();
  const log = join(directory, "host.log");
  const host = launch({
    file: process.execPath,
    args: [...(process.env["LONGSHORE_BENCH_PROFILE"] === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${process.env["LONGSHORE_BENCH_PROFILE"]}`]), "--import", "tsx", "--conditions=@longshore/source", fileURLToPath(new URL("longshore-host.ts", import.meta.url)), server.url, directory],
    name: "host", directory, env: { NODE_PATH: process.cwd() }, stopSignal: "SIGTERM",
  });
  await host.until(async () => readFileSync(log, "utf8").includes("serving"));
  return {
    software: `nats-server ${server.version}`,
    endpoint: { url: server.url, pids: [server.pid, host.pid], directory: join(directory, "nats") },
    async stop() {
      await host.stop();
      await server.stop();
    },
  };
}

async function connect(endpoint: Endpoint): Promise<Client> {
  const ls = await connectLongshore({ servers: endpoint.url, onFault: ({ message }) => process.stderr.write(`longshore: ${message}\n`) });
  return {
    add: async (job) => void (await ls.add(TOPIC, job)),
    addMany: async (jobs) => void (await ls.addAll(TOPIC, jobs)),
    async work(handler, concurrency) {
      const worker = await ls.work(TOPIC, (input) => handler((input as BenchJob).seq), { concurrency });
      return { stop: () => worker.close() };
    },
    async unfinished() {
      const { all } = await ls.queues.statistics();
      return all.queued + all.active;
    },
    settle: async () => {},
    usage: async () => ({ memoryBytes: memoryOf(endpoint.pids), storageBytes: allocatedBytes(endpoint.directory) }),
    close: () => ls.close(),
  };
}
