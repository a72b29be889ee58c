/** Streams that are full: what does not fit is pushed back or refused by name, and what was taken is kept. */
import { headers } from "@nats-io/transport-node";
import { expect, test } from "vitest";
import { configure, Load } from "./load.ts";
import { judge, Tape } from "./verdict.ts";
import { STREAM, until, World } from "./world.ts";

const KIB = 1_024;
const JSON_TYPE = headers();
JSON_TYPE.set("Content-Type", "application/json");

test("F18 a full journal pushes commands back, loses nothing, and goes on when it is given room", async () => {
  const world = await World.open();
  // Nobody makes snapshots, so nothing can be forgotten.
  const host = world.hostWith({ follower: false });
  await Promise.all([host.said("host.serving"), world.worker("w1"), world.worker("w2")]);
  const load = await Load.start(await world.client());
  await load.goesOn();

  await world.setBytesMax(STREAM.journal, (await world.streamState(STREAM.journal)).bytes + 64 * KIB);
  await host.said('"cause":"full"');
  const { last_seq: full } = await world.streamState(STREAM.journal);
  const nc = await world.bare();
  const pushedBack = await nc.request("ls.main.cm.job-queue.main.submit.bare", JSON.stringify({ submit: [{ topic: "load/nobody" }] }), { headers: JSON_TYPE, timeout: 5_000 });
  expect(pushedBack.json()).toMatchObject({ overloaded: true });
  expect((await world.streamState(STREAM.journal)).last_seq).toBe(full);
  await world.setBytesMax(STREAM.journal, 64 * KIB * KIB);
  await load.goesOn();
  await load.rest();
  expect(await judge(world, [load])).toMatchObject({ wrong: [], epochs: 1 });
  expect(host.isEnded).toBe(false);
});

test("F18 a journal that fills up forgets what a snapshot covers, and goes on by itself", async () => {
  const world = await World.open();
  const bytesMax = 1_500 * KIB;
  await world.setBytesMax(STREAM.journal, bytesMax);
  const host = world.hostWith({ snapshotEveryCommits: 50 });
  await Promise.all([host.said("host.serving"), world.worker("w1"), world.worker("w2")]);
  const tape = new Tape(world);
  tape.follow();
  const load = await Load.start(await world.client(), { ballast: 8 * KIB });
  await until("twice as much was written as there is room", () => tape.bytes > 2 * bytesMax, 60_000);
  await load.goesOn(20);
  await load.rest();
  expect(host.text).toContain("append.blocked");
  expect((await world.streamState(STREAM.journal)).first_seq).toBeGreaterThan(1);
  expect(await judge(world, [load], tape)).toMatchObject({ wrong: [], epochs: 1 });
});

test("F18 a full inbox refuses by name while no host is up, and what it took is run", async () => {
  const world = await World.open();
  const before = await world.servingHost();
  await configure(await world.client());
  before.signal("SIGTERM");
  await before.ends();
  await world.setBytesMax(STREAM.inbox, 64 * KIB);
  const load = await Load.start(await world.client({ limits: { giveUpMs: 2_000 } }), { ballast: KIB });
  await until("an add fails", () => load.adds.some(({ outcome }) => outcome === "failed"));
  const refusals = load.adds.filter(({ outcome }) => outcome === "failed");
  expect(new Set(refusals.map(({ code }) => code))).toEqual(new Set(["inbox/full"]));
  expect(refusals[0]?.message).toMatch(/no host is up, and the inbox is full: start one/);

  await Promise.all([world.servingHost(), world.worker("w1")]);
  await load.goesOn();
  await load.rest();
  expect(load.adds.some(({ outcome }) => outcome === "stored")).toBe(true);
  expect(await judge(world, [load])).toMatchObject({ wrong: [], epochs: 2 });
});
