import { join, resolve } from "node:path";
import { DEFAULT_SHARD } from "@longshore/job-queue";
import { connect, type NatsServer, provision, startServer } from "@longshore/nats";
import { OFFLOAD_KIND } from "@longshore/offload-router";
import { readServerState, stateDirectory } from "longshore/internal";
import { type Command, command, type Shared } from "../command.ts";
import { principalOf } from "../connection.ts";
import { failed } from "../errors.ts";
import { type Hosting, startHosting } from "../hosting.ts";
import type { Io } from "../io.ts";
import { type Loaded, loadFiles } from "../load.ts";
import { LOG_OPTIONS, type Log, openLog } from "../log.ts";
import { PEERS_OPTION, peersIn, SHARED_PAYLOADS_OPTION } from "../peers.ts";
import { present } from "../present.ts";
import { paintOf } from "../render/paint.ts";
import { runInstance } from "../running-instance.ts";
import { removeServerState, writeServerState } from "../server-state.ts";
import type { InstanceService } from "../services/instance/instance.ts";
import { stopFault } from "../services/start-fault.ts";
import { Closing, untilStopped } from "../stopping.ts";
import { announced, offeredBy, startWorkers, WORKER_OPTIONS } from "../workers.ts";

interface Settings {
  readonly cluster: string;
  readonly storeDir: string;
  readonly port: number | undefined;
  readonly concurrency: number | undefined;
  readonly instance: string | undefined;
  readonly property: readonly string[];
  readonly peers: readonly string[];
  readonly sharedPayloads: string | undefined;
  readonly storage: number | undefined;
  readonly leafPort: number | undefined;
  readonly hub: string | undefined;
}

export const up: Command = command({
  name: "up",
  group: "run",
  summary: "Everything on this machine: nats-server, the JobQueue with all its shards, the OffloadRouter, and a worker for the given files",
  details: [
    "The server listens on 127.0.0.1 only, keeps everything in .longshore/ of the current folder, and goes when this process goes. Other commands, and programs that call connect() without an address, find it by themselves.",
    "A file exports jobs with their handlers: export const hello = defineJob(\"hello\", { run: async (input, ctx) => … }). Exported queues are configured.",
    "SIGINT or SIGTERM drains: running attempts finish or are handed back. A second one ends it at once.",
  ],
  args: { files: { kind: "many", help: "TypeScript or JavaScript files that export jobs", shown: "jobs.ts" } },
  options: {
    store: { kind: "text", value: "<folder>", help: "where everything is kept; .longshore when absent" },
    port: { kind: "integer", value: "<n>", help: "port of the server; any free one when absent" },
    storage: { kind: "integer", value: "<bytes>", help: "file space that everything together may take; at first 8 GiB, of which a tenth is for payloads" },
    ...PEERS_OPTION,
    ...SHARED_PAYLOADS_OPTION,
    leafPort: { kind: "integer", value: "<n>", help: "port of this machine where servers of other clusters join this one as leaf nodes" },
    hub: { kind: "text", value: "<address>", help: "the server of another cluster to join as a leaf node: nats://127.0.0.1:7422" },
    ...WORKER_OPTIONS,
    ...LOG_OPTIONS,
  },
  examples: [
    { line: "longshore up jobs.ts", says: "and in another terminal: longshore add hello '{\"name\":\"you\"}' --wait" },
    { line: "longshore up --store /var/lib/longshore --port 4222", says: "a small installation" },
  ],
  connects: false,
  endsInOrder: true,
  async run({ args, options, shared, io }) {
    const log = openLog(io, options);
    const loaded = await loadFiles(args.files, io.cwd);
    const closing = new Closing(log);
    try {
      const cluster = io.env["LONGSHORE_CLUSTER"] ?? "main";
      const settings: Settings = {
        cluster, peers: peersIn(options.peers, cluster, io), sharedPayloads: options.sharedPayloads, leafPort: options.leafPort, hub: options.hub, storage: options.storage,
        storeDir: resolve(io.cwd, options.store ?? ".longshore"),
        port: options.port, concurrency: options.concurrency, instance: options.instance, property: options.property,
      };
      await serve(loaded, settings, { shared, io, log, closing });
    } finally {
      await closing.closeAll();
    }
  },
});

interface Surroundings {
  readonly shared: Shared;
  readonly io: Io;
  readonly log: Log;
  readonly closing: Closing;
}

async function serve(loaded: Loaded, settings: Settings, around: Surroundings): Promise<void> {
  const { shared, io, log, closing } = around;
  const server = await startNats(settings, around);
  const principal = principalOf(shared, io);
  const { cluster, concurrency } = settings;
  const self = await runInstance({
    connection: { principal, servers: server.url, name: "longshore instance" }, cluster, stateDir: stateDirectory(io.env),
    kinds: ["discovery-agent", "job-queue", OFFLOAD_KIND], ...offeredBy(loaded, concurrency), properties: announced(settings.property), peers: settings.peers, ...(settings.instance === undefined ? {} : { instance: settings.instance }),
  }, log, closing);
  const { instance, incarnation } = self;
  const hosts = await startHosts(server, settings, self, principal, around);
  if (loaded.jobs.length > 0 || loaded.queues.length > 0) {
    await startWorkers(loaded, { servers: server.url, cluster, principal, instance, incarnation }, { concurrency }, log, closing);
  }
  await announce(server, settings, loaded, around);
  const ended = await Promise.race([
    untilStopped(io).then((signal) => ({ kind: "signal", signal }) as const),
    hosts.stopped.then((stopped) => ({ kind: "host", ...stopped }) as const),
    server.exited.then((code) => ({ kind: "server", code }) as const),
    self.refused,
  ]);
  if (ended.kind === "signal") return log.event("info", "stopping", { signal: ended.signal });
  if (ended.kind === "server") throw failed("nats/ended", `the nats-server ended with code ${ended.code}`, `its log is ${join(settings.storeDir, "server.log")}`);
  throw stopFault(ended.name, ended.reason);
}

async function startNats({ storeDir, port, cluster, leafPort, hub, storage }: Settings, { log, closing, shared, io }: Surroundings): Promise<NatsServer> {
  const leaf = { domain: cluster, ...(leafPort === undefined ? {} : { listen: `127.0.0.1:${leafPort}` }), ...(hub === undefined ? {} : { hubVariable: HUB_VARIABLE }) };
  const server = await startServer({
    storeDir, cluster, fileStoreBytes: SERVER_STORE_BYTES, ...(port === undefined ? {} : { port }),
    ...(leafPort === undefined && hub === undefined ? {} : { leaf }), ...(hub === undefined ? {} : { env: { [HUB_VARIABLE]: hub } }),
  });
  closing.add("nats-server", () => server.stop());
  log.event("info", "nats.started", { url: server.url, version: server.version, pid: server.pid, store: storeDir });
  const setup = await connect({ principal: principalOf(shared, io), servers: server.url });
  try {
    await provision(setup, { cluster, ...(storage === undefined ? {} : { totalBytes: storage }) });
  } finally {
    await setup.close();
  }
  return server;
}

/** No bound of its own: streams have theirs, and one that a later start forgot would keep the server from opening them. */
const SERVER_STORE_BYTES = 2 ** 50;

/** Where the server finds the address of its hub, which may hold a password. */
const HUB_VARIABLE = "LONGSHORE_HUB";

/**
 * Resolves when the default shard is served, here or by another instance. `up` is one of them: should others that can host come
 * to its server, the topology says which actor lives where, here as for `longshore run`.
 */
async function startHosts(server: NatsServer, { cluster, sharedPayloads }: Settings, self: InstanceService, principal: string, { io, log, closing }: Surroundings): Promise<Hosting> {
  let served = (): void => undefined;
  const isServed = new Promise<void>((resolve) => { served = resolve; });
  const hosts = await startHosting({
    connection: { principal, servers: server.url, name: "longshore up" }, cluster, shards: [DEFAULT_SHARD], followsWanted: true, hasRouter: true, stateDir: stateDirectory(io.env),
    ...(sharedPayloads === undefined ? {} : { sharedPayloads: resolve(io.cwd, sharedPayloads) }),
    onServed: ({ kind, actor }) => {
      if (kind === "job-queue" && actor === DEFAULT_SHARD) served();
    },
  }, self, log, closing);
  // One that cannot be hosted is spoken of by whoever waits for its end.
  await Promise.race([isServed, hosts.stopped.then(() => undefined, () => undefined), untilStopped(io)]);
  return hosts;
}

async function announce(server: NatsServer, { cluster, storeDir }: Settings, loaded: Loaded, { shared, io, closing }: Surroundings): Promise<void> {
  const other = await readServerState(io.env);
  const { pid } = process;
  if (other === undefined) {
    await writeServerState(io.env, { url: server.url, monitor: server.monitorUrl, pid, cluster });
    closing.add("server.json", () => removeServerState(io.env, pid));
  }
  const topics = loaded.jobs.map(({ topic }) => topic);
  const document = { url: server.url, monitor: server.monitorUrl, version: server.version, cluster, store: storeDir, pid, topics, isFound: other === undefined };
  await present({ shared, io }, document, () => welcome(document, io));
  if (other !== undefined) io.err(`another \`longshore up\` (process ${other.pid}, ${other.url}) is what other commands find; reach this one with --server ${server.url}\n`);
}

interface Welcome {
  readonly url: string;
  readonly version: string;
  readonly store: string;
  readonly topics: readonly string[];
  readonly isFound: boolean;
}

function welcome({ url, version, store, topics, isFound }: Welcome, io: Io): string {
  const paint = paintOf(io.outScreen);
  const where = isFound ? "" : ` --server ${url}`;
  const [first = "hello"] = topics;
  return [
    `${paint.bold("longshore is up")}  ${url}  ${paint.dim(`nats-server ${version}, kept in ${store}`)}`,
    topics.length === 0 ? "no worker here: give files that export jobs, or run `longshore run worker jobs.ts`" : `working on ${topics.map((topic) => paint.cyan(topic)).join(", ")}`,
    "",
    `  longshore add ${first} '{}' --wait${where}`,
    `  longshore jobs${where}          longshore queues${where}          longshore doctor${where}`,
    "",
    paint.dim("Ctrl-C stops it in order; everything is kept."),
    "",
  ].join("\n");
}
