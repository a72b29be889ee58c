/** BullMQ on Redis: one queue, one worker, at three durabilities of the same Redis. */
import type { BenchJob, Client, Contender, Endpoint, Handler, Usage, Workers } from "../contender.ts";
import { allocatedBytes, memoryOf, sleep } from "../measure.ts";
import { importPeer, peerVersion } from "../servers.ts";
import { startRedis } from "./redis.ts";

interface Job {
  readonly data: BenchJob;
}

interface Queue {
  add(name: string, data: BenchJob): Promise<unknown>;
  addBulk(jobs: readonly { name: string; data: BenchJob }[]): Promise<unknown>;
  getJobCountByTypes(...types: string[]): Promise<number>;
  waitUntilReady(): Promise<unknown>;
  close(): Promise<void>;
}

interface Worker {
  on(event: "error", listener: (error: Error) => void): unknown;
  waitUntilReady(): Promise<unknown>;
  run(): Promise<void>;
  close(): Promise<void>;
}

interface BullMq {
  readonly Queue: new (name: string, options: object) => Queue;
  readonly Worker: new (name: string, work: (job: Job) => Promise<void>, options: object) => Worker;
}

interface Redis {
  info(section: string): Promise<string>;
  bgrewriteaof(): Promise<unknown>;
  save(): Promise<unknown>;
  quit(): Promise<unknown>;
}

interface IoRedis {
  readonly Redis: new (url: string, options: { maxRetriesPerRequest: null }) => Redis;
}

const queueName = "bench";
const jobName = "work";
/** Every state of a job that has not succeeded. */
const unfinishedStates = ["wait", "active", "delayed", "prioritized", "paused", "waiting-children", "failed"];
const appendOnly = ["--appendonly", "yes", "--save", ""];

export const bullmq: readonly Contender[] = [
  contender("bullmq-always", "fsync before each reply (AOF always)", [...appendOnly, "--appendfsync", "always"]),
  contender("bullmq-everysec", "fsync each second (AOF everysec)", [...appendOnly, "--appendfsync", "everysec"]),
  contender("bullmq-default", "snapshots only (Redis default)", []),
];

function contender(name: string, durability: string, persistence: readonly string[]): Contender {
  return {
    name,
    system: `BullMQ ${peerVersion("bullmq")}`,
    durability,
    tuning: "removeOnComplete; concurrency 100 (of 100, 300 and 500 the least CPU per job, with 500 adds in flight); maxmemory-policy noeviction",
    concurrency: 100,
    start: (directory) => startRedis(directory, persistence),
    connect: async (endpoint) => connect(endpoint),
  };
}

async function connect(endpoint: Endpoint): Promise<Client> {
  const library = importPeer("bullmq") as BullMq;
  const { Redis } = importPeer("ioredis") as IoRedis;
  // maxRetriesPerRequest null is what BullMQ requires of a connection handed to it.
  const redis = new Redis(endpoint.url, { maxRetriesPerRequest: null });
  const queue = new library.Queue(queueName, { connection: redis, defaultJobOptions: { removeOnComplete: true } });
  await queue.waitUntilReady();
  return {
    add: async (job) => void (await queue.add(jobName, job)),
    addMany: async (jobs) => void (await queue.addBulk(jobs.map((data) => ({ name: jobName, data })))),
    work: (handler, concurrency) => work(library, redis, handler, concurrency),
    unfinished: () => queue.getJobCountByTypes(...unfinishedStates),
    settle: async () => {},
    usage: () => usage(redis, endpoint),
    async close() {
      await queue.close();
      await redis.quit();
    },
  };
}

async function work(library: BullMq, connection: Redis, handler: Handler, concurrency: number): Promise<Workers> {
  const worker = new library.Worker(queueName, async (job) => handler(job.data.seq), { connection, concurrency, autorun: false });
  worker.on("error", ({ message }) => process.stderr.write(`bullmq: ${message}\n`));
  await worker.waitUntilReady();
  void worker.run();
  return { stop: () => worker.close() };
}

/** Storage is what Redis would start from: a freshly rewritten append-only file, or a snapshot. */
async function usage(redis: Redis, endpoint: Endpoint): Promise<Usage> {
  const memoryBytes = memoryOf(endpoint.pids);
  if (/aof_enabled:1/.test(await redis.info("persistence"))) {
    await redis.bgrewriteaof();
    while (/aof_rewrite_(in_progress|scheduled):1/.test(await redis.info("persistence"))) await sleep(50);
  } else {
    await redis.save();
  }
  return { memoryBytes, storageBytes: allocatedBytes(endpoint.directory) };
}
