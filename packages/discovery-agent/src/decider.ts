/**
 * The decider: which commands are accepted, and what they record.
 *
 *   starting ──ready──▶ announced ──ViewActivated──▶ member ⇄ suspect
 *       │                   │                           │
 *       └───────────────────┴── leaves, is replaced, ───┴──▶ gone, for ever
 *                               or is evicted
 *
 * Commands record what somebody says; what follows (evictions, proposals, views) is `settle`'s. So nobody who accuses,
 * acks or leaves decides anything by it, and it is all the same in which order such words arrive.
 *
 * Whatever is said about an incarnation holds for that incarnation: evidence against one that has been replaced is no
 * evidence. An instance belongs to the principal that first announced it. Its second incarnation waits until the first
 * is gone or there is a witness that nobody listens at its address any more; a restart is always another incarnation, and so a change of view.
 */
import { accepted } from "@longshore/kernel";
import type { DiscoveryCommand, Leadership, Speaker, Standing } from "./commands.ts";
import type { RemoteSetting } from "./decide-remotes.ts";
import { decideRemote } from "./decide-remotes.ts";
import { decideTopics } from "./decide-topics.ts";
import type { DiscoveryDecision } from "./decision.ts";
import { no } from "./decision.ts";
import type { Announcement, DiscoveryEvent, Who } from "./events.ts";
import type { DiscoveryLimits } from "./limits.ts";
import type { PropertyChanges } from "./properties.ts";
import { isSameSet, laidOver, sortedByName, whyTooMany } from "./properties.ts";
import { proposalOf } from "./settle.ts";
import type { DiscoveryState, Living } from "./state.ts";
import { hasEvidence } from "./verdict.ts";

type CommandOf<Type extends DiscoveryCommand["type"]> = Extract<DiscoveryCommand, { type: Type }>;

export type Setting = RemoteSetting;

export function decide(state: DiscoveryState, command: DiscoveryCommand, at: number, setting: Setting): DiscoveryDecision {
  switch (command.type) {
    case "Announce": return announce(state, command, setting);
    case "ChangeProperties": return changeProperties(state, command);
    case "Leave": return leave(state, command);
    case "AckView": return ack(state, command);
    case "Suspect": return suspect(state, command);
    case "Refute": return refute(state, command);
    case "ChangeTopics": return decideTopics(state, command, setting.limits);
    case "AnnounceRemote": case "ExpireRemote": return decideRemote(state, command, at, setting, whyNotLeading);
    case "ProposeView": return propose(state);
    case "DiscardEvidence": return discard(state, command, setting.limits);
  }
}

function announce(state: DiscoveryState, command: CommandOf<"Announce">, { cluster, limits }: Setting): DiscoveryDecision {
  const { instance, incarnation, principal, announcement } = command;
  const owner = state.names.get(instance)?.principal ?? principal;
  if (owner !== principal) return no("instance/not-yours", `instance "${instance}" was first announced by another principal: choose another id`);
  if (state.isGone(command)) return no("instance/evicted", `incarnation "${incarnation}" of instance "${instance}" is gone: start anew with another incarnation`);
  const living = state.living.get(instance);
  const answer = standingOf(state, command);
  if (living?.record.incarnation === incarnation) return { kind: "accepted", events: renewal(living, announcement), answer };
  if (living !== undefined && !command.witness && !hasWitness(living)) return duplicate(living, command);
  if (living === undefined && state.living.size >= limits.instancesMax) return no("instance/too-many", `${limits.instancesMax} instances are here, and no more are taken`);
  const events: DiscoveryEvent[] = [];
  if (state.clusterId === undefined) events.push({ type: "ClusterFormed", clusterId: incarnation, cluster });
  if (living !== undefined) events.push({ type: "InstanceEvicted", instance, incarnation: living.record.incarnation, cause: "replaced" });
  events.push({ type: "InstanceAnnounced", instance, incarnation, principal, announcement });
  return { kind: "accepted", events, answer };
}

/** Whoever announces itself lives: that voids what is held against it. */
function renewal(living: Living, announcement: Announcement): readonly DiscoveryEvent[] {
  const { instance, incarnation } = living.record;
  const events: DiscoveryEvent[] = living.evidence.size === 0 ? [] : [{ type: "SuspicionRefuted", instance, incarnation, by: instance }];
  const change = changeOf(living, announcement);
  return change === undefined ? events : [...events, change];
}

function duplicate({ record, refused }: Living, { instance, incarnation, principal }: CommandOf<"Announce">): DiscoveryDecision {
  const refusal = no("instance/duplicate", `instance "${instance}" is alive as another incarnation: give every process an instance of its own, or wait until the other is gone`, { living: record.incarnation });
  if (refused === incarnation) return refusal;
  return { ...refusal, events: [{ type: "DuplicateInstanceDetected", instance, incarnation, principal, living: record.incarnation }] };
}

const hasWitness = ({ evidence }: Living): boolean => [...evidence.values()].some(({ kind, isHealthy }) => kind === "witness" && isHealthy);

function standingOf(state: DiscoveryState, who: Who): Standing {
  const { clusterId = null, view, proposed, change } = state;
  return {
    clusterId, view: view?.number ?? 0, proposed: proposed?.number ?? 0, change,
    isMember: state.isMember(who), owesAck: proposed !== undefined && state.isProposed(who) && !proposed.acked.has(who.instance),
  };
}

const announcementOf = ({ record }: Living): Announcement => {
  const { properties, topics, slots, kinds, endpoints, software, leaderPriority, isReady } = record;
  return { properties, topics, slots, kinds, endpoints, software, leaderPriority, isReady };
};

/** What was set from outside lies over what the instance says of itself. */
function changeOf(living: Living, said: Announcement, set: PropertyChanges | undefined = living.set): DiscoveryEvent | undefined {
  const { instance, incarnation, propertiesVersion } = living.record;
  const announcement = set === undefined ? said : { ...said, properties: laidOver(said.properties, set) };
  if (isSame(announcementOf(living), announcement) && isSameSet(living.set, set)) return undefined;
  return { type: "InstancePropertiesChanged", instance, incarnation, version: propertiesVersion + 1, announcement, set };
}

function changeProperties(state: DiscoveryState, { instance, incarnation, owner, properties }: CommandOf<"ChangeProperties">): DiscoveryDecision {
  return ofInstance(state, { instance, incarnation, principal: owner }, (living) => {
    const said = announcementOf(living);
    const set = { ...living.set, ...properties };
    const full = whyTooMany({ ...said, properties: laidOver(said.properties, set) }, set);
    if (full !== undefined) return no("properties/too-many", full);
    const change = changeOf(living, said, sortedByName(set));
    return { kind: "accepted", events: change === undefined ? [] : [change], answer: { properties: laidOver(said.properties, set) } };
  });
}

/** Lists are in canonical order: `parse` sorts them. */
const isSame = (a: Announcement, b: Announcement): boolean => textOf(a) === textOf(b);
const textOf = ({ properties, ...rest }: Announcement): string => JSON.stringify([Object.entries(properties).sort(([a], [b]) => (a < b ? -1 : 1)), rest]);

interface Named {
  readonly instance: string;
  readonly incarnation: string | undefined;
  readonly principal: string | undefined;
}

/** For what is said of an instance: it must be there, as that incarnation and under that principal where they are named. */
function ofInstance(state: DiscoveryState, who: Named, use: (living: Living) => DiscoveryDecision): DiscoveryDecision {
  const living = state.living.get(who.instance);
  if (living === undefined) return no("instance/unknown", `instance "${who.instance}" is not here: announce it first`);
  if (who.principal !== undefined && living.record.principal !== who.principal) return no("instance/not-yours", `instance "${who.instance}" was first announced by another principal`);
  if (who.incarnation !== undefined && living.record.incarnation !== who.incarnation) return no("instance/stale-incarnation", `instance "${who.instance}" is here as another incarnation`);
  return use(living);
}

function leave(state: DiscoveryState, command: CommandOf<"Leave">): DiscoveryDecision {
  if (!state.isLiving(command)) return accepted();
  const { instance, incarnation } = command;
  return ofInstance(state, command, () => accepted({ type: "InstanceLeaving", instance, incarnation }));
}

function ack(state: DiscoveryState, command: CommandOf<"AckView">): DiscoveryDecision {
  const { instance, incarnation, number } = command;
  return ofInstance(state, command, () => {
    const { proposed } = state;
    if (number > state.lastNumber) return no("view/unknown", `view ${number} was never proposed: the last is ${state.lastNumber}`);
    // Superseded or activated meanwhile: the ack has done what it could.
    if (proposed?.number !== number || proposed.acked.has(instance)) return accepted();
    if (!state.isProposed(command)) return no("instance/not-member", `instance "${instance}" is no member of view ${number}`);
    return accepted({ type: "ViewAcked", number, instance, incarnation });
  });
}

function suspect(state: DiscoveryState, command: CommandOf<"Suspect">): DiscoveryDecision {
  const { speaker, instance, incarnation, kind, isHealthy } = command;
  const refusal = whyNotSpeaking(state, speaker);
  if (refusal !== undefined) return refusal;
  if (speaker.by === instance) return no("instance/itself", "nobody accuses itself: leave instead");
  const living = state.living.get(instance);
  if (living === undefined || living.record.incarnation !== incarnation) return accepted();
  const known = living.evidence.get(speaker.by);
  const isKnown = known !== undefined && known.byIncarnation === speaker.byIncarnation && (known.kind === kind || known.kind === "witness") && (known.isHealthy || !isHealthy);
  if (isKnown) return accepted();
  return accepted({ type: "InstanceSuspected", instance, incarnation, by: speaker.by, byIncarnation: speaker.byIncarnation, kind, isHealthy });
}

function refute(state: DiscoveryState, command: CommandOf<"Refute">): DiscoveryDecision {
  const { speaker, instance, incarnation } = command;
  const refusal = whyNotSpeaking(state, speaker);
  if (refusal !== undefined) return refusal;
  const living = state.living.get(instance);
  if (living === undefined || living.record.incarnation !== incarnation) return accepted();
  const isHeld = speaker.by === instance ? living.evidence.size > 0 : living.evidence.has(speaker.by);
  return isHeld ? accepted({ type: "SuspicionRefuted", instance, incarnation, by: speaker.by }) : accepted();
}

/** Only who is there may speak about others, and only under its own principal. */
function whyNotSpeaking(state: DiscoveryState, { by, byIncarnation, principal }: Speaker): DiscoveryDecision | undefined {
  const living = state.living.get(by);
  if (living?.record.incarnation === byIncarnation && living.record.principal === principal) return undefined;
  return no("instance/not-member", `instance "${by}" is not here as incarnation "${byIncarnation}" of this principal: announce it first`);
}

/** A word of the leader counts while the view stands in which it leads: a deposed leader changes nothing. */
function whyNotLeading(state: DiscoveryState, leader: Leadership): DiscoveryDecision | undefined {
  const refusal = whyNotSpeaking(state, leader);
  if (refusal !== undefined) return refusal;
  const first = state.view?.members[0];
  const leads = state.view?.number === leader.number && first?.instance === leader.by && first.incarnation === leader.byIncarnation;
  return leads ? undefined : no("leader/stale", `instance "${leader.by}" does not lead in view ${leader.number}, or that view has passed`);
}

function propose(state: DiscoveryState): DiscoveryDecision {
  if (state.view === undefined) return no("view/none", "there is no view yet, and the first is proposed by itself");
  const { proposed } = state;
  if (proposed !== undefined) return accepted({ type: "ViewSuperseded", number: proposed.number, reason: "asked" });
  const proposal = proposalOf(state, "asked");
  return proposal.members.length === 0 ? no("view/none", "nobody is left: the next view comes with the next instance") : accepted(proposal);
}

/** Where nothing is held against anybody, and nobody is waited for, there is nothing to discard but what an outage held back. */
function discard(state: DiscoveryState, { reason }: CommandOf<"DiscardEvidence">, { quietMs }: DiscoveryLimits): DiscoveryDecision {
  const isMoot = state.clusterId === undefined || (reason !== "outage" && !hasEvidence(state) && state.proposed === undefined && state.remotes.size === 0);
  return isMoot ? accepted() : accepted({ type: "EvidenceDiscarded", reason, quietMs: reason === "outage" ? quietMs : 0 });
}
