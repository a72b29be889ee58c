import { describe, expect, it } from "vitest";
import { MiniHost } from "./testing/mini-host.ts";
import { TOLD } from "./vocabulary.ts";

const slow = (...members: readonly string[]): MiniHost => {
  const host = new MiniHost().form(...members);
  host.acksAtOnce = false;
  return host;
};

describe("formation and joining", () => {
  it("18.5 the first view waits 1 s for those that start at the same time", () => {
    const host = new MiniHost();
    host.announce("a");
    host.advance(800);
    host.announce("b");
    host.advance(199);
    expect(host.state.proposed ?? host.state.view).toBeUndefined();
    host.advance(1);
    expect(host.members).toEqual(["a", "b"]);
    expect(host.events.map(({ type }) => type)).toEqual(["ClusterFormed", "InstanceAnnounced", "InstanceAnnounced", "ViewProposed", "ViewAcked", "ViewAcked", "ViewActivated"]);
    expect(host.all("ViewProposed")).toMatchObject([{ number: 1, reason: "formed", joined: ["a", "b"], removed: [] }]);
  });

  it("CLU-01 CLU-02 the order of starting decides who leads, whatever the ids are", () => {
    expect(new MiniHost().form("000", "111").members).toEqual(["000", "111"]);
    expect(new MiniHost().form("111", "000").members).toEqual(["111", "000"]);
  });

  it("CLU-09 three instances are undefined before, and one cluster with three members after", () => {
    const host = new MiniHost();
    for (const instance of ["a", "b", "c"]) host.announce(instance);
    expect(host.ask("view")).toMatchObject({ view: null, proposed: null });
    host.advance(1_000);
    expect(host.ask("view")).toMatchObject({ view: { clusterId: "a-1", cluster: "test", number: 1, members: [{ instance: "a" }, { instance: "b" }, { instance: "c" }] } });
  });

  it("18.5 joins are batched for 500 ms; CLU-10 a third joins by exactly one proposal and one activation", () => {
    const host = new MiniHost().form("a", "b");
    const before = host.events.length;
    host.announce("c");
    host.advance(300);
    host.announce("d");
    host.advance(199);
    expect(host.members).toEqual(["a", "b"]);
    host.advance(1);
    expect(host.members).toEqual(["a", "b", "c", "d"]);
    const after = host.events.slice(before).map(({ type }) => type);
    expect(after.filter((type) => type === "ViewProposed" || type === "ViewActivated")).toEqual(["ViewProposed", "ViewActivated"]);
    host.advance(100_000);
    expect(host.viewNumber).toBe(2);
  });

  it("18.5 an instance that starts is seen, and belongs to no view before it is ready", () => {
    const host = new MiniHost().form("a");
    host.announce("b", { isReady: false });
    host.advance(60_000);
    expect(host.members).toEqual(["a"]);
    expect(host.ask("instances")).toMatchObject([{ instance: "a", state: "member" }, { instance: "b", state: "starting" }]);
    host.announce("b", { isReady: true });
    host.advance(500);
    expect(host.members).toEqual(["a", "b"]);
    expect(host.state.view?.members[1]).toMatchObject({ joinedView: 2, propertiesVersion: 2 });
  });

  it("18.13 leaderPriority orders those who join together, and never goes before one that is there", () => {
    const host = new MiniHost();
    host.announce("a");
    host.announce("b", { leaderPriority: 5 });
    host.advance(1_000);
    expect(host.members).toEqual(["b", "a"]);
    host.announce("c", { leaderPriority: 1 });
    host.announce("d", { leaderPriority: 9 });
    host.advance(500);
    expect(host.members).toEqual(["b", "a", "d", "c"]);
  });
});

describe("leaving and starting anew", () => {
  it("18.5 who leaves is out at once, and the next in order leads", () => {
    const host = new MiniHost().form("a", "b", "c");
    host.leave("a");
    expect(host.members).toEqual(["b", "c"]);
    expect(host.all("ViewProposed").at(-1)).toMatchObject({ removed: [{ instance: "a", cause: "left" }], joined: [], reason: "gone" });
    expect(host.leave("a")).toMatchObject({ kind: "accepted", events: [] });
  });

  it("CLU-08 the cluster id stays when a member dies, and when all have left and one comes back", () => {
    const host = new MiniHost().form("a", "b");
    host.leave("b");
    host.leave("a");
    expect(host.due()).toBeGreaterThan(host.at);
    expect(host.ask("instances")).toMatchObject([{ instance: "a", state: "leaving" }]);
    host.advance(10_000);
    host.announce("c");
    expect(host.ask("view")).toMatchObject({ view: { clusterId: "a-1", number: 3, members: [{ instance: "c" }] } });
  });

  it("G14 INV-12 a restart is always another incarnation and a change of view, at the end of the order", () => {
    const host = new MiniHost().form("a", "b");
    host.announce("a", { incarnation: "a-2", witness: true });
    expect(host.state.view).toMatchObject({ number: 2, members: [{ instance: "b" }, { instance: "a", incarnation: "a-2" }] });
    expect(host.all("ViewProposed").at(-1)).toMatchObject({ joined: ["a"], removed: [{ instance: "a", incarnation: "a-1", cause: "replaced" }] });
    expect(host.announce("a")).toMatchObject({ rejection: { code: "instance/evicted" } });
    host.leave("a", "a-2");
    host.announce("a", { incarnation: "a-3" });
    host.advance(500);
    expect(host.members).toEqual(["b", "a"]);
  });

  it("18.5 §6.9 a second incarnation is refused while the first is alive, and that is recorded once", () => {
    const host = new MiniHost().form("a", "b");
    const refused = { kind: "rejected", rejection: { code: "instance/duplicate", detail: { living: "a-1" } } };
    expect(host.announce("a", { incarnation: "a-2" })).toMatchObject({ ...refused, events: [{ type: "DuplicateInstanceDetected", incarnation: "a-2", living: "a-1" }] });
    expect(host.announce("a", { incarnation: "a-2" })).toMatchObject({ ...refused, events: [] });
    host.announce("c");
    host.advance(500);
    host.suspect("c", "a", "witness");
    expect(host.announce("a", { incarnation: "a-2" }).kind).toBe("accepted");
    expect(host.members).toEqual(["b", "c", "a"]);
  });

  it("P14 an instance belongs to the principal that first announced it, also while it is away", () => {
    const host = new MiniHost().form("a", "b");
    expect(host.announce("a", {}, "mallory")).toMatchObject({ rejection: { code: "instance/not-yours" } });
    for (const [verb, fields] of [["ack", { number: 1 }], ["properties", { properties: {} }], ["leave", {}]] as const) {
      expect(host.send(verb, { instance: "a", incarnation: "a-1", ...fields }, "hello", "mallory")).toMatchObject({ rejection: { code: "instance/not-yours" } });
    }
    host.leave("a");
    expect(host.announce("a", { incarnation: "a-2" }, "mallory")).toMatchObject({ rejection: { code: "instance/not-yours" } });
    expect(host.announce("a", { incarnation: "a-2" }).kind).toBe("accepted");
  });
});

describe("the two steps", () => {
  it("INV-6 a view is activated when its last member has acked, and not before", () => {
    const host = slow("a", "b");
    host.announce("c");
    host.advance(500);
    host.ack("a");
    host.ack("c");
    expect(host.ask("view")).toMatchObject({ view: { number: 1 }, proposed: { number: 2, missing: ["b"], reason: "joined" } });
    expect(host.ack("c")).toMatchObject({ kind: "accepted", events: [] });
    expect(host.ack("b", 1)).toMatchObject({ kind: "accepted", events: [] });
    expect(host.ack("b", 3)).toMatchObject({ rejection: { code: "view/unknown" } });
    expect(host.ack("b")).toMatchObject({ events: [{ type: "ViewAcked" }, { type: "ViewActivated", number: 2 }] });
    expect(host.ack("b", 2)).toMatchObject({ kind: "accepted", events: [] });
  });

  it("18.12 a member that goes while a view is proposed supersedes the proposal, which is never activated", () => {
    const host = slow("a", "b", "c");
    host.announce("d");
    host.advance(500);
    for (const instance of ["a", "c"]) host.ack(instance);
    host.leave("b");
    expect(host.events.slice(-3)).toMatchObject([
      { type: "InstanceLeaving", instance: "b" }, { type: "ViewSuperseded", number: 2 },
      { type: "ViewProposed", number: 3, members: [{ instance: "a" }, { instance: "c" }, { instance: "d" }], reason: "superseded" },
    ]);
    for (const instance of ["a", "c", "d"]) host.ack(instance);
    expect(host.viewNumber).toBe(3);
  });

  it("18.7 members that said CHANGING get a view again, even if it is the one before", () => {
    const host = slow("a", "b");
    host.announce("c");
    host.advance(500);
    host.leave("c");
    expect(host.state.proposed).toMatchObject({ number: 3, members: [{ instance: "a" }, { instance: "b" }] });
  });

  it("18.7 newcomers do not supersede: they wait for the next view", () => {
    const host = slow("a");
    host.announce("b");
    host.advance(500);
    host.announce("c");
    host.advance(5_000);
    expect(host.state.proposed).toMatchObject({ number: 2 });
    host.ack("a");
    host.ack("b");
    expect(host.viewNumber).toBe(2);
    expect(host.state.proposed).toMatchObject({ number: 3, joined: ["c"] });
  });

  it("18.7 a missing ack is spoken of after 10 s, and after 60 s the next proposal goes without that member", () => {
    const host = slow("a", "b", "c");
    host.announce("d");
    host.advance(500);
    host.ack("a");
    host.advance(10_000);
    expect(host.all("AckOverdue")).toMatchObject([{ number: 2, instances: ["b", "c", "d"] }]);
    host.ack("d");
    host.advance(49_999);
    expect(host.state.proposed?.number).toBe(2);
    host.advance(1);
    expect(host.all("InstanceEvicted")).toMatchObject([{ instance: "b", cause: "ack-overdue" }, { instance: "c", cause: "ack-overdue" }]);
    expect(host.state.proposed).toMatchObject({ number: 3, members: [{ instance: "a" }, { instance: "d" }], removed: [{ instance: "b" }, { instance: "c" }] });
    expect(host.announce("b")).toMatchObject({ rejection: { code: "instance/evicted" } });
  });

  it("INV-14 when nobody has acked it is the history that was not heard: nobody is evicted", () => {
    const host = slow("a", "b");
    host.announce("c");
    host.advance(300_000);
    expect(host.all("InstanceEvicted")).toEqual([]);
    for (const instance of ["a", "b", "c"]) host.ack(instance);
    expect(host.members).toEqual(["a", "b", "c"]);
  });

  it("INV-16 a view that nobody acks for 10 s takes in those who wait, so that one stuck member keeps nobody out", () => {
    const host = slow("a");
    host.send("propose", {}, "operate");
    host.announce("b");
    host.advance(9_999);
    expect(host.state.proposed).toMatchObject({ number: 2, members: [{ instance: "a" }] });
    host.advance(1);
    expect(host.events.slice(-3)).toMatchObject([{ type: "AckOverdue", number: 2 }, { type: "ViewSuperseded", number: 2, reason: "unheard" }, { type: "ViewProposed", number: 3, joined: ["b"] }]);
    host.ack("b");
    host.advance(60_000);
    expect(host.all("InstanceEvicted")).toMatchObject([{ instance: "a", cause: "ack-overdue" }]);
  });

  it("18.14 an operator may ask for a view with the same members, also while one is proposed", () => {
    const host = slow("a", "b");
    expect(host.send("propose", {}, "operate")).toMatchObject({ events: [{ type: "ViewProposed", number: 2, reason: "asked" }] });
    expect(host.send("propose", {}, "operate")).toMatchObject({ events: [{ type: "ViewSuperseded", number: 2 }, { type: "ViewProposed", number: 3 }] });
    expect(new MiniHost().send("propose", {}, "operate")).toMatchObject({ rejection: { code: "view/none" } });
  });

  it("tells the members of both views, and where their acks are missing they learn it by renewing", () => {
    const host = slow("a", "b");
    host.told.length = 0;
    host.announce("c");
    host.advance(500);
    expect(host.told).toEqual(["a", "b", "c"].map((instance) => ({ address: `tp.ann.${instance}`, item: [TOLD.proposed, 2] })));
    expect(host.announce("b")).toMatchObject({ answer: { clusterId: "a-1", view: 1, proposed: 2, isMember: true, owesAck: true } });
    host.ack("b");
    expect(host.announce("b")).toMatchObject({ answer: { owesAck: false } });
    for (const instance of ["a", "c"]) host.ack(instance);
    expect(host.told.slice(-3)).toEqual(["a", "b", "c"].map((instance) => ({ address: `tp.ann.${instance}`, item: [TOLD.activated, 2] })));
  });
});
