/** Several shards over several processes: each is hosted where the topology places it, also after one is killed, stands still, or comes back. */
import { hostsFor } from "@longshore/discovery-agent";
import type { Instance, JobHandle, Longshore } from "longshore";
import { expect, test } from "vitest";
import type { Process } from "./instance-processes.ts";
import { lastView, said, TEST_MS, tail, until, world } from "./instance-processes.ts";

const SHARDS = ["main", "p-0", "p-1", "p-2", "p-3"];
const NAMES = ["a", "b", "c"];

const of = (process: Process, event: string, shard: string): Process["events"] => said(process, event).filter(({ actor }) => actor === `job-queue.${shard}`);
const hostsShard = (process: Process, shard: string): boolean => of(process, "host.serving", shard).length > of(process, "host.moved", shard).length;
const hostOf = (all: readonly Process[], shard: string): string => all.filter((one) => hostsShard(one, shard)).map(({ name }) => name).join();

/** Each shard is hosted by the one that the view chooses, and by nobody else. Answers where each is. */
async function settled(ls: Longshore, all: readonly Process[]): Promise<Readonly<Record<string, string>>> {
  const names = all.map(({ name }) => name).toSorted().join();
  const members = async (): Promise<readonly Instance[]> => (await ls.topology.view()).localCluster.instances;
  await until(async () => (await members()).map(({ instance }) => instance).toSorted().join() === names, () => `the program sees ${names}`);
  const instances = await members();
  const chosen = Object.fromEntries(SHARDS.map((shard) => [shard, hostsFor(instances, "job-queue", shard)[0]!.instance]));
  await until(() => SHARDS.every((shard) => hostOf(all, shard) === chosen[shard]), () => `hosted as chosen: ${JSON.stringify(chosen)}\n${tail(all)}`);
  return chosen;
}

const incarnationOf = async (ls: Longshore, name: string): Promise<string | undefined> =>
  (await ls.topology.view()).localCluster.instances.find(({ instance }) => instance === name)?.incarnation;

test("shards are hosted where they are placed: a killed host's move and no others, and they come back with it; every job is done, each key in order", { timeout: TEST_MS }, async () => {
  const { ls, start } = await world();
  // Hosts and workers in one process, and all of them started together.
  const service = ["job-queue", "worker", "jobs.mts", "--shard", SHARDS.join(), "--concurrency", "8"];
  const all = NAMES.map((name) => start(name, ...service));
  await until(() => all.every((one) => lastView(one) === NAMES.join()), () => `all see each other\n${tail(all)}`);
  // Two that opened an idle shard at once learn who was first when something is to be written: a worker's hello will do.
  await ls.queues.configure("orders", { topics: ["work"], shard: "p", partitions: 4, type: "ordered" });
  const before = await settled(ls, all);

  const jobs: JobHandle[] = [];
  const addSome = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) jobs.push(await ls.add("work", { n: jobs.length }, { key: `k${jobs.length % 10}` }));
  };
  await addSome(60);
  const killed = all.find(({ name }) => name === before["p-0"])!;
  const others = all.filter((one) => one !== killed);
  const served = new Map(others.map((one) => [one, said(one, "host.serving").length]));
  killed.child.kill("SIGKILL");
  await addSome(60);
  await until(() => others.every((one) => lastView(one) === others.map(({ name }) => name).join()), () => `the others are without it\n${tail(others)}`);
  const without = await settled(ls, others);
  const lost = SHARDS.filter((shard) => before[shard] === killed.name);
  for (const shard of SHARDS) if (!lost.includes(shard)) expect([shard, without[shard]]).toEqual([shard, before[shard]]);
  expect(others.reduce((sum, one) => sum + said(one, "host.serving").length - served.get(one)!, 0)).toBe(lost.length);

  const again = start(killed.name, ...service);
  const now = [...others, again];
  await until(() => now.every((one) => lastView(one) === NAMES.join()), () => `it is back\n${tail(now)}`);
  expect(await settled(ls, now)).toEqual(before);
  await addSome(30);
  const results = await Promise.all(jobs.map((job) => job.result()));
  expect(results.map((result) => (result as { readonly n: number }).n)).toEqual(Array.from({ length: 150 }, (_, n) => n));
  for (const shard of SHARDS) expect((await ls.history.audit(`job-queue.${shard}`)).violations).toEqual([]);
});

test("an instance that stands still is given up and its shards are hosted by one that stood by; when it goes on it returns as another incarnation, and never hosts two at once", { timeout: TEST_MS }, async () => {
  const { ls, start } = await world();
  const service = ["job-queue", "worker", "jobs.mts", "--shard", SHARDS.join(), "--concurrency", "8", "--standby"];
  const all = NAMES.map((name) => start(name, ...service));
  await until(() => all.every((one) => lastView(one) === NAMES.join()), () => `all see each other\n${tail(all)}`);
  // Two that opened an idle shard at once learn who was first when something is to be written: a worker's hello will do.
  await ls.queues.configure("orders", { topics: ["work"], shard: "p", partitions: 4, type: "ordered" });
  const before = await settled(ls, all);
  for (const one of all) for (const shard of SHARDS) if (before[shard] !== one.name) await until(() => of(one, "host.standby", shard).length > 0, () => `${one.name} stands by for ${shard}\n${tail([one])}`);

  const stuck = all.find(({ name }) => name === before["main"])!;
  const others = all.filter((one) => one !== stuck);
  const first = await incarnationOf(ls, stuck.name);
  const jobs: JobHandle[] = [];
  for (let n = 0; n < 40; n++) jobs.push(await ls.add("work", { n }));
  stuck.child.kill("SIGSTOP");
  const fromMs = performance.now();
  await until(() => others.every((one) => lastView(one) === others.map(({ name }) => name).join()), () => `the others are without it\n${tail(others)}`);
  const outMs = Math.round(performance.now() - fromMs);
  await settled(ls, others);
  process.stdout.write(`stopped ${stuck.name}; milliseconds until out of the view: ${outMs}, until its shards are hosted: ${Math.round(performance.now() - fromMs)}\n`);
  for (let n = 40; n < 80; n++) jobs.push(await ls.add("work", { n }));
  await Promise.all(jobs.map((job) => job.result()));

  stuck.child.kill("SIGCONT");
  await until(() => all.every((one) => lastView(one) === NAMES.join()), () => `it is back\n${tail(all)}`);
  expect(said(stuck, "instance.evicted")).toHaveLength(1);
  const second = await incarnationOf(ls, stuck.name);
  expect([typeof second, second === first]).toEqual(["string", false]);
  expect(await settled(ls, all)).toEqual(before);
  for (let n = 80; n < 100; n++) jobs.push(await ls.add("work", { n }));
  await Promise.all(jobs.map((job) => job.result()));
  for (const shard of SHARDS) expect((await ls.history.audit(`job-queue.${shard}`)).violations).toEqual([]);
});
