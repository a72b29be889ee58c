/**
 * What a round trip to another cluster costs: `npm run bench -- offload`.
 *
 * Real processes on one machine, two servers joined by a leaf node. The same jobs are done at home and there; the same bytes travel with
 * jobs and by a plain copy between object stores.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { findServer } from "@longshore/nats";
import { cpuBusy, describeMachine, type Machine } from "../measure.ts";
import { dataDirectory } from "../servers.ts";
import { sit } from "../sitting.ts";
import { carriage, known, MIB, rateOf, roundTrips } from "./cases.ts";
import { combined, type Run, toMarkdown } from "./report.ts";
import { World } from "./world.ts";

const USAGE = `npm run bench -- offload [options]
  --trips N        jobs of each kind, one at a time (300)
  --jobs N         small jobs of each throughput (5000)
  --rounds N       times each throughput is measured (3)
  --inputs LIST    inputs that are carried, count x MiB (50x5,2x256)
  --known N        MiB of an input that lies there already (16)
  --json PATH      where the raw figures go
  --combine PATHS  raw figures of earlier sittings, comma-separated: what is not measured anew is of them
  --render         measure nothing: show what --combine names
  --write PATH     put the tables into this document, between its two bench comments (docs/offloading.md)`;

const { values: given } = parseArgs({
  allowPositionals: true,
  options: {
    help: { type: "boolean", default: false }, render: { type: "boolean", default: false }, trips: { type: "string", default: "300" }, jobs: { type: "string", default: "5000" }, rounds: { type: "string", default: "3" },
    inputs: { type: "string", default: "50x5,2x256" }, known: { type: "string", default: "16" }, json: { type: "string" }, combine: { type: "string", default: "" }, write: { type: "string" },
  },
});

if (given.help) process.stdout.write(`${USAGE}\n`);
else await sit(given, measured, (runs) => toMarkdown(combined(runs)));

async function measured(): Promise<Run> {
  const [startedAt, machine, othersBusy, { version: server }] = [new Date().toISOString(), machineNow(), await cpuBusy(2_000), await findServer()];
  const run: Run = { startedAt, machine, othersBusy, server, rates: { here: [], there: [] }, rateJobs: count("jobs"), carriages: [] };
  const folder = dataDirectory("offload");
  mkdirSync(folder, { recursive: true });
  const world = await World.open(folder);
  try {
    await all(world, run);
  } finally {
    await world.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
  return run;
}

/** The raw figures are kept after every step: a sitting that is broken off can be combined with another. */
async function all(world: World, run: Run): Promise<void> {
  const keep = (words: string): void => {
    process.stderr.write(`${words}\n`);
    if (given.json !== undefined) writeFileSync(resolve(given.json), `${JSON.stringify(run)}\n`);
  };
  if (count("trips") > 0) {
    run.roundTrips = await roundTrips(world, count("trips"));
    keep("round trips are measured");
  }
  for (let round = 0; round < (count("jobs") > 0 ? count("rounds") : 0); round++) {
    for (const where of ["here", "there"] as const) {
      run.rates[where].push(await rateOf(world, where, count("jobs")));
      keep(`${where}: ${Math.round(run.rates[where].at(-1)!)} jobs/s`);
    }
  }
  for (const [inputs, bytes] of inputsOf(given.inputs)) {
    run.carriages.push(await carriage(world, inputs, bytes));
    const { copyMs, routerMs } = run.carriages.at(-1)!;
    keep(`${inputs} x ${bytes / MIB} MiB: ${Math.round(copyMs)} ms copied, ${Math.round(routerMs)} ms with jobs`);
  }
  if (count("known") > 0) {
    run.known = await known(world, count("known") * MIB);
    keep(`over the link: ${JSON.stringify(run.known)}`);
  }
}

function count(name: "trips" | "jobs" | "rounds" | "known"): number {
  const value = Number(given[name]);
  return Number.isSafeInteger(value) && value >= 0 ? value : refuse(`--${name} ${given[name]} is no whole number of 0 or more`);
}

function inputsOf(list: string): readonly (readonly [count: number, bytes: number])[] {
  return list.split(",").filter((one) => one !== "").map((one) => {
    const [inputs = 0, mebibytes = 0] = (/^(\d+)x(\d+)$/.exec(one)?.slice(1) ?? []).map(Number);
    return inputs > 0 && mebibytes > 0 ? [inputs, mebibytes * MIB] : refuse(`--inputs ${one} is not like 50x5`);
  });
}

function refuse(why: string): never {
  process.stderr.write(`${why}\n${USAGE}\n`);
  process.exit(2);
}

function machineNow(): Machine {
  const probe = dataDirectory("machine");
  const machine = describeMachine(probe);
  rmSync(probe, { recursive: true });
  return machine;
}
