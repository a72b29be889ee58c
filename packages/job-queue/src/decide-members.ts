/** Decisions about who is there. */
import { accepted } from "@longshore/kernel";
import type { JobQueueCommand } from "./commands.ts";
import type { QueueDecision } from "./decision.ts";
import { no } from "./decision.ts";
import type { JobQueueEvent } from "./events.ts";
import type { JobQueueLimits } from "./limits.ts";
import type { Member } from "./members.ts";
import type { QueueState } from "./state.ts";
import type { WorkerPool } from "./vocabulary.ts";

type Join = Extract<JobQueueCommand, { type: "JoinInstance" }>;
type MemberCommand = Extract<JobQueueCommand, { type: "JoinInstance" | "ChangeTopics" | "DrainInstance" | "LeaveInstance" | "RankInstances" }>;

export function decideMember(state: QueueState, command: MemberCommand, limits: JobQueueLimits): QueueDecision {
  if (command.type === "RankInstances") return isSameOrder(state.ranked, command.instances) ? accepted() : accepted({ type: "InstancesRanked", instances: command.instances });
  const present = state.instances.get(command.instance)?.member;
  if (command.type === "JoinInstance") return join(state, command, present, limits);
  if (present === undefined) {
    return command.type === "LeaveInstance" ? accepted() : no("instance/stale-incarnation", `instance "${command.instance}" is not here: join first`);
  }
  if (present.incarnation !== command.incarnation) return no("instance/stale-incarnation", `instance "${command.instance}" is here as another incarnation`);
  const { number: member } = present;
  switch (command.type) {
    case "ChangeTopics": return samePools(present, command.pools) ? accepted() : accepted({ type: "TopicsChanged", member, pools: command.pools });
    case "DrainInstance": return present.isDraining ? accepted() : accepted({ type: "InstanceDraining", member });
    case "LeaveInstance": return accepted({ type: "InstanceLeft", member, reason: command.reason });
  }
}

/** A new incarnation implies that the one before is gone. */
function join(state: QueueState, command: Join, present: Member | undefined, limits: JobQueueLimits): QueueDecision {
  const { instance, incarnation, principal, processors, pools } = command;
  const owner = state.instances.get(instance)?.principal ?? principal;
  if (owner !== principal) return no("instance/not-yours", `instance "${instance}" was first announced by another principal: choose another id`);
  if (present?.incarnation === incarnation) {
    return samePools(present, pools) ? accepted() : accepted({ type: "TopicsChanged", member: present.number, pools });
  }
  const joined = { type: "InstanceJoined", member: state.next.member, instance, incarnation, principal, processors, pools } as const;
  if (present !== undefined) return accepted<JobQueueEvent>({ type: "InstanceLeft", member: present.number, reason: "a new incarnation has joined" }, joined);
  if (state.members.size >= limits.instancesMax) return no("instance/too-many", `${limits.instancesMax} instances are here, and no more are taken`);
  return accepted(joined);
}

export const isSameOrder = (a: readonly string[], b: readonly string[]): boolean => a.length === b.length && a.every((name, i) => name === b[i]);
const sameLabels = (a: WorkerPool["labels"] = {}, b: WorkerPool["labels"] = {}): boolean =>
  Object.keys(a).length === Object.keys(b).length && Object.entries(a).every(([name, value]) => b[name] === value);

const samePools = (member: Member, pools: readonly WorkerPool[]): boolean =>
  member.pools.length === pools.length && member.pools.every((pool, i) => {
    const { topics, slots } = pools[i]!;
    return pool.slots === slots && sameLabels(pool.labels, pools[i]!.labels) && pool.topics.length === topics.length && pool.topics.every((topic, t) => topic === topics[t]);
  });
