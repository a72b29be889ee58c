import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectNats, provision, startServer } from "@longshore/nats";
import { connect, defineJob, type Longshore } from "longshore";
import { type Command, command } from "../command.ts";
import { failed, wrongUsage } from "../errors.ts";
import { foldAny } from "../history/fold.ts";
import { liveSource } from "../history/live-source.ts";
import type { Io } from "../io.ts";
import { openLog } from "../log.ts";
import { hint, present } from "../present.ts";
import { progressOf } from "../render/progress.ts";
import { showCount, showDuration, showRate } from "../render/quantities.ts";
import { renderTable } from "../render/table.ts";
import { startJobQueue } from "../services/job-queue.ts";
import { Closing, untilStopped } from "../stopping.ts";

interface Figure {
  readonly what: string;
  readonly jobs: number;
  /** Jobs (or events) per second. */
  readonly perSecond: number;
  readonly p50Ms?: number;
  readonly p99Ms?: number;
}

interface Settings {
  readonly jobs: number;
  readonly payloadBytes: number;
  readonly inFlight: number;
  readonly concurrency: number;
}

const DEFAULTS: Settings = { jobs: 20_000, payloadBytes: 20, inFlight: 1_000, concurrency: 200 };
const LATENCY_JOBS = 200;
/** Of the jobs of a figure, run before it is taken: code is compiled when it has run for a while. */
const WARM_UP = 0.2;

export const bench: Command = command({
  name: "bench",
  group: "operate",
  summary: "This system's own figures on this machine, on a server of its own that is thrown away",
  details: ["The server syncs every write to disk. Host, worker and client share one process, so a bigger machine with several does better. Comparisons with other systems are in test/bench of the repository."],
  options: {
    jobs: { kind: "integer", value: "<n>", help: `jobs per figure; ${DEFAULTS.jobs} when absent` },
    payload: { kind: "integer", value: "<bytes>", help: `size of an input; ${DEFAULTS.payloadBytes} when absent` },
    inFlight: { kind: "integer", value: "<n>", help: `adds under way at a time; ${DEFAULTS.inFlight} when absent` },
    concurrency: { kind: "integer", value: "<n>", help: `attempts at a time; ${DEFAULTS.concurrency} when absent` },
  },
  examples: [{ line: "longshore bench --payload 1024", says: "with inputs of 1 KiB" }],
  connects: false,
  endsInOrder: true,
  async run({ options, shared, io }) {
    const settings: Settings = {
      jobs: atLeastOne("--jobs", options.jobs ?? DEFAULTS.jobs),
      payloadBytes: options.payload ?? DEFAULTS.payloadBytes,
      inFlight: atLeastOne("--in-flight", options.inFlight ?? DEFAULTS.inFlight),
      concurrency: atLeastOne("--concurrency", options.concurrency ?? DEFAULTS.concurrency),
    };
    const closing = new Closing(openLog(io, { log: "off", logLevel: undefined }));
    try {
      const figures = await Promise.race([measure(settings, io, closing), untilStopped(io)]);
      if (typeof figures === "string") throw failed("cli/interrupted", "interrupted", "its server and its store are gone again");
      const machine = { cpu: cpus()[0]?.model ?? "", processors: availableParallelism(), node: process.version };
      await present({ shared, io }, { machine, settings, figures }, () => figuresText(figures, io));
      hint({ shared, io }, `${machine.processors} × ${machine.cpu}, node ${machine.node}, inputs of ${settings.payloadBytes} bytes, every write synced`);
    } finally {
      await closing.closeAll();
    }
  },
});

function atLeastOne(option: string, value: number): number {
  if (value >= 1) return value;
  throw wrongUsage(`${option} must be 1 or more`, `for example ${option} 1000`);
}

async function measure(settings: Settings, io: Io, closing: Closing): Promise<readonly Figure[]> {
  const storeDir = await mkdtemp(join(tmpdir(), "longshore-bench-"));
  closing.add("store", () => rm(storeDir, { recursive: true, force: true }));
  const server = await startServer({ storeDir });
  closing.add("nats-server", () => server.stop());
  const nats = { principal: "bench", servers: server.url };
  const setup = await connectNats(nats);
  await provision(setup, { cluster: "main" });
  await setup.close();
  const service = await startJobQueue({ connection: nats, takeOver: true });
  closing.add("job-queue", () => service.close());
  const ls = await connect({ servers: server.url, principal: "bench" });
  closing.add("client", () => ls.close());
  await endToEnd(ls, { ...settings, jobs: Math.ceil(settings.jobs * WARM_UP) }, io);
  const figures = [await adding(ls, settings, io), await endToEnd(ls, settings, io), await idle(ls)];
  const history = await liveSource(await connectNats(nats), { cluster: "main", kind: "job-queue", actor: "main" });
  closing.add("history", () => history.close());
  const { events, elapsedMs } = await foldAny(history);
  return [...figures, { what: "replay, in events", jobs: events, perSecond: (events * 1_000) / elapsedMs }];
}

const textOf = (bytes: number): string => "x".repeat(Math.max(0, bytes));

/** Nobody works: what is measured is how fast jobs become durable. */
async function adding(ls: Longshore, { jobs, payloadBytes, inFlight }: Settings, io: Io): Promise<Figure> {
  const job = defineJob<{ readonly text: string }, null>("bench/add");
  const input = { text: textOf(payloadBytes) };
  return timed("add, until durable", jobs, inFlight, io, () => ls.add(job, input));
}

async function endToEnd(ls: Longshore, { jobs, payloadBytes, inFlight, concurrency }: Settings, io: Io): Promise<Figure> {
  const job = defineJob<{ readonly text: string }, null>("bench/run");
  const input = { text: textOf(payloadBytes) };
  const worker = await ls.work(job, () => null, { concurrency });
  const figure = await timed("add, run, result", jobs, inFlight, io, async () => (await ls.add(job, input)).result());
  await worker.close();
  return figure;
}

/** One job at a time: from `add` to the first line of its handler. */
async function idle(ls: Longshore): Promise<Figure> {
  const job = defineJob<null, null>("bench/idle");
  let started: () => void = () => undefined;
  const worker = await ls.work(job, () => {
    started();
    return null;
  }, { concurrency: 1 });
  const times: number[] = [];
  const startMs = performance.now();
  for (let i = 0; i < LATENCY_JOBS; i++) {
    const addedMs = performance.now();
    const start = new Promise<void>((resolve) => { started = resolve; });
    const handle = await ls.add(job, null);
    await start;
    times.push(performance.now() - addedMs);
    await handle.result();
  }
  const perSecond = (LATENCY_JOBS * 1_000) / (performance.now() - startMs);
  await worker.close();
  return { what: "idle, add to start", jobs: LATENCY_JOBS, perSecond, ...percentiles(times) };
}

async function timed(what: string, jobs: number, inFlight: number, io: Io, one: () => Promise<unknown>): Promise<Figure> {
  const progress = progressOf(io, `jobs: ${what}`);
  const times: number[] = [];
  let next = 0;
  const startMs = performance.now();
  const lane = async (): Promise<void> => {
    while (next < jobs) {
      next++;
      const oneMs = performance.now();
      await one();
      times.push(performance.now() - oneMs);
      progress.at(times.length, jobs);
    }
  };
  await Promise.all(Array.from({ length: Math.min(inFlight, jobs) }, lane)).finally(() => progress.end());
  return { what, jobs, perSecond: (jobs * 1_000) / (performance.now() - startMs), ...percentiles(times) };
}

function percentiles(times: number[]): { readonly p50Ms: number; readonly p99Ms: number } {
  times.sort((a, b) => a - b);
  const at = (part: number): number => times[Math.min(times.length - 1, Math.floor(times.length * part))] ?? 0;
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
}

const figuresText = (figures: readonly Figure[], io: Io): string =>
  renderTable(figures, [
    { head: "what", cell: ({ what }) => what },
    { head: "count", cell: ({ jobs }) => showCount(jobs), align: "right" },
    { head: "rate", cell: ({ perSecond }) => showRate(perSecond), align: "right" },
    { head: "p50", cell: ({ p50Ms }) => (p50Ms === undefined ? "" : showDuration(p50Ms)), align: "right" },
    { head: "p99", cell: ({ p99Ms }) => (p99Ms === undefined ? "" : showDuration(p99Ms)), align: "right" },
  ], io.outScreen);
