/**
 * Instances and servers hurt again and again under load, then healed, drained and judged. Short when all tests run; as long as
 * wanted by `npm run chaos -- --minutes 10 --instances 5 --servers 3 --seed 7`.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { Load } from "../e2e/faults/load.ts";
import { judge, Tape } from "../e2e/faults/verdict.ts";
import { until, type WorkerMember, World } from "../e2e/faults/world.ts";
import { Fleet } from "./fleet.ts";
import { type Measures, measured, viewsAtOdds, viewsSaid } from "./measures.ts";
import { Nemesis } from "./nemesis.ts";
import { Network, type Place } from "./network.ts";

const asked = (name: string, otherwise: number): number => Number(process.env[`LONGSHORE_CHAOS_${name}`] ?? otherwise);
const MINUTES = asked("MINUTES", 0.75);
const INSTANCES = asked("INSTANCES", 4);
const SERVERS = asked("SERVERS", 3);
const SEED = asked("SEED", 1);
const MINUTE_MS = 60_000;
const DRAIN_WITHIN_MS = 3 * MINUTE_MS;
/** Adders that pause after each add: up to 1,000 adds a second while nothing is wrong, so that a run can be judged in memory. */
const LOAD = { open: 150, pauseMs: 150, unfinished: 4_000 } as const;
/** Of the last long run; git ignores it. */
const LOGS = fileURLToPath(new URL("../../.cache/chaos", import.meta.url));
const FAILURES_SHOWN_MAX = 30;
const PACE_EVERY_MS = 5_000;

const JOBS = fileURLToPath(new URL("jobs.ts", import.meta.url));
const isLong = process.env["LONGSHORE_CHAOS_MINUTES"] !== undefined;

test(`chaos, seed ${SEED}: whatever is killed, stopped and restarted, nothing is lost, doubled or out of order`, async () => {
  const startedMs = performance.now();
  const say = (line: string): void => { if (isLong) console.log(`${((performance.now() - startedMs) / 1_000).toFixed(1).padStart(7)} s  ${line}`); };
  const network = Network.isPossible ? new Network() : undefined;
  const world = await World.open({ servers: SERVERS, network });
  const names = Array.from({ length: INSTANCES }, (_, i) => `i${i + 1}`);
  const places = new Map<string, Place>();
  if (network !== undefined) for (const name of names) places.set(name, await network.place(name));
  const fleet = new Fleet(names, (name) => world.instance(name, JOBS, { place: places.get(name) }));
  await until("an instance hosts", () => fleet.host !== undefined);
  const load = await Load.start(await world.client(), LOAD);
  await load.goesOn();
  say(`strikes begin at ${new Date().toISOString()}`);

  const stopPacing = isLong ? pace(load, say) : undefined;
  const fromMs = Date.now();
  const nemesis = new Nemesis(world, fleet, { network, say });
  await nemesis.strike(SEED, new Promise((over) => setTimeout(over, MINUTES * MINUTE_MS)));
  const toMs = Date.now();
  stopPacing?.();
  say("all is whole again");
  await load.goesOn();
  await load.rest(DRAIN_WITHIN_MS);
  await until("all instances have one view", () => haveOneView(fleet), MINUTE_MS).catch((error: Error) => nemesis.troubles.push(error.message));
  fleet.end();
  if (isLong) keepLogs(world);

  const tape = new Tape(world);
  const verdict = await judge(world, [load], tape);
  const measures = measured(tape, { fromMs, toMs });
  const wrong = [...verdict.wrong, ...nemesis.troubles, ...fleet.surprises, ...viewsAtOdds(world.workers)];
  console.log(summary({ network, load, nemesis, fleet, measures, seconds: (toMs - fromMs) / 1_000, wrong }));
  expect(wrong).toEqual([]);
  expect(nemesis.strokes.length).toBeGreaterThan(2);
}, MINUTES * MINUTE_MS + 12 * MINUTE_MS);

/** Says now and then how many jobs were added and have ended since. */
function pace(load: Load, say: (line: string) => void): () => void {
  let [added, ended] = [load.resolved, load.ended];
  const timer = setInterval(() => {
    say(`              ${((load.resolved - added) * 1_000 / PACE_EVERY_MS).toFixed(0)} adds, ${((load.ended - ended) * 1_000 / PACE_EVERY_MS).toFixed(0)} ends a second`);
    [added, ended] = [load.resolved, load.ended];
  }, PACE_EVERY_MS);
  return () => clearInterval(timer);
}

/** What each process said, for whoever has to find out what happened. */
function keepLogs({ workers }: World): void {
  rmSync(LOGS, { recursive: true, force: true });
  mkdirSync(LOGS, { recursive: true });
  for (const [i, { instance, pid, text }] of workers.entries()) writeFileSync(`${LOGS}/${instance}-${i}-${pid}.log`, text);
}

function haveOneView({ slots }: Fleet): boolean {
  const pictures = slots.map(({ member }) => viewsSaid(member).at(-1));
  const numbers = new Set(pictures.map((view) => view?.number));
  return numbers.size === 1 && slots.every(({ name }) => pictures[0]?.picture.includes(name) === true);
}

interface Run {
  readonly network: Network | undefined;
  readonly load: Load;
  readonly nemesis: Nemesis;
  readonly fleet: Fleet<WorkerMember>;
  readonly measures: Measures;
  readonly seconds: number;
  readonly wrong: readonly string[];
}

/** Adds that were told to have failed, or of which nothing is known, by why. */
function unresolved({ adds }: Load): string {
  const causes = new Map<string, number>();
  for (const { outcome, code } of adds) if (outcome === "failed" || outcome === "unknown") causes.set(code ?? outcome, (causes.get(code ?? outcome) ?? 0) + 1);
  return [...causes].map(([cause, count]) => `, ${count} ${cause}`).join("");
}

function summary({ network, load, nemesis, fleet, measures, seconds, wrong }: Run): string {
  const faults = new Map<string, number>();
  for (const { fault } of nemesis.strokes) faults.set(fault, (faults.get(fault) ?? 0) + 1);
  const times = [...measures.takeOversMs].sort((a, b) => a - b);
  return [
    `chaos: seed ${SEED}, ${INSTANCES} instances, ${SERVERS} servers, ${seconds.toFixed(0)} s of faults, ${network === undefined ? "one network for all, no cuts" : "a network namespace for each"}`,
    `  jobs          ${load.adds.length} adds, ${load.resolved} resolved${unresolved(load)}, ${load.ended} ended, ${(load.ended / seconds).toFixed(0)} a second`,
    `  faults        ${nemesis.strokes.length}: ${[...faults].map(([fault, count]) => `${fault} ${count}`).join("; ")}`,
    `  exits unasked ${[...fleet.exits].map(([code, count]) => `code ${code}: ${count}`).join(", ") || "none"}`,
    ...fleet.unreached.map((words) => `    ${words}`),
    `  hosts         ${measures.epochs}, ${measures.commits} commits`,
    `  longest gap   ${measures.longestGapMs} ms without an attempt that begins`,
    `  take-overs    ${times.length === 0 ? "none" : `${times.length}: ${times[0]} to ${times.at(-1)} ms, half within ${times[Math.floor(times.length / 2)]} ms`}`,
    `  wrong         ${wrong.length === 0 ? "nothing" : wrong.length}`,
    ...wrong.slice(0, FAILURES_SHOWN_MAX).map((line) => `    ${line}`),
  ].join("\n");
}
