/**
 * JobQueue as a service: host, presence, results, and the follower thread, on one NATS connection.
 *
 * `longshore run job-queue` and `longshore up` call this; a program may as well.
 */
import { Worker } from "node:worker_threads";
import { DISCOVERY_ACTOR, DISCOVERY_KIND } from "@longshore/discovery-agent";
import type { JobQueueCommand, JobQueueEvent, JobQueueRejection, PayloadSweepTimings, QueueState, Roster } from "@longshore/job-queue";
import { DEFAULT_SHARD, jobQueue, namesShard, payloadSweep, presence, ranks, results, wanted } from "@longshore/job-queue";
import type { HostPorts, Telemetry } from "@longshore/kernel";
import { Retention } from "@longshore/kernel";
import { blobsOf, historiesOf, strayInboxOf, wantedOf, wireOf } from "@longshore/nats";
import { OFFLOAD_ACTOR, OFFLOAD_KIND } from "@longshore/offload-router";
import { type ActorService, type ActorServiceOptions, type Beside, type Hosted, hostActor } from "./actor-service.ts";
import type { FollowerData, FollowerHears, FollowerSays } from "./follower-thread.ts";
import { DEFAULT_CLUSTER, type Ground, openGround } from "./ground.ts";
import { nodeClock } from "./node-ports.ts";

export type JobQueueService = ActorService<QueueState, JobQueueCommand, JobQueueEvent, JobQueueRejection>;

export interface JobQueueOptions extends ActorServiceOptions {
  readonly shard?: string;
  /** What is known of the topology here; without it, hellos and silence tell who is there. */
  readonly roster?: Roster;
  readonly snapshotEveryCommits?: number;
  readonly follower?: boolean;
  /** When payloads in the store that no job names any more are looked for, and how old they must be. */
  readonly payloadSweep?: Partial<PayloadSweepTimings>;
}

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

/** One shard on a ground, which is freed when the host has stopped. */
export const hostShard = (ground: Ground, options: JobQueueOptions): Promise<JobQueueService> => hostActor(ground, shardOn(ground, options), options);

function shardOn({ connection }: Ground, options: JobQueueOptions): Hosted<QueueState, JobQueueCommand, JobQueueEvent, JobQueueRejection> {
  const { cluster = DEFAULT_CLUSTER, shard = DEFAULT_SHARD, roster, payloadSweep: timings, telemetry = (): void => undefined } = options;
  const { principal } = connection;
  const actor = jobQueue({ cluster, shard });
  // The host's state says which shards there are; before it is told what is wanted, there may be others.
  let isTold = false;
  const isKnown = (state: () => QueueState, kind: string, name: string): boolean => {
    if (kind === DISCOVERY_KIND) return name === DISCOVERY_ACTOR;
    if (kind === OFFLOAD_KIND) return name === OFFLOAD_ACTOR;
    return kind === actor.kind && (!isTold || namesShard(state(), name));
  };
  return {
    actor, name: shard, wire: wireOf(connection),
    // One host looks after what nobody reads.
    inboxes: (state) => (shard === DEFAULT_SHARD ? [strayInboxOf(connection, { cluster, isKnown: (kind, name) => isKnown(state, kind, name) })] : []),
    attendants: (serves) => [
      presence({ shard, ...(roster === undefined ? {} : { roster }) }),
      ...(roster === undefined ? [] : [ranks(roster)]),
      results({ shard }),
      payloadSweep({ shard, principal, blobs: blobsOf(connection, cluster), histories: historiesOf(connection, cluster), ...(timings === undefined ? {} : { timings }) }),
      wanted({
        wanted: wantedOf(connection, cluster),
        onApplied: () => {
          isTold = true;
          serves();
        },
        onTrouble: (cause) => telemetry("configuration.unreadable", { cause }),
      }),
    ],
    ...(options.follower === false ? {} : { beside: (ports) => new FollowerThread(ports, { ...options, cluster, shard, telemetry }) }),
  };
}

interface ThreadOptions extends JobQueueOptions {
  readonly cluster: string;
  readonly shard: string;
  readonly telemetry: Telemetry;
}

/** The thread that follows a shard's history, and what of the journal may be forgotten by its snapshots. */
class FollowerThread implements Beside {
  private readonly thread: Worker;
  private readonly retention: Retention;
  private nudging: NodeJS.Timeout | undefined;

  constructor({ journal }: HostPorts, { connection, cluster, shard, keepMs, keepBytes, snapshotEveryCommits, telemetry }: ThreadOptions) {
    this.retention = new Retention(journal, nodeClock, { keepMs: keepMs ?? 30 * DAY_MS, keepBytes: keepBytes ?? 8 * 1024 ** 3 }, () => this.tell("snapshot"));
    this.retention.start();
    const { onFault: _, ...plain } = connection;
    const data: FollowerData = {
      connection: plain, cluster, shard, snapshotEveryCommits: snapshotEveryCommits ?? 5_000, snapshotEveryMs: 60_000, endedMax: 200_000,
    };
    const isSource = import.meta.url.endsWith(".ts");
    this.thread = new Worker(new URL(isSource ? "./follower-thread.source.mjs" : "./follower-thread.js", import.meta.url), {
      workerData: data,
      ...(isSource ? { execArgv: ["--conditions=@longshore/source"] } : {}),
    });
    this.thread.on("message", (says: FollowerSays) => {
      if (says.kind === "snapshot") this.retention.snapshotMade(says.version, says.at);
      else if (says.kind === "telemetry") telemetry(says.event, says.fields);
    });
    this.thread.on("error", (error) => telemetry("follower.failed", { name: error.name }));
  }

  stored(): void {
    this.nudging ??= setTimeout(() => {
      this.nudging = undefined;
      this.tell("stored");
    }, NUDGE_EVERY_MS);
  }

  async close(): Promise<void> {
    clearTimeout(this.nudging);
    this.retention.close();
    const { thread } = this;
    thread.postMessage("close");
    await new Promise<void>((resolve) => {
      const late = setTimeout(() => void thread.terminate(), 2_000);
      thread.once("exit", () => {
        clearTimeout(late);
        resolve();
      });
    });
  }

  private tell(what: FollowerHears): void {
    this.thread.postMessage(what);
  }
}
