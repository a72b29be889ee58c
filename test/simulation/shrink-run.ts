/** Makes a failing run small enough to read: fewer families, fewer processes, a shorter plan. */
import { smallest } from "@longshore/testkit/simulation";
import type { Mutation } from "./cluster.ts";
import type { Action } from "./plan.ts";
import type { Run, Scenario } from "./simulate.ts";
import { run } from "./simulate.ts";

const isBad = (result: Run): boolean => result.violations.length + result.alarms.length > 0;

export function describeRun({ config, plan }: Scenario, result: Run): string {
  const lines = [`seed ${config.seed}: ${result.violations.length} violations, ${result.alarms.length} alarms, ${result.jobs} jobs, ${result.commits} commits, ${result.steps} steps, `
    + `${Math.round(result.virtualMs / 1_000)} s; ${config.hosts} hosts, ${config.clients} clients, ${config.workers} workers, ${plan.length} actions; ${config.families.join(" ") || "no faults"}`];
  for (const { promise, position, text } of result.violations.slice(0, 8)) lines.push(`  ${promise} at commit ${position.commit}.${position.event}: ${text}`);
  for (const alarm of result.alarms.slice(0, 8)) lines.push(`  alarm: ${alarm}`);
  return lines.join("\n");
}

/** The smallest reproduction found, as text: its configuration, its plan and what it violates. */
export function shrink(scenario: Scenario, mutation?: Mutation): string {
  const found = smaller(scenario, mutation);
  const result = run(found, { keepsTrace: true, ...(mutation && { mutation }) });
  const plan = found.plan.map((action) => `  ${JSON.stringify(action)}`).join("\n");
  return `${describeRun(found, result)}\nplan:\n${plan}\ntrace (last 150 lines):\n${result.trace!.slice(-150).join("\n")}`;
}

function smaller(scenario: Scenario, mutation?: Mutation): Scenario {
  const first = run(scenario, mutation === undefined ? {} : { mutation });
  // The same kind of failure, not any other that a shorter plan may have.
  const kind = first.violations[0]?.promise;
  const fails = (candidate: Scenario): boolean => {
    const result = run(candidate, mutation === undefined ? {} : { mutation });
    return kind === undefined ? isBad(result) : result.violations.some(({ promise }) => promise === kind);
  };
  let best = scenario;
  const keep = (candidate: Scenario): void => {
    if (fails(candidate)) best = candidate;
  };
  for (const family of scenario.config.families) keep(withoutFamily(best, family));
  for (const key of ["hosts", "clients", "workers"] as const) {
    for (let count = 1; count < best.config[key]; count++) keep({ ...best, config: { ...best.config, [key]: count }, plan: best.plan.filter((action) => isWithin(action, key, count)) });
  }
  const plan = smallest(best.plan, (actions) => fails({ ...best, plan: actions }));
  return { ...best, plan };
}

const OF_FAMILY: Readonly<Record<string, (action: Action) => boolean>> = {
  "host-crash": (action) => action.kind === "crash" && action.process.startsWith("h"),
  "worker-crash": (action) => action.kind === "crash" && action.process.startsWith("w"),
  "client-crash": (action) => action.kind === "crash" && action.process.startsWith("c"),
  pause: (action) => action.kind === "pause", cuts: (action) => action.kind === "cut", drain: (action) => action.kind === "drain",
  takeover: (action) => action.kind === "takeover", clocks: (action) => action.kind === "step", poison: (action) => action.kind === "poison",
  operators: (action) => ["stop", "retry", "remove", "stopAll", "retryAll", "removeAll", "suspend", "resume"].includes(action.kind),
  loss: (action) => action.kind === "weather" && action.change.loss !== undefined,
  doubles: (action) => action.kind === "weather" && action.change.duplicate !== undefined,
  reorder: (action) => action.kind === "weather" && action.change.reorder !== undefined,
  slow: (action) => action.kind === "weather" && action.change.latencyMs !== undefined,
  "lost-answers": (action) => action.kind === "weather" && action.change.answerLoss !== undefined,
  "late-appends": (action) => action.kind === "weather" && action.change.lateAppend !== undefined,
  deposed: (action) => action.kind === "weather" && action.change.deposed !== undefined,
  full: (action) => action.kind === "weather" && action.change.full !== undefined,
  outage: (action) => action.kind === "weather" && action.change.outage !== undefined,
};

function withoutFamily({ config, plan }: Scenario, family: string): Scenario {
  const families = config.families.filter((one) => one !== family);
  const isOfFamily = OF_FAMILY[family] ?? (() => false);
  return { config: { ...config, families, ...(family === "snapshots" && { snapshotEvery: 0 }) }, plan: plan.filter((action) => !isOfFamily(action)) };
}

function isWithin(action: Action, key: "hosts" | "clients" | "workers", count: number): boolean {
  if ("client" in action) return key !== "clients" || action.client < count;
  if (!("process" in action) || !action.process.startsWith(key[0]!)) return true;
  return Number(action.process.slice(1)) <= count;
}
