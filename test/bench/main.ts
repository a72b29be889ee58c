/**
 * Runs the benchmark: `npm run bench -- --only bullmq,longshore --scenarios e2e`.
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
import type { Contender } from "./contender.ts";
import { contenders } from "./contenders.ts";
import { checkDocument, writeInto } from "./document.ts";
import { exitOnSignals } from "./launch.ts";
import { cpuBusy, describeMachine, type Machine } from "./measure.ts";
import { type Options, optionsGiven, refuse, usage } from "./options.ts";
import { toMarkdown } from "./report.ts";
import { combined, type Run, readRun, type Series } from "./run.ts";
import type { Assignment, Outcome } from "./runner.ts";
import type { Scenario, Size } from "./scenario.ts";
import { scenarios } from "./scenarios.ts";
import { cacheDirectory, dataDirectory, sweepDataDirectories } from "./servers.ts";

/** Longest one measurement may take, filling and emptying a large backlog included. */
const measurementLimitMs = 8 * 60_000;
/** Start, connect, warm-up and stop of one measurement. */
const aroundSeconds = 5.5;

const options = optionsGiven();
if (options.wants === "help") print(usage);
else if (options.wants === "list") print([...contenders, ...scenarios(options.size)].map(({ name }) => name).join("\n"));
else await main();

async function main(): Promise<void> {
  exitOnSignals();
  const { write } = options;
  const earlier = earlierRuns(options);
  const fresh = options.scenarios.length === 0 ? [] : [await measureAll(options)];
  const run = combined([...earlier, ...fresh]);
  const text = toMarkdown(run);
  print(`\n${text}`);
  if (write !== undefined) writeInto(resolve(write), text);
  if (fresh.some(({ series }) => series.some(({ outcomes }) => outcomes.some((outcome) => "failed" in outcome)))) process.exitCode = 1;
}

/** What `--combine` names. What cannot be shown with the new figures, or cannot be written, is refused now and not after an hour of measuring. */
function earlierRuns({ combine, scenarios: chosenScenarios, size, write }: Options): readonly Run[] {
  try {
    if (write !== undefined) checkDocument(resolve(write));
    const runs = combine.map((path) => readRun(resolve(path)));
    const fresh = chosenScenarios.length === 0 ? [] : [{ size, parts: [], contenders: [], series: [] }];
    combined([...fresh, ...runs]);
    return runs;
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

/** Measures what was chosen. The raw figures are kept after every scenario: a run that is broken off can be combined with another. */
async function measureAll({ size, rounds, contenders: chosen, scenarios: chosenScenarios, json }: Options): Promise<Run> {
  sweepDataDirectories();
  const seconds = chosenScenarios.reduce((sum, scenario) => sum + (aroundSeconds + scenario.seconds(size)) * roundsOf(scenario, rounds) * chosen.length, 0);
  process.stderr.write(`${chosen.length} contenders, ${chosenScenarios.length} scenarios: about ${Math.ceil(seconds / 60)} minutes. The machine should do nothing else.\n`);
  const begin = performance.now();
  const startedAt = new Date().toISOString();
  const path = resolve(json ?? join(cacheDirectory, "results", `${startedAt.replaceAll(":", "-")}.json`));
  const machine = machineNow();
  const software = new Map<string, string>();
  const series: Series[] = [];
  const soFar = (): Run => ({
    size,
    parts: [{ startedAt, minutes: (performance.now() - begin) / 60_000, machine, rounds }],
    contenders: chosen.map(({ name, system, durability, tuning, concurrency }) => ({
      ...{ name, system, durability, tuning, concurrency: size.concurrency ?? concurrency },
      software: software.get(name) ?? "not started",
    })),
    series,
  });
  for (const scenario of chosenScenarios) {
    series.push(...(await runScenario({ scenario, chosen, rounds: roundsOf(scenario, rounds), size, startedAt, software })));
    keep(path, soFar());
  }
  process.stderr.write(`Measured in ${soFar().parts[0]?.minutes.toFixed(1)} minutes. Raw figures: ${path}\n`);
  return soFar();
}

function keep(path: string, run: Run): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(run, null, 2)}\n`);
}

function roundsOf({ isLong }: Scenario, rounds: number): number {
  return isLong === true ? 1 : rounds;
}

function machineNow(): Machine {
  const probe = dataDirectory("machine");
  const machine = describeMachine(probe);
  rmSync(probe, { recursive: true });
  return machine;
}

interface Chosen {
  readonly scenario: Scenario;
  readonly chosen: readonly Contender[];
  readonly rounds: number;
  readonly size: Size;
  readonly startedAt: string;
  /** Filled in: what each server calls itself. */
  readonly software: Map<string, string>;
}

async function runScenario({ scenario, chosen, rounds, size, startedAt, software }: Chosen): Promise<Series[]> {
  const series = chosen.map(({ name }) => {
    const [outcomes, othersBusy]: [Outcome[], number[]] = [[], []];
    return { scenario: scenario.name, contender: name, startedAt, outcomes, othersBusy };
  });
  for (let round = 1; round <= rounds; round += 1) {
    for (const [place, contender] of chosen.entries()) {
      series[place]?.othersBusy.push(await cpuBusy(500));
      const begin = performance.now();
      const outcome = await measureAlone(contender, scenario, size);
      if ("software" in outcome) software.set(contender.name, outcome.software);
      series[place]?.outcomes.push(outcome);
      const took = Math.round((performance.now() - begin) / 1000);
      process.stderr.write(`${scenario.name} ${round}/${rounds} ${contender.name} (${took} s): ${inBrief(outcome)}\n`);
    }
  }
  return series;
}

function inBrief(outcome: Outcome): string {
  if ("failed" in outcome) return `no result: ${outcome.failed}`;
  const figures = Object.entries(outcome.figures).map(([key, figure]) => `${key} ${figure === null ? "–" : figure.toFixed(figure < 100 ? 2 : 0)}`);
  return figures.join(", ");
}

/** A runner of its own starts the system with empty storage, measures once, and stops it. */
async function measureAlone(contender: Contender, scenario: Scenario, size: Size): Promise<Outcome> {
  const directory = dataDirectory(contender.name);
  try {
    return await runIn({ contender: contender.name, scenario: scenario.name, directory, size });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function runIn(assignment: Assignment): Promise<Outcome> {
  const runner = fork(fileURLToPath(new URL("runner.ts", import.meta.url)), [JSON.stringify(assignment)]);
  const limit = setTimeout(() => runner.kill("SIGTERM"), measurementLimitMs);
  try {
    const [said] = (await Promise.race([once(runner, "message"), once(runner, "exit")])) as [Outcome | number | null];
    if (said === null || typeof said === "number") return { failed: `the runner ended without an answer (${said ?? "killed"})` };
    if (runner.exitCode === null && runner.signalCode === null) await once(runner, "exit");
    return said;
  } finally {
    clearTimeout(limit);
  }
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
