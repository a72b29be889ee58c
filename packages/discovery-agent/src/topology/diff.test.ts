import { describe, expect, it } from "vitest";
import type { MemberRecord } from "../vocabulary.ts";
import { diffEvent, diffInstances, diffTopology } from "./diff.ts";
import { topologyChanging } from "./event.ts";
import { inCluster, isLeader, isLocal, not } from "./filters.ts";
import { cluster, member, remoteCluster, retired, viewOf } from "./testing/models.ts";
import type { Instance } from "./view.ts";

const instances = (...members: readonly (string | MemberRecord)[]): readonly Instance[] => (members.length === 0 ? [] : viewOf(cluster(1, members)).instances);
const names = (found: readonly Instance[]): readonly string[] => found.map(({ instance }) => instance);
const diff = (before: readonly string[], after: readonly string[]) => diffInstances(instances(...before), instances(...after));

describe("who came, went and stayed", () => {
  it("DIF-01 an id twice on one side is refused", () => {
    const twice = [...instances("duplicated"), ...instances("duplicated")];
    expect(() => diffInstances(twice, [])).toThrow("stands twice");
    expect(() => diffInstances([], twice)).toThrow("stands twice");
  });

  it.each([
    ["DIF-02", [], [], { all: [], added: [], removed: [], retained: [] }],
    ["DIF-03, DIF-09, DIF-13", [], ["one", "two"], { all: ["one", "two"], added: ["one", "two"], removed: [], retained: [] }],
    ["DIF-04, DIF-10", ["one", "two"], [], { all: ["one", "two"], added: [], removed: ["one", "two"], retained: [] }],
    ["DIF-05, DIF-11", ["one"], ["two"], { all: ["two", "one"], added: ["two"], removed: ["one"], retained: [] }],
    ["DIF-06, DIF-12, DIF-14", ["one", "two"], ["two", "three"], { all: ["two", "three", "one"], added: ["three"], removed: ["one"], retained: ["two"] }],
    ["DIF-07", ["one"], ["two", "three"], { all: ["two", "three", "one"], added: ["two", "three"], removed: ["one"], retained: [] }],
  ])("%s from %j to %j", (_rows, before, after, expected) => {
    const found = diff(before, after);
    expect({ all: names(found.all("new")), added: names(found.added()), removed: names(found.removed()), retained: names(found.retained("new")) }).toEqual(expected);
  });

  it("DIF-08, DIF-15 of those that stayed either side can be had", () => {
    const [before, after] = [instances("one"), instances("one")];
    const found = diffInstances(before, after);
    expect([found.all("new")[0] === after[0], found.all("old")[0] === before[0], found.retained("new")[0] === after[0], found.retained("old")[0] === before[0]]).toEqual([true, true, true, true]);
    expect(before[0]).not.toBe(after[0]);
  });

  it("DIF-16 those that stayed are told apart by their properties", () => {
    const saying = (instance: string, value: string): MemberRecord => member(instance, { properties: { p1: value } });
    const found = diffInstances(instances(saying("one", "v1"), saying("two", "v1")), instances(saying("one", "v2"), saying("two", "v1")));
    expect([names(found.propertiesKept()), names(found.propertiesChanged())]).toEqual([["two"], ["one"]]);
    expect(found.propertiesChanged()[0]?.properties).toEqual({ p1: "v2" });
    expect([names(found.propertiesKept(isLeader)), names(found.propertiesChanged(isLeader))]).toEqual([[], ["one"]]);
  });
});

describe("filters", () => {
  it("DIF-17, DIF-18 a filter takes some or none", () => {
    const found = diff(["one", "two"], []);
    expect([found.all("old", () => false), names(found.all("old", ({ instance }) => instance === "one"))]).toEqual([[], ["one"]]);
  });

  it("DIF-19, DIF-20, DIF-21, DIF-22 leaders and the local one", () => {
    const found = diffTopology(undefined, viewOf(cluster(1, ["one", "two"]), [], "two.1"));
    expect([isLeader, not(isLeader), isLocal, not(isLocal)].map((filter) => names(found.added(filter)))).toEqual([["one"], ["two"], ["two"], ["one"]]);
  });

  it("DIF-23, DIF-24 by cluster", () => {
    const found = diffTopology(undefined, viewOf(cluster(1, ["two"]), [remoteCluster("other", 1, ["one"])]));
    expect([inCluster("one"), inCluster("unknown"), not(inCluster("one"))].map((filter) => names(found.added(filter)))).toEqual([["two"], [], ["one"]]);
  });

  it("DIF-25 with CHANGING everybody is gone", () => {
    expect(names(diffEvent(topologyChanging(retired(viewOf(cluster(1, ["one", "two"]))))).removed())).toEqual(["one", "two"]);
  });

  it("DIF-26 several filters are all meant; what they leave cannot be changed and is the same each time", () => {
    const found = diffTopology(viewOf(cluster(1, ["one", "two"])), undefined);
    expect(names(found.removed(isLeader, isLocal))).toEqual(["one"]);
    expect(names(found.removed(isLeader, not(isLocal)))).toEqual([]);
    expect(found.removed()).toEqual(found.removed());
    for (const list of [found.removed(), found.all("old"), found.retained("new"), found.added()]) expect(() => (list as unknown[]).push(1)).toThrow(TypeError);
  });
});
