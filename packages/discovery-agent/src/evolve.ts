/** What each event means for the state: the fold. In place, total, and the only code that changes the state. */
import { invariant } from "@longshore/kernel";
import type { Announcement, DiscoveryEvent, EventOf, Who } from "./events.ts";
import { CHANGES_MAX, CONFLICTS_MAX, INSTANCE_NAMES_MAX } from "./limits.ts";
import type { DiscoveryState, Living } from "./state.ts";
import { conflictKeyOf, keyOf, sameWho } from "./state.ts";
import type { MemberRecord } from "./vocabulary.ts";

export function evolve(state: DiscoveryState, event: DiscoveryEvent, at: number): void {
  state.lastAt = at;
  note(state, event, at);
  switch (event.type) {
    case "ClusterFormed":
      invariant(state.clusterId === undefined, "the cluster is formed a second time");
      state.clusterId = event.clusterId;
      state.cluster = event.cluster;
      state.formedAt = at;
      return;
    case "InstanceAnnounced": return announced(state, event, at);
    case "InstancePropertiesChanged": return changed(state, event, at);
    case "InstanceSuspected": case "SuspicionRefuted": case "EvidenceDiscarded": return evolveEvidence(state, event, at);
    case "InstanceLeaving": return goes(state, event, "left", at);
    case "InstanceEvicted": return goes(state, event, event.cause, at);
    case "ViewProposed": case "ViewAcked": case "ViewActivated": case "ViewSuperseded": case "AckOverdue": return evolveView(state, event, at);
    case "TopicEnablementChanged": {
      const name = state.names.get(event.instance);
      invariant(name !== undefined, `nobody knows instance ${event.instance}`);
      name.exclusive = event.exclusive;
      name.disabled = event.disabled;
      return;
    }
    case "RemoteClusterAnnounced": case "RemoteClusterHeard": case "RemoteClusterExpired": return evolveRemotes(state, event, at);
    case "DuplicateInstanceDetected":
      livingOf(state, { instance: event.instance, incarnation: event.living }).refused = event.incarnation;
      return;
    case "GoneForgotten": return forget(state, event.count);
    case "ClusterIdConflict": return conflict(state, event, at);
  }
}

function livingOf(state: DiscoveryState, who: Who): Living {
  const living = state.living.get(who.instance);
  invariant(living !== undefined && living.record.incarnation === who.incarnation, `incarnation ${keyOf(who)} is not there`);
  return living;
}

function announced(state: DiscoveryState, event: EventOf<"InstanceAnnounced">, at: number): void {
  const { instance, incarnation, principal, announcement } = event;
  invariant(!state.living.has(instance), `instance ${instance} is announced while it is there`);
  const record: MemberRecord = { instance, incarnation, principal, joinedView: 0, propertiesVersion: 1, ...announcement };
  state.living.set(instance, { record, announcedAt: at, readyAt: announcement.isReady ? at : undefined, evidence: new Map(), refused: undefined, set: undefined });
  if (state.names.has(instance)) return;
  state.names.set(instance, { principal, exclusive: undefined, disabled: [] });
  if (state.names.size > INSTANCE_NAMES_MAX) forgetOldestAbsent(state);
}

function forgetOldestAbsent(state: DiscoveryState): void {
  for (const instance of state.names.keys()) {
    if (state.living.has(instance)) continue;
    state.names.delete(instance);
    return;
  }
}

function changed(state: DiscoveryState, event: EventOf<"InstancePropertiesChanged">, at: number): void {
  const living = livingOf(state, event);
  invariant(event.version === living.record.propertiesVersion + 1, `version ${event.version} of ${keyOf(event)} does not follow`);
  living.record = merged(living.record, event.announcement, event.version);
  living.set = event.set;
  living.readyAt = event.announcement.isReady ? (living.readyAt ?? at) : undefined;
  const update = (members: MemberRecord[]): MemberRecord[] =>
    members.map((member) => (sameWho(member, event) ? merged(member, event.announcement, event.version) : member));
  if (state.view !== undefined) state.view.members = update(state.view.members);
  if (state.proposed !== undefined) state.proposed.members = update(state.proposed.members);
}

const merged = (member: MemberRecord, announcement: Announcement, propertiesVersion: number): MemberRecord => ({ ...member, ...announcement, propertiesVersion });

function evolveEvidence(state: DiscoveryState, event: EventOf<"InstanceSuspected" | "SuspicionRefuted" | "EvidenceDiscarded">, at: number): void {
  switch (event.type) {
    case "InstanceSuspected": {
      const { by, byIncarnation, kind, isHealthy } = event;
      livingOf(state, event).evidence.set(by, { byIncarnation, kind, isHealthy, at });
      return;
    }
    case "SuspicionRefuted": {
      const { evidence } = livingOf(state, event);
      if (event.by === event.instance) evidence.clear();
      else evidence.delete(event.by);
      return;
    }
    case "EvidenceDiscarded":
      for (const { evidence } of state.living.values()) evidence.clear();
      // What could not be heard was not said too late.
      for (const remote of state.remotes.values()) remote.heardAt = at;
      if (state.proposed !== undefined) state.proposed.since = at;
      if (state.proposed?.ackedSince !== undefined) state.proposed.ackedSince = at;
      state.quietUntil = Math.max(state.quietUntil, at + event.quietMs);
      return;
  }
}

function goes(state: DiscoveryState, who: Who, cause: EventOf<"InstanceEvicted">["cause"], at: number): void {
  livingOf(state, who);
  state.living.delete(who.instance);
  state.gone.set(keyOf(who), { at, cause });
  for (const { evidence } of state.living.values()) evidence.delete(who.instance);
}

function evolveView(state: DiscoveryState, event: EventOf<"ViewProposed" | "ViewAcked" | "ViewActivated" | "ViewSuperseded" | "AckOverdue">, at: number): void {
  if (event.type === "ViewProposed") return proposed(state, event, at);
  const { proposed: proposal } = state;
  invariant(proposal?.number === event.number, `${event.type} of view ${event.number}, and ${proposal?.number ?? "none"} is proposed`);
  switch (event.type) {
    case "ViewAcked":
      proposal.acked.add(event.instance);
      proposal.ackedSince ??= at;
      return;
    case "AckOverdue":
      proposal.isWarned = true;
      return;
    case "ViewSuperseded":
      state.proposed = undefined;
      state.mustPropose = true;
      return;
    case "ViewActivated":
      state.view = { number: event.number, members: proposal.members, activatedAt: at };
      state.proposed = undefined;
      for (const member of proposal.members) livingOf(state, member).record = member;
      return;
  }
}

function proposed(state: DiscoveryState, event: EventOf<"ViewProposed">, at: number): void {
  const { number, joined, removed, reason } = event;
  invariant(number > state.lastNumber && state.proposed === undefined, `view ${number} is proposed after ${state.lastNumber}`);
  const members = event.members.map((who): MemberRecord => {
    const { record } = livingOf(state, who);
    return record.joinedView === 0 ? { ...record, joinedView: number } : record;
  });
  state.lastNumber = number;
  state.mustPropose = false;
  state.proposed = { number, members, joined, removed, reason, since: at, ackedSince: undefined, acked: new Set(), isWarned: false };
}

function evolveRemotes(state: DiscoveryState, event: EventOf<"RemoteClusterAnnounced" | "RemoteClusterHeard" | "RemoteClusterExpired">, at: number): void {
  if (event.type === "RemoteClusterAnnounced") {
    const { view } = event;
    const before = state.remotes.get(view.clusterId)?.listedAt;
    const listedAt = new Map(view.members.map((member) => [keyOf(member), before?.get(keyOf(member)) ?? at]));
    state.remotes.set(view.clusterId, { view, heardAt: at, listedAt });
    return;
  }
  const remote = state.remotes.get(event.clusterId);
  invariant(remote !== undefined, `nobody knows cluster ${event.clusterId}`);
  if (event.type === "RemoteClusterHeard") remote.heardAt = at;
  else state.remotes.delete(event.clusterId);
}

function conflict({ conflicts }: DiscoveryState, { clusterId, cluster, reason }: EventOf<"ClusterIdConflict">, at: number): void {
  const key = conflictKeyOf({ clusterId, cluster });
  conflicts.delete(key);
  conflicts.set(key, { clusterId, cluster, reason, at });
  for (const oldest of conflicts.keys()) {
    if (conflicts.size <= CONFLICTS_MAX) return;
    conflicts.delete(oldest);
  }
}

function forget(state: DiscoveryState, count: number): void {
  let left = count;
  for (const key of state.gone.keys()) {
    if (left-- === 0) return;
    state.gone.delete(key);
  }
  invariant(left <= 0, "more are forgotten than are gone");
}

/** Of no interest to those who follow: they ask for the view, or it is said every few seconds. */
const UNNOTED: ReadonlySet<DiscoveryEvent["type"]> = new Set<DiscoveryEvent["type"]>(["ViewAcked", "RemoteClusterHeard", "GoneForgotten"]);

function note(state: DiscoveryState, event: DiscoveryEvent, at: number): void {
  if (UNNOTED.has(event.type)) return;
  state.changes.push({ change: ++state.change, at, type: event.type, about: aboutOf(event) });
  if (state.changes.length > CHANGES_MAX) state.changes.shift();
}

function aboutOf(event: DiscoveryEvent): string | number | null {
  if ("instance" in event) return event.instance;
  if ("number" in event) return event.number;
  if ("clusterId" in event) return event.clusterId;
  return event.type === "RemoteClusterAnnounced" ? event.view.clusterId : null;
}
