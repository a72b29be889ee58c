/** What only the whole system shows of jobs in another cluster: its queues, its instances and its store are its own. */
import type { JobContext } from "longshore";
import { expect, it } from "vitest";
import { eventually, rowsWorld } from "./offload/world.ts";

const TEST_MS = 60_000;
const TOPIC = "media/work";

/** Handlers that wait until they are let go, and who is in one now. */
function gate() {
  const open: (() => void)[] = [];
  let [running, most] = [0, 0];
  const inside: string[] = [];
  const handler = (name: string) => async (): Promise<string> => {
    most = Math.max(most, ++running);
    inside.push(name);
    await new Promise<void>((go) => open.push(go));
    running--;
    return name;
  };
  return { handler, inside, most: () => most, running: () => running, next: () => open.shift()?.() };
}

it("OFF-DST-05 OFF-DST-06 jobs are spread over the instances of the other cluster that have the topic enabled, and none goes to one that has not", async () => {
  const { origin, there, works } = await rowsWorld();
  const work = gate();
  for (const name of ["wa", "wb", "wc"]) await works(name, TOPIC, work.handler(name), { concurrency: 1 });
  await there.operator.topics.disable(TOPIC, "wc");
  await eventually("the origin knows who takes the topic there", async () => (await origin.operator.topics.list()).some(({ remote }) => remote.some(({ instance, state }) => instance === "wc" && state === "disabled")));
  const jobs = await origin.submitter.addAll(TOPIC, [1, 2]);
  await eventually("both run", () => work.running() === 2);
  expect(work.inside.toSorted()).toEqual(["wa", "wb"]);
  work.next();
  work.next();
  expect((await Promise.all(jobs.map((job) => job.result()))).toSorted()).toEqual(["wa", "wb"]);
}, TEST_MS);

it("OFF-RUN-04 OFF-RUN-05 OFF-ORG-03 a guest keeps the rules of the queue it came to: its limit, and its being suspended; at home it is found by its topic", async () => {
  const { origin, there, works } = await rowsWorld();
  const work = gate();
  await there.operator.queues.configure("narrow", { topics: [TOPIC], maxParallel: 1 });
  await works("w", TOPIC, work.handler("w"));
  const jobs = await origin.submitter.addAll(TOPIC, [1, 2, 3]);
  await eventually("one runs, and the others are there, too", async () => work.running() === 1 && (await there.operator.offload.guests()).filter(({ phase }) => phase === "submitted").length === 3);
  await there.operator.queues.suspend("narrow");
  work.next();
  await eventually("it has come home", async () => (await origin.operator.jobs.find({ topic: TOPIC, state: "active" })).jobs.length === 2);
  expect([work.running(), work.inside.length]).toEqual([0, 1]);
  await there.operator.queues.resume("narrow");
  for (let n = 2; n <= 3; n++) {
    await eventually(`the job number ${n} runs`, () => work.running() === 1 && work.inside.length === n);
    work.next();
  }
  await Promise.all(jobs.map((job) => job.result()));
  expect(work.most()).toBe(1);
}, TEST_MS);

it("OFF-RUN-15 OFF-RUN-16 OFF-RUN-17 a handler finds the files that were named and no others; a job that it adds there is one of that cluster", async () => {
  const { origin, there, works } = await rowsWorld();
  await works("w2", "media/part", () => "done there");
  const found: string[][] = [];
  await works("w", TOPIC, async (_: unknown, { inputs, jobId }: JobContext) => {
    found.push([...inputs.keys()]);
    return (await there.submitter.add("media/part", { of: jobId })).id;
  });
  const job = await origin.submitter.add(TOPIC, null, { inputs: { named: Buffer.from("named") } });
  const part = String(await job.result());
  expect(found).toEqual([["named"]]);
  await eventually("the part has ended there", async () => (await there.operator.jobs.get(part))?.state === "succeeded");
  expect(await origin.operator.jobs.get(part)).toBeUndefined();
  const info = await origin.operator.jobs.get(job.id);
  expect(info!.startedAt! <= info!.endedAt!).toBe(true);
}, TEST_MS);
