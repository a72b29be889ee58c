/**
 * JobQueue as a service: host, presence, results, and the follower thread, on one NATS connection.
 *
 * `longshore run job-queue` and `longshore up` call this; a program may as well.
 */
import { hostname } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { DISCOVERY_ACTOR, DISCOVERY_KIND } from "@longshore/discovery-agent";
import type { JobQueueActor, JobQueueCommand, JobQueueEvent, JobQueueRejection, PayloadSweepTimings, QueueState, Roster } from "@longshore/job-queue";
import { DEFAULT_SHARD, jobQueue, namesShard, payloadSweep, presence, ranks, results, wanted } from "@longshore/job-queue";
import type { HostPorts, Inbox, KernelLimits, StopReason, Telemetry } from "@longshore/kernel";
import { Follower, Host, Retention, subjectsOf, whenFree } from "@longshore/kernel";
import type { Connection, ConnectOptions } from "@longshore/nats";
import { blobsOf, connect, historiesOf, inboxOf, journalOf, marksOf, serverTimeOf, snapshotsOf, strayInboxOf, wantedOf, wireOf } from "@longshore/nats";
import type { FollowerData, FollowerHears, FollowerSays } from "./follower-thread.ts";
import { newIncarnation, nodeClock, sha256 } from "./node-ports.ts";
import { SOFTWARE } from "./software.ts";
import { stopFault } from "./start-fault.ts";
import { requireStreams } from "./streams.ts";

export interface JobQueueService {
  readonly epoch: number;
  /** Resolves when the host stops, for whatever reason. */
  readonly stopped: Promise<StopReason>;
  /** Bytes of the host's state and how far it is; for `bench` and tests. */
  readonly host: Host<QueueState, JobQueueCommand, JobQueueEvent, JobQueueRejection>;
  /** Finishes the append in flight and stops. Idempotent. */
  close(): Promise<void>;
}

export interface JobQueueOptions {
  readonly connection: ConnectOptions;
  readonly cluster?: string;
  readonly shard?: string;
  /** Persistent name of this instance; this machine's name by default. */
  readonly instance?: string;
  /** This life of the process, as the topology has it; a new name by default. */
  readonly incarnation?: string;
  /** What is known of the topology here; without it, hellos and silence tell who is there. */
  readonly roster?: Roster;
  /** Where the high-water mark is kept beside NATS; without it only NATS keeps it. */
  readonly stateDir?: string;
  /** Open although another host seems alive: it will be fenced. */
  readonly takeOver?: boolean;
  /** Says when to open, instead of waiting until nobody hosts the shard; `prepare` folds the history meanwhile. */
  readonly gate?: (prepare: () => Promise<void>) => Promise<{ readonly takeOver: boolean }>;
  /** Serve a journal that ends below what was seen, for this recorded reason. */
  readonly acceptRewind?: string;
  readonly limits?: Partial<KernelLimits>;
  readonly keepMs?: number;
  readonly keepBytes?: number;
  readonly snapshotEveryCommits?: number;
  readonly follower?: boolean;
  /** When payloads in the store that no job names any more are looked for, and how old they must be. */
  readonly payloadSweep?: Partial<PayloadSweepTimings>;
  readonly telemetry?: Telemetry;
  /** Another host is alive; this one waits for it to go. */
  readonly onStandby?: () => void;
  /** Ends the waiting in standby and the opening; once it serves, `close` ends it. */
  readonly signal?: AbortSignal;
}

const DEFAULT_CLUSTER = "main";
const DAY_MS = 86_400_000;
const NUDGE_EVERY_MS = 20;

/**
 * Starts serving; resolves when commands are answered.
 *
 * @throws {Fault} with `code`, `message` and `remedy`: `nats/…` when NATS is not as it must be, `setup/missing` without its streams, `host/…` when
 * the journal cannot be served. @throws the signal's reason, when it is aborted before.
 */
export async function startJobQueue(options: JobQueueOptions): Promise<JobQueueService> {
  return hostShard(await openGround(options), options);
}

/** What a host stands on: the connections, and which cluster it is. */
export interface Ground {
  readonly connection: Connection;
  /** What is read in bulk must not stand before commands. */
  readonly reading: Connection;
  readonly clusterId: string;
  /** Called when the host no longer needs it. */
  free(): Promise<void>;
}

/** @throws {Fault} `nats/…` */
export async function openGround(options: Pick<JobQueueOptions, "connection" | "cluster" | "signal">): Promise<Ground> {
  options.signal?.throwIfAborted();
  const connection = await connect(options.connection);
  try {
    const clusterId = await requireStreams(connection, options.cluster ?? DEFAULT_CLUSTER);
    const reading = await connect(options.connection);
    const free = async (): Promise<void> => {
      await connection.close();
      await reading.close();
    };
    return { connection, reading, clusterId, free };
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/** One shard on a ground, which is freed when the host has stopped. */
export const hostShard = (ground: Ground, options: JobQueueOptions): Promise<JobQueueService> => new Service(ground, options).start();

class Service {
  private readonly ground: Ground;
  private readonly connection: Connection;
  private readonly cluster: string;
  private readonly shard: string;
  private readonly options: JobQueueOptions;
  private readonly telemetry: Telemetry;
  private readonly actor: JobQueueActor;
  /** Of an instance that is to host the shard soon. */
  private warm: Follower<QueueState, JobQueueCommand, JobQueueEvent, JobQueueRejection> | undefined;
  private follower: Worker | undefined;
  private retention: Retention | undefined;
  private nudging: NodeJS.Timeout | undefined;
  private stopWaiting: () => void = () => undefined;

  constructor(ground: Ground, options: JobQueueOptions) {
    this.ground = ground;
    this.connection = ground.connection;
    this.cluster = options.cluster ?? DEFAULT_CLUSTER;
    this.shard = options.shard ?? DEFAULT_SHARD;
    this.actor = jobQueue({ cluster: this.cluster, shard: this.shard });
    this.options = options;
    this.telemetry = options.telemetry ?? ((): void => undefined);
  }

  async start(): Promise<JobQueueService> {
    const aborted = abortOf(this.options.signal);
    try {
      const isTakenOver = this.options.takeOver === true || (await Promise.race([this.gate(), aborted.happens])).takeOver;
      return await this.serve(isTakenOver, aborted.happens);
    } catch (error) {
      await this.release();
      throw error;
    } finally {
      aborted.forget();
    }
  }

  private async gate(): Promise<{ readonly takeOver: boolean }> {
    const { gate } = this.options;
    if (gate !== undefined) return gate(() => this.prepare());
    await this.untilFree();
    return { takeOver: false };
  }

  /** Folds the history, and goes on with that until the host is opened. */
  private prepare(): Promise<void> {
    if (this.warm !== undefined) return Promise.resolve();
    const { kind } = this.actor;
    const place = { cluster: this.cluster, kind, actor: this.shard };
    const { reading } = this.ground;
    return new Promise((resolve) => {
      this.warm = new Follower(this.actor, {
        journal: journalOf(this.connection, { ...place, reading }), snapshots: snapshotsOf(reading, place), clock: nodeClock, hash: sha256, telemetry: this.telemetry,
      }, { snapshotEveryCommits: Infinity, snapshotEveryBytes: Infinity, snapshotEveryMs: Infinity, onCaughtUp: resolve });
      this.warm.start();
    });
  }

  private async serve(isTakenOver: boolean, aborted: Promise<never>): Promise<JobQueueService> {
    const { actor } = this;
    // The host's state says which shards there are; before it is told what is wanted, there may be others.
    let isTold = false;
    const isNamed = (name: string): boolean => !isTold || namesShard(host.current.state, name);
    const ports = this.ports(actor.kind, isNamed);
    let serve: () => void = () => undefined;
    let end: (reason: StopReason) => void = () => undefined;
    const stopped = new Promise<StopReason>((resolve) => { end = resolve; });
    const serving = new Promise<void>((resolve) => { serve = resolve; });
    const host = new Host(actor, ports, {
      cluster: this.cluster,
      actor: this.shard,
      instance: this.options.instance ?? defaultInstance(),
      principal: this.connection.principal,
      incarnation: this.options.incarnation ?? newIncarnation(),
      software: SOFTWARE,
      ...(this.options.limits === undefined ? {} : { limits: this.options.limits }),
      ...(this.options.acceptRewind === undefined ? {} : { acceptRewind: this.options.acceptRewind }),
      takeOver: isTakenOver,
      attendants: [presence({ shard: this.shard, ...(this.options.roster === undefined ? {} : { roster: this.options.roster }) }), ...(this.options.roster === undefined ? [] : [ranks(this.options.roster)]), results({ shard: this.shard }), this.payloadSweep(), wanted({
        wanted: wantedOf(this.connection, this.cluster),
        onApplied: () => {
          isTold = true;
          serve();
        },
        onTrouble: (cause) => this.telemetry("configuration.unreadable", { cause }),
      })],
      onStored: () => this.nudge(),
      onStopped: (reason) => end(reason),
    });
    this.warm?.close();
    host.open(this.warm?.history);
    this.warm = undefined;
    const failed = await Promise.race([serving.then(() => undefined), stopped, aborted]).catch((reason: unknown) => {
      host.close();
      throw reason;
    });
    if (failed !== undefined) throw stopFault(this.shard, failed);
    if (this.options.follower !== false) this.follow(ports);
    void stopped.then(() => this.release());
    return {
      get epoch() { return host.current.kernel.epoch; },
      host, stopped,
      close: async () => {
        host.close();
        await stopped;
        await this.release();
      },
    };
  }

  private payloadSweep(): ReturnType<typeof payloadSweep> {
    const { connection, cluster, shard } = this;
    const { principal } = connection;
    return payloadSweep({
      shard, principal, blobs: blobsOf(connection, cluster), histories: historiesOf(connection, cluster),
      ...(this.options.payloadSweep === undefined ? {} : { timings: this.options.payloadSweep }),
    });
  }

  private ports(kind: string, isNamed: (shard: string) => boolean): HostPorts {
    const { reading, clusterId } = this.ground;
    const place = { cluster: this.cluster, kind, actor: this.shard };
    const inboxes: Inbox[] = (["inbox", "peers"] as const).map((stream) => inboxOf(this.connection, { ...place, stream }));
    // One host looks after what nobody reads.
    if (this.shard === DEFAULT_SHARD) inboxes.push(strayInboxOf(this.connection, { cluster: this.cluster, isKnown: (of, actor) => (of === DISCOVERY_KIND ? actor === DISCOVERY_ACTOR : of === kind && isNamed(actor)) }));
    return {
      journal: journalOf(this.connection, { ...place, reading }),
      inboxes,
      wire: wireOf(this.connection),
      clock: nodeClock,
      serverTime: serverTimeOf(this.connection, this.cluster),
      marks: marksOf(this.connection, { ...place, ...(this.options.stateDir === undefined ? {} : { file: join(this.options.stateDir, `${clusterId}.${kind}.${this.shard}.mark`) }) }),
      snapshots: snapshotsOf(reading, place),
      hash: sha256,
      telemetry: this.telemetry,
    };
  }

  private untilFree(): Promise<void> {
    const subject = subjectsOf(this.cluster).query("job-queue", this.shard, "actor", this.connection.principal);
    return new Promise((resolve) => {
      this.stopWaiting = whenFree(wireOf(this.connection), nodeClock, subject, () => this.options.onStandby?.(), resolve);
    });
  }

  private follow(ports: HostPorts): void {
    const { connection, keepMs, keepBytes, snapshotEveryCommits } = this.options;
    this.retention = new Retention(ports.journal, nodeClock, { keepMs: keepMs ?? 30 * DAY_MS, keepBytes: keepBytes ?? 8 * 1024 ** 3 }, () => this.tellFollower("snapshot"));
    this.retention.start();
    const { onFault: _, ...plain } = connection;
    const data: FollowerData = {
      connection: plain, cluster: this.cluster, shard: this.shard,
      snapshotEveryCommits: snapshotEveryCommits ?? 5_000, snapshotEveryMs: 60_000, endedMax: 200_000,
    };
    const isSource = import.meta.url.endsWith(".ts");
    const follower = new Worker(new URL(isSource ? "./follower-thread.source.mjs" : "./follower-thread.js", import.meta.url), {
      workerData: data,
      ...(isSource ? { execArgv: ["--conditions=@longshore/source"] } : {}),
    });
    follower.on("message", (says: FollowerSays) => {
      if (says.kind === "snapshot") this.retention?.snapshotMade(says.version, says.at);
      else if (says.kind === "telemetry") this.telemetry(says.event, says.fields);
    });
    follower.on("error", (error) => this.telemetry("follower.failed", { name: error.name }));
    this.follower = follower;
  }

  private nudge(): void {
    if (this.nudging !== undefined || this.follower === undefined) return;
    this.nudging = setTimeout(() => {
      this.nudging = undefined;
      this.tellFollower("stored");
    }, NUDGE_EVERY_MS);
  }

  private tellFollower(what: FollowerHears): void {
    this.follower?.postMessage(what);
  }

  private async release(): Promise<void> {
    this.stopWaiting();
    this.warm?.close();
    clearTimeout(this.nudging);
    this.retention?.close();
    const { follower } = this;
    this.follower = undefined;
    if (follower !== undefined) {
      follower.postMessage("close");
      await new Promise<void>((resolve) => {
        const late = setTimeout(() => void follower.terminate(), 2_000);
        follower.once("exit", () => {
          clearTimeout(late);
          resolve();
        });
      });
    }
    await this.ground.free();
  }
}

/** A promise that rejects with the signal's reason when it is aborted. */
function abortOf(signal: AbortSignal | undefined): { readonly happens: Promise<never>; readonly forget: () => void } {
  let onAbort = (): void => undefined;
  const happens = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal!.reason);
  });
  // It may be aborted when nobody waits any more.
  happens.catch(() => undefined);
  signal?.addEventListener("abort", onAbort, { once: true });
  if (signal?.aborted === true) onAbort();
  return { happens, forget: () => signal?.removeEventListener("abort", onAbort) };
}

/** This machine's name, as a token. */
const defaultInstance = (): string => hostname().replaceAll(/[^A-Za-z0-9_-]/g, "-").slice(0, 100) || "instance";
