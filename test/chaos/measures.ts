/** What a run was like, read from the journal and from what the instances said. */

import { jobQueue } from "@longshore/job-queue";
import { FIRST_ACTOR_CODE } from "@longshore/kernel";
import type { Tape } from "../e2e/faults/verdict.ts";
import type { WorkerMember } from "../e2e/faults/world.ts";

const actor = jobQueue({ cluster: "main", shard: "main" });

export interface Measures {
  readonly commits: number;
  readonly epochs: number;
  /** Longest time without an attempt that begins, milliseconds of the journal's time. */
  readonly longestGapMs: number;
  /** Of each change of hosts: from the last commit of one to the first attempt that the next begins, milliseconds. */
  readonly takeOversMs: readonly number[];
}

/** Between two instants of the journal's time. */
export function measured(tape: Tape, { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number }): Measures {
  let lastStartMs = fromMs;
  let longestGapMs = 0;
  let before: { readonly epoch: number; readonly at: number } | undefined;
  let overtakenAtMs: number | undefined;
  const takeOversMs: number[] = [];
  const epochs = new Set<number>();
  for (const { epoch, at, events, format } of tape.decoded()) {
    epochs.add(epoch);
    if (before !== undefined && before.epoch !== epoch) overtakenAtMs ??= before.at;
    before = { epoch, at };
    const starts = events.some((wire) => (wire[0] as number) >= FIRST_ACTOR_CODE && actor.events.decode(wire, format).type === "AttemptStarted");
    if (!starts) continue;
    if (at >= fromMs && at <= toMs) longestGapMs = Math.max(longestGapMs, at - lastStartMs);
    lastStartMs = Math.max(at, fromMs);
    if (overtakenAtMs !== undefined) takeOversMs.push(at - overtakenAtMs);
    overtakenAtMs = undefined;
  }
  return { commits: tape.commits.length, epochs: epochs.size, longestGapMs, takeOversMs };
}

export interface ViewSaid {
  readonly number: number;
  readonly picture: string;
}

/** The views of the topology that a process says it was told, in order. */
export function viewsSaid({ text }: Pick<WorkerMember, "text">): readonly ViewSaid[] {
  return text.split("\n").filter((line) => line.includes('"topology.view"')).flatMap((line) => {
    try {
      const { number, leader, instances } = JSON.parse(line) as { readonly number: number; readonly leader: string; readonly instances: readonly string[] };
      return [{ number, picture: `${leader} leads ${instances.join(", ")}` }];
    } catch {
      // It was ended in the middle of a line.
      return [];
    }
  });
}

/** P11 as far as what was said shows it: one picture per number, and numbers that only grow in each process. */
export function viewsAtOdds(members: readonly Pick<WorkerMember, "instance" | "pid" | "text">[]): readonly string[] {
  const pictures = new Map<number, string>();
  const wrong: string[] = [];
  for (const member of members) {
    let last = 0;
    for (const { number, picture } of viewsSaid(member)) {
      if (number < last) wrong.push(`${member.instance} (${member.pid}) was told view ${number} after view ${last}`);
      last = number;
      const known = pictures.get(number) ?? picture;
      pictures.set(number, known);
      if (known !== picture) wrong.push(`view ${number} is "${known}" to one and "${picture}" to ${member.instance} (${member.pid})`);
    }
  }
  return wrong;
}
