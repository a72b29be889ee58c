/** Planted bugs: each breaks one rule of the topology, at a port or around a part, and must be found. */
import type { DiscoveryAgentActor, DiscoveryEvent, DiscoveryState } from "@longshore/discovery-agent";
import type { Mutation } from "./cluster.ts";
import type { Family } from "./config.ts";
import { namesOf } from "./config.ts";
import type { Action } from "./plan.ts";
import type { Scenario } from "./simulate.ts";

export interface Mutant {
  readonly name: string;
  /** The rule that is broken. */
  readonly breaks: string;
  readonly mutation: Mutation;
  /** Makes the seed's world one in which the rule matters. */
  readonly scenario?: (scenario: Scenario) => Scenario;
}

type Settle = DiscoveryAgentActor["settle"];

/** Something more follows by itself. */
const alsoSettles = (more: Settle) => (actor: DiscoveryAgentActor): DiscoveryAgentActor => ({
  ...actor,
  settle: (state, at, emit) => {
    more(state, at, emit);
    actor.settle(state, at, emit);
  },
  due: (state) => actor.due(state),
});

/** What is settled goes another way into the history. */
const settlesAs = (change: (event: DiscoveryEvent, state: DiscoveryState) => DiscoveryEvent) => (actor: DiscoveryAgentActor): DiscoveryAgentActor => ({
  ...actor, settle: (state, at, emit) => actor.settle(state, at, (event) => emit(change(event, state))),
});

const activatesEarly = alsoSettles(({ proposed }, _at, emit) => {
  if (proposed !== undefined && proposed.acked.size > 0 && proposed.acked.size < proposed.members.length) emit({ type: "ViewActivated", number: proposed.number });
});

/** Another view is proposed behind the one that is open, which goes on. */
const pipelines = (actor: DiscoveryAgentActor): DiscoveryAgentActor => ({
  ...actor,
  settle: (state, at, emit) => actor.settle(state, at, (event) => emit(event) && (event.type !== "ViewProposed" || emit({ ...event, number: event.number + 1 }))),
  evolve: (state, event, at) => {
    if (event.type === "ViewProposed" && state.proposed !== undefined) state.lastNumber = event.number;
    else actor.evolve(state, event, at);
  },
});

/** What was held against an instance is held against its next incarnation, and what is said of one before it too. */
const remembersInstances = (actor: DiscoveryAgentActor): DiscoveryAgentActor => ({
  ...actor,
  decide: (state, command, at) => {
    if (command.type !== "Suspect") return actor.decide(state, command, at);
    return actor.decide(state, { ...command, incarnation: state.living.get(command.instance)?.record.incarnation ?? command.incarnation }, at);
  },
  evolve: (state, event, at) => {
    const held = event.type === "InstanceEvicted" && event.cause === "replaced" ? [...state.living.get(event.instance)!.evidence] : [];
    actor.evolve(state, event, at);
    if (held.length > 0 && event.type === "InstanceEvicted") keptOf(state).set(event.instance, held);
    if (event.type !== "InstanceAnnounced") return;
    for (const [by, evidence] of keptOf(state).get(event.instance) ?? []) state.living.get(event.instance)!.evidence.set(by, evidence);
    keptOf(state).delete(event.instance);
  },
});

type Held = readonly (readonly [string, { readonly byIncarnation: string; readonly kind: "witness" | "silent"; readonly isHealthy: boolean; readonly at: number }])[];
const kept = new WeakMap<DiscoveryState, Map<string, Held>>();
function keptOf(state: DiscoveryState): Map<string, Held> {
  const map = kept.get(state) ?? new Map<string, Held>();
  kept.set(state, map);
  return map;
}

const leadsById = settlesAs((event) =>
  event.type === "ViewProposed" ? { ...event, members: [...event.members].sort((a, b) => (a.instance < b.instance ? 1 : -1)) } : event);

/** As many as are accused are given up, by so many accusers. */
const evictsSilent = (accusers: number) => alsoSettles((state, at, emit) => {
  if (at < state.quietUntil) return;
  for (const { record: { instance, incarnation }, evidence } of [...state.living.values()]) {
    const counted = [...evidence].filter(([by, { byIncarnation, isHealthy }]) => isHealthy && state.isLiving({ instance: by, incarnation: byIncarnation }));
    if (counted.length >= accusers && (state.view?.members.length ?? 0) >= 3) emit({ type: "InstanceEvicted", instance, incarnation, cause: "silent" });
  }
});

/** Whoever is gone may come back as the same incarnation. */
const forgetsTheGone = (actor: DiscoveryAgentActor): DiscoveryAgentActor => ({
  ...actor,
  decide: (state, command, at) => {
    if (command.type === "Announce" && !state.isMember(command)) state.gone.clear();
    return actor.decide(state, command, at);
  },
});

/** A deposed leader is heard as before. */
const hearsDeposed = (actor: DiscoveryAgentActor): DiscoveryAgentActor => ({
  ...actor,
  decide: (state, command, at) => actor.decide(state, command.type === "AnnounceRemote" ? { ...command, leader: undefined } : command, at),
});

/** Numbers of views that were superseded are given again. */
const repeatsNumbers = (actor: DiscoveryAgentActor): DiscoveryAgentActor => ({
  ...actor,
  evolve: (state, event, at) => {
    actor.evolve(state, event, at);
    if (event.type === "ViewSuperseded") state.lastNumber = state.view?.number ?? 0;
  },
});

/** Adds troubles of these kinds alone, in a cluster of at least so many. */
const worldOf = (instances: number, families: readonly Family[], trouble: (names: readonly string[]) => readonly Action[] = () => []) => ({ config, plan }: Scenario): Scenario => {
  const grown = { ...config, families, instances: Math.max(instances, config.instances), isMeasured: false, troubleMs: 40_000 };
  const starts = namesOf(grown).map((instance, index): Action => ({ atMs: index * 10, kind: "start", instance }));
  return { config: grown, plan: [...starts, ...trouble(namesOf(grown)), ...plan.filter(({ kind }) => kind !== "start" && trouble(namesOf(grown)).length === 0)] };
};

const withOneHost = (change: (scenario: Scenario) => Scenario) => (scenario: Scenario): Scenario =>
  change({ ...scenario, config: { ...scenario.config, instances: 3, hosts: 1 } });

/** The first few and the others do not hear one another. */
const split: (names: readonly string[]) => readonly Action[] = (names) =>
  [{ atMs: 8_000, kind: "apart", instances: names.slice(0, 2), isOneWay: false, isNoticed: false, forMs: 12_000 }];

const oneIsDeaf: (names: readonly string[]) => readonly Action[] = (names) =>
  [{ atMs: 8_000, kind: "apart", instances: names.slice(0, 1), isOneWay: true, isNoticed: false, forMs: 9_000 },
    ...names.slice(1).map((instance): Action => ({ atMs: 20_000, kind: "pause", instance, forMs: 4_600 }))];

/** The third accuses the second, the only host dies, and the word that takes it back is heard by nobody. */
const lastWords: (names: readonly string[]) => readonly Action[] = () => [
  { atMs: 6_000, kind: "apart", instances: ["i1", "i2"], isOneWay: true, isNoticed: false, forMs: 5_800 },
  { atMs: 11_700, kind: "crash", instance: "i1", forMs: 26_000 },
];

export const MUTANTS: readonly Mutant[] = [
  { name: "a view is activated by its first ack", breaks: "all members ack before a view is activated", mutation: { actor: activatesEarly } },
  { name: "a second proposal is pipelined", breaks: "one proposal is open at a time", mutation: { actor: pipelines } },
  { name: "evidence is bound to the instance", breaks: "evidence is bound to the incarnation", mutation: { actor: remembersInstances } },
  { name: "leaders in the order of ids", breaks: "survivors keep their order", mutation: { actor: leadsById } },
  {
    name: "CHANGED before CHANGING", breaks: "CHANGING comes first",
    mutation: { tell: (event) => (event.type === "TOPOLOGY_CHANGING" ? [] : [event]) },
  },
  {
    name: "an ack before listeners have returned", breaks: "an ack says that listeners know",
    mutation: { topology: (topology, acked) => ackingUnheard(topology, acked) },
  },
  { name: "evidence of an outage is kept", breaks: "what nobody could take back is void for the next host", mutation: { attendants: () => [] }, scenario: withOneHost(worldOf(3, ["apart", "crash"], lastWords)) },
  { name: "silence without a cap", breaks: "a minority gives up no majority", mutation: { actor: evictsSilent(2) }, scenario: worldOf(5, ["apart"], split) },
  { name: "one accuser is enough", breaks: "silence needs two accusers", mutation: { actor: evictsSilent(1) }, scenario: worldOf(3, ["apart"], oneIsDeaf) },
  { name: "the gone come back", breaks: "an incarnation that is gone stays gone", mutation: { actor: forgetsTheGone } },
  { name: "a deposed leader is heard", breaks: "the leader's word is bound to its view", mutation: { actor: hearsDeposed } },
  { name: "numbers are given twice", breaks: "view numbers only grow", mutation: { actor: repeatsNumbers } },
  {
    name: "no guard", breaks: "an append names the last commit",
    mutation: { journal: (journal, cluster) => ({
      append: (bytes, _expected, done) => journal.append(bytes, cluster.journalStream.last, done), last: (done) => journal.last(done),
      read: (after, onCommit, done) => journal.read(after, onCommit, done), get: (version, done) => journal.get(version, done),
      purge: (below, done) => journal.purge(below, done), size: (done) => journal.size(done),
    }) },
  },
];

function ackingUnheard(topology: Parameters<NonNullable<Mutation["topology"]>>[0], acked: (number: number) => void): typeof topology {
  let owed: number | undefined;
  let seen = 0;
  return {
    read: (facts) => {
      const number = facts.proposal?.number;
      owed = number;
      if (number !== undefined && number > seen) {
        seen = number;
        acked(number);
      }
      topology.read(facts);
    },
    get owedAck() { return owed; },
    raise: (doubt) => topology.raise(doubt), clear: (doubt) => topology.clear(doubt),
  };
}
