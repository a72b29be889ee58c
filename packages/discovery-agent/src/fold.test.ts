import { invariant } from "@longshore/kernel";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { violationsIn } from "./invariants.ts";
import type { TopologyAnswer } from "./queries.ts";
import { digestOf, MiniHost } from "./testing/mini-host.ts";
import { mergeClusters } from "./topology/merge.ts";

type Action = (host: MiniHost) => void;

const INSTANCES = ["a", "b", "c", "d", "e"] as const;
const instance = fc.constantFrom(...INSTANCES);
const incarnation = fc.integer({ min: 1, max: 9 });

const who = fc.tuple(instance, incarnation).map(([name, number]) => ({ instance: name, incarnation: `${name}-${number}` }));
const ownerOf = (name: string): string => (name < "d" ? "ann" : "bob");

const announce = fc.tuple(who, fc.boolean(), fc.constantFrom({}, {}, { isReady: false }, { leaderPriority: 3 }, { properties: { k: "v" }, topics: ["x/y", "z"] }))
  .map(([item, witness, fields]): Action => (host) => void host.send("announce", { ...item, witness, ...fields }, "hello", ownerOf(item.instance)));
const leave = who.map((item): Action => (host) => void host.send("leave", item, "hello", ownerOf(item.instance)));
const ack = fc.tuple(instance, fc.constantFrom(0, -1, 1)).map(([name, off]): Action => (host) => {
  const number = Math.max(1, (host.state.proposed?.number ?? 1) + off);
  host.send("ack", { instance: name, incarnation: host.incarnationOf(name), number }, "hello", ownerOf(name));
});
const ackAll: Action = (host) => {
  for (const { instance: name } of host.state.proposed?.members ?? []) host.send("ack", { instance: name, incarnation: host.incarnationOf(name), number: host.state.proposed?.number ?? 1 }, "hello", ownerOf(name));
};
const suspect = fc.tuple(instance, instance, fc.constantFrom("witness", "silent"), fc.boolean()).map(([by, accused, kind, isHealthy]): Action => (host) => {
  const item = { by, byIncarnation: host.incarnationOf(by), instance: accused, incarnation: host.incarnationOf(accused), kind, isHealthy };
  host.send("suspect", item, "hello", ownerOf(by));
});
const refute = fc.tuple(instance, instance).map(([by, accused]): Action => (host) =>
  void host.send("refute", { by, byIncarnation: host.incarnationOf(by), instance: accused, incarnation: host.incarnationOf(accused) }, "hello", ownerOf(by)));
const operate = fc.constantFrom<Action>(
  (host) => void host.send("propose", {}, "operate"), (host) => void host.send("outage", { reason: "outage" }, "actor", "host"),
  (host) => void host.send("outage", { reason: "opened" }, "actor", "host"),
  (host) => void host.send("topics", { instance: "a", disable: ["x/*"], exclusive: ["z"] }, "operate"),
  (host) => void host.send("topics", { instance: "a", enable: ["x/*"], exclusive: null }, "operate"),
);
const remote = fc.tuple(fc.constantFrom("far", "off"), fc.integer({ min: 1, max: 3 }), fc.subarray([...INSTANCES, "x"], { minLength: 1 })).map(([cluster, number, names]): Action => (host) => {
  const members = names.map((name) => ({ instance: name, incarnation: `${name}-9`, principal: "ann", joinedView: 1, propertiesVersion: 1, properties: { b: "2", a: "1", 10: "x" } }));
  host.send("remote", { view: { clusterId: `id-${cluster}`, cluster, number, members } }, "peer", cluster);
});
const time = fc.constantFrom(1, 300, 600, 5_000, 15_000, 61_000).map((ms): Action => (host) => host.advance(ms));

const action = fc.oneof(
  { weight: 6, arbitrary: announce }, leave, { weight: 4, arbitrary: ack }, { weight: 4, arbitrary: fc.constant(ackAll) }, { weight: 4, arbitrary: suspect }, refute,
  operate, remote, { weight: 4, arbitrary: time },
);

const LIMITS = { goneMax: 6, goneKeepMs: 120_000, remotesMax: 2 };

/** Three members in a first view; `judged`: the incarnations that are gone are all remembered, so that the events can be judged. */
function world(judged = false): MiniHost {
  const host = new MiniHost(judged ? {} : LIMITS);
  if (!judged) host.check.event = () => undefined;
  host.form("a", "b", "c");
  host.acksAtOnce = false;
  return host;
}

const actions = (maxLength: number): fc.Arbitrary<Action[]> => fc.array(action, { maxLength, size: "max" });

/** What the state must show at any moment; the events are judged by the host as they are folded. */
function checkState(host: MiniHost): void {
  const { view, remote } = host.ask<TopologyAnswer>("view");
  const clusters = view === null ? [] : [view, ...mergeClusters(view, remote)];
  const everybody = clusters.flatMap(({ members }) => members.map(({ instance: name }) => name));
  invariant(new Set(everybody).size === everybody.length, "INV-15 an instance occurs twice in a topology");
  invariant(host.state.gone.size <= LIMITS.goneMax, "more are remembered than may be");
  invariant((host.due() ?? host.at + 1) > host.at, "settle leaves something that is due");
}

describe("the fold", () => {
  it("INV-1 INV-2 INV-6 INV-8 INV-9 INV-10 INV-12 INV-15 hold, whatever is said in whatever order", () => {
    let activated = 0;
    fc.assert(fc.property(actions(80), (steps) => {
      const host = world(true);
      for (const act of steps) {
        act(host);
        invariant((host.due() ?? host.at + 1) > host.at, "settle leaves something that is due");
      }
      expect(violationsIn(host.events)).toEqual([]);
      activated += host.all("ViewActivated").length;
    }), { numRuns: 100, seed: 1 });
    // A property of views says nothing where there are none.
    expect(activated).toBeGreaterThan(250);
  });

  it("INV-15 an instance occurs once in the topology, and what is gone is remembered within its bound", () => {
    fc.assert(fc.property(actions(60), (steps) => {
      const host = world();
      for (const act of steps) {
        act(host);
        checkState(host);
      }
    }), { numRuns: 100, seed: 2 });
  });

  it("P8 a host that restarts from snapshots decides and folds the same, whatever happens", () => {
    fc.assert(fc.property(fc.array(fc.tuple(action, fc.boolean()), { maxLength: 60, size: "max" }), (steps) => {
      const [steady, restarting] = [world(), world()];
      for (const [act, restarts] of steps) {
        act(steady);
        if (restarts) restarting.restart();
        act(restarting);
      }
      expect(restarting.events).toEqual(steady.events);
      expect(restarting.digest()).toBe(steady.digest());
    }), { numRuns: 100, seed: 1 });
  });

  it("P8 who only folds the events has the same state, to the byte", () => {
    fc.assert(fc.property(actions(60), (steps) => {
      const host = world();
      for (const act of steps) act(host);
      const follower = host.actor.initial();
      host.events.forEach((event, i) => host.actor.evolve(follower, event, host.instants[i]!));
      expect(digestOf(host.actor, follower)).toBe(host.digest());
    }), { numRuns: 100, seed: 1 });
  });

  it("P8 a commit without room settles the rest in the next ones", () => {
    fc.assert(fc.property(actions(40), fc.integer({ min: 1, max: 3 }), (steps, room) => {
      const [wide, narrow] = [world(), world()];
      narrow.room = room;
      for (const act of steps) for (const host of [wide, narrow]) act(host);
      expect(narrow.events).toEqual(wide.events);
    }), { numRuns: 100, seed: 1 });
  });

  it("INV-16 when nothing goes wrong any more, all who are there and ready are in one view within the deadlines", () => {
    fc.assert(fc.property(actions(60), (steps) => {
      const host = world();
      for (const act of steps) act(host);
      for (let second = 0; second < 100; second++) {
        for (const { record } of [...host.state.living.values()]) host.send("announce", { instance: record.instance, incarnation: record.incarnation, isReady: true }, "hello", record.principal);
        ackAll(host);
        host.advance(1_000);
      }
      expect(host.state.proposed).toBeUndefined();
      expect([...host.members].sort()).toEqual(host.state.living.size === 0 ? [...host.members].sort() : [...host.state.living.keys()].sort());
    }), { numRuns: 60, seed: 3 });
  });
});

describe("planted violations", () => {
  const who = (name: string): { instance: string; incarnation: string } => ({ instance: name, incarnation: `${name}-1` });
  const proposed = (number: number, ...names: string[]) => ({ type: "ViewProposed", number, members: names.map(who), joined: [], removed: [], reason: "joined" }) as const;
  const acked = (number: number, name: string) => ({ type: "ViewAcked", number, ...who(name) }) as const;
  const activated = (number: number) => ({ type: "ViewActivated", number }) as const;
  const first = [proposed(1, "a", "b"), acked(1, "a"), acked(1, "b"), activated(1)] as const;

  it.each([
    ["INV-1", [proposed(1)]],
    ["INV-2", [...first, proposed(1, "a", "b")]],
    ["INV-2", [proposed(1, "a"), acked(1, "a"), { type: "ViewSuperseded", number: 1, reason: "gone" }, activated(1)]],
    ["INV-6", [proposed(1, "a", "b"), acked(1, "a"), activated(1)]],
    ["INV-8", [...first, proposed(2, "a", "c", "b")]],
    ["INV-9", [...first, proposed(2, "b", "a")]],
    ["INV-10", [{ type: "ClusterFormed", clusterId: "x", cluster: "c" }, { type: "ClusterFormed", clusterId: "y", cluster: "c" }]],
    ["INV-12", [...first, { type: "InstanceEvicted", ...who("a"), cause: "silent" }, proposed(2, "a", "b")]],
    ["INV-15", [proposed(1, "a", "a")]],
  ] as const)("%s is seen", (invariant, events) => {
    expect(violationsIn(events).map((violation) => violation.invariant)).toContain(invariant);
    expect(violationsIn(first)).toEqual([]);
  });
});
