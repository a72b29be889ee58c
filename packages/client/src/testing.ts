/**
 * The same interface without a server: host, wire and stores in memory, time that moves only when told to.
 *
 *     const test = await createTestLongshore();
 *     await test.ls.work(thumbnail, handler);
 *     const job = await test.ls.add(thumbnail, { path: "a.jpg", width: 320 }, { delayMs: 60_000 });
 *     await test.clock.advance(60_000);
 *     expect(await job.result()).toEqual({ … });
 *     await test.close();
 *
 * What happens at one instant happens by itself; what is to happen later needs `advance`, or `drain`, which moves time
 * until no job has anything left to wait for. It is the real host and the real client: only the network, the disk and
 * the clock are twins.
 */
import { availableParallelism } from "node:os";
import type { JobQueueActor, JobQueueCommand, JobQueueEvent, JobQueueRejection, QueueState } from "@longshore/job-queue";
import { jobQueue, payloadSweep, presence, results, wanted } from "@longshore/job-queue";
import { Host } from "@longshore/kernel";
import type { MemoryWire } from "@longshore/testkit";
import { MemoryServer, sha256 } from "@longshore/testkit";
import { Client } from "./client.ts";
import type { LongshoreError } from "./errors.ts";
import { Longshore } from "./longshore.ts";
import { seededRandom } from "./testing/seeded-random.ts";
import { SteppedClock } from "./testing/stepped-clock.ts";

export interface TestOptions {
  /** When the virtual time begins. */
  readonly startAt?: Date;
  /** Chance comes from this number: the same ids in every run. */
  readonly seed?: number;
  readonly processors?: number;
  /** Shards with a host; `main` alone when absent. */
  readonly shards?: readonly string[];
  readonly onFault?: (error: LongshoreError) => void;
}

export interface TestLongshore {
  readonly ls: Longshore;
  readonly clock: {
    /** Virtual time of the server. */
    now(): Date;
    /** Moves time, and lets everything that falls due on the way happen. */
    advance(ms: number): Promise<void>;
  };
  /** Moves time until every job has ended, or waits for something that time does not bring. */
  drain(): Promise<void>;
  /** Another program on the same server, with a worker and connection of its own. */
  another(): Longshore;
  /** The workers of `ls` are gone without a word, as if their process had died; `work` starts new ones. */
  killWorkers(): void;
  /** The host of a shard, or of every shard, is gone without a word; what it has stored stays. */
  killHost(shard?: string): void;
  /** Starts a host for a shard, or for each, which goes on where the last one stopped. */
  startHost(shard?: string): Promise<void>;
  close(): Promise<void>;
}

interface Hosted {
  readonly host: QueueHost;
  readonly wire: MemoryWire;
  readonly actor: JobQueueActor;
}

type QueueHost = Host<QueueState, JobQueueCommand, JobQueueEvent, JobQueueRejection>;

const CLUSTER = "test";
const SHARD = "main";
const STARTS_AT = Date.UTC(2026, 0, 1);

export async function createTestLongshore(options: TestOptions = {}): Promise<TestLongshore> {
  const world = new TestWorld(options);
  await world.startHost();
  return world;
}

class TestWorld implements TestLongshore {
  readonly ls: Longshore;
  readonly clock: TestLongshore["clock"];
  private readonly options: TestOptions;
  private readonly time: SteppedClock;
  private readonly server: MemoryServer;
  private readonly random: () => number;
  private readonly client: Client;
  private readonly clients: Client[] = [];
  private readonly hosts = new Map<string, Hosted>();
  private lives = 0;

  constructor(options: TestOptions) {
    this.options = options;
    this.time = new SteppedClock();
    this.random = seededRandom(options.seed ?? 1);
    this.server = new MemoryServer({ cluster: CLUSTER, clock: this.time, startedAt: options.startAt?.getTime() ?? STARTS_AT });
    this.client = this.newClient();
    this.ls = new Longshore(this.client);
    this.clock = {
      now: () => new Date(this.nowMs()),
      advance: (ms) => this.time.advance(ms),
    };
  }

  readonly another = (): Longshore => new Longshore(this.newClient());

  readonly drain = async (): Promise<void> => {
    for (;;) {
      await this.time.settle();
      const hosted = [...this.hosts.values()];
      if (hosted.length === 0 || hosted.some(({ host }) => !host.isServing)) return;
      const states = hosted.map(({ host }) => host.current.state);
      const isActive = states.some(({ active }) => active > 0);
      if (!isActive && states.every(({ queued }) => queued === 0)) return;
      const dues = hosted.map(({ host, actor }) => actor.due(host.current.state)).filter((at) => at !== undefined);
      if (dues.length === 0 && !isActive) return;
      // A handler that waits for the world outside (a real timer, a file) is waited for, a little at a time.
      if (dues.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      else await this.time.advance(Math.max(1, Math.min(...dues) - this.nowMs()));
    }
  };

  readonly killWorkers = (): void => this.client.killWorker();

  readonly killHost = (shard?: string): void => {
    for (const name of shard === undefined ? [...this.hosts.keys()] : [shard]) {
      this.hosts.get(name)?.wire.disconnect();
      this.hosts.get(name)?.host.close();
      this.hosts.delete(name);
    }
  };

  readonly startHost = async (shard?: string): Promise<void> => {
    for (const name of shard === undefined ? (this.options.shards ?? [SHARD]) : [shard]) {
      this.killHost(name);
      const ports = this.server.hostPorts("job-queue", name, "host");
      const actor = jobQueue({ cluster: CLUSTER, shard: name });
      const host: QueueHost = new Host(actor, ports, {
        cluster: CLUSTER, actor: name, instance: "host", principal: "host", incarnation: `host-${++this.lives}`, software: "longshore/testing",
        attendants: [
          presence({ shard: name }), results({ shard: name }), wanted({ wanted: this.server.wanted }),
          payloadSweep({ shard: name, principal: "host", blobs: this.server.blobs, histories: (done) => this.server.histories(done) }),
        ],
      });
      this.hosts.set(name, { host, wire: ports.wire as MemoryWire, actor });
      host.open();
    }
    await this.time.settle();
  };

  readonly close = async (): Promise<void> => {
    const closing = Promise.all(this.clients.map((client) => client.close(0)));
    let isClosed = false;
    void closing.then(() => {
      isClosed = true;
    });
    while (!isClosed) await this.time.advance(1_000);
    this.killHost();
    this.time.close();
  };

  private nowMs(): number {
    return (this.options.startAt?.getTime() ?? STARTS_AT) + this.time.monotonicMs();
  }

  private newClient(): Client {
    const number = this.clients.length + 1;
    const client = new Client({
      ports: { wire: this.server.wire("test"), clock: this.time, random: this.random, wallMs: () => this.nowMs() },
      hash: sha256,
      blobs: this.server.blobs,
      journal: (kind, actor) => this.server.journal(kind, actor),
      snapshots: (kind, actor) => this.server.snapshotsOf(kind, actor),
      wanted: this.server.wanted,
      cluster: CLUSTER, principal: "test", shard: SHARD, instance: `test-${number}`,
      processors: this.options.processors ?? availableParallelism(),
      ...(this.options.onFault === undefined ? {} : { onFault: this.options.onFault }),
    });
    this.clients.push(client);
    return client;
  }
}
