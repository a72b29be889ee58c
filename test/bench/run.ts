/** Figures as they are kept: of one run of the program, or of several put together. */
import { readFileSync } from "node:fs";
import type { Contender } from "./contender.ts";
import { contenders } from "./contenders.ts";
import type { Machine } from "./measure.ts";
import type { Outcome } from "./runner.ts";
import type { Size } from "./scenario.ts";
import { scenarios } from "./scenarios.ts";

/** All rounds of one contender in one scenario, in order. */
export interface Series {
  readonly scenario: string;
  readonly contender: string;
  /** Of the run that measured it. */
  readonly startedAt: string;
  readonly outcomes: readonly Outcome[];
  /** Share of the CPU that other processes used just before each round, 0 … 1. */
  readonly othersBusy: readonly number[];
}

/** One run of the program. */
export interface Part {
  readonly startedAt: string;
  readonly minutes: number;
  readonly machine: Machine;
  readonly rounds: number;
}

export type Described = Pick<Contender, "name" | "system" | "durability" | "tuning" | "concurrency"> & { readonly software: string };

export interface Run {
  readonly size: Size;
  readonly parts: readonly Part[];
  readonly contenders: readonly Described[];
  readonly series: readonly Series[];
}

export function readRun(path: string): Run {
  const run = JSON.parse(readFileSync(path, "utf8")) as Partial<Run>;
  if (run.parts === undefined || run.size === undefined) throw new Error(`${path} holds no figures of this benchmark, or of an older one: measure again`);
  return run as Run;
}

/**
 * Later runs win, scenario by scenario and contender by contender.
 *
 * @throws {Error} naming the size in which they differ: figures of different sizes are not to be shown in one table.
 */
export function combined(runs: readonly Run[]): Run {
  const [first] = runs;
  if (first === undefined) throw new Error("nothing to show: measure something, or name earlier figures with --combine");
  for (const { size, parts } of runs) {
    const other = ([...Object.keys(size), ...Object.keys(first.size)] as (keyof Size)[]).find((key) => size[key] !== first.size[key]);
    if (other !== undefined) throw new Error(`the run of ${parts[0]?.startedAt} has another ${other} (${size[other]}, not ${first.size[other]}): give that option, or measure again`);
  }
  const series = new Map(runs.flatMap((run) => run.series).map((one) => [`${one.scenario} ${one.contender}`, one]));
  const described = new Map(runs.flatMap((run) => run.contenders).map((one) => [one.name, one]));
  const used = new Set([...series.values()].map(({ startedAt }) => startedAt));
  return {
    size: first.size,
    parts: runs.flatMap(({ parts }) => parts).filter(({ startedAt }) => used.has(startedAt)),
    contenders: contenders.flatMap(({ name }) => described.get(name) ?? []),
    series: scenarios(first.size).flatMap(({ name }) => contenders.flatMap((contender) => series.get(`${name} ${contender.name}`) ?? [])),
  };
}
