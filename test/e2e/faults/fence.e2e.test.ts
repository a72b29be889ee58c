/** Two hosts of one history: whoever was overtaken is fenced, says so, and has no say any more. */
import { decodeUntrusted } from "@longshore/kernel";
import type { NatsConnection } from "@nats-io/transport-node";
import { expect, test } from "vitest";
import { Load } from "./load.ts";
import { judge, Tape } from "./verdict.ts";
import { World } from "./world.ts";

const FENCED = 5;

test("F04 a host that stood still for longer than its successor waits wakes up fenced and has no say", async () => {
  const world = await World.open();
  const [first] = await Promise.all([world.servingHost(), world.worker("w1"), world.worker("w2")]);
  const dispatched = dispatchesSeen(await world.bare());
  const standby = world.host();
  await standby.said("host.standby");
  const load = await Load.start(await world.client());
  await load.goesOn();

  first.signal("SIGSTOP");
  await standby.said("host.serving");
  await load.goesOn();
  first.signal("SIGCONT");
  await first.said("host.moved");
  await load.goesOn();
  await load.rest();
  await sound(world, load, dispatched, 2);
});

test("F08 a host that takes over under load overtakes the one that serves", async () => {
  const world = await World.open();
  const [first] = await Promise.all([world.servingHost(), world.worker("w1"), world.worker("w2")]);
  const dispatched = dispatchesSeen(await world.bare());
  const load = await Load.start(await world.client());
  await load.goesOn();
  await world.servingHost("--take-over");
  await first.said('"cause":"fenced"');
  // Where the topology chooses the first, the shard moves there again.
  await load.goesOn();
  await load.rest();
  await sound(world, load, dispatched, 2);
});

test("F08 a host without an instance that was overtaken ends and says why", async () => {
  const world = await World.open();
  const hosts = [world.hostWith({})];
  await Promise.all([hosts[0]?.said("host.serving"), world.worker("w1"), world.worker("w2")]);
  const dispatched = dispatchesSeen(await world.bare());
  const load = await Load.start(await world.client());
  for (let round = 0; round < 2; round++) {
    await load.goesOn();
    const next = world.hostWith({ takeOver: true });
    await next.said("host.serving");
    expect(await hosts.pop()?.ends()).toBe(FENCED);
    hosts.push(next);
  }
  await load.goesOn();
  await load.rest();
  await sound(world, load, dispatched, 3);
});

/** Every promise holds, at least so many hosts have written, and no dispatch was made up. */
async function sound(world: World, load: Load, dispatched: readonly Dispatch[], epochs: number): Promise<void> {
  const tape = new Tape(world);
  const verdict = await judge(world, [load], tape);
  expect(verdict.wrong).toEqual([]);
  expect(verdict.epochs).toBeGreaterThanOrEqual(epochs);
  expect(unrecorded(dispatched, tape)).toEqual([]);
}

interface Dispatch {
  readonly epoch: number;
  readonly job: number;
  readonly attempt: number;
}

/** Every attempt that was handed to a worker, by any host. */
function dispatchesSeen(nc: NatsConnection): readonly Dispatch[] {
  const seen: Dispatch[] = [];
  nc.subscribe("ls.main.wk.>", {
    callback: (_, message) => {
      const [epoch, , items] = decodeUntrusted(message.data) as readonly [number, number, readonly (readonly [number, number, number])[]];
      for (const [kind, job, attempt] of items) if (kind === 0) seen.push({ epoch, job, attempt });
    },
  });
  return seen;
}

/** Dispatches of a host whose own commits, or those before it, do not start that attempt: it would have made it up. */
function unrecorded(dispatches: readonly Dispatch[], tape: Tape): readonly Dispatch[] {
  const startedIn = new Map<string, number>();
  for (const { epoch, event } of tape.eventsByEpoch()) if (event.type === "AttemptStarted") startedIn.set(`${event.job}/${event.attempt}`, epoch);
  return dispatches.filter(({ epoch, job, attempt }) => (startedIn.get(`${job}/${attempt}`) ?? Number.POSITIVE_INFINITY) > epoch);
}
