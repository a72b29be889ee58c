/** Longshore on nats-server: one shard with its follower, host in a process of its own, at two durabilities. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { connect as connectNats, provision, startServer } from "@longshore/nats";
import { connect as connectLongshore } from "longshore";
import type { BenchJob, Client, Contender, Endpoint, HostProbe, Server } from "./contender.ts";
import { askHost, type Pauses } from "./longshore-control.ts";
import { HostProcesses } from "./longshore-hosts.ts";
import { allocatedBytes, memoryOf } from "./measure.ts";

const TOPIC = "bench/work";
/** Three times the server's default: a backlog of a million must fit, and a run of large payloads. */
const STORE_BYTES = 24 * 1024 ** 3;

export const longshore: readonly Contender[] = [
  contender("longshore-always", "fsync before each reply (sync_interval always, as shipped)", true),
  contender("longshore-default", "fsync every 2 min (NATS default)", false),
];

function contender(name: string, durability: string, syncAlways: boolean): Contender {
  const { version } = JSON.parse(readFileSync(new URL("../../packages/client/package.json", import.meta.url), "utf8")) as { version: string };
  return {
    name,
    system: `Longshore ${version}`,
    durability,
    tuning: "as shipped: snapshots, event feed and timelines on, ended jobs kept; worker concurrency 500",
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
  const hosts = await HostProcesses.start(server.url, directory);
  return {
    software: `nats-server ${server.version}`,
    endpoint: { url: server.url, pids: [server.pid, hosts.pid], directory: join(directory, "nats"), control: hosts.control },
    outages: hosts.outages,
    async stop() {
      await hosts.stop();
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
    host: probe(endpoint, async () => (await ls.queues.statistics()).payloadBytes),
    close: () => ls.close(),
  };
}

function probe({ url, control = 0 }: Endpoint, payloadBytes: () => Promise<number>): HostProbe {
  return {
    heapBytes: async () => (await askHost(control, "heap")) as number,
    payloadBytes,
    pauses: async () => (await askHost(control, "pauses")) as Pauses,
    async replay() {
      const cli = fileURLToPath(new URL("../../packages/cli/src/main.ts", import.meta.url));
      const args = ["--import", "tsx", "--conditions=@longshore/source", cli, "replay", "main", "--json", "--server", url];
      const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 64 * 1024 ** 2 });
      const { events, elapsedMs } = JSON.parse(stdout) as { readonly events: number; readonly elapsedMs: number };
      return { events, elapsedMs };
    },
  };
}
