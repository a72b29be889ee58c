/**
 * What is measured. Each scenario gets a system started afresh, warms it up, holds the clock only over
 * what its name says, and then proves by ledger that every job it ever added ran exactly once.
 */
import { feed, feedAtRate, feedBulk } from "./load.ts";
import { percentile, sleep } from "./measure.ts";
import { producerWarmUpJobs, type Session } from "./session.ts";

export interface Metric {
  readonly key: string;
  readonly label: string;
  readonly unit: "jobs/s" | "ms" | "bytes/job";
  readonly better: "higher" | "lower";
}

export interface Scenario {
  readonly name: string;
  /** JSON bytes of one job's input. */
  readonly inputBytes: number;
  /** How many jobs beside the warm-up the ledger must have room for. */
  jobs(size: Size): number;
  readonly metrics: readonly Metric[];
  run(session: Session): Promise<Readonly<Record<string, number>>>;
}

/** How much to measure; set on the command line, the same for every contender. */
export interface Size {
  readonly jobs: number;
  /** Longest time that jobs are offered in one measurement; a slow system gets fewer, not more time. */
  readonly seconds: number;
  readonly inFlight: number;
  readonly clients: number;
  readonly backlog: number;
  readonly rate: number;
  readonly samples: number;
}

const bulkChunk = 1000;

export function scenarios(size: Size): readonly Scenario[] {
  return [
    addScenario("add-one", "add, one at a time", 1, Math.ceil(size.jobs / 10)),
    addScenario("add-concurrent", `add, ${size.inFlight} in flight`, size.inFlight, size.jobs),
    addBulk,
    drain,
    endToEnd("e2e-100b", "end to end, 100 B", 100, size.jobs),
    endToEnd("e2e-1k", "end to end, 1 KiB", 1024, size.jobs),
    endToEnd("e2e-16k", "end to end, 16 KiB", 16 * 1024, Math.ceil(size.jobs / 4)),
    endToEndByClients(size),
    latencyIdle,
    latencyUnderLoad(size.rate),
    backlog(size),
  ];
}

function addScenario(name: string, label: string, width: number, jobs: number): Scenario {
  return {
    name,
    inputBytes: 100,
    jobs: () => jobs,
    metrics: [{ key: name, label, unit: "jobs/s", better: "higher" }],
    async run(session) {
      const range = session.range(jobs);
      const begin = performance.now();
      const fed = await feed({ ...range, width, deadline: session.deadline(), add: session.add });
      const seconds = (performance.now() - begin) / 1000;
      session.expect(range.from, fed);
      await session.finish(await session.work());
      return { [name]: fed / seconds };
    },
  };
}

const addBulk: Scenario = {
  name: "add-bulk",
  inputBytes: 100,
  jobs: (size) => size.jobs,
  metrics: [{ key: "add-bulk", label: `add in bulk, ${bulkChunk} a call`, unit: "jobs/s", better: "higher" }],
  async run(session) {
    const begin = performance.now();
    const fed = await fill(session, session.size.jobs);
    const seconds = (performance.now() - begin) / 1000;
    await session.finish(await session.work());
    return { "add-bulk": fed / seconds };
  },
};

const drain: Scenario = {
  name: "drain",
  inputBytes: 100,
  jobs: (size) => size.jobs,
  metrics: [{ key: "drain", label: "process a filled queue", unit: "jobs/s", better: "higher" }],
  async run(session) {
    const fed = await fill(session, session.size.jobs);
    await session.client.settle();
    const workers = await session.work();
    await session.allFinished();
    const seconds = (performance.now() - session.workingSince) / 1000;
    await session.finish(workers);
    return { drain: fed / seconds };
  },
};

function endToEnd(name: string, label: string, inputBytes: number, jobs: number): Scenario {
  return {
    name,
    inputBytes,
    jobs: () => jobs,
    metrics: [{ key: name, label, unit: "jobs/s", better: "higher" }],
    async run(session) {
      const workers = await session.work();
      const range = session.range(jobs);
      const begin = performance.now();
      const fed = await feed({ ...range, width: session.size.inFlight, deadline: session.deadline(), add: session.add });
      session.expect(range.from, fed);
      await session.allFinished();
      const seconds = (performance.now() - begin) / 1000;
      await session.finish(workers);
      return { [name]: fed / seconds };
    },
  };
}

function endToEndByClients({ clients, inFlight, jobs }: Size): Scenario {
  return {
    name: "e2e-clients",
    inputBytes: 100,
    jobs: () => jobs + clients * producerWarmUpJobs,
    metrics: [{ key: "e2e-clients", label: `end to end, 100 B, ${clients} client processes`, unit: "jobs/s", better: "higher" }],
    async run(session) {
      const producers = await session.producers(clients, Math.ceil(inFlight / clients));
      const workers = await session.work();
      const begin = performance.now();
      const fed = await producers.feed(Math.floor(jobs / clients), session.size.seconds);
      await session.allFinished();
      const seconds = (performance.now() - begin) / 1000;
      await session.finish(workers);
      return { "e2e-clients": fed / seconds };
    },
  };
}

const latencyIdle: Scenario = {
  name: "latency-idle",
  inputBytes: 100,
  jobs: (size) => size.samples,
  metrics: [
    { key: "idle-p50", label: "add to handler start, idle, p50", unit: "ms", better: "lower" },
    { key: "idle-p99", label: "add to handler start, idle, p99", unit: "ms", better: "lower" },
  ],
  async run(session) {
    const latencies: number[] = [];
    const workers = await session.work();
    const { from, count } = session.range(session.size.samples);
    for (let seq = from; seq < from + count; seq += 1) {
      const begin = performance.now();
      const [started] = await Promise.all([session.started(seq), session.add(seq)]);
      latencies.push(started - begin);
      // Let the worker go back to waiting, so that each job finds the system idle.
      await sleep(5);
    }
    session.expect(from, count);
    await session.finish(workers);
    return { "idle-p50": percentile(latencies, 0.5), "idle-p99": percentile(latencies, 0.99) };
  },
};

function latencyUnderLoad(perSecond: number): Scenario {
  const seconds = 5;
  return {
    name: "latency-load",
    inputBytes: 100,
    jobs: () => perSecond * seconds,
    metrics: [
      { key: "load-p50", label: `add to handler start at ${perSecond} jobs/s, p50`, unit: "ms", better: "lower" },
      { key: "load-p99", label: `add to handler start at ${perSecond} jobs/s, p99`, unit: "ms", better: "lower" },
    ],
    async run(session) {
      const latencies: number[] = [];
      const workers = await session.work();
      const { from, count } = session.range(perSecond * seconds);
      const begin = performance.now();
      const add = (seq: number, offered: number) => {
        void session.started(seq).then((started) => latencies.push(started - offered));
        return session.add(seq);
      };
      await feedAtRate({ from, count, perSecond, add });
      session.expect(from, count);
      await session.allFinished();
      const tookSeconds = (performance.now() - begin) / 1000;
      await session.finish(workers);
      // Its queue grew all the time: what was measured is how long the test was, not the system.
      if (tookSeconds > seconds * 1.2) throw new Error(`did not keep up with ${perSecond} jobs/s: took ${tookSeconds.toFixed(1)} s for ${seconds} s of jobs`);
      return { "load-p50": percentile(latencies, 0.5), "load-p99": percentile(latencies, 0.99) };
    },
  };
}

function backlog({ backlog: waiting, jobs }: Size): Scenario {
  const label = waiting.toLocaleString("en").replaceAll(",", " ");
  return {
    name: "backlog",
    inputBytes: 100,
    jobs: () => waiting,
    metrics: [
      { key: "backlog-fill", label: `fill to ${label} waiting, in bulk`, unit: "jobs/s", better: "higher" },
      { key: "backlog-drain", label: `process with ${label} waiting`, unit: "jobs/s", better: "higher" },
      { key: "backlog-memory", label: `server memory per waiting job (${label})`, unit: "bytes/job", better: "lower" },
      { key: "backlog-storage", label: `storage per waiting job (${label})`, unit: "bytes/job", better: "lower" },
    ],
    async run(session) {
      const empty = await session.client.usage();
      const begin = performance.now();
      await fill(session, waiting);
      const fillSeconds = (performance.now() - begin) / 1000;
      await session.client.settle();
      const full = await session.client.usage();
      // The rate at the front of the backlog: as many jobs as the drain scenario, with the rest still waiting.
      const share = Math.min(jobs, Math.ceil(waiting / 2));
      const workers = await session.work();
      const { ended, atMs } = await session.untilEnded(share);
      await session.finishPartly(workers);
      return {
        "backlog-fill": waiting / fillSeconds,
        "backlog-drain": ended / ((atMs - session.workingSince) / 1000),
        "backlog-memory": (full.memoryBytes - empty.memoryBytes) / waiting,
        "backlog-storage": (full.storageBytes - empty.storageBytes) / waiting,
      };
    },
  };
}

/** Adds `count` jobs in bulk with nobody working. No deadline: how many wait is the point. */
async function fill(session: Session, count: number): Promise<number> {
  const range = session.range(count);
  const fed = await feedBulk({ ...range, chunk: bulkChunk, deadline: Number.POSITIVE_INFINITY, addMany: session.addMany });
  session.expect(range.from, fed);
  return fed;
}
