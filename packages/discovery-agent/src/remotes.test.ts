import { describe, expect, it } from "vitest";
import type { TopologyAnswer } from "./queries.ts";
import { MiniHost } from "./testing/mini-host.ts";
import { mergeClusters } from "./topology/merge.ts";

const record = (instance: string, fields: object = {}) => ({
  instance, incarnation: `${instance}-1`, principal: "p", joinedView: 1, propertiesVersion: 1, properties: {}, topics: [], slots: 0, kinds: [], endpoints: [],
  software: "", leaderPriority: 0, isReady: true, ...fields,
});
const far = (number: number, ...members: readonly object[]) => ({ clusterId: "id-far", cluster: "far", number, members });
const hear = (host: MiniHost, view: object): ReturnType<MiniHost["send"]> => host.send("remote", { view }, "actor", "router");
const seen = (host: MiniHost): readonly (readonly [string, readonly string[]])[] => {
  const { view, remote } = host.ask<TopologyAnswer>("view");
  return mergeClusters(view!, remote).map(({ cluster, members }) => [cluster, members.map(({ instance }) => instance)]);
};

describe("other clusters", () => {
  it("18.10 what a cluster says of itself is known to all members by one event, and its higher view number wins", () => {
    const host = new MiniHost().form("a");
    expect(hear(host, far(4, record("x")))).toMatchObject({ events: [{ type: "RemoteClusterAnnounced" }] });
    expect(host.told.at(-1)?.address).toBe("tp.ann.a");
    expect(hear(host, far(5, record("x"), record("y"))).kind).toBe("accepted");
    expect(hear(host, far(4, record("x")))).toMatchObject({ rejection: { code: "remote/stale" } });
    expect(seen(host)).toEqual([["far", ["x", "y"]]]);
    expect(hear(host, far(5, record("x", { properties: { k: "v" }, propertiesVersion: 2 }), record("y")))).toMatchObject({ events: [{ type: "RemoteClusterAnnounced" }] });
    expect(hear(host, far(5, record("x"), record("y")))).toMatchObject({ rejection: { code: "remote/stale" } });
  });

  it("18.9 18.10 said again it is only heard, at most every 10 s, and after 60 s of silence it is gone", () => {
    const host = new MiniHost().form("a");
    hear(host, far(1, record("x")));
    expect(hear(host, far(1, record("x")))).toMatchObject({ events: [] });
    host.advance(20_000);
    expect(hear(host, far(1, record("x")))).toMatchObject({ events: [{ type: "RemoteClusterHeard" }] });
    host.advance(59_999);
    expect(seen(host)).toHaveLength(1);
    host.advance(1);
    expect(host.events.at(-1)).toMatchObject({ type: "RemoteClusterExpired", clusterId: "id-far" });
    expect(seen(host)).toEqual([]);
  });

  it("CLU-03 CLU-05 a cluster that is gone is gone for every member, also for one that starts anew", () => {
    const host = new MiniHost().form("a", "b");
    hear(host, far(1, record("x")));
    host.announce("a", { incarnation: "a-2", witness: true });
    host.advance(60_000);
    expect(host.ask("view")).toMatchObject({ remote: [] });
  });

  it("CLU-04 CLU-06 CLU-07 INV-15 an instance in two clusters is in the one it joined last, and in the own one before any other", () => {
    const host = new MiniHost().form("a");
    hear(host, far(1, record("x"), record("y")));
    host.advance(1);
    hear(host, { clusterId: "id-off", cluster: "off", number: 1, members: [record("y", { incarnation: "y-2" }), record("a")] });
    expect(seen(host)).toEqual([["far", ["x"]], ["off", ["y"]]]);
    hear(host, far(2, record("x"), record("y")));
    expect(seen(host)).toEqual([["far", ["x"]], ["off", ["y"]]]);
    host.advance(1);
    hear(host, far(3, record("x"), record("y", { incarnation: "y-3" })));
    expect(seen(host)).toEqual([["far", ["x", "y"]]]);
  });

  it("INV-11 of the members only the leader of the activated view speaks of other clusters", () => {
    const host = new MiniHost().form("a", "b");
    const as = (by: string, number: number, verb = "remote", item: object = { view: far(1, record("x")) }): unknown =>
      host.send(verb, { ...item, by, byIncarnation: host.incarnationOf(by), number });
    expect(as("b", 1)).toMatchObject({ rejection: { code: "leader/stale" } });
    expect(as("a", 1)).toMatchObject({ kind: "accepted" });
    host.announce("c");
    host.advance(500);
    expect(as("a", 1, "remoteGone", { clusterId: "id-far" })).toMatchObject({ rejection: { code: "leader/stale" } });
    expect(as("a", 2, "remoteGone", { clusterId: "id-far" })).toMatchObject({ events: [{ type: "RemoteClusterExpired" }] });
    expect(as("a", 2, "remoteGone", { clusterId: "id-far" })).toMatchObject({ events: [] });
    host.leave("a");
    expect(as("a", 2)).toMatchObject({ rejection: { code: "instance/not-member" } });
  });

  it("18.10 the own cluster is no other, under its id or under its name; and there are only so many", () => {
    const host = new MiniHost({ remotesMax: 1 }).form("a");
    expect(hear(host, { ...far(1, record("x")), clusterId: "a-1" })).toMatchObject({ rejection: { code: "remote/own-cluster" } });
    expect(hear(host, { ...far(1, record("x")), cluster: "test" })).toMatchObject({ rejection: { code: "remote/own-cluster" } });
    hear(host, far(1, record("x")));
    expect(hear(host, { ...far(1, record("z")), clusterId: "id-3", cluster: "third" })).toMatchObject({ rejection: { code: "remote/too-many" } });
  });

  it("INV-14 an outage of the own history costs no other cluster its place", () => {
    const host = new MiniHost().form("a");
    hear(host, far(1, record("x")));
    host.at += 300_000;
    host.send("outage", { reason: "outage" }, "actor", "host");
    expect(seen(host)).toHaveLength(1);
  });
});

describe("clusters that speak for themselves", () => {
  const asPeer = (host: MiniHost, cluster: string, verb: "remote" | "remoteGone", item: object): ReturnType<MiniHost["send"]> => host.send(verb, item, "peer", cluster);
  const say = (host: MiniHost, cluster: string, view: object): ReturnType<MiniHost["send"]> => asPeer(host, cluster, "remote", { view });

  it("OFF-TOP-02 OFF-TOP-03 OFF-TOP-05 a cluster is heard that was named here, and by default none is; refused, it leaves no trace", () => {
    const host = new MiniHost().form("a");
    expect(say(host, "far", far(1, record("x")))).toMatchObject({ kind: "accepted" });
    expect(seen(host)).toEqual([["far", ["x"]]]);
    const strangers = new MiniHost({}, []).form("a");
    expect(say(strangers, "far", far(1, record("x")))).toMatchObject({ rejection: { code: "remote/not-a-peer", message: expect.stringContaining("--peers far") }, events: [] });
    expect(seen(strangers)).toEqual([]);
    expect(asPeer(strangers, "far", "remoteGone", { clusterId: "id-far" })).toMatchObject({ rejection: { code: "remote/not-a-peer" }, events: [] });
  });

  it("P14 a cluster speaks for itself: not for another one, and not of another one's end", () => {
    const host = new MiniHost().form("a");
    say(host, "far", far(1, record("x")));
    expect(say(host, "off", far(2, record("z")))).toMatchObject({ malformed: { field: "view.cluster" } });
    expect(asPeer(host, "off", "remoteGone", { clusterId: "id-far" })).toMatchObject({ rejection: { code: "remote/not-yours" }, events: [] });
    expect(seen(host)).toEqual([["far", ["x"]]]);
  });

  it.each([
    ["no id", { clusterId: undefined }], ["an id that is no name", { clusterId: "a/b" }], ["another's name", { cluster: "off" }], ["no number", { number: undefined }], ["number 0", { number: 0 }],
    ["no members", { members: [] }], ["members that are none", { members: {} }], ["a member without principal", { members: [{ instance: "x", incarnation: "x-1", joinedView: 1, propertiesVersion: 1 }] }],
    ["a member twice", { members: [record("x"), record("x")] }], ["too many members", { members: Array.from({ length: 1_001 }, (_, i) => record(`x${i}`)) }],
    ["more than may be said", { members: Array.from({ length: 20 }, (_, i) => record(`x${i}`, { properties: Object.fromEntries(Array.from({ length: 8 }, (__, k) => [`k${k}`, "v".repeat(4_000)])) })) }],
  ])("ANN-02 ANN-10 a view is refused that has %s", (_, fields) => {
    const host = new MiniHost().form("a");
    expect(say(host, "far", { ...far(1, record("x")), ...fields })).toMatchObject({ kind: "malformed", malformed: { code: "command/malformed" } });
    expect(say(host, "far", far(1, record("x")))).toMatchObject({ kind: "accepted" });
  });

  it("CON-07 one that says that nobody is left is gone at once; said of an older view, it is not", () => {
    const host = new MiniHost().form("a");
    say(host, "far", far(2, record("x")));
    expect(asPeer(host, "far", "remoteGone", { clusterId: "id-far", upTo: 1 })).toMatchObject({ kind: "accepted", events: [] });
    expect(asPeer(host, "far", "remoteGone", { clusterId: "id-far", upTo: 2 })).toMatchObject({ events: [{ type: "RemoteClusterExpired" }] });
    expect(asPeer(host, "far", "remoteGone", { clusterId: "id-far", upTo: 2 })).toMatchObject({ kind: "accepted", events: [] });
    expect(seen(host)).toEqual([]);
  });

  it("18.10 OFF-TOP-19 one cluster id and two lines of views: the one known first is kept, and the conflict is shown while it goes on", () => {
    const host = new MiniHost().form("a");
    say(host, "far", far(3, record("x"), record("y")));
    const copy = far(3, record("x"), record("y", { incarnation: "y-2" }));
    expect(say(host, "far", copy)).toMatchObject({ rejection: { code: "remote/conflict" }, events: [{ type: "ClusterIdConflict", clusterId: "id-far", cluster: "far", reason: "diverged" }] });
    expect(host.told.at(-1)?.address).toBe("tp.ann.a");
    expect(say(host, "off", { ...far(3, record("x"), record("y")), cluster: "off" })).toMatchObject({ rejection: { code: "remote/conflict" }, events: [{ reason: "diverged", cluster: "off" }] });
    expect(seen(host)).toEqual([["far", ["x", "y"]]]);
    expect(say(host, "far", copy)).toMatchObject({ rejection: { code: "remote/conflict" }, events: [] });
    host.advance(50_000);
    say(host, "far", far(3, record("x"), record("y")));
    host.advance(10_000);
    expect(say(host, "far", copy)).toMatchObject({ events: [{ type: "ClusterIdConflict" }] });
    host.restart();
    expect(host.ask<TopologyAnswer>("view").conflicts).toEqual([{ clusterId: "id-far", cluster: "off", reason: "diverged", at: host.at - 60_000 }, { clusterId: "id-far", cluster: "far", reason: "diverged", at: host.at }]);
    host.advance(120_000);
    expect(host.ask<TopologyAnswer>("view").conflicts).toEqual([]);
  });

  it("18.10 18.12 a cluster whose history was lost is another one of the same name, and taken when the first is not heard any more", () => {
    const host = new MiniHost().form("a");
    say(host, "far", far(7, record("x")));
    const anew = { ...far(1, record("x", { incarnation: "x-2" })), clusterId: "id-new" };
    expect(say(host, "far", anew)).toMatchObject({ rejection: { code: "remote/conflict" }, events: [{ reason: "name-taken", clusterId: "id-new" }] });
    host.advance(60_000);
    expect(say(host, "far", anew)).toMatchObject({ events: [{ type: "RemoteClusterAnnounced" }] });
  });

  it("18.10 a copy of this very cluster is refused and shown", () => {
    const host = new MiniHost().form("a");
    expect(say(host, "far", { ...far(1, record("x")), clusterId: host.state.clusterId })).toMatchObject({ rejection: { code: "remote/own-cluster" }, events: [{ reason: "own-id" }] });
    expect(host.ask<TopologyAnswer>("view").conflicts).toMatchObject([{ reason: "own-id", cluster: "far" }]);
  });

  it("P8 a snapshot from before conflicts were kept is taken, as one without any", () => {
    const host = new MiniHost().form("a");
    say(host, "far", far(1, record("x")));
    const values = [...host.actor.snapshot(host.state)];
    const before = host.digest();
    host.state = host.actor.restore(values.slice(0, -1));
    expect([host.digest(), host.state.conflicts.size]).toEqual([before, 0]);
  });

  it("conflicts that are kept are bounded, the oldest give way", () => {
    const host = new MiniHost().form("a");
    say(host, "far", far(3, record("x")));
    for (let i = 0; i < 70; i++) say(host, "far", { ...far(1, record("x")), clusterId: `id-${i}` });
    expect([...host.state.conflicts.keys()].slice(0, 1)).toEqual(["id-6/far"]);
    expect(host.state.conflicts.size).toBe(64);
  });

  it("OFF-TOP-15 OFF-TOP-16 OFF-TOP-21 topics of other clusters are listed with what their instances do with them", () => {
    const host = new MiniHost().form("a");
    host.announce("a", { topics: ["m/one", "own"] });
    const members = [record("x", { topics: ["m/one", "m/two"] }), record("y", { topics: ["m/one"] })];
    say(host, "far", { ...far(1, ...members), lists: [{ instance: "x", exclusive: ["m/one"], disabled: [] }, { instance: "y", disabled: ["m/*"] }] });
    host.restart();
    expect(host.ask("topics")).toEqual([
      { topic: "m/one", instances: [{ instance: "a", state: "enabled" }], remote: [{ cluster: "far", instance: "x", state: "exclusive" }, { cluster: "far", instance: "y", state: "disabled" }] },
      { topic: "m/two", instances: [], remote: [{ cluster: "far", instance: "x", state: "disabled" }] },
      { topic: "own", instances: [{ instance: "a", state: "enabled" }], remote: [] },
    ]);
    say(host, "far", far(1, record("x", { topics: [], propertiesVersion: 2 }), members[1]!));
    expect(host.ask("topics")).toMatchObject([{ topic: "m/one", remote: [{ instance: "y", state: "enabled" }] }, { topic: "own" }]);
  });

  it.each([
    ["twice", [{ instance: "x", disabled: [] }, { instance: "x", disabled: [] }]], ["not there", [{ instance: "z", disabled: [] }]], ["no entry", [{ instance: "x", disabled: ["a b"] }]],
    ["no list", { x: [] }], ["no name", [{ instance: "../x", disabled: [] }]], ["nothing disabled", [{ instance: "x" }]],
  ])("hostile lists are malformed: %s", (_, lists) => {
    const host = new MiniHost().form("a");
    expect(say(host, "far", { ...far(1, record("x"), record("y")), lists })).toMatchObject({ kind: "malformed" });
  });

  it("OFF-TOP-21 what a cluster says of itself names the topics that its members do not work on", () => {
    const host = new MiniHost().form("a", "b");
    expect(host.state.announcement()).toEqual(host.state.clusterView());
    host.send("topics", { instance: "b", disable: ["m/*"] }, "operate");
    expect(host.state.announcement()?.lists).toEqual([{ instance: "b", exclusive: undefined, disabled: ["m/*"] }]);
    const other = new MiniHost({}, ["test"]);
    other.form("z");
    expect(other.send("remote", { view: { ...host.state.announcement()!, cluster: "test" } }, "peer", "test")).toMatchObject({ rejection: { code: "remote/own-cluster" } });
  });
});

describe("questions", () => {
  it("since answers what happened after a change, and says when it no longer knows", () => {
    const host = new MiniHost().form("a");
    const { change } = host.ask<TopologyAnswer>("view");
    host.announce("b");
    expect(host.ask("since", { change })).toEqual({ change: change + 1, changes: [{ change: change + 1, at: host.at, type: "InstanceAnnounced", about: "b" }] });
    expect(host.ask("since", { change: change + 1 })).toEqual({ change: change + 1, changes: [] });
    expect(host.ask("since", { change: change + 2 })).toMatchObject({ changes: null });
    for (let i = 0; i < 200; i++) for (const isReady of [false, true]) host.announce("b", { isReady });
    expect(host.state.changes).toHaveLength(256);
    expect(host.ask("since", { change })).toMatchObject({ changes: null });
  });

  it("an unknown or misspelt question names the remedy", () => {
    const host = new MiniHost();
    expect(() => host.ask("views")).toThrow(/view, instances, topics and since/);
    expect(() => host.ask("since")).toThrow(/change must be a whole number/);
  });
});

describe("what is remembered is bounded", () => {
  it("INV-12 incarnations that are gone: by count and by time", () => {
    const host = new MiniHost({ goneMax: 3, goneKeepMs: 1_000_000 }).form("a");
    for (let i = 1; i <= 6; i++) {
      host.announce("b", { incarnation: `b-${i}`, isReady: false });
      host.leave("b", `b-${i}`);
    }
    expect([...host.state.gone.keys()]).toEqual(["b/b-4", "b/b-5", "b/b-6"]);
    host.advance(1_000_000);
    expect(host.state.gone.size).toBe(0);
  });

  it("one that is still in the last view never comes back, however long it is gone", () => {
    const host = new MiniHost({ goneKeepMs: 1_000 }).form("a");
    host.leave("a");
    host.advance(10_000);
    expect(host.state.gone.size).toBe(0);
    expect(host.announce("a")).toMatchObject({ rejection: { code: "instance/evicted" } });
  });
});
