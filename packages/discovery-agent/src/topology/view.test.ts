import { describe, expect, it } from "vitest";
import { DiscoveryState, keyOf } from "../state.ts";
import { compareTopology, isSameTopology } from "./compare.ts";
import { propertiesChanged, topologyChanged, topologyChanging, topologyInit } from "./event.ts";
import { allOf, hasProperty, inCluster, isLeader, isLocal, not } from "./filters.ts";
import { cluster, member, remoteCluster, retired, viewOf } from "./testing/models.ts";
import type { TopologyView } from "./view.ts";

const ids = (view: TopologyView): readonly string[] => view.instances.map(({ clusterId, instance }) => `${clusterId}/${instance}`);
const nothing = undefined as unknown as TopologyView;

describe("a view", () => {
  it("MOD-01 once not current it stays so", () => {
    const view = viewOf(cluster(1, ["a"]));
    expect(view.isCurrent).toBe(true);
    view.retire();
    view.retire();
    expect(view.isCurrent).toBe(false);
  });

  it("MOD-02, MOD-03, MOD-04 a cluster needs an id and members, each once, in their order", () => {
    expect(() => viewOf(cluster(1, ["a"], { clusterId: "" }))).toThrow("a cluster without an id");
    expect(() => viewOf(cluster(1, []), [], "a.1")).toThrow("has no members");
    expect(() => viewOf(cluster(1, ["a", "b", "a"]))).toThrow("has an instance twice");
    expect(viewOf(cluster(1, ["c", "a", "b"])).localCluster.instances.map(({ instance }) => instance)).toEqual(["c", "a", "b"]);
  });

  it("MOD-05 the first member leads, and nobody else", () => {
    const view = viewOf(cluster(1, ["c", "a", "b"]), [remoteCluster("two", 1, ["x", "y"])]);
    expect(view.instances.filter(isLeader).map(({ instance }) => instance)).toEqual(["c", "x"]);
    expect(view.clusters.map(({ leader }) => leader.instance)).toEqual(["c", "x"]);
  });

  it("MOD-06, MOD-10 an instance needs an id, wherever it was read", () => {
    expect(() => viewOf(cluster(1, ["a", ""]))).toThrow("an instance without an id");
    expect(() => viewOf(cluster(1, ["a"]), [remoteCluster("two", 1, [""])])).toThrow("an instance without an id");
  });

  it("MOD-07, MOD-09 whoever asks is local, by its incarnation; nobody in another cluster is", () => {
    const view = viewOf(cluster(1, ["a", "b"]), [remoteCluster("two", 1, [member("x", { incarnation: "b.1" })])], "b.1");
    expect(view.instances.filter(isLocal).map(({ instance }) => instance)).toEqual(["b"]);
    expect([view.localInstance?.instance, view.localInstance?.isLeader, view.isCurrent]).toEqual(["b", false, true]);
    const stranger = viewOf(cluster(1, ["a", "b"]), [], "b.2");
    expect([stranger.localInstance, stranger.isCurrent]).toEqual([undefined, false]);
  });

  it("MOD-16 an instance without properties has an empty map that nobody can change", () => {
    const { properties } = viewOf(cluster(1, ["a"])).localInstance!;
    expect([properties, properties["unknown"]]).toEqual([{}, undefined]);
    expect(() => Object.assign(properties, { a: "b" })).toThrow(TypeError);
  });

  it("TVW-05 finds what a filter accepts, and refuses none at all", () => {
    const view = viewOf(cluster(1, ["a", "b", member("c", { properties: { role: "author" } })]), [remoteCluster("two", 1, ["x"])], "b.1");
    let isFirst = true;
    const found = [
      () => true, (each: { readonly instance: string }) => each.instance === "c", allOf(isLeader, inCluster("one")), () => isFirst && !(isFirst = false), isLocal,
      allOf(not(isLeader), not(isLocal)), inCluster("two"), not(inCluster("one")), hasProperty("role"), hasProperty("role", "publish"),
    ].map((filter) => view.findInstances(filter).map(({ instance }) => instance).join(" "));
    expect(found).toEqual(["a b c x", "c", "a", "a", "b", "c", "x", "x", "c", ""]);
    expect(() => view.findInstances(undefined as unknown as () => boolean)).toThrow("`filter` must be a function");
  });

  it("TVW-06 lists of instances cannot be changed", () => {
    const view = viewOf(cluster(1, ["a"]));
    for (const list of [view.instances, view.clusters, view.localCluster.instances, view.findInstances(() => true)]) {
      expect(() => (list as unknown[]).push(1)).toThrow(TypeError);
    }
  });
});

describe("merging clusters", () => {
  it("TVW-07 an instance of the own cluster is no other's", () => {
    expect(ids(viewOf(cluster(1, ["a", "b"]), [remoteCluster("two", 9, ["x", "b"])]))).toEqual(["one/a", "one/b", "two/x"]);
  });

  it("TVW-08 an instance that two clusters announce belongs to the one it joined last, whichever spoke last", () => {
    const left = { ...remoteCluster("two", 9, ["x", "y"], 500), joined: { "x/x.1": 100, "y/y.1": 100 } };
    const entered = { ...remoteCluster("three", 2, ["z", "x"], 400), joined: { "z/z.1": 50, "x/x.1": 300 } };
    for (const remote of [[left, entered], [entered, left]]) expect(ids(viewOf(cluster(1, ["a"]), remote))).toEqual(["one/a", "three/z", "three/x", "two/y"]);
  });

  it("TVW-08 who joined when is taken from the history", () => {
    const state = new DiscoveryState();
    const listed = (clusterId: string, heardAt: number, at: number): void =>
      void state.remotes.set(clusterId, { view: remoteCluster(clusterId, 1, ["x"]), heardAt, listedAt: new Map([[keyOf(member("x")), at]]) });
    listed("two", 500, 100);
    listed("three", 400, 300);
    expect(ids(viewOf(cluster(1, ["a"]), state.remoteClusters()))).toEqual(["one/a", "three/x"]);
  });

  it("TVW-08 when nobody knows who joined when, the last one heard wins; a cluster without instances is left out", () => {
    expect(ids(viewOf(cluster(1, ["a"]), [remoteCluster("two", 9, ["x"], 100), remoteCluster("three", 2, ["x"], 200)]))).toEqual(["one/a", "three/x"]);
    expect(ids(viewOf(cluster(1, ["a"]), [remoteCluster("two", 9, ["x"], 200), remoteCluster("three", 2, ["x"], 100)]))).toEqual(["one/a", "two/x"]);
  });

  it("one that loses its first instance is led by the next", () => {
    const view = viewOf(cluster(1, ["a"]), [remoteCluster("two", 1, ["a", "x"])]);
    expect(view.clusters[1]?.leader).toMatchObject({ instance: "x", isLeader: true });
  });

  it("the own cluster's id is nobody else's, and of one cluster the highest number counts", () => {
    const remote = [remoteCluster("two", 4, ["x"]), remoteCluster("two", 7, ["y"]), remoteCluster("two", 5, ["z"]), remoteCluster("one", 99, ["w"])];
    expect(ids(viewOf(cluster(1, ["a"]), remote))).toEqual(["one/a", "two/y"]);
  });
});

describe("comparing views", () => {
  const base = viewOf(cluster(1, ["a", "b", "c"]));

  it("TVW-01 another leader is a change", () => {
    expect([["b", "a", "c"], ["c", "a", "b"]].map((order) => compareTopology(base, viewOf(cluster(1, order))))).toEqual(["CHANGED", "CHANGED"]);
  });

  it("TVW-02 another number of the local cluster is a change, in both directions", () => {
    const other = viewOf(cluster(2, ["a", "b", "c"]));
    expect([compareTopology(base, viewOf(cluster(1, ["a", "b", "c"]))), compareTopology(base, other), compareTopology(other, base)]).toEqual([undefined, "CHANGED", "CHANGED"]);
  });

  it("TVW-03 two views are needed", () => {
    expect(() => compareTopology(base, nothing)).toThrow("two views are needed");
    expect(() => compareTopology(nothing, base)).toThrow("two views are needed");
  });

  it("TVW-04, VSM-21 structure goes before words, and words that are the same are none", () => {
    const saying = (properties: Readonly<Record<string, string>>, others: readonly string[] = ["b", "c"]): TopologyView => viewOf(cluster(1, [member("a", { properties }), ...others]));
    expect(compareTopology(base, saying({}))).toBeUndefined();
    expect(compareTopology(base, saying({}, ["b", "c", "d"]))).toBe("CHANGED");
    expect(compareTopology(base, saying({}, ["b"]))).toBe("CHANGED");
    expect(compareTopology(base, saying({ a: "b" }))).toBe("PROPERTIES_CHANGED");
    expect(compareTopology(saying({ a: "b" }), saying({ a: "B" }))).toBe("PROPERTIES_CHANGED");
    expect(compareTopology(saying({ a: "B" }), saying({ a: "B" }))).toBeUndefined();
    expect(compareTopology(saying({ a: "B" }), saying({ c: "B" }))).toBe("PROPERTIES_CHANGED");
    expect(compareTopology(base, viewOf(cluster(1, [member("a", { properties: { c: "d" } }), "c"]), [remoteCluster("two", 1, ["b"])]))).toBe("CHANGED");
    expect(compareTopology(base, viewOf(cluster(2, [member("a", { properties: { c: "d" } }), "b", "c"])))).toBe("CHANGED");
  });

  it.each([
    ["topics", { topics: ["x"] }], ["slots", { slots: 2 }], ["kinds", { kinds: ["job-queue"] }], ["endpoints", { endpoints: ["http://a"] }],
    ["software", { software: "2" }], ["leaderPriority", { leaderPriority: 1 }], ["isReady", { isReady: false }],
  ])("%s are words too", (_name, fields) => {
    expect(compareTopology(base, viewOf(cluster(1, [member("a", fields), "b", "c"])))).toBe("PROPERTIES_CHANGED");
  });

  it("G14 a restart is a change, also in another cluster", () => {
    const near = (incarnation: string): TopologyView => viewOf(cluster(1, ["a", member("b", { incarnation })]));
    const far = (incarnation: string): TopologyView => viewOf(cluster(1, ["a"]), [remoteCluster("two", 1, [member("x", { incarnation })])]);
    expect([compareTopology(near("b.1"), near("b.2")), compareTopology(far("x.1"), far("x.2"))]).toEqual(["CHANGED", "CHANGED"]);
  });

  it("equal views are equally current", () => {
    expect([isSameTopology(base, viewOf(cluster(1, ["a", "b", "c"]))), isSameTopology(base, retired(viewOf(cluster(1, ["a", "b", "c"]))))]).toEqual([true, false]);
  });
});

describe("making events", () => {
  const current = viewOf(cluster(2, ["a"]));
  const past = retired(viewOf(cluster(1, ["a"])));

  it("MOD-12 INIT needs a current view", () => {
    expect(() => topologyInit(nothing)).toThrow("needs a new view");
    expect(() => topologyInit(past)).toThrow("needs a new view");
    expect(topologyInit(current)).toEqual({ type: "TOPOLOGY_INIT", oldView: undefined, newView: current });
  });

  it("MOD-13 CHANGING needs a view that is past", () => {
    expect(() => topologyChanging(nothing)).toThrow("needs an old view");
    expect(() => topologyChanging(current)).toThrow("needs an old view");
    expect(topologyChanging(past)).toEqual({ type: "TOPOLOGY_CHANGING", oldView: past, newView: undefined });
  });

  it.each([["MOD-14", topologyChanged, "TOPOLOGY_CHANGED"], ["MOD-15", propertiesChanged, "PROPERTIES_CHANGED"]] as const)("%s a past and a current view are needed", (_row, make, type) => {
    for (const [before, after] of [[nothing, nothing], [past, nothing], [nothing, current], [current, current]] as const) expect(() => make(before, after)).toThrow(type);
    expect(make(past, current)).toEqual({ type, oldView: past, newView: current });
  });
});
