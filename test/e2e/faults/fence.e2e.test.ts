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
  expect(await first.ends()).toBe(FENCED);
  expect(first.text).toContain("fenced");
  await load.goesOn();
  await load.rest();
  const tape = new Tape(world);
  expect(await judge(world, [load], tape)).toMatchObject({ wrong: [], epochs: 2 });
  expect(standby.isEnded).toBe(false);
  expect(unrecorded(dispatched, tape)).toEqual([]);
});

test("F08 a host that takes over under load fences the one that serves", async () => {
  const world = await World.open();
  const [first] = await Promise.all([world.servingHost(), world.worker("w1"), world.worker("w2")]);
  const dispatched = dispatchesSeen(await world.bare());
  const load = await Load.start(await world.client());
  let before = first;
  for (let round = 0; round < 2; round++) {
    await load.goesOn();
    const next = await world.servingHost("--take-over");
    expect(await before.ends()).toBe(FENCED);
    before = next;
  }
  await load.goesOn();
  await load.rest();
  const tape = new Tape(world);
  expect(await judge(world, [load], tape)).toMatchObject({ wrong: [], epochs: 3 });
  expect(unrecorded(dispatched, tape)).toEqual([]);
});

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
