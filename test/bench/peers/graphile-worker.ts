/** graphile-worker on PostgreSQL, batched as its chapter on performance configures it. */
import type { BenchJob, Client, Contender, Endpoint, Handler, Workers } from "../contender.ts";
import { importPeer, peerVersion } from "../servers.ts";
import { openPool, type PgPool, postgresUsage, startPostgres } from "./postgres.ts";

interface WorkerUtils {
  addJob(task: string, payload: BenchJob): Promise<unknown>;
  addJobs(jobs: readonly { identifier: string; payload: BenchJob }[]): Promise<unknown>;
  migrate(): Promise<void>;
  release(): Promise<void>;
}

interface Runner {
  stop(): Promise<void>;
}

type Task = (payload: BenchJob) => Promise<void>;

interface GraphileWorker {
  readonly Logger: new (factory: () => () => void) => object;
  makeWorkerUtils(options: { pgPool: PgPool; logger: object }): Promise<WorkerUtils>;
  run(options: { pgPool: PgPool; noHandleSignals: boolean; taskList: Record<string, Task>; preset: object }): Promise<Runner>;
}

const task = "work";
/** Its page has 25, with more cores: each add notifies, PostgreSQL commits notifying transactions one by one, and waiters cost. */
const poolSize = 8;

export const graphileWorker: readonly Contender[] = [
  contender("graphile-worker-fsync", "fsync before each reply (PostgreSQL default)", []),
  contender("graphile-worker-async", "fsync within 0.6 s (synchronous_commit=off)", ["synchronous_commit=off"]),
];

function contender(name: string, durability: string, settings: readonly string[]): Contender {
  return {
    name,
    system: `graphile-worker ${peerVersion("graphile-worker")}`,
    durability,
    tuning: `24 concurrent, local queue of 500, completions batched without delay (its performance page); pool of ${poolSize}`,
    concurrency: 24,
    async start(directory) {
      const server = await startPostgres(directory, settings);
      const pool = openPool(server.endpoint.url, 1);
      const utils = await library().makeWorkerUtils({ pgPool: pool, logger: silent() });
      await utils.migrate();
      await utils.release();
      await pool.end();
      return server;
    },
    connect,
  };
}

async function connect(endpoint: Endpoint): Promise<Client> {
  const pool = openPool(endpoint.url, poolSize);
  const utils = await library().makeWorkerUtils({ pgPool: pool, logger: silent() });
  return {
    add: async (job) => void (await utils.addJob(task, job)),
    addMany: async (jobs) => void (await utils.addJobs(jobs.map((payload) => ({ identifier: task, payload })))),
    work: (handler, concurrency) => work(pool, handler, concurrency),
    // A finished job is deleted, so what is there is not finished.
    async unfinished() {
      const { rows } = await pool.query<{ jobs: string }>("select count(*)::text as jobs from graphile_worker._private_jobs");
      return Number(rows[0]?.jobs);
    },
    settle: async () => void (await pool.query("analyze graphile_worker._private_jobs")),
    usage: () => postgresUsage(pool, endpoint),
    async close() {
      await utils.release();
      await pool.end();
    },
  };
}

async function work(pgPool: PgPool, handler: Handler, concurrentJobs: number): Promise<Workers> {
  const runner = await library().run({
    pgPool,
    noHandleSignals: true,
    taskList: { [task]: async ({ seq }) => handler(seq) },
    preset: { worker: { concurrentJobs, localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0, logger: silent() } },
  });
  return { stop: () => runner.stop() };
}

function library(): GraphileWorker {
  return importPeer("graphile-worker") as GraphileWorker;
}

/** Its logger prints a line for each job unless told otherwise, which would be most of the work measured. */
function silent(): object {
  return new (library().Logger)(() => () => {});
}
