/** Stores that have lost what they had confirmed: not served, until an operator accepts it. */
import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { type HighWater, sameBytes } from "@longshore/kernel";
import { marksOf } from "@longshore/nats";
import { connect } from "longshore";
import { expect, test } from "vitest";
import { Load, TOPIC } from "./load.ts";
import { Tape } from "./verdict.ts";
import { type Member, PLACE, STREAM, until, World } from "./world.ts";

const REFUSED = 5;
const LOST = 3;

test("F33 F34 a journal without its last commits, and an older copy of the store, are refused until that is accepted", async () => {
  const [cut, old] = await Promise.all([World.open(), World.open()]);
  await Promise.all([lastCommitsLost(cut), olderStore(old)]);
}, 180_000);

test("F33 a journal that lacks a commit in the middle is refused", async () => {
  const { world, tape } = await written(await World.open());
  await remove(world, tape.commits.slice(3, 4).map(({ version }) => version));
  const host = world.host();
  expect(await host.ends()).toBe(REFUSED);
  expect(host.text).toMatch(/the journal was cut or changed/);
  expect(host.text).toMatch(/longshore audit/);
});

async function lastCommitsLost(world: World): Promise<void> {
  const { tape } = await written(world);
  await remove(world, tape.commits.slice(-LOST).map(({ version }) => version));
  refusedAs(await ended(world.host()), /commit \d+ was seen/);
  const left = new Tape(world);
  await left.read();
  expect(left.commits.length).toBe(tape.commits.length - LOST);

  const host = world.host("--accept-rewind", "the disk was replaced");
  await host.said("host.serving", 60_000);
  await world.worker("w1");
  const ls = await world.client();
  expect(await (await ls.add(TOPIC.free, { key: "after", ms: 1 })).result()).toMatchObject({ attempt: 1 });
  const after = new Tape(world);
  await after.read();
  expect(after.kernelEvents()).toContainEqual({ type: "RewindAccepted", number: tape.commits.length - LOST, reason: "the disk was replaced" });
  // It is recorded, so the next host asks nobody again.
  await marked(world);
  host.signal("SIGTERM");
  expect(await host.ends()).toBe(0);
  await world.servingHost();
}

async function olderStore(world: World): Promise<void> {
  await written(world);
  const [store, copy] = [join(world.folder, "store"), join(world.folder, "copy")];
  await world.server.stop();
  await cp(store, copy, { recursive: true });
  await world.server.restart();
  await written(world);
  await world.server.stop();
  await rm(store, { recursive: true });
  await cp(copy, store, { recursive: true });
  await world.server.restart();
  // The mark in the server is as old as the journal: this machine's own file knows better.
  refusedAs(await ended(world.host()), /commit \d+ was seen/);
}

interface Ended {
  readonly code: number;
  readonly text: string;
}

const ended = async (host: Member): Promise<Ended> => ({ code: await host.ends(), text: host.text });

function refusedAs({ code, text }: Ended, words: RegExp): void {
  expect(text).toMatch(words);
  expect(text).toContain("--accept-rewind");
  expect(code).toBe(REFUSED);
}

/** A history of some commits, whose end is marked, and nobody that serves it. */
async function written(world: World): Promise<{ readonly world: World; readonly tape: Tape }> {
  const host = await world.servingHost();
  const ls = await connect({ servers: world.server.url, principal: "client" });
  const load = await Load.start(ls);
  await until("jobs are added", () => load.resolved > 50);
  await load.settle();
  await ls.close();
  await marked(world);
  host.signal("SIGTERM");
  expect(await host.ends()).toBe(0);
  const tape = new Tape(world);
  await tape.read();
  return { world, tape };
}

/** Waits until the last commit of the journal is what the mark in the server says. */
async function marked(world: World): Promise<void> {
  await until("the end of the history is marked", async () => {
    const tape = new Tape(world);
    await tape.read();
    const mark = await new Promise<HighWater | undefined>((resolve) => marksOf(world.connection, PLACE).read((answer) => resolve(answer.kind === "mark" ? answer.mark : undefined)));
    return mark !== undefined && mark.number === tape.decoded().at(-1)?.number && sameBytes(mark.hash, tape.lastHash());
  });
}

async function remove(world: World, sequences: readonly number[]): Promise<void> {
  const nc = await world.bare();
  for (const seq of sequences) {
    const answer = (await nc.request(`$JS.API.STREAM.MSG.DELETE.${STREAM.journal}`, JSON.stringify({ seq }))).json<{ readonly success?: boolean }>();
    expect(answer.success).toBe(true);
  }
}
