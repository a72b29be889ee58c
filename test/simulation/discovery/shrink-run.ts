/** Makes a failing run small enough to read. */
import { smallest } from "@longshore/testkit/simulation";
import type { Mutation } from "./cluster.ts";
import { describeRun, isBad } from "./seeds.ts";
import type { Run, Scenario } from "./simulate.ts";
import { run } from "./simulate.ts";

/** What failed first, without names and numbers. */
const kindOf = ({ violations, alarms }: Run): string => (violations[0] ?? alarms[0] ?? "").split(/[ :]/)[0]!;

/** The smallest reproduction found, as text: its configuration, its plan and its trace. */
export function shrink(scenario: Scenario, mutation: Mutation = {}): string {
  const kind = kindOf(run(scenario, { mutation }));
  const fails = (candidate: Scenario): boolean => {
    const result = run(candidate, { mutation });
    return isBad(result) && kindOf(result) === kind;
  };
  const found = { ...scenario, plan: smallest(scenario.plan, (plan) => fails({ ...scenario, plan }), 200) };
  const result = run(found, { mutation, keepsTrace: true });
  const spoken = result.trace!.filter((line) => !/ (?:up|down|msg|pub|req|ans|none|sub|unsub|time|hint|look|read|ack|append)(?: \d+)?$/.test(line));
  return `${describeRun(found, result)}\nplan:\n${found.plan.map((action) => `  ${JSON.stringify(action)}`).join("\n")}\ntrace (last 120 lines of what parts did):\n${spoken.slice(-120).join("\n")}`;
}
