/** A long queue: how fast it fills and drains, what a waiting job costs, and whether anything stalls meanwhile. */
import type { HostProbe } from "../contender.ts";
import { feed } from "../load.ts";
import { percentile } from "../measure.ts";
import { grouped, type Metric, type Scenario } from "../scenario.ts";
import type { Session } from "../session.ts";
import { fill } from "./throughput.ts";

export function backlog(waiting: number): Scenario {
  const many = `${grouped(waiting)} waiting`;
  const metric = (key: string, label: string, unit: Metric["unit"], better: Metric["better"] = "lower"): Metric => ({ key: `backlog-${key}`, label, unit, better });
  return {
    name: "backlog",
    isLong: true,
    inputBytes: 100,
    jobs: (size) => waiting + size.jobs,
    metrics: [
      metric("fill", `fill to ${many}, in bulk`, "jobs/s", "higher"),
      metric("drain", `process with ${many}`, "jobs/s", "higher"),
      metric("add-p99", `add while working, ${many}, p99`, "ms"),
      metric("add-max", `add while working, ${many}, longest`, "ms"),
      metric("pause-p99", `pause of the host's loop meanwhile, p99`, "ms"),
      metric("pause-max", `pause of the host's loop meanwhile, longest`, "ms"),
      metric("memory", `memory of all server processes per waiting job (${grouped(waiting)})`, "bytes/job"),
      metric("heap", `heap of the host per waiting job, beside its payload (${grouped(waiting)})`, "bytes/job"),
      metric("storage", `storage per waiting job (${grouped(waiting)})`, "bytes/job"),
    ],
    seconds: ({ seconds }) => waiting / 35_000 + seconds * 2 + 3,
    async run(session) {
      const { client } = session;
      const empty = await held(session);
      const begin = performance.now();
      await fill(session, waiting);
      const fillSeconds = (performance.now() - begin) / 1000;
      await client.settle();
      const full = await held(session);
      const perJob = (key: keyof Held): number => (full[key] - empty[key]) / waiting;
      const workers = await session.work();
      const adds = await addMeanwhile(session);
      const drained = await session.handledWithin(Math.ceil(waiting / 2), session.size.seconds);
      await session.finishPartly(workers);
      return {
        "backlog-fill": waiting / fillSeconds, "backlog-drain": drained, ...adds,
        "backlog-memory": perJob("memoryBytes"), "backlog-storage": perJob("storageBytes"), "backlog-heap": perJob("heapBytes"),
      };
    },
  };
}

interface Held {
  readonly memoryBytes: number;
  readonly storageBytes: number;
  /** Without payloads; NaN where there is no heap to ask for. */
  readonly heapBytes: number;
}

async function held({ client }: Session): Promise<Held> {
  // The memory first: what is collected for the heap's sake is memory that nobody would have given back.
  const usage = await client.usage();
  return { ...usage, heapBytes: client.host === undefined ? Number.NaN : await heapBeside(client.host) };
}

const heapBeside = async (host: HostProbe): Promise<number> => (await host.heapBytes()) - (await host.payloadBytes());

/** Adds while the workers drain, as many in flight as anywhere: how long the adds took, and how long the host's loop stood still. */
async function addMeanwhile(session: Session): Promise<Record<string, number>> {
  const { client, size } = session;
  await client.host?.pauses();
  const tookMs: number[] = [];
  const range = session.range(size.jobs);
  const fed = await feed({
    ...range, width: size.inFlight, deadline: session.deadline(),
    async add(seq) {
      const begin = performance.now();
      await session.add(seq);
      tookMs.push(performance.now() - begin);
    },
  });
  session.expect(range.from, fed);
  const pauses = await client.host?.pauses();
  return {
    "backlog-add-p99": percentile(tookMs, 0.99), "backlog-add-max": percentile(tookMs, 1),
    ...(pauses === undefined ? {} : { "backlog-pause-p99": pauses.p99Ms, "backlog-pause-max": pauses.maxMs }),
  };
}
