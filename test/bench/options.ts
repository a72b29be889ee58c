/** What `npm run bench` can be told. */
import { parseArgs } from "node:util";
import type { Contender } from "./contender.ts";
import { contenders } from "./contenders.ts";
import type { Scenario, Size } from "./scenario.ts";
import { scenarios } from "./scenarios.ts";

export const usage = `npm run bench -- [options]
  --only NAMES       contenders whose names begin so, comma-separated (default: all)
  --scenarios NAMES  scenarios whose names begin so, comma-separated (default: all)
  --quick            one round, 2 s and 50 000 jobs at most, backlog of 20 000
  --rounds N         rounds of alternation (3); the long scenarios have one
  --seconds N        longest time jobs are offered in one measurement (4)
  --jobs N           most jobs of one measurement (400 000)
  --in-flight N      concurrent adds (500)
  --clients N        client processes, sharing the adds in flight (8)
  --rate N           jobs/s of the latency-under-load scenario (500)
  --samples N        jobs of the idle latency scenario (500)
  --backlog N        jobs waiting in the backlog scenario and the larger recovery scenario (1 000 000)
  --concurrency N    worker concurrency of every contender chosen, instead of its own: how the best was found
  --json PATH        where the raw figures go (.cache/bench/results/<time>.json)
  --combine PATHS    raw figures of earlier runs of the same sizes, comma-separated: shown with the new ones, which win
  --render           measure nothing: show what --combine names
  --write PATH       put the tables into this document, between its two bench comments (docs/benchmarks.md)
  --list             names of contenders and scenarios`;

const { values: flags } = parseArgs({
  options: {
    only: { type: "string" },
    scenarios: { type: "string" },
    quick: { type: "boolean", default: false },
    jobs: { type: "string" },
    rounds: { type: "string" },
    seconds: { type: "string" },
    "in-flight": { type: "string", default: "500" },
    clients: { type: "string", default: "8" },
    rate: { type: "string", default: "500" },
    samples: { type: "string" },
    backlog: { type: "string" },
    concurrency: { type: "string" },
    json: { type: "string" },
    combine: { type: "string" },
    render: { type: "boolean", default: false },
    write: { type: "string" },
    list: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});

export interface Options {
  readonly wants: "run" | "help" | "list";
  readonly size: Size;
  readonly rounds: number;
  /** None when nothing is to be measured. */
  readonly contenders: readonly Contender[];
  readonly scenarios: readonly Scenario[];
  readonly combine: readonly string[];
  readonly json: string | undefined;
  readonly write: string | undefined;
}

export function optionsGiven(): Options {
  const size = sizeGiven();
  const { quick, combine, render, json, write } = flags;
  if (render && combine === undefined) refuse("--render shows what --combine names: give both");
  return {
    wants: flags.help ? "help" : flags.list ? "list" : "run",
    size,
    rounds: count("rounds", flags.rounds ?? (quick ? "1" : "3")),
    contenders: render ? [] : choose(contenders, flags.only),
    scenarios: render ? [] : choose(scenarios(size), flags.scenarios),
    combine: combine?.split(",") ?? [],
    json, write,
  };
}

function sizeGiven(): Size {
  const { quick, concurrency } = flags;
  return {
    jobs: count("jobs", flags.jobs ?? (quick ? "50000" : "400000")),
    seconds: count("seconds", flags.seconds ?? (quick ? "2" : "4")),
    inFlight: count("in-flight", flags["in-flight"]),
    clients: count("clients", flags.clients),
    rate: count("rate", flags.rate),
    samples: count("samples", flags.samples ?? (quick ? "200" : "500")),
    backlog: count("backlog", flags.backlog ?? (quick ? "20000" : "1000000")),
    ...(concurrency === undefined ? {} : { concurrency: count("concurrency", concurrency) }),
  };
}

/** Ends the program: what was given cannot be used, and `why` says what can. */
export function refuse(why: string): never {
  process.stderr.write(`${why}\n`);
  process.exit(2);
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
