import { Fault, isToken } from "@longshore/kernel";
import type { ConnectOptions as NatsOptions } from "@longshore/nats";
import { stateDirectory } from "longshore/internal";
import { type Command, command, type Shared } from "../command.ts";
import { accessTo, findPlace, type Place } from "../connection.ts";
import { wrongUsage } from "../errors.ts";
import type { Io } from "../io.ts";
import { type Loaded, loadFiles } from "../load.ts";
import { LOG_OPTIONS, type Log, openLog } from "../log.ts";
import { nearest } from "../nearest.ts";
import { PEERS_OPTION, peersIn } from "../peers.ts";
import { runInstance } from "../running-instance.ts";
import type { InstanceService } from "../services/instance/instance.ts";
import { openPlacement } from "../services/open-placement.ts";
import { startShards } from "../services/shards.ts";
import { stopFault } from "../services/start-fault.ts";
import { Closing, untilStopped } from "../stopping.ts";
import { announced, offeredBy, startWorkers, WORKER_OPTIONS } from "../workers.ts";

const SERVICES = ["job-queue", "discovery-agent", "worker"] as const;
const LATER = ["offload-router", "workflow-runner"];

export const run: Command = command({
  name: "run",
  group: "run",
  summary: "A service: the host of a JobQueue, of the topology, a worker for files, or several in one process",
  details: [
    "The process is an instance of the topology. Where it can host, it also hosts the topology's history when nobody else does: discovery-agent alone is for a process that does nothing else.",
    "The streams must be there (`longshore setup`). A JobQueue's shards are those of --shard, several separated by commas; main when absent. Of several processes that can host a shard one does: the topology says which, and a shard moves when that changes.",
    "SIGINT or SIGTERM drains: running attempts finish or are handed back. A second one ends it at once.",
  ],
  args: { services: { kind: "many", help: "job-queue, discovery-agent, or worker and its files: run worker jobs.ts", shown: "service" } },
  options: {
    takeOver: { kind: "flag", help: "host it although another host seems alive; that one is fenced" },
    standby: { kind: "flag", help: "fold the histories of shards that others host, to go on at once when one of them is gone" },
    acceptRewind: { kind: "text", value: "<reason>", help: "serve a journal that has lost confirmed commits, and record why" },
    ...PEERS_OPTION,
    ...WORKER_OPTIONS,
    ...LOG_OPTIONS,
  },
  examples: [
    { line: "longshore run job-queue", says: "the host" },
    { line: "longshore run job-queue --shard main,media", says: "the hosts of two shards, on one connection" },
    { line: "longshore run worker jobs.ts --concurrency 16", says: "a worker, on any machine" },
    { line: "longshore run job-queue worker jobs.ts", says: "both in one process" },
  ],
  connects: true,
  endsInOrder: true,
  async run({ args, options, shared, io }) {
    const { kinds, files, isWorker } = servicesIn(args.services);
    const loaded = await loadFiles(files, io.cwd);
    const place = await findPlace(shared, io);
    const log = openLog(io, options);
    const closing = new Closing(log);
    const around: Around = { shared, io, log, closing, place };
    try {
      const self = await startSelf(options, kinds, loaded, around);
      // Standing by may take long, and a signal ends it. Jobs are worked meanwhile, whoever hosts.
      const [host] = await Promise.all([
        kinds.includes("job-queue") ? startHost(options, self, around) : { stopped: new Promise<never>(() => undefined) },
        isWorker ? startWork(loaded, options.concurrency, self, around) : undefined,
      ]);
      if (host === undefined) return;
      const ended = await Promise.race([untilStopped(io), host.stopped, self.refused]);
      if (ended instanceof Fault) throw ended;
      log.event("info", "stopping", { signal: ended });
    } finally {
      await closing.closeAll();
    }
  },
});

interface Around {
  readonly shared: Shared;
  readonly io: Io;
  readonly log: Log;
  readonly closing: Closing;
  readonly place: Place;
}

interface HostOptions {
  readonly takeOver: boolean;
  readonly standby: boolean;
  readonly acceptRewind: string | undefined;
}

interface Started {
  /** Why it stopped by itself. */
  readonly stopped: Promise<Fault>;
}

interface SelfOptions {
  readonly instance: string | undefined;
  readonly concurrency: number | undefined;
  readonly property: readonly string[];
  readonly peers: string | undefined;
}

async function startSelf({ instance, concurrency, property, peers }: SelfOptions, kinds: readonly string[], loaded: Loaded, around: Around): Promise<InstanceService> {
  const { shared, io, log, closing, place } = around;
  return runInstance({
    connection: { ...accessTo(place, shared, io), name: "longshore instance" }, cluster: place.cluster, stateDir: stateDirectory(io.env),
    kinds, ...offeredBy(loaded, concurrency), properties: announced(property), peers: peersIn(peers, place.cluster, io), ...(instance === undefined ? {} : { instance }),
  }, log, closing);
}

/** Undefined when a signal came while it was standing by. */
async function startHost(options: HostOptions, self: InstanceService, { shared, io, log, closing, place }: Around): Promise<Started | undefined> {
  const shards = shardsIn(place.shard);
  const { instance, incarnation, roster } = self;
  const connection: NatsOptions = { ...accessTo(place, shared, io), onFault: (fault) => log.event("warn", "nats.fault", { code: fault.code, reason: fault.message }) };
  const placing = await openPlacement(connection, place.cluster, self);
  closing.add("placement", () => placing.close());
  const waiting = haltedBy(io.signal, closing);
  const starting = startShards({
    connection, cluster: place.cluster, shards, placement: placing.placement, standsBy: options.standby,
    stateDir: stateDirectory(io.env),
    takeOver: options.takeOver,
    telemetry: log.telemetry,
    signal: waiting,
    onStandby: (shard) => log.event("info", "host.standby", { actor: `job-queue.${shard}`, cluster: place.cluster }),
    onServing: (shard, { epoch }) => log.event("info", "host.serving", { actor: `job-queue.${shard}`, cluster: place.cluster, epoch, url: place.url }),
    onMoved: (shard, cause) => log.event("info", "host.moved", { actor: `job-queue.${shard}`, cluster: place.cluster, cause }),
    ...(options.acceptRewind === undefined ? {} : { acceptRewind: options.acceptRewind }),
    instance, incarnation, roster,
  });
  const hosts = await starting.catch((error: unknown) => {
    if (!io.signal.aborted) throw error;
    log.event("info", "stopping", { signal: String(io.signal.reason) });
    return undefined;
  });
  if (hosts === undefined) return undefined;
  closing.add("job-queue", () => hosts.close());
  return { stopped: hosts.stopped.then(({ shard, reason }) => stopFault(shard, reason)) };
}

/** A signal that is aborted with the process's, and when everything is closed because the workers could not start. */
function haltedBy(signal: AbortSignal, closing: Closing): AbortSignal {
  const halt = new AbortController();
  const stop = (): void => halt.abort(signal.reason);
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  closing.add("waiting to host", () => Promise.resolve(stop()));
  return halt.signal;
}

/** Several are separated by commas. */
function shardsIn(text: string): readonly string[] {
  const shards = [...new Set(text.split(",").map((name) => name.trim()))];
  const illegal = shards.find((name) => !isToken(name));
  if (illegal !== undefined) throw wrongUsage(`"${illegal}" is no name of a shard`, "use 1 to 128 of the characters A-Z a-z 0-9 _ -, several separated by commas: --shard main,media");
  return shards;
}

/** Configuring queues waits for a host, who may be this very process. */
async function startWork(loaded: Loaded, concurrency: number | undefined, { instance, incarnation }: InstanceService, { shared, io, log, closing, place }: Around): Promise<void> {
  const access = { ...accessTo(place, shared, io), cluster: place.cluster, shard: shardsIn(place.shard)[0] ?? place.shard, instance, incarnation };
  await startWorkers(loaded, access, { concurrency }, log, closing);
}

interface Services {
  /** Kinds of actors this process can host. */
  readonly kinds: readonly string[];
  readonly isWorker: boolean;
  readonly files: readonly string[];
}

function servicesIn(words: readonly string[]): Services {
  const worker = words.indexOf("worker");
  const hosts = worker < 0 ? words : words.slice(0, worker);
  const files = worker < 0 ? [] : words.slice(worker + 1);
  for (const word of hosts) {
    if (word === "job-queue" || word === "discovery-agent") continue;
    if (LATER.includes(word)) throw wrongUsage(`${word} is not available yet: it comes with a later release`, "there are job-queue, discovery-agent and worker");
    const meant = nearest(word, SERVICES);
    throw wrongUsage(`there is no service "${word}"`, meant === undefined ? "there are job-queue, discovery-agent and worker <files…>" : `did you mean ${meant}?`);
  }
  if (words.length === 0) throw wrongUsage("name what to run", "longshore run job-queue, or longshore run worker jobs.ts");
  if (worker >= 0 && files.length === 0) throw wrongUsage("a worker needs files that export jobs", "longshore run worker jobs.ts");
  // Whoever may write one history may write the topology's.
  return { kinds: hosts.length === 0 ? [] : [...new Set(["discovery-agent", ...hosts])], isWorker: worker >= 0, files };
}
