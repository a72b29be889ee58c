import { resolve } from "node:path";
import { Fault } from "@longshore/kernel";
import type { ConnectOptions as NatsOptions } from "@longshore/nats";
import { OFFLOAD_KIND } from "@longshore/offload-router";
import { stateDirectory } from "longshore/internal";
import { type Command, command, type Shared } from "../command.ts";
import { accessTo, findPlace, type Place } from "../connection.ts";
import { wrongUsage } from "../errors.ts";
import { shardsNamed, startHosting } from "../hosting.ts";
import type { Io } from "../io.ts";
import { type Loaded, loadFiles } from "../load.ts";
import { LOG_OPTIONS, type Log, openLog } from "../log.ts";
import { nearest } from "../nearest.ts";
import { PEERS_OPTION, peersIn, SHARED_PAYLOADS_OPTION } from "../peers.ts";
import { runInstance } from "../running-instance.ts";
import type { InstanceService } from "../services/instance/instance.ts";
import { stopFault } from "../services/start-fault.ts";
import { Closing, untilStopped } from "../stopping.ts";
import { announced, offeredBy, startWorkers, WORKER_OPTIONS } from "../workers.ts";

/** What can be hosted, and is placed by views. */
const PLACED: readonly string[] = ["job-queue", OFFLOAD_KIND];
const HOSTS: readonly string[] = [...PLACED, "discovery-agent"];
const SERVICES: readonly string[] = [...HOSTS, "worker"];
const LATER = ["workflow-runner"];

export const run: Command = command({
  name: "run",
  group: "run",
  summary: "A service: the host of a JobQueue, of the OffloadRouter, of the topology, a worker for files, or several in one process",
  details: [
    "The process is an instance of the topology. Where it can host, it also hosts the topology's history when nobody else does: discovery-agent alone is for a process that does nothing else.",
    "The streams must be there (`longshore setup`). A JobQueue's shards are those of --shard, several separated by commas; main when absent. Of several processes that can host a shard one does: the topology says which, and a shard moves when that changes.",
    "offload-router carries jobs to other clusters and back, and takes in theirs: every cluster that sends jobs or does those of others needs one, beside --peers.",
    "SIGINT or SIGTERM drains: running attempts finish or are handed back. A second one ends it at once.",
  ],
  args: { services: { kind: "many", help: "job-queue, offload-router, discovery-agent, or worker and its files: run worker jobs.ts", shown: "service" } },
  options: {
    takeOver: { kind: "flag", help: "host it although another host seems alive; that one is fenced" },
    standby: { kind: "flag", help: "fold the histories of shards that others host, to go on at once when one of them is gone" },
    acceptRewind: { kind: "text", value: "<reason>", help: "serve a journal that has lost confirmed commits, and record why" },
    ...PEERS_OPTION,
    ...SHARED_PAYLOADS_OPTION,
    ...WORKER_OPTIONS,
    ...LOG_OPTIONS,
  },
  examples: [
    { line: "longshore run job-queue", says: "the host" },
    { line: "longshore run job-queue --shard main,media", says: "the hosts of two shards, on one connection" },
    { line: "longshore run job-queue offload-router --peers east", says: "the hosts of a cluster that gives jobs to another, or takes them" },
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
        kinds.some((kind) => PLACED.includes(kind)) ? startHosts(options, kinds, self, around) : { stopped: new Promise<never>(() => undefined) },
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
  readonly sharedPayloads: string | undefined;
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
async function startHosts(options: HostOptions, kinds: readonly string[], self: InstanceService, { shared, io, log, closing, place }: Around): Promise<Started | undefined> {
  const connection: NatsOptions = { ...accessTo(place, shared, io), onFault: (fault) => log.event("warn", "nats.fault", { code: fault.code, reason: fault.message }) };
  const starting = startHosting({
    connection, cluster: place.cluster, shards: kinds.includes("job-queue") ? shardsNamed(place.shard) : [], hasRouter: kinds.includes(OFFLOAD_KIND),
    stateDir: stateDirectory(io.env), standsBy: options.standby, takeOver: options.takeOver, signal: haltedBy(io.signal, closing), url: place.url,
    ...(options.acceptRewind === undefined ? {} : { acceptRewind: options.acceptRewind }),
    ...(options.sharedPayloads === undefined ? {} : { sharedPayloads: resolve(io.cwd, options.sharedPayloads) }),
  }, self, log, closing);
  const hosts = await starting.catch((error: unknown) => {
    if (!io.signal.aborted) throw error;
    log.event("info", "stopping", { signal: String(io.signal.reason) });
    return undefined;
  });
  return hosts === undefined ? undefined : { stopped: hosts.stopped.then(({ name, reason }) => stopFault(name, reason)) };
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

/** Configuring queues waits for a host, who may be this very process. */
async function startWork(loaded: Loaded, concurrency: number | undefined, { instance, incarnation }: InstanceService, { shared, io, log, closing, place }: Around): Promise<void> {
  const access = { ...accessTo(place, shared, io), cluster: place.cluster, shard: shardsNamed(place.shard)[0] ?? place.shard, instance, incarnation };
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
    if (HOSTS.includes(word)) continue;
    if (LATER.includes(word)) throw wrongUsage(`${word} is not available yet: it comes with a later release`, `there are ${HOSTS.join(", ")} and worker`);
    const meant = nearest(word, SERVICES);
    throw wrongUsage(`there is no service "${word}"`, meant === undefined ? `there are ${HOSTS.join(", ")} and worker <files…>` : `did you mean ${meant}?`);
  }
  if (words.length === 0) throw wrongUsage("name what to run", "longshore run job-queue, or longshore run worker jobs.ts");
  if (worker >= 0 && files.length === 0) throw wrongUsage("a worker needs files that export jobs", "longshore run worker jobs.ts");
  // Whoever may write one history may write the topology's.
  return { kinds: hosts.length === 0 ? [] : [...new Set(["discovery-agent", ...hosts])], isWorker: worker >= 0, files };
}
