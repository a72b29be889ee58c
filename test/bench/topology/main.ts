/**
 * How soon everybody knows, and jobs go on, when an instance comes, goes, dies or hangs: `npm run bench -- topology`.
 *
 * Real processes on one machine, so that all instants are of one clock. One thing is done at a time, and the next only when all is
 * whole again.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { findServer } from "@longshore/nats";
import { cpuBusy, describeMachine, type Machine } from "../measure.ts";
import { dataDirectory } from "../servers.ts";
import { sit } from "../sitting.ts";
import { type Busy, changeProperties, type Samples, strike, throughput, underLoad } from "./cases.ts";
import { killLeaders } from "./outages.ts";
import { combined, type Run, toMarkdown } from "./report.ts";
import { World } from "./world.ts";

const USAGE = `npm run bench -- topology [options]
  --instances N    instances that can host and work (5)
  --kills N        instances killed, every second time the one that hosts (100); as many join again
  --leaves N       instances that leave, likewise (20)
  --hangs N        instances that are stopped until they are given up, likewise (20)
  --properties N   properties changed (100)
  --leaders N      of three servers, so often that which leads the journal is killed (20)
  --busy N         seconds under full load (60)
  --workers LIST   numbers of worker processes whose throughput is measured (1,2,4)
  --jobs N         jobs of each throughput (30000)
  --rounds N       times each throughput is measured (3)
  --cold           no instance folds the histories of shards that others host
  --json PATH      where the raw figures go
  --combine PATHS  raw figures of earlier sittings, comma-separated: shown with the new ones
  --render         measure nothing: show what --combine names
  --write PATH     put the tables into this document, between its two bench comments (docs/detection.md)`;

const { values: given } = parseArgs({
  allowPositionals: true,
  options: {
    help: { type: "boolean", default: false }, cold: { type: "boolean", default: false }, render: { type: "boolean", default: false }, instances: { type: "string", default: "5" }, kills: { type: "string", default: "100" },
    leaves: { type: "string", default: "20" }, hangs: { type: "string", default: "20" }, properties: { type: "string", default: "100" }, busy: { type: "string", default: "60" }, leaders: { type: "string", default: "20" },
    workers: { type: "string", default: "1,2,4" }, jobs: { type: "string", default: "30000" }, rounds: { type: "string", default: "3" }, write: { type: "string" },
    json: { type: "string" }, combine: { type: "string", default: "" },
  },
});

const CASES = ["properties", "kills", "leaves", "hangs", "busy"] as const;

if (given.help) process.stdout.write(`${USAGE}\n`);
else await sit(given, measured, (runs) => toMarkdown(combined(runs)));

/** The raw figures are kept after every stroke: a sitting that is broken off can be combined with another. */
async function measured(): Promise<Run> {
  const begin = performance.now();
  const [startedAt, machine, othersBusy, { version: server }] = [new Date().toISOString(), machineNow(), await cpuBusy(2_000), await findServer()];
  const run = { instances: count("instances"), samples: {} as Samples, busy: [] as Busy[], throughput: {} as Record<string, number[]> };
  const soFar = (): Run => ({ ...run, parts: [{ startedAt, minutes: (performance.now() - begin) / 60_000, machine, othersBusy, server }] });
  const keep = (words: string): void => {
    process.stderr.write(`${words}\n`);
    if (given.json !== undefined) writeFileSync(resolve(given.json), `${JSON.stringify(soFar())}\n`);
  };
  if (CASES.some((name) => count(name) > 0)) await ofInstances(run.instances, run, keep);
  await ofLeaders(run.samples, keep);
  await ofThroughput(run.throughput, keep);
  return soFar();
}

function count(name: "instances" | "kills" | "leaves" | "hangs" | "properties" | "leaders" | "busy" | "jobs" | "rounds"): number {
  const value = Number(given[name]);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  process.stderr.write(`--${name} ${given[name]} is no whole number of 0 or more\n${USAGE}\n`);
  process.exit(2);
}

async function ofInstances(instances: number, { samples, busy }: { readonly samples: Samples; readonly busy: Busy[] }, keep: (words: string) => void): Promise<void> {
  const directory = dataDirectory("topology");
  mkdirSync(directory, { recursive: true });
  const world = await World.open({ directory, instances, standby: !given.cold });
  try {
    await changeProperties(world, count("properties"), samples);
    for (const [stroke, name] of [["SIGKILL", "kills"], ["SIGTERM", "leaves"], ["SIGSTOP", "hangs"]] as const) {
      await strike(world, stroke, count(name), samples, (words) => keep(`${name} ${words}`));
    }
    const seconds = count("busy");
    if (seconds > 0) busy.push(await underLoad(world, seconds));
    keep("all is done to instances");
  } finally {
    await world.close();
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function ofLeaders(samples: Samples, keep: (words: string) => void): Promise<void> {
  if (count("leaders") === 0) return;
  const directory = dataDirectory("leaders");
  mkdirSync(directory, { recursive: true });
  await killLeaders(directory, count("leaders"), samples, (words) => keep(`leaders ${words}`));
  rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
}

async function ofThroughput(rates: Record<string, number[]>, keep: (words: string) => void): Promise<void> {
  for (let round = 0; round < count("rounds"); round++) {
    for (const workers of given.workers.split(",").map(Number).filter((number) => number > 0)) {
      const directory = dataDirectory("throughput");
      const rate = await throughput(directory, workers, count("jobs"));
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
      rates[workers] = [...(rates[workers] ?? []), rate];
      keep(`${workers} worker processes: ${Math.round(rate)} jobs/s`);
    }
  }
}

function machineNow(): Machine {
  const probe = dataDirectory("machine");
  const machine = describeMachine(probe);
  rmSync(probe, { recursive: true });
  return machine;
}
