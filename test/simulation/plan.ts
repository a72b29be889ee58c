/**
 * The plan of a run: everything that users do and everything that goes wrong, as a list that can be made shorter.
 *
 * What is drawn while the run goes on (latencies, which message is lost) is chance of the world, not of the plan.
 */

import type { JobOptions } from "@longshore/job-queue";
import { queueMatches } from "@longshore/job-queue";
import type { Random, Weather } from "@longshore/testkit/simulation";
import type { Behaviour } from "./behaviour.ts";
import { drawBehaviour } from "./behaviour.ts";
import type { Config, Family } from "./config.ts";
import { TOPICS } from "./config.ts";
import { FRAGILE } from "./poison.ts";

type WeatherChange = { readonly [Key in keyof Weather]?: Weather[Key] };

export type Action = { readonly atMs: number } & (
  | { readonly kind: "add"; readonly client: number; readonly name: string | undefined; readonly topic: string; readonly behaviour: Behaviour; readonly options: JobOptions; readonly waits: boolean }
  /** On the job that was added `back` adds before. */
  | { readonly kind: "stop" | "retry" | "remove"; readonly client: number; readonly back: number }
  | { readonly kind: "stopAll" | "retryAll" | "removeAll"; readonly client: number; readonly topic: string }
  | { readonly kind: "configure" | "suspend" | "resume"; readonly client: number; readonly queue: string; readonly maxParallel: number }
  | { readonly kind: "poison"; readonly way: "inbox" | "direct"; readonly what: number }
  | { readonly kind: "crash" | "pause" | "cut"; readonly process: string; readonly forMs: number }
  | { readonly kind: "drain"; readonly process: string; readonly forMs: number }
  | { readonly kind: "takeover"; readonly process: string }
  | { readonly kind: "weather"; readonly change: WeatherChange; readonly forMs: number }
  | { readonly kind: "step"; readonly byMs: number }
);

type Draft = Action extends infer One ? (One extends { readonly atMs: number } ? Omit<One, "atMs"> : never) : never;

export function drawPlan(config: Config, random: Random, later: Random): readonly Action[] {
  const actions: Action[] = [];
  const any = (): number => random.next() * config.troubleMs;
  const some = (family: Family, low: number, high: number, draft: () => Draft): void => {
    if (!config.families.includes(family)) return;
    for (let i = random.int(low, high); i > 0; i--) actions.push({ atMs: any(), ...draft() } as Action);
  };
  for (const { queue } of config.queues) actions.push({ atMs: random.next() * 50, kind: "configure", client: 0, queue, maxParallel: 0 });
  drawAdds(config, random, actions);
  drawOperators(config, random, some);
  drawFaults(config, random, some);
  if (config.isFragile) {
    for (let i = later.int(1, 4); i > 0; i--) actions.push({ atMs: later.next() * config.troubleMs, kind: "poison", way: later.pick(["inbox", "direct"]), what: later.pick(FRAGILE) });
  }
  return actions.sort((a, b) => a.atMs - b.atMs);
}

function drawAdds(config: Config, random: Random, actions: Action[]): void {
  const hasBadHandlers = config.families.includes("handlers");
  let atMs = 0;
  for (let i = 0; i < config.jobs; i++) {
    // Bursts and lulls.
    if (random.chance(0.1)) atMs = random.next() * config.troubleMs;
    else if (random.chance(0.3)) atMs += random.log(0.01, 5);
    const topic = random.pick(TOPICS);
    // One after the other, long ones would take too long for the whole run.
    const isOrdered = config.queues.some((queue) => queue.config.type === "ordered" && queueMatches(queue.config.topics, topic));
    const behaviour = inGrains(drawBehaviour(random, hasBadHandlers), isOrdered ? Math.min(50, config.grainMs) : config.grainMs, isOrdered ? 10 : 1);
    const options = drawOptions(behaviour, random);
    const name = random.chance(0.06) ? `u${random.int(1, 6)}` : undefined;
    actions.push({ atMs: Math.min(atMs, config.troubleMs), kind: "add", client: random.int(0, config.clients - 1), name, topic, behaviour, options, waits: random.chance(0.7) });
  }
}

function drawOptions(behaviour: Behaviour, random: Random): JobOptions {
  const options: { -readonly [Key in keyof JobOptions]: JobOptions[Key] } = {};
  if (behaviour.kind === "hangs" || random.chance(0.1)) options.timeoutMs = random.int(500, 4_000);
  if (behaviour.kind === "hangs" || random.chance(0.1)) options.retries = random.int(0, 2);
  if (random.chance(0.08)) options.delayMs = random.int(1, 5_000);
  if (random.chance(0.2)) options.retryDelayMs = random.int(1, 3_000);
  return options;
}

const inGrains = (behaviour: Behaviour, grainMs: number, quicker: number): Behaviour =>
  "ms" in behaviour ? { ...behaviour, ms: Math.ceil(behaviour.ms / quicker / grainMs) * grainMs } : behaviour;

type Some = (family: Family, low: number, high: number, draft: () => Draft) => void;

function drawOperators(config: Config, random: Random, some: Some): void {
  const client = (): number => random.int(0, config.clients - 1);
  const queue = (): string => random.pick(["main", ...config.queues.map((one) => one.queue)]);
  some("operators", 0, 15, () => ({ kind: random.pick(["stop", "stop", "retry", "remove"]), client: client(), back: random.int(0, 60) }));
  some("operators", 0, 3, () => ({ kind: random.pick(["stopAll", "retryAll", "removeAll"]), client: client(), topic: random.pick(TOPICS) }));
  some("operators", 0, 6, () => ({ kind: random.pick(["suspend", "resume"]), client: client(), queue: queue(), maxParallel: 0 }));
  some("operators", 0, 2, () => ({ kind: "configure", client: client(), queue: random.pick(["scans", "letters"]), maxParallel: random.pick([1, 2, 5]) }));
  some("poison", 1, 6, () => ({ kind: "poison", way: random.pick(["inbox", "direct"]), what: random.int(0, 7) }));
}

function drawFaults(config: Config, random: Random, some: Some): void {
  const host = (): string => `h${random.int(1, config.hosts)}`;
  const worker = (): string => `w${random.int(1, config.workers)}`;
  const client = (): string => `c${random.int(1, config.clients)}`;
  const anybody = (): string => random.pick([host, host, worker, client])();
  const weather = (forMs: readonly [number, number], change: () => WeatherChange) => (): Draft =>
    ({ kind: "weather", change: change(), forMs: random.log(...forMs) });
  some("loss", 1, 4, weather([50, 6_000], () => ({ loss: random.log(0.01, 0.5) })));
  some("doubles", 1, 3, weather([50, 6_000], () => ({ duplicate: random.log(0.01, 0.5) })));
  some("reorder", 1, 3, weather([50, 6_000], () => ({ reorder: random.log(0.01, 0.3) })));
  some("slow", 1, 3, weather([100, 5_000], () => ({ latencyMs: random.log(1, 400) })));
  some("lost-answers", 1, 4, weather([50, 6_000], () => ({ answerLoss: random.log(0.05, 0.9) })));
  some("late-appends", 1, 4, weather([50, 6_000], () => ({ lateAppend: random.log(0.05, 0.9) })));
  some("deposed", 1, 4, weather([200, 10_000], () => ({ deposed: true })));
  some("full", 1, 2, weather([100, 4_000], () => ({ full: true })));
  some("outage", 1, 2, weather([100, 8_000], () => ({ outage: true })));
  some("cuts", 1, 6, () => ({ kind: "cut", process: anybody(), forMs: random.log(50, 20_000) }));
  some("host-crash", 1, 5, () => ({ kind: "crash", process: host(), forMs: random.log(5, 5_000) }));
  some("worker-crash", 1, 4, () => ({ kind: "crash", process: worker(), forMs: random.log(5, 15_000) }));
  some("client-crash", 1, 3, () => ({ kind: "crash", process: client(), forMs: random.log(5, 3_000) }));
  some("pause", 1, 4, () => ({ kind: "pause", process: anybody(), forMs: random.log(20, 25_000) }));
  some("drain", 1, 3, () => ({ kind: "drain", process: worker(), forMs: random.log(100, 5_000) }));
  some("takeover", 1, 4, () => ({ kind: "takeover", process: host() }));
  some("clocks", 0, 2, () => ({ kind: "step", byMs: random.log(100, 1_000_000) * random.pick([-1, 1]) }));
}
