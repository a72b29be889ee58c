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
