/** What is measured: one thing done to a quiet cluster at a time, as often as asked. */
import { fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { connect } from "longshore";
import { sleep } from "../measure.ts";
import { host, type Process, until, worker } from "./processes.ts";
import { envOf, startServerAt, type Told, type World } from "./world.ts";

/** Milliseconds by the name of a row. */
export type Samples = Record<string, number[]>;

export const ROWS = {
  crashChanging: "crash-changing", crashChanged: "crash-changed", failOver: "fail-over",
  leaveChanging: "leave-changing", leaveChanged: "leave-changed", handOver: "hand-over",
  joinChanging: "join-changing", joinChanged: "join-changed",
  hungChanging: "hung-changing", hungChanged: "hung-changed", hungFailOver: "hung-fail-over",
  property: "property", leaderKilled: "leader-killed",
} as const;

/** Where a view was being changed already at the stroke, nobody is told CHANGING again: that is no time. */
export function note(samples: Samples, row: string, value: number): void {
  if (!Number.isFinite(value)) return;
  samples[row] ??= [];
  samples[row].push(value);
}

function noted(samples: Samples, rows: { readonly changing: string; readonly changed: string }, { changingMs, changedMs }: Told): void {
  note(samples, rows.changing, changingMs);
  note(samples, rows.changed, changedMs);
}

type Stroke = "SIGKILL" | "SIGTERM" | "SIGSTOP";

const ROWS_OF: Readonly<Record<Stroke, { readonly changing: string; readonly changed: string; readonly dispatch: string }>> = {
  SIGKILL: { changing: ROWS.crashChanging, changed: ROWS.crashChanged, dispatch: ROWS.failOver },
  SIGTERM: { changing: ROWS.leaveChanging, changed: ROWS.leaveChanged, dispatch: ROWS.handOver },
  SIGSTOP: { changing: ROWS.hungChanging, changed: ROWS.hungChanged, dispatch: ROWS.hungFailOver },
};

/** Every second time the host of the shard is struck; then it is also measured when jobs are begun again. */
export async function strike(world: World, stroke: Stroke, count: number, samples: Samples, progress: (words: string) => void): Promise<void> {
  for (let i = 0; i < count; i++) {
    const isHost = i % 2 === 0;
    const victim = isHost ? world.host! : world.others(world.host)[i % (world.all.length - 1)]!;
    const others = world.others(victim);
    const fromMs = Date.now();
    victim.signal(stroke);
    const rows = ROWS_OF[stroke];
    const [told, dispatchMs] = await Promise.all([
      world.told(others, fromMs, ({ instances }) => instances?.includes(victim.name) === false),
      isHost ? untilHosted(world, victim).then(() => world.dispatchedAgain(others, fromMs)) : undefined,
    ]);
    noted(samples, rows, told);
    if (dispatchMs !== undefined) note(samples, rows.dispatch, dispatchMs);
    await comesBack(world, victim, others, stroke, samples);
    await world.settled();
    progress(`${i + 1}/${count}: CHANGING ${told.changingMs} ms, CHANGED ${told.changedMs} ms${dispatchMs === undefined ? "" : `, jobs ${dispatchMs} ms`}`);
  }
}

const untilHosted = (world: World, victim: Process): Promise<void> => until("another one hosts", () => world.others(victim).some(({ isHosting }) => isHosting));

async function comesBack(world: World, victim: Process, others: readonly Process[], stroke: Stroke, samples: Samples): Promise<void> {
  if (stroke === "SIGSTOP") return victim.signal("SIGCONT");
  await victim.ends();
  const next = world.restart(victim);
  await until(`${next.name} has started`, () => next.first("instance.started", 0) !== undefined);
  const readyMs = next.first("instance.started", 0)!.atMs;
  noted(samples, { changing: ROWS.joinChanging, changed: ROWS.joinChanged }, await world.told(others, readyMs, ({ instances }) => instances?.includes(next.name) === true));
}

export async function changeProperties(world: World, count: number, samples: Samples): Promise<void> {
  for (let i = 0; i < count; i++) {
    const fromMs = Date.now();
    world.speaker.announce({ properties: { turn: String(i) } });
    const heard = (one: Process): number | undefined => one.first("topology.properties", fromMs)?.atMs;
    await until("everybody is told of the property", () => world.all.every((one) => heard(one) !== undefined));
    note(samples, ROWS.property, Math.max(...world.all.map((one) => heard(one)!)) - fromMs);
    await sleep(50);
  }
}

export interface Busy {
  readonly seconds: number;
  readonly programs: number;
  /** Views without anybody's having been hurt. */
  readonly views: number;
  /** Instances that were given up. */
  readonly evicted: number;
}

/** Twice as many programs as there are processors do nothing but count: nobody may be given up for being slow. */
export async function underLoad(world: World, seconds: number): Promise<Busy> {
  const programs = 2 * availableParallelism();
  const burning = Array.from({ length: programs }, () => fork(fileURLToPath(new URL("burn.ts", import.meta.url))));
  const fromMs = Date.now();
  await sleep(seconds * 1_000);
  for (const one of burning) one.kill("SIGKILL");
  // Whoever was given up hears of it within its next renewal.
  await sleep(6_000);
  const since = (event: string): number => Math.max(...world.all.map(({ said }) => said.filter((line) => line.event === event && line.atMs >= fromMs).length));
  return { seconds, programs, views: since("topology.view"), evicted: world.all.reduce((sum, { said }) => sum + said.filter((line) => line.event === "instance.evicted" && line.atMs >= fromMs).length, 0) };
}

/** Jobs a second that so many worker processes work off, from a queue that was filled before. */
export async function throughput(directory: string, workers: number, jobs: number): Promise<number> {
  const server = await startServerAt(directory);
  const env = envOf(server, directory);
  const hosting = host(env);
  const client = await connect({ servers: server.url, principal: "bench" });
  try {
    await until("it hosts", () => hosting.isHosting);
    const working = Array.from({ length: workers }, (_, i) => worker(`w${i + 1}`, env));
    await until("all work", () => working.every((one) => one.first("worker.started", 0) !== undefined));
    await client.queues.suspend("bench");
    await client.addAll("bench", Array.from({ length: jobs }, (_, i) => i));
    await client.queues.resume("bench");
    return await rateOf(working, jobs);
  } finally {
    await client.close();
    hosting.signal("SIGKILL");
    await server.stop();
  }
}

async function rateOf(working: readonly Process[], jobs: number): Promise<number> {
  const marks = (one: Process): readonly { readonly atMs: number; readonly started?: number }[] => one.said.filter(({ event }) => event === "job.started");
  const begun = (): number => working.reduce((sum, one) => sum + (marks(one).at(-1)?.started ?? 0), 0);
  // The last few of each are not told: it says so every 5 ms.
  await until("the queue is worked off", () => begun() >= jobs * 0.98, 120_000);
  await sleep(500);
  const fromMs = Math.min(...working.map((one) => marks(one)[0]?.atMs ?? Number.POSITIVE_INFINITY));
  const toMs = Math.max(...working.map((one) => marks(one).at(-1)?.atMs ?? 0));
  for (const one of working) one.signal("SIGKILL");
  return (begun() / (toMs - fromMs)) * 1_000;
}
