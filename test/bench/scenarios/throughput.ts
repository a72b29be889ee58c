/** How many jobs a second: taken in, worked off, and both at once. */
import { feed, feedBulk } from "../load.ts";
import { cpuBusy } from "../measure.ts";
import type { Metric, Scenario, Size } from "../scenario.ts";
import { bulkChunk, producerWarmUpJobs, type Session } from "../session.ts";

/** Inputs of one measurement together: little beside what any store has room for, and beside the memory of a machine. */
const inputBytesMax = 1024 ** 3;

export function adding(size: Size): Scenario {
  return {
    name: "add",
    inputBytes: 100,
    jobs: ({ jobs }) => 2 * jobs,
    metrics: [
      { key: "add-one", label: "add, one at a time", unit: "jobs/s", better: "higher" },
      { key: "add-concurrent", label: `add, ${size.inFlight} in flight`, unit: "jobs/s", better: "higher" },
    ],
    seconds: ({ seconds }) => seconds * 1.5 + 2,
    async run(session) {
      const { jobs, inFlight, seconds } = session.size;
      const one = await timedFeed(session, { jobs, width: 1, seconds: seconds / 2 });
      const concurrent = await timedFeed(session, { jobs, width: inFlight, seconds });
      await finishSome(session);
      return { "add-one": one, "add-concurrent": concurrent };
    },
  };
}

/** Jobs a second with `width` adds under way and nobody working. */
async function timedFeed(session: Session, { jobs, width, seconds }: { readonly jobs: number; readonly width: number; readonly seconds: number }): Promise<number> {
  const range = session.range(jobs);
  const begin = performance.now();
  const fed = await feed({ ...range, width, deadline: begin + seconds * 1000, add: session.add });
  const took = (performance.now() - begin) / 1000;
  session.expect(range.from, fed);
  return fed / took;
}

/** Works on what is left for a moment: no job may run twice, and those run and those still held must be those added. */
async function finishSome(session: Session): Promise<void> {
  const workers = await session.work();
  await session.untilEnded(session.size.jobs, 1);
  await session.finishPartly(workers);
}

export const bulkAndDrain: Scenario = {
  name: "queue",
  inputBytes: 100,
  jobs: (size) => size.jobs,
  metrics: [
    { key: "add-bulk", label: `add in bulk, ${bulkChunk} a call`, unit: "jobs/s", better: "higher" },
    { key: "drain", label: "process a filled queue", unit: "jobs/s", better: "higher" },
  ],
  seconds: ({ seconds }) => seconds * 2,
  async run(session) {
    const { jobs, seconds } = session.size;
    const begin = performance.now();
    const fed = await fill(session, jobs, session.deadline());
    const bulk = fed / ((performance.now() - begin) / 1000);
    await session.client.settle();
    const workers = await session.work();
    const { ended, atMs } = await session.untilEnded(fed, seconds);
    const drain = ended / ((atMs - session.workingSince) / 1000);
    await session.finishPartly(workers);
    return { "add-bulk": bulk, drain };
  },
};

export function endToEnd(name: string, label: string, inputBytes: number, isTraced = false): Scenario {
  const traces: readonly Metric[] = [
    { key: "kept-storage", label: "storage left per finished job", unit: "bytes/job", better: "lower" },
    { key: "replay", label: "replay of that run's whole history", unit: "events/s", better: "higher" },
  ];
  const jobsOf = (size: Size): number => Math.min(size.jobs, Math.ceil(inputBytesMax / inputBytes));
  return {
    name,
    inputBytes,
    jobs: jobsOf,
    metrics: [{ key: name, label, unit: "jobs/s", better: "higher" }, ...(isTraced ? traces : [])],
    seconds: ({ seconds }) => seconds + (isTraced ? 4 : 1),
    async run(session) {
      const before = isTraced ? (await session.client.usage()).storageBytes : 0;
      const workers = await session.work();
      const range = session.range(jobsOf(session.size));
      const begin = performance.now();
      const fed = await feed({ ...range, width: session.size.inFlight, deadline: session.deadline(), add: session.add });
      session.expect(range.from, fed);
      await session.allFinished();
      const seconds = (performance.now() - begin) / 1000;
      await session.finish(workers);
      return { [name]: fed / seconds, ...(isTraced ? await traced(session, before, fed) : {}) };
    },
  };
}

/** What a run leaves behind: its bytes, and the speed at which its history can be folded again. */
async function traced(session: Session, storageBefore: number, jobs: number): Promise<Record<string, number>> {
  await session.client.settle();
  // Followers catch up, and snapshots are written, in their own time.
  for (let look = 0; look < 20 && (await cpuBusy(250)) > 0.15; look += 1);
  const stored = { "kept-storage": ((await session.client.usage()).storageBytes - storageBefore) / jobs };
  const replayed = await session.client.host?.replay();
  return replayed === undefined ? stored : { ...stored, replay: replayed.events / (replayed.elapsedMs / 1000) };
}

export function endToEndByClients({ clients, inFlight }: Size): Scenario {
  return {
    name: "e2e-clients",
    inputBytes: 100,
    jobs: ({ jobs }) => jobs + clients * producerWarmUpJobs,
    metrics: [{ key: "e2e-clients", label: `end to end, 100 B, ${clients} client processes`, unit: "jobs/s", better: "higher" }],
    seconds: ({ seconds }) => seconds + 4,
    async run(session) {
      const producers = await session.producers(clients, Math.ceil(inFlight / clients));
      const workers = await session.work();
      const begin = performance.now();
      const fed = await producers.feed(Math.floor(session.size.jobs / clients), session.size.seconds);
      await session.allFinished();
      const seconds = (performance.now() - begin) / 1000;
      await session.finish(workers);
      return { "e2e-clients": fed / seconds };
    },
  };
}

/** Adds up to `count` jobs in bulk with nobody working, and says how many. */
export async function fill(session: Session, count: number, deadline: number = Number.POSITIVE_INFINITY): Promise<number> {
  const range = session.range(count);
  const fed = await feedBulk({ ...range, chunk: bulkChunk, deadline, addMany: session.addMany });
  session.expect(range.from, fed);
  return fed;
}
