/**
 * Runs the benchmark: `npm run bench -- --only bullmq,longshore --jobs 20000`.
 *
 * Strict alternation: within a scenario every contender is measured once before any is measured again,
 * so a change of the machine's mood falls on all. Each measurement has a server with empty storage,
 * running alone, and a runner process of its own.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { Contender } from "./contender.ts";
import { contenders } from "./contenders.ts";
import { exitOnSignals } from "./launch.ts";
import { cpuBusy, describeMachine } from "./measure.ts";
import { type Run, type Series, toMarkdown } from "./report.ts";
import type { Assignment, Outcome } from "./runner.ts";
import { type Scenario, type Size, scenarios } from "./scenarios.ts";
import { cacheDirectory, dataDirectory, sweepDataDirectories } from "./servers.ts";

const usage = `npm run bench -- [options]
  --only NAMES       contenders whose names begin so, comma-separated (default: all)
  --scenarios NAMES  scenarios whose names begin so, comma-separated (default: all)
  --quick            one round of 5 000 jobs, backlog of 20 000
  --jobs N           jobs of one measurement (20 000)
  --rounds N         rounds of alternation (3)
  --seconds N        longest time jobs are offered in one measurement (10)
  --in-flight N      concurrent adds (100)
  --clients N        client processes, sharing the adds in flight (8)
  --rate N           jobs/s of the latency-under-load scenario (500)
  --samples N        jobs of the idle latency scenario (500)
  --backlog N        jobs waiting in the backlog scenario (1 000 000)
  --json PATH        where the raw figures go (.cache/bench/results/<time>.json)
  --list             names of contenders and scenarios`;

const { values: flags } = parseArgs({
  options: {
    only: { type: "string" },
    scenarios: { type: "string" },
    quick: { type: "boolean", default: false },
    jobs: { type: "string" },
    rounds: { type: "string" },
    seconds: { type: "string", default: "10" },
    "in-flight": { type: "string", default: "100" },
    clients: { type: "string", default: "8" },
    rate: { type: "string", default: "500" },
    samples: { type: "string" },
    backlog: { type: "string" },
    json: { type: "string" },
    list: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});

/** Longest one measurement may take, filling and emptying a large backlog included. */
const measurementLimitMs = 15 * 60_000;

if (flags.help) print(usage);
else if (flags.list) print([...contenders, ...scenarios(sizeFrom())].map(({ name }) => name).join("\n"));
else await main();

async function main(): Promise<void> {
  exitOnSignals();
  sweepDataDirectories();
  const size = sizeFrom();
  const rounds = count("rounds", flags.rounds ?? (flags.quick ? "1" : "3"));
  const chosen = choose(contenders, flags.only);
  const chosenScenarios = choose(scenarios(size), flags.scenarios);
  const startedAt = new Date().toISOString();
  const probe = dataDirectory("machine");
  const machine = describeMachine(probe);
  rmSync(probe, { recursive: true });

  const software = new Map<string, string>();
  const series: Series[] = [];
  for (const scenario of chosenScenarios) {
    series.push(...(await runScenario(scenario, chosen, rounds, size, software)));
  }
  const described = chosen.map(({ name, system, durability, tuning, concurrency }) => ({
    ...{ name, system, durability, tuning, concurrency },
    software: software.get(name) ?? "not started",
  }));
  const run: Run = { startedAt, machine, size, rounds, contenders: described, series };
  const path = resolve(flags.json ?? join(cacheDirectory, "results", `${startedAt.replaceAll(":", "-")}.json`));
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(run, null, 2)}\n`);
  print(`\n${toMarkdown(run, chosenScenarios)}\n\nRaw figures: ${path}`);
  if (series.some(({ outcomes }) => outcomes.some((outcome) => "failed" in outcome))) process.exitCode = 1;
}

async function runScenario(scenario: Scenario, chosen: readonly Contender[], rounds: number, size: Size, software: Map<string, string>): Promise<Series[]> {
  const series = chosen.map(({ name }) => {
    const [outcomes, othersBusy]: [Outcome[], number[]] = [[], []];
    return { scenario: scenario.name, contender: name, outcomes, othersBusy };
  });
  for (let round = 1; round <= rounds; round += 1) {
    for (const [place, contender] of chosen.entries()) {
      series[place]?.othersBusy.push(await cpuBusy(200));
      const outcome = await measureAlone(contender, scenario, size, software);
      series[place]?.outcomes.push(outcome);
      process.stderr.write(`${scenario.name} ${round}/${rounds} ${contender.name}: ${inBrief(outcome)}\n`);
    }
  }
  return series;
}

function inBrief(outcome: Outcome): string {
  if ("failed" in outcome) return `no result: ${outcome.failed}`;
  const figures = Object.entries(outcome.figures).map(([key, figure]) => `${key} ${figure === null ? "–" : figure.toFixed(figure < 100 ? 2 : 0)}`);
  return figures.join(", ");
}

/** Starts the system with empty storage, measures once, and stops it, whatever happens between. */
async function measureAlone(contender: Contender, scenario: Scenario, size: Size, software: Map<string, string>): Promise<Outcome> {
  const directory = dataDirectory(contender.name);
  try {
    const server = await contender.start(directory);
    software.set(contender.name, server.software);
    try {
      return await runIn({ contender: contender.name, scenario: scenario.name, endpoint: server.endpoint, size });
    } finally {
      await server.stop();
    }
  } catch (error) {
    return { failed: error instanceof Error ? error.message : String(error) };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function runIn(assignment: Assignment): Promise<Outcome> {
  const runner = fork(fileURLToPath(new URL("runner.ts", import.meta.url)), [JSON.stringify(assignment)]);
  const limit = setTimeout(() => runner.kill("SIGKILL"), measurementLimitMs);
  try {
    const [said] = (await Promise.race([once(runner, "message"), once(runner, "exit")])) as [Outcome | number | null];
    if (said === null || typeof said === "number") return { failed: `the runner ended without an answer (${said ?? "killed"})` };
    if (runner.exitCode === null && runner.signalCode === null) await once(runner, "exit");
    return said;
  } finally {
    clearTimeout(limit);
  }
}

function sizeFrom(): Size {
  const { quick } = flags;
  return {
    jobs: count("jobs", flags.jobs ?? (quick ? "5000" : "20000")),
    seconds: count("seconds", flags.seconds),
    inFlight: count("in-flight", flags["in-flight"]),
    clients: count("clients", flags.clients),
    rate: count("rate", flags.rate),
    samples: count("samples", flags.samples ?? (quick ? "200" : "500")),
    backlog: count("backlog", flags.backlog ?? (quick ? "20000" : "1000000")),
  };
}

function refuse(why: string): never {
  process.stderr.write(`${why}\n`);
  process.exit(2);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function count(name: string, text: string): number {
  const value = Number(text.replaceAll("_", ""));
  if (!Number.isSafeInteger(value) || value < 1) refuse(`--${name} wants a whole number from 1, not ${text}`);
  return value;
}

function choose<Named extends { readonly name: string }>(all: readonly Named[], beginnings: string | undefined): readonly Named[] {
  if (beginnings === undefined) return all;
  const wanted = beginnings.split(",");
  for (const beginning of wanted) {
    if (!all.some(({ name }) => name.startsWith(beginning))) refuse(`nothing begins with ${beginning}; there are ${all.map(({ name }) => name).join(", ")}`);
  }
  return all.filter(({ name }) => wanted.some((beginning) => name.startsWith(beginning)));
}
