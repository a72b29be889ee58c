/** Processes that die under load: a host, a worker, the server. */
import { expect, test } from "vitest";
import { Load } from "./load.ts";
import { judge } from "./verdict.ts";
import { until, type WorkerMember, World } from "./world.ts";

const SOUND = { wrong: [] };

test("F02 a host killed under load loses nothing: another goes on where the journal ends", async () => {
  const world = await World.open();
  const [first] = await Promise.all([world.servingHost(), world.worker("w1"), world.worker("w2")]);
  const standby = world.host();
  await standby.said("host.standby");
  const load = await Load.start(await world.client());
  await load.goesOn();

  await first.kill();
  await standby.said("host.serving");
  await load.goesOn();

  // Killed with nobody beside it: adds go into the inbox until the next one reads them.
  await standby.kill();
  const stored = (): number => load.adds.filter(({ outcome }) => outcome === "stored").length;
  const before = stored();
  await until("adds are stored in the inbox", () => stored() > before + 20);
  await world.servingHost();
  await load.goesOn();
  await load.rest();
  expect(await judge(world, [load])).toMatchObject({ ...SOUND, epochs: 3 });
});

test("F01 a worker killed under load: what it ran is run by others, also where order counts", async () => {
  const world = await World.open();
  await Promise.all([world.servingHost(), world.worker("w1"), world.worker("w2")]);
  const load = await Load.start(await world.client());
  await load.goesOn();

  const slow = await load.slowOrdered(5_000);
  let victim: WorkerMember | undefined;
  await until("the slow job runs", () => (victim = world.workers.find((worker) => worker.lines().some(({ job }) => job === slow))) !== undefined);
  await victim?.kill();
  await load.goesOn();
  // The same instance again, in its next life.
  const again = await world.worker(victim?.instance ?? "");
  await until("the next life of the worker works", () => again.lines().length > 0);
  await load.rest();
  expect(await judge(world, [load])).toMatchObject(SOUND);
  const executions = world.workers.flatMap((worker) => worker.lines()).filter(({ job, phase }) => job === slow && phase === "end").sort((a, b) => a.at - b.at);
  expect(executions.map(({ outcome }) => outcome)).toEqual(["killed", "succeeded"]);
});

test("F11 the server killed under load and started again on its store: nothing acknowledged is lost", async () => {
  const world = await World.open();
  const [host] = await Promise.all([world.servingHost(), world.worker("w1"), world.worker("w2")]);
  const load = await Load.start(await world.client());
  await load.goesOn();

  for (let round = 0; round < 2; round++) {
    await world.server.kill();
    await world.server.restart();
    await load.goesOn();
  }
  await load.rest();
  expect(await judge(world, [load])).toMatchObject({ ...SOUND, epochs: 1 });
  expect(host.isEnded).toBe(false);
});
