/**
 * What follows by itself: evictions that evidence has earned, the two steps of a view, deadlines, expiries.
 *
 *               joins batched 500 ms,         every member
 *               departures at once            has acked
 *   view n ─────────────ViewProposed──▶ n + 1 ──ViewActivated──▶ view n + 1
 *                  ▲                      │
 *                  └───ViewSuperseded─────┘  a member of it is gone, or an operator asked
 *
 * One question, asked until it has no answer: what is the next event at this instant? So what `settle` says depends on the
 * state and the time alone, in whatever commit and on whatever host, and a commit without room is continued by the next.
 *
 * A view is safe because every proposal and every activation stands in one history that one host writes. A proposal ends
 * what members may rely on (CHANGING), and it is activated only when all its members have acked that; never otherwise. One
 * that does not ack within 60 s of the first ack is evicted, and the next proposal goes without it; before anybody has acked, nobody
 * is, because then it may be the history that was not heard; but where others wait to join, another proposal takes them in after
 * 10 s, so that a view whose members are all dead or stuck does not keep them out. Members keep their order, newcomers stand at the end, so the leader, the first, changes only
 * when it is gone. When nobody would be left the last view stands until somebody joins.
 */
import type { Emit } from "@longshore/kernel";
import type { DiscoveryEvent, EventOf, ProposalReason } from "./events.ts";
import type { DiscoveryLimits } from "./limits.ts";
import type { DiscoveryState, Living, Proposal } from "./state.ts";
import { keyOf } from "./state.ts";
import { nextEviction } from "./verdict.ts";
import type { MemberRecord } from "./vocabulary.ts";

export function settle(state: DiscoveryState, at: number, emit: Emit<DiscoveryEvent>, limits: DiscoveryLimits): void {
  for (let event = nextEvent(state, at, limits); event !== undefined; event = nextEvent(state, at, limits)) {
    if (!emit(event)) return;
  }
}

/** The first instant at which `settle` has something to say, milliseconds of `at`. */
export function due(state: DiscoveryState, limits: DiscoveryLimits): number | undefined {
  for (const at of instantsOf(state, limits)) if (nextEvent(state, at, limits) !== undefined) return at;
  return undefined;
}

/** When anything could become due: now, and wherever a time runs out. */
function instantsOf(state: DiscoveryState, limits: DiscoveryLimits): readonly number[] {
  const { lastAt, proposed, quietUntil, formedAt } = state;
  const instants = [lastAt, quietUntil, formedAt + limits.formationMs];
  if (proposed !== undefined) instants.push(proposed.since + limits.ackWarnMs, (proposed.ackedSince ?? proposed.since) + limits.ackDeadlineMs);
  for (const { readyAt, evidence } of state.living.values()) {
    if (readyAt !== undefined) instants.push(readyAt + limits.joinBatchMs);
    for (const { at } of evidence.values()) instants.push(at + limits.certainAfterMs);
  }
  for (const { heardAt } of state.remotes.values()) instants.push(heardAt + limits.remoteKeepMs);
  for (const { at } of state.gone.values()) {
    instants.push(at + limits.goneKeepMs);
    break;
  }
  return instants.filter((instant) => instant >= lastAt).sort((a, b) => a - b);
}

function nextEvent(state: DiscoveryState, at: number, limits: DiscoveryLimits): DiscoveryEvent | undefined {
  return nextEviction(state, at, limits) ?? nextStep(state, at, limits) ?? nextExpiry(state, at, limits);
}

function nextStep(state: DiscoveryState, at: number, limits: DiscoveryLimits): DiscoveryEvent | undefined {
  if (state.proposed !== undefined) return nextOfProposal(state, state.proposed, at, limits);
  const reason = whyPropose(state, at, limits);
  return reason === undefined ? undefined : proposalOf(state, reason);
}

function nextOfProposal(state: DiscoveryState, proposal: Proposal, at: number, limits: DiscoveryLimits): DiscoveryEvent | undefined {
  const { number, members, since, ackedSince, acked, isWarned } = proposal;
  const missing = missingAcks(proposal);
  const late = missing.find((member) => state.isLiving(member));
  if (late !== undefined && ackedSince !== undefined && ackedSince + limits.ackDeadlineMs <= at) {
    return { type: "InstanceEvicted", instance: late.instance, incarnation: late.incarnation, cause: "ack-overdue" };
  }
  if (members.some((member) => !state.isLiving(member))) return { type: "ViewSuperseded", number, reason: "gone" };
  if (missing.length === 0) return { type: "ViewActivated", number };
  if (since + limits.ackWarnMs <= at && !isWarned) return { type: "AckOverdue", number, instances: missing.map(({ instance }) => instance) };
  if (since + limits.ackWarnMs <= at && acked.size === 0 && isAwaited(state, at, limits)) return { type: "ViewSuperseded", number, reason: "unheard" };
  return undefined;
}

/** Somebody is ready, and neither in the view nor in the proposal. */
const isAwaited = (state: DiscoveryState, at: number, { joinBatchMs }: DiscoveryLimits): boolean =>
  joinersOf(state).some(({ record, readyAt }) => !state.isProposed(record) && readyAt! + joinBatchMs <= at);

/** Members of the proposal that have not said that their listeners know. */
export const missingAcks = ({ members, acked }: Proposal): readonly MemberRecord[] => members.filter(({ instance }) => !acked.has(instance));

function whyPropose(state: DiscoveryState, at: number, limits: DiscoveryLimits): ProposalReason | undefined {
  if (state.clusterId === undefined) return undefined;
  const joiners = joinersOf(state);
  const stays = (state.view?.members ?? []).filter((member) => state.isLiving(member));
  if (stays.length + joiners.length === 0) return undefined;
  if (state.mustPropose) return "superseded";
  if (state.view !== undefined && stays.length < state.view.members.length) return "gone";
  const firstReadyAt = Math.min(...joiners.map(({ readyAt }) => readyAt!));
  if (firstReadyAt + limits.joinBatchMs > at) return undefined;
  if (state.view !== undefined) return "joined";
  return state.formedAt + limits.formationMs <= at ? "formed" : undefined;
}

/** Those who are ready and in no view, in the order in which they join. */
function joinersOf(state: DiscoveryState): readonly Living[] {
  return [...state.living.values()]
    .filter(({ readyAt, record }) => readyAt !== undefined && !state.isMember(record))
    .sort((a, b) => b.record.leaderPriority - a.record.leaderPriority || a.readyAt! - b.readyAt! || a.announcedAt - b.announcedAt);
}

/** The next proposal: who stays, in the order of the view, then who joins. */
export function proposalOf(state: DiscoveryState, reason: ProposalReason): EventOf<"ViewProposed"> {
  const before = state.view?.members ?? [];
  const joiners = joinersOf(state).map(({ record }) => record);
  const members = [...before.filter((member) => state.isLiving(member)), ...joiners];
  const removed = before.filter((member) => !state.isLiving(member)).map(({ instance, incarnation }) =>
    ({ instance, incarnation, cause: state.gone.get(keyOf({ instance, incarnation }))?.cause ?? "left" }));
  return {
    type: "ViewProposed", number: state.lastNumber + 1, members: members.map(({ instance, incarnation }) => ({ instance, incarnation })),
    joined: joiners.map(({ instance }) => instance), removed, reason,
  };
}

function nextExpiry(state: DiscoveryState, at: number, limits: DiscoveryLimits): DiscoveryEvent | undefined {
  for (const [clusterId, { heardAt }] of state.remotes) if (heardAt + limits.remoteKeepMs <= at) return { type: "RemoteClusterExpired", clusterId };
  let count = 0;
  for (const gone of state.gone.values()) {
    if (count >= state.gone.size - limits.goneMax && gone.at + limits.goneKeepMs > at) break;
    count++;
  }
  return count === 0 ? undefined : { type: "GoneForgotten", count };
}
