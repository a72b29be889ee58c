/** What is measured: jobs that go away against the same jobs done at home, and bytes that travel with them against a plain copy. */
import { randomBytes } from "node:crypto";
import type { JobHandle } from "longshore";
import { copyObjects } from "./objects.ts";
import { ECHO_TOPIC, NOTHING_TOPIC, type Where } from "./topics.ts";
import { QUEUE, type World } from "./world.ts";

export const MIB = 1_024 ** 2;
const SMALL = "x".repeat(100);
/** Objects copied at a time, whichever is faster counts. */
const PARALLEL = [1, 4] as const;

export interface RoundTrips {
  /** Milliseconds from `add` until its result is told, by where it was done. */
  readonly here: number[];
  readonly there: number[];
}

/** One at a time, each kind in turn, with nothing else to do. */
export async function roundTrips({ origin }: World, count: number): Promise<RoundTrips> {
  const samples: RoundTrips = { here: [], there: [] };
  for (let i = 0; i < count; i++) {
    for (const where of ["here", "there"] as const) {
      const fromMs = performance.now();
      await (await origin.add(`${NOTHING_TOPIC}-${where}`, SMALL)).result();
      samples[where].push(performance.now() - fromMs);
    }
  }
  return samples;
}

/** Jobs a second, from a queue that was filled before, until the last has ended at its origin. */
export async function rateOf({ origin }: World, where: Where, jobs: number): Promise<number> {
  await origin.queues.suspend(QUEUE);
  const handles = await origin.addAll(`${NOTHING_TOPIC}-${where}`, Array.from({ length: jobs }, () => SMALL));
  const results = handles.map((handle) => handle.result());
  const fromMs = performance.now();
  await origin.queues.resume(QUEUE);
  await Promise.all(results);
  return (jobs / (performance.now() - fromMs)) * 1_000;
}

export interface Carriage {
  readonly count: number;
  readonly bytes: number;
  readonly routerMs: number;
  readonly copyMs: number;
}

/** From a queue of jobs with an input each, whose bytes are all at the origin, until the last has ended there. */
export async function carriage(world: World, count: number, bytes: number): Promise<Carriage> {
  const { origin } = world;
  const objects = Array.from({ length: count }, () => randomBytes(bytes));
  const times: number[] = [];
  for (const parallel of PARALLEL) times.push(await copyObjects(world, objects, parallel));
  await origin.queues.suspend(QUEUE);
  const handles: JobHandle[] = [];
  for (const object of objects) handles.push(await origin.add(`${NOTHING_TOPIC}-there`, null, { inputs: { object } }));
  const results = handles.map((handle) => handle.result());
  const fromMs = performance.now();
  await origin.queues.resume(QUEUE);
  await Promise.all(results);
  return { count, bytes, routerMs: performance.now() - fromMs, copyMs: Math.min(...times) };
}

export interface Known {
  readonly bytes: number;
  /** Over the link, both ways: a job without any input, one whose input is new there, one whose input lies there already. */
  readonly without: number;
  readonly asNew: number;
  readonly asKnown: number;
}

/** Each job gives its input back as its output, which its origin has. */
export async function known(world: World, bytes: number): Promise<Known> {
  const { origin, there } = world;
  const carriedBy = async (inputs: Readonly<Record<string, Uint8Array>>): Promise<number> => {
    const before = world.carried;
    await (await origin.add(`${ECHO_TOPIC}-there`, null, { inputs })).result();
    return world.carried - before;
  };
  const [fresh, familiar] = [randomBytes(bytes), randomBytes(bytes)];
  await (await there.add(`${ECHO_TOPIC}-there`, null, { inputs: { familiar } })).result();
  return { bytes, without: await carriedBy({}), asNew: await carriedBy({ fresh }), asKnown: await carriedBy({ familiar }) };
}
