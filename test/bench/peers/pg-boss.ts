/** pg-boss on PostgreSQL: workers that fetch in batches and are woken instead of polling. */
import type { BenchJob, Client, Contender, Endpoint, Handler, Workers } from "../contender.ts";
import { sleep } from "../measure.ts";
import { importPeer, peerVersion } from "../servers.ts";
import { openPool, postgresUsage, startPostgres } from "./postgres.ts";

interface Boss {
  start(): Promise<unknown>;
  stop(options: { graceful: boolean }): Promise<void>;
  on(event: "error", listener: (error: Error) => void): unknown;
  createQueue(name: string): Promise<void>;
  send(name: string, data: BenchJob): Promise<string | null>;
  insert(jobs: readonly { name: string; data: BenchJob }[]): Promise<unknown>;
  work(name: string, options: object, handler: (jobs: readonly { data: BenchJob }[]) => Promise<void>): Promise<string>;
  offWork(name: string): Promise<void>;
  notifyWorker(id: string): void;
  getQueueSize(name: string, options: { before: "completed" }): Promise<number>;
}

type PgBoss = new (options: object) => Boss;

const queueName = "bench";
/** With 2 workers the quickest of 100 … 1 000 on two cores; each fetch and each completion is one transaction. */
const batchSize = 1000;

export const pgBoss: readonly Contender[] = [
  contender("pg-boss-fsync", "fsync before each reply (PostgreSQL default)", []),
  contender("pg-boss-async", "fsync within 0.6 s (synchronous_commit=off)", ["synchronous_commit=off"]),
];

function contender(name: string, durability: string, settings: readonly string[]): Contender {
  return {
    name,
    system: `pg-boss ${peerVersion("pg-boss")}`,
    durability,
    tuning:
      "2 workers of batchSize 1000, polling at its 0.5 s minimum, and notifyWorker on each add and each full batch " +
      "to skip the wait (possible within one process only)",
    concurrency: 2000,
    async start(directory) {
      const server = await startPostgres(directory, settings);
      const boss = await open(server.endpoint);
      await boss.createQueue(queueName);
      await boss.stop({ graceful: false });
      return server;
    },
    connect,
  };
}

/** Maintenance and schedules off: they would only compete with what is measured. */
async function open(endpoint: Endpoint): Promise<Boss> {
  const PgBoss = importPeer("pg-boss") as PgBoss;
  const boss = new PgBoss({ connectionString: endpoint.url, max: 20, supervise: false, schedule: false });
  boss.on("error", ({ message }) => process.stderr.write(`pg-boss: ${message}\n`));
  await boss.start();
  return boss;
}

async function connect(endpoint: Endpoint): Promise<Client> {
  const boss = await open(endpoint);
  const pool = openPool(endpoint.url, 1);
  const workerIds: string[] = [];
  let turn = 0;
  const unfinished = () => boss.getQueueSize(queueName, { before: "completed" });
  const wakeOne = () => {
    turn += 1;
    const id = workerIds[turn % workerIds.length];
    if (id !== undefined) boss.notifyWorker(id);
  };
  return {
    async add(job) {
      await boss.send(queueName, job);
      wakeOne();
    },
    addMany: async (jobs) => void (await boss.insert(jobs.map((data) => ({ name: queueName, data })))),
    work: (handler, concurrency) => work(boss, handler, concurrency, workerIds),
    unfinished,
    // Without statistics the planner takes a plan an order of magnitude slower (peers.md §3.2); autovacuum would bring them.
    settle: async () => void (await pool.query("analyze")),
    usage: () => postgresUsage(pool, endpoint),
    async close() {
      await pool.end();
      await boss.stop({ graceful: false });
    },
  };
}

/** `workerIds` is filled for as long as the workers run, for `add` to wake them. */
async function work(boss: Boss, handler: Handler, concurrency: number, workerIds: string[]): Promise<Workers> {
  const addWorker = async () => {
    let id = "";
    id = await boss.work(queueName, { batchSize, pollingIntervalSeconds: 0.5 }, (jobs) => {
      for (const { data } of jobs) handler(data.seq);
      // A full batch promises more; told within the handler, the worker fetches again at once.
      if (jobs.length === batchSize) boss.notifyWorker(id);
      return Promise.resolve();
    });
    workerIds.push(id);
  };
  for (let started = 0; started < Math.ceil(concurrency / batchSize); started += 1) await addWorker();
  return {
    async stop() {
      workerIds.length = 0;
      await boss.offWork(queueName);
      // offWork does not wait, and a fetch already sent may still bring a batch.
      await sleep(500);
    },
  };
}
