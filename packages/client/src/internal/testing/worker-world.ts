/** A worker loop on a fake wire, and the words a host says to it. */
import type { RunOptions } from "@longshore/job-queue";
import { ABORT, OUTCOME, RUN } from "@longshore/job-queue";
import { encode } from "@longshore/kernel";
import type { Attempt } from "../attempt.ts";
import { Epochs } from "../epochs.ts";
import type { Pool } from "../pool.ts";
import { WorkerLoop } from "../worker-loop.ts";
import type { FakeRequest, FakeWorld } from "./fake-wire.ts";
import { fakeWorld } from "./fake-wire.ts";

const WORK = "ls.c.wk.alice.i1.main";

export interface WorkerWorld extends FakeWorld {
  readonly epochs: Epochs;
  readonly loop: WorkerLoop;
  readonly pool: Pool;
  /** In the order they began. */
  readonly started: readonly Attempt[];
  readonly faults: readonly string[];
  run(job: number, attempt?: number, options?: Partial<RunOptions>, epoch?: number, topic?: string): void;
  abort(job: number, attempt: number, reason: string): void;
  /** Answers every open hello. */
  greet(fields?: object): void;
  /** The report that waits for an answer. */
  report(): FakeRequest;
  /** A host takes it. */
  taken(epoch?: number): void;
  /** A message is lost. */
  skip(): void;
}

export function workerWorld({ slots = 2, topics = ["t/a"] }: { readonly slots?: number; readonly topics?: readonly string[] } = {}): WorkerWorld {
  const world = fakeWorld();
  const { wire } = world;
  const epochs = new Epochs();
  const faults: string[] = [];
  const loop = new WorkerLoop(world.ports, world.place, { instance: "i1", incarnation: "inc-1", processors: 4 }, world.limits, epochs, { fault: (code) => faults.push(code) });
  const started: Attempt[] = [];
  const pool = loop.addPool({ topics, slots, start: (attempt) => started.push(attempt) });
  let told = 0;
  let isGreeted = false;
  const run = (job: number, attempt = 1, options: Partial<RunOptions> = {}, epoch = 1, topic = "t/a"): void => {
    // A host gives work only to whom it has taken in.
    if (!isGreeted) greet();
    wire.tell(WORK, [epoch, ++told, [[RUN, job, attempt, `main.${job}`, topic, encode({ job }), { failures: 0, retries: 1, ...options }]]]);
  };
  const abort = (job: number, attempt: number, reason: string): void => {
    wire.tell(WORK, [1, ++told, [[ABORT, job, attempt, reason]]]);
  };
  const greet = (fields: object = {}): void => {
    isGreeted = true;
    for (const hello of wire.open(".hi.")) hello.answer({ epoch: 1, told, at: 0, member: 1, proven: true, ...fields });
  };
  const report = (): FakeRequest => {
    world.clock.advance(0);
    return wire.open(".cm.")[0]!;
  };
  const taken = (epoch = 1): void => report().answer({ epoch, commit: 5, count: 1 });
  return { ...world, epochs, loop, pool, started, faults, run, abort, greet, report, taken, skip: () => void ++told };
}

export const succeeded = (job: number, attempt = 1): unknown => [job, attempt, OUTCOME.succeeded, null];
