/** The fold of who is there. */
import type { EventOf } from "./events.ts";
import { INSTANCE_NAMES_MAX } from "./limits.ts";
import { Member, newPool } from "./members.ts";
import type { QueueState } from "./state.ts";

type MemberEvent = EventOf<"InstanceJoined" | "TopicsChanged" | "InstanceDraining" | "InstanceLeft" | "InstancesRanked">;

export function evolveMembers(state: QueueState, event: MemberEvent, at: number): void {
  state.dropBoard();
  switch (event.type) {
    case "InstanceJoined": return joined(state, event, at);
    case "TopicsChanged": return state.member(event.member).replacePools(event.pools, () => state.next.turn++);
    case "InstanceDraining":
      state.member(event.member).isDraining = true;
      return;
    case "InstanceLeft": return left(state, event);
    case "InstancesRanked":
      state.ranked = event.instances;
      return;
  }
}

function joined(state: QueueState, event: EventOf<"InstanceJoined">, at: number): void {
  state.next.member = event.member + 1;
  const pools = event.pools.map((worker, index) => newPool(index, worker, state.next.turn++));
  const member = new Member(event.member, event, at, pools, state.jobs);
  state.members.set(member.number, member);
  if (member.isRoute) state.routes.add(member);
  const known = state.instances.get(event.instance);
  if (known !== undefined) known.member = member;
  else state.instances.set(event.instance, { principal: event.principal, member });
  if (state.instances.size > INSTANCE_NAMES_MAX) forgetOldestAbsent(state);
}

function forgetOldestAbsent(state: QueueState): void {
  for (const [instance, record] of state.instances) {
    if (record.member !== undefined) continue;
    state.instances.delete(instance);
    return;
  }
}

function left(state: QueueState, event: EventOf<"InstanceLeft">): void {
  const member = state.member(event.member);
  member.leftBecause = event.reason;
  const record = state.instances.get(member.instance);
  if (record !== undefined) record.member = undefined;
  if (member.running.size > 0) state.lost.add(member);
  else state.members.delete(member.number);
}
