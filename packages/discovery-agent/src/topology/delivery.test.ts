import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { TopologyEvent } from "./event.ts";
import { type ClusterMutation, MiniCluster, STEP_KINDS, type Step } from "./testing/mini-cluster.ts";
import type { TopologyView } from "./view.ts";

const SEED = 20_240_611;
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({ kind: fc.constantFrom(...STEP_KINDS, "follow", "follow", "follow", "catchUp", "propose", "propose", "return", "round", "round", "round"), node: fc.nat(20), which: fc.nat(11) }),
  { minLength: 10, maxLength: 60 },
);

const begun = (mutation: ClusterMutation, isAgreed: boolean): MiniCluster => (isAgreed ? new MiniCluster(mutation).agree() : new MiniCluster(mutation));

describe("whatever befalls a cluster", () => {
  it("SA1 to SA7, INV-3 to INV-10, INV-15: what listeners are told is right", () => {
    fc.assert(fc.property(steps, fc.boolean(), (all, isAgreed) => {
      expect(begun({}, isAgreed).run(all).violations()).toEqual([]);
    }), { seed: SEED, numRuns: 100 });
  });

  it("SA8 when the faults end, all settle on the last view", () => {
    fc.assert(fc.property(steps, fc.boolean(), (all, isAgreed) => {
      const cluster = begun({}, isAgreed).run([...all, { kind: "join", node: 0, which: 1 }]).calm();
      expect([cluster.unsettled(), cluster.violations(), cluster.clock.pending]).toEqual([[], [], 0]);
    }), { seed: SEED, numRuns: 60 });
  });
});

const SEQUENCES = fc.sample(steps, { seed: SEED, numRuns: 60 });

/** What the invariants say of a sequence with a fault planted. */
const found = (mutation: ClusterMutation, all: readonly Step[]): readonly string[] => begun(mutation, true).run(all).calm().violations().map(({ invariant }) => invariant);

const onlyIn = (type: TopologyEvent["type"], change: (event: TopologyEvent) => readonly TopologyEvent[]) => (event: TopologyEvent): readonly TopologyEvent[] =>
  event.type === type ? change(event) : [event];

/** The same view object, with something else in it. */
const altered = (view: TopologyView | undefined, fields: object): never => Object.assign(Object.create(view ?? null), fields) as never;

describe("planted", () => {
  it("nothing is found without a fault", () => {
    expect(SEQUENCES.flatMap((all) => found({}, all))).toEqual([]);
  });

  it.each<[string, string, ClusterMutation]>([
    ["INV-3", "one instance reads the members in another order", {
      misread: (facts, incarnation) => (incarnation === "n1.1" && facts.view !== undefined ? { ...facts, view: { ...facts.view, members: [...facts.view.members].reverse() } } : facts),
    }],
    ["INV-4", "INIT is told twice", { tell: onlyIn("TOPOLOGY_INIT", (event) => [event, event]) }],
    ["INV-4", "INIT is left out", { tell: onlyIn("TOPOLOGY_INIT", () => []) }],
    ["INV-5", "CHANGING is left out", { tell: onlyIn("TOPOLOGY_CHANGING", () => []) }],
    ["INV-5", "CHANGING is told twice", { tell: onlyIn("TOPOLOGY_CHANGING", (event) => [event, event]) }],
    ["INV-5", "words are told while changing", { tell: onlyIn("TOPOLOGY_CHANGING", (event) => [event, { ...event, type: "PROPERTIES_CHANGED" } as unknown as TopologyEvent]) }],
    ["INV-6", "a proposal is acknowledged before anybody has heard of it", { acksUnheard: true }],
    ["INV-7", "the old view is another object", { tell: onlyIn("TOPOLOGY_CHANGED", (event) => [{ ...event, oldView: altered(event.oldView, {}) }]) }],
    ["INV-7", "the old view is current", { tell: onlyIn("TOPOLOGY_CHANGED", (event) => [{ ...event, oldView: event.newView } as TopologyEvent]) }],
    ["INV-8", "newcomers are put first", { order: (survivors, newcomers) => [...newcomers, ...survivors] }],
    ["INV-8", "survivors change places behind the leader", { order: ([leader, ...survivors], newcomers) => [...(leader === undefined ? [] : [leader]), ...survivors.reverse(), ...newcomers] }],
    ["INV-9", "a newcomer takes the lead", { order: (survivors, newcomers) => [...newcomers, ...survivors] }],
    ["INV-10", "an instance counts itself in", {
      misread: (facts, incarnation) => {
        if (facts.view === undefined || facts.view.members.some((each) => each.incarnation === incarnation)) return facts;
        return { ...facts, view: { ...facts.view, members: [...facts.view.members, { ...facts.view.members[0]!, instance: `${incarnation}'s own`, incarnation }] } };
      },
    }],
    ["INV-10", "the cluster gets another id", { tell: (event) => [{ ...event, newView: event.newView && altered(event.newView, { localCluster: { ...event.newView.localCluster, clusterId: `c${event.newView.localCluster.number}` } }) } as TopologyEvent] }],
    ["INV-10", "two instances are local", { tell: onlyIn("TOPOLOGY_INIT", (event) => [{ ...event, newView: altered(event.newView, { instances: event.newView!.instances.map((each) => ({ ...each, isLocal: true })) }) } as TopologyEvent]) }],
    ["INV-15", "an instance stands in a topology twice", { tell: onlyIn("TOPOLOGY_INIT", (event) => [{ ...event, newView: altered(event.newView, { instances: [...event.newView!.instances, event.newView!.instances[0]!] }) } as TopologyEvent]) }],
  ])("%s is violated when %s", (invariant, _fault, mutation) => {
    expect(SEQUENCES.some((all) => found(mutation, all).includes(invariant))).toBe(true);
  });
});
