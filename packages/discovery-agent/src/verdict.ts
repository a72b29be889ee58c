/**
 * Who is out: what evidence is enough to end an incarnation.
 *
 * | evidence | is enough when |
 * |---|---|
 * | witness (the server knows no listener) | the coordinator says so itself, or two members do |
 * | silent | two members say so, there are three or more, and not more than ⌊(n − 1) / 2⌋ are lost that way at a time |
 * | any | it stands for 9 s without the accused having been heard of: it would have renewed |
 *
 * The coordinator is the first member against whom there is no evidence. A larger silent loss looks the same as being cut
 * off oneself, so it waits for certainty; so does everything with two members. In the quiet time after an outage silence
 * counts for nothing. Evidence of somebody who is not ready to join, has started anew since, or said that it was not well
 * itself is kept and not counted.
 *
 * Who is ready and waits for the next view counts as a member does: when all members of a view, or of a proposal that is open,
 * are dead, nobody else is left to say so. The bound on silence is about members, of whom a minority must not give up a
 * majority: a newcomer that is lost before its first view uses up none of it.
 */
import type { EventOf, GoneCause } from "./events.ts";
import type { DiscoveryLimits } from "./limits.ts";
import type { DiscoveryState, Evidence, Living } from "./state.ts";
import { keyOf } from "./state.ts";
import type { MemberRecord } from "./vocabulary.ts";

/** Living members of the view, in its order, then those who join with the proposal, then those who wait for the next. */
function electorsOf(state: DiscoveryState): readonly MemberRecord[] {
  const members = (state.view?.members ?? []).filter((member) => state.isLiving(member));
  const joining = (state.proposed?.members ?? []).filter((member) => state.isLiving(member) && !state.isMember(member));
  const waiting: MemberRecord[] = [];
  for (const { readyAt, record } of state.living.values()) if (readyAt !== undefined && !state.isMember(record) && !state.isProposed(record)) waiting.push(record);
  return [...members, ...joining, ...waiting];
}

/** The next eviction that evidence asks for; undefined when there is none. */
export function nextEviction(state: DiscoveryState, at: number, limits: DiscoveryLimits): EventOf<"InstanceEvicted"> | undefined {
  if (!hasEvidence(state)) return undefined;
  const electors = electorsOf(state);
  const verdicts = [...state.living.values()].flatMap((living) => {
    const cause = verdictOn(state, living, electors, at, limits);
    return cause === undefined ? [] : [{ living, cause }];
  });
  const silent = verdicts.filter(({ cause }) => cause === "silent");
  const isTooLarge = silent.length + silentAlready(state) > Math.floor((electors.length + silentAlready(state) - 1) / 2);
  const chosen = verdicts.find(({ cause }) => cause !== "silent" || !isTooLarge);
  if (chosen === undefined) return undefined;
  const { instance, incarnation } = chosen.living.record;
  return { type: "InstanceEvicted", instance, incarnation, cause: chosen.cause };
}

export function hasEvidence(state: DiscoveryState): boolean {
  for (const { evidence } of state.living.values()) if (evidence.size > 0) return true;
  return false;
}

/** Members of the view that were lost by silence since it was activated. */
const silentAlready = (state: DiscoveryState): number =>
  (state.view?.members ?? []).filter((member) => !state.isLiving(member) && state.gone.get(keyOf(member))?.cause === "silent").length;

function verdictOn(state: DiscoveryState, living: Living, electors: readonly MemberRecord[], at: number, limits: DiscoveryLimits): GoneCause | undefined {
  const counted = countedAgainst(living, electors);
  if (counted.size === 0) return undefined;
  const witnesses = [...counted].filter(([, { kind }]) => kind === "witness").map(([by]) => by);
  const coordinator = electors.find(({ instance }) => instance !== living.record.instance && !isAccused(state, instance, electors))?.instance;
  if (witnesses.length >= 2 || (coordinator !== undefined && witnesses.includes(coordinator))) return "witness";
  if (at < state.quietUntil) return undefined;
  // Certainty first: it is not bounded by how many are lost.
  for (const { at: since } of counted.values()) if (since + limits.certainAfterMs <= at) return "certain";
  return counted.size >= 2 && electors.length >= 3 ? "silent" : undefined;
}

function isAccused(state: DiscoveryState, instance: string, electors: readonly MemberRecord[]): boolean {
  const living = state.living.get(instance);
  return living !== undefined && countedAgainst(living, electors).size > 0;
}

function countedAgainst({ record, evidence }: Living, electors: readonly MemberRecord[]): ReadonlyMap<string, Evidence> {
  const counted = new Map<string, Evidence>();
  for (const [by, held] of evidence) {
    const isElector = electors.some(({ instance, incarnation }) => instance === by && incarnation === held.byIncarnation);
    if (isElector && held.isHealthy && by !== record.instance) counted.set(by, held);
  }
  return counted;
}
