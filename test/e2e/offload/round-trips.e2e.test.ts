/**
 * Jobs leave their cluster, are done in another one and come home, while each part of both is killed in turn. Short when all tests run;
 * whole by `npm run chaos -- --offload`: 200 jobs of 5 MiB.
 */
import { expect, test } from "vitest";
import { Clusters } from "./clusters.ts";
import { type Strike, strikesOn } from "./strikes.ts";
import { Traffic } from "./traffic.ts";
import { emptied, executions, judged } from "./verdict.ts";

const asked = (name: string, otherwise: number): number => Number(process.env[`LONGSHORE_OFFLOAD_${name}`] ?? otherwise);
const JOBS = asked("JOBS", 40);
const MIB = asked("MIB", 1);
const STRIKES = asked("STRIKES", 4);
/** Seconds that the link is cut for in the midst of it; 0: not at all. */
const CUT_S = asked("CUT", 0);
const MINUTE_MS = 60_000;
const isLong = process.env["LONGSHORE_OFFLOAD_JOBS"] !== undefined;
const DRAIN_WITHIN_MS = isLong ? 10 * MINUTE_MS : 2 * MINUTE_MS;
const OPEN = 12;

test(`OFF-RUN-14 OFF-RET-04 OFF-RET-05 OFF-CLN-01 ${JOBS} jobs of ${MIB} MiB come home, whichever part of either cluster is killed`, async () => {
  const startedMs = performance.now();
  const say = (line: string): void => { if (isLong) console.log(`${((performance.now() - startedMs) / 1_000).toFixed(1).padStart(7)} s  ${line}`); };
  const clusters = await Clusters.open({ clusters: [{ name: "hub", hosts: 2 }, { name: "west", hosts: 2, workers: 2 }] });
  const [origin, there] = [clusters.of("hub"), clusters.of("west")];
  const traffic = Traffic.start(await origin.client("submitter"), { name: "j", cluster: "hub", jobs: JOBS, bytes: MIB * 1024 ** 2, open: OPEN });
  const strikes = chosen([...strikesOn(origin, there), ...(CUT_S > 0 ? [cutFor(clusters, CUT_S)] : [])]);
  const fromMs = performance.now();
  try {
    for (const [i, { name, hit }] of strikes.entries()) {
      // Some are home, some on their way, some not begun.
      await traffic.isHome(Math.floor((i + 1) * JOBS / (strikes.length + 1)) - OPEN / 2, DRAIN_WITHIN_MS);
      say(`${name} is struck; ${traffic.home} jobs are home`);
      await hit();
      say(`${name} is back; ${traffic.home} jobs are home`);
    }
  } catch (error) {
    traffic.wrong.push(`${String(error)}\n${clusters.words()}`);
  }
  await traffic.rest(DRAIN_WITHIN_MS);
  const seconds = (performance.now() - fromMs) / 1_000;
  const carried = clusters.carried;
  const judgement = await judged(clusters, [traffic]);
  const runs = executions(clusters).length;
  const wrong = judgement.length > 0 ? judgement : await emptied(clusters);
  console.log(summary({ strikes, seconds, runs, carried, home: traffic.home, wrong }));
  expect(wrong).toEqual([]);
  expect(traffic.home).toBe(JOBS);
}, 2 * DRAIN_WITHIN_MS + 2 * MINUTE_MS);

/** All of them, or as many as were asked for; those a run has no time for are struck by the whole one. */
const chosen = (all: readonly Strike[]): readonly Strike[] => (STRIKES >= all.length ? all : [all[0]!, all[1]!, all[3]!, all[6]!, ...all.slice(7)].slice(0, STRIKES));

const cutFor = (clusters: Clusters, seconds: number): Strike => ({
  name: `the link, for ${seconds} s,`,
  async hit() {
    await clusters.cut();
    await new Promise((over) => setTimeout(over, seconds * 1_000));
    await clusters.join();
  },
});

interface Run {
  readonly strikes: readonly Strike[];
  readonly seconds: number;
  readonly runs: number;
  readonly carried: number;
  readonly home: number;
  readonly wrong: readonly string[];
}

function summary({ strikes, seconds, runs, carried, home, wrong }: Run): string {
  const payload = 2 * home * MIB * 1024 ** 2;
  return [
    `offload: ${JOBS} jobs, ${MIB} MiB there and as much back, in ${seconds.toFixed(0)} s, links and servers that sync every write included`,
    `  struck   ${strikes.map(({ name }) => name).join("; ")}`,
    `  jobs     ${home} home with the right bytes, ${runs} times a handler has ended`,
    `  link     ${(carried / 1024 ** 2).toFixed(0)} MiB, ${(carried / payload).toFixed(2)} times the payload`,
    `  wrong    ${wrong.length === 0 ? "nothing" : wrong.length}`,
    ...wrong.slice(0, 20).map((line) => `    ${line}`),
  ].join("\n");
}
