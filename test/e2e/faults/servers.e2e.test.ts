/** One of three servers lost under load: the other two go on. */
import { expect, test } from "vitest";
import { areWhole, leaderOf } from "../../chaos/servers.ts";
import { Load } from "./load.ts";
import { judge } from "./verdict.ts";
import { nowMs, STREAM, until, World } from "./world.ts";

test("F12 the server that leads the journal is killed under load, and another after it: the host goes on and nothing is lost", async () => {
  const world = await World.open({ servers: 3 });
  const [host] = await Promise.all([world.servingHost(), world.worker("w1"), world.worker("w2")]);
  const load = await Load.start(await world.client());
  await load.goesOn();

  const outagesMs: number[] = [];
  for (const stream of [STREAM.journal, STREAM.inbox]) {
    await until("every copy is whole", () => areWhole(world.servers, Object.values(STREAM)));
    const leader = await leaderOf(world.servers, stream);
    expect(leader).toBeDefined();
    const killedMs = nowMs();
    await leader?.kill();
    await load.goesOn();
    const told = load.adds.map(({ toldMs = 0 }) => toldMs).filter((at) => at > killedMs).sort((a, b) => a - b);
    outagesMs.push(Math.round(Math.max(...told.map((at, i) => at - (told[i - 1] ?? killedMs)))));
    await leader?.restart();
    await load.goesOn();
  }
  await load.rest();
  console.log(`longest time without an answer after each kill: ${outagesMs.join(" ms, ")} ms`);
  expect(await judge(world, [load])).toMatchObject({ wrong: [], epochs: 1 });
  expect(host.isEnded).toBe(false);
}, 180_000);
