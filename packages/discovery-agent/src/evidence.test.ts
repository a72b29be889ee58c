import { describe, expect, it } from "vitest";
import { MiniHost } from "./testing/mini-host.ts";

const formed = (...members: readonly string[]): MiniHost => new MiniHost().form(...members);
const evicted = (host: MiniHost): readonly string[] => host.all("InstanceEvicted").map(({ instance, cause }) => `${instance} ${cause}`);

describe("evidence of a witness", () => {
  it("18.6 is enough from the coordinator: the first member that is not accused itself", () => {
    const host = formed("a", "b", "c");
    host.suspect("b", "a", "witness");
    expect(evicted(host)).toEqual(["a witness"]);
    expect(host.members).toEqual(["b", "c"]);
    expect(host.all("ViewProposed").at(-1)).toMatchObject({ removed: [{ instance: "a", incarnation: "a-1", cause: "witness" }] });
  });

  it("18.6 of another needs a second one, and silence is no second witness", () => {
    const host = formed("a", "b", "c", "d", "e");
    host.suspect("c", "d", "witness");
    expect(host.ask("instances")).toMatchObject([{}, {}, {}, { instance: "d", state: "suspect", suspectedBy: [{ by: "c", kind: "witness" }] }, {}]);
    expect(evicted(host)).toEqual([]);
    host.suspect("b", "d", "witness");
    expect(evicted(host)).toEqual(["d witness"]);
  });

  it("18.9 with two members the survivor's witness is enough", () => {
    const host = formed("a", "b");
    host.suspect("b", "a", "witness");
    expect(host.members).toEqual(["b"]);
  });

  it("18.12 two that crash together are both out, one coordinator after the other", () => {
    const host = formed("a", "b", "c");
    host.suspect("c", "a", "witness");
    expect(evicted(host)).toEqual([]);
    host.suspect("c", "b", "witness");
    expect(host.members).toEqual(["c"]);
  });

  it("18.12 not everybody can evict everybody: somebody is always left", () => {
    const host = formed("a", "b");
    host.suspect("a", "b", "silent");
    host.suspect("b", "a", "silent");
    host.advance(600_000);
    expect(host.members).toHaveLength(1);
  });
});

describe("evidence of silence", () => {
  it("18.6 needs two accusers and three members", () => {
    const host = formed("a", "b", "c");
    host.suspect("b", "c", "silent");
    expect(evicted(host)).toEqual([]);
    host.suspect("a", "c", "silent");
    expect(evicted(host)).toEqual(["c silent"]);
  });

  it("18.9 with two members it waits 9 s, and an announcement in that time voids it", () => {
    const host = formed("a", "b");
    host.suspect("a", "b", "silent");
    host.advance(8_999);
    expect(host.announce("b")).toMatchObject({ events: [{ type: "SuspicionRefuted", instance: "b", by: "b" }] });
    host.suspect("a", "b", "silent");
    host.advance(8_999);
    expect(host.members).toEqual(["a", "b"]);
    host.advance(1);
    expect(evicted(host)).toEqual(["b certain"]);
  });

  it("18.6 not more than ⌊(n − 1) / 2⌋ are lost that way; a larger loss waits for certainty", () => {
    const host = formed("a", "b", "c", "d", "e");
    for (const accused of ["c", "d", "e"]) host.suspect("a", accused, "silent");
    host.suspect("b", "c", "silent");
    host.suspect("b", "d", "silent");
    expect(evicted(host)).toEqual(["c silent", "d silent"]);
    const larger = formed("a", "b", "c", "d", "e");
    larger.acksAtOnce = false;
    for (const by of ["a", "b"]) larger.suspect(by, "c", "silent");
    for (const by of ["a", "b"]) larger.suspect(by, "d", "silent");
    for (const by of ["a", "b"]) larger.suspect(by, "e", "silent");
    expect(evicted(larger)).toEqual(["c silent", "d silent"]);
    larger.advance(9_000);
    expect(evicted(larger)).toEqual(["c silent", "d silent", "e certain"]);
  });

  it("18.6 an accuser that is not well itself is not counted, until it is", () => {
    const host = formed("a", "b", "c");
    host.suspect("a", "c", "silent", { isHealthy: false });
    host.suspect("b", "c", "silent");
    expect(evicted(host)).toEqual([]);
    host.suspect("a", "c", "silent");
    expect(evicted(host)).toEqual(["c silent"]);
  });

  it("18.6 an accuser may take its word back, and takes back only its own", () => {
    const host = formed("a", "b", "c", "d", "e");
    host.suspect("c", "d", "witness");
    host.suspect("e", "d", "silent", { isHealthy: false });
    host.refute("c", "d");
    expect(host.ask("instances")).toMatchObject([{}, {}, {}, { suspectedBy: [{ by: "e" }] }, {}]);
    host.suspect("b", "d", "silent");
    expect(evicted(host)).toEqual([]);
  });
});

describe("what evidence is bound to", () => {
  it("18.6 INV-12 the incarnation: evidence against one that has been replaced says nothing of the next", () => {
    const host = formed("a", "b", "c");
    host.announce("c", { incarnation: "c-2", witness: true });
    for (const by of ["a", "b"]) expect(host.suspect(by, "c", "witness", { incarnation: "c-1" })).toMatchObject({ kind: "accepted", events: [] });
    expect(host.members).toEqual(["a", "b", "c"]);
  });

  it("the accuser's incarnation: one that is gone or has started anew accuses nobody", () => {
    const host = formed("a", "b", "c", "d");
    host.suspect("c", "d", "silent");
    host.announce("c", { incarnation: "c-2", witness: true });
    host.suspect("b", "d", "silent");
    expect(evicted(host).filter((text) => text.startsWith("d"))).toEqual([]);
    expect(host.suspect("c", "d", "silent", { byIncarnation: "c-1" })).toMatchObject({ rejection: { code: "instance/not-member" } });
    expect(host.suspect("x", "d", "silent")).toMatchObject({ rejection: { code: "instance/not-member" } });
    expect(host.suspect("d", "d", "silent")).toMatchObject({ rejection: { code: "instance/itself" } });
  });

  it("the accuser's principal", () => {
    const host = formed("a", "b", "c");
    const item = { by: "a", byIncarnation: "a-1", instance: "c", incarnation: "c-1", kind: "witness", isHealthy: true };
    expect(host.send("suspect", item, "hello", "mallory")).toMatchObject({ rejection: { code: "instance/not-member" } });
  });

  it("the same word again is already so; a witness after silence is more, silence after a witness is not", () => {
    const host = formed("a", "b", "c", "d");
    expect(host.suspect("c", "d", "silent").kind).toBe("accepted");
    expect(host.suspect("c", "d", "silent")).toMatchObject({ events: [] });
    expect(host.suspect("c", "d", "witness")).toMatchObject({ events: [{ type: "InstanceSuspected", kind: "witness" }] });
    expect(host.suspect("c", "d", "silent")).toMatchObject({ events: [] });
  });

  it("INV-16 those who wait for the next view give up the dead of one that is open, whoever is left", () => {
    const alone = new MiniHost();
    alone.acksAtOnce = false;
    alone.announce("a");
    alone.advance(1_000);
    alone.announce("b");
    expect(alone.state.proposed).toMatchObject({ number: 1, members: [{ instance: "a" }] });
    alone.suspect("b", "a", "witness");
    expect(alone.state.proposed).toMatchObject({ number: 2, members: [{ instance: "b" }] });
    const anew = formed("a", "b");
    anew.acksAtOnce = false;
    anew.leave("b");
    for (const instance of ["c", "d"]) anew.announce(instance);
    for (const by of ["c", "d"]) anew.suspect(by, "a", "silent");
    expect(evicted(anew)).toEqual(["a silent"]);
    expect(anew.state.proposed).toMatchObject({ members: [{ instance: "c" }, { instance: "d" }] });
  });

  it("who is not ready has no voice", () => {
    const host = formed("a", "b");
    host.announce("c", { isReady: false });
    host.suspect("c", "b", "witness");
    host.suspect("c", "a", "witness");
    host.advance(60_000);
    expect(host.members).toEqual(["a", "b"]);
  });

  it("18.12 a joiner that crashes before it has acked is evicted, and the members get their view again", () => {
    const host = formed("a", "b");
    host.acksAtOnce = false;
    host.announce("c");
    host.advance(500);
    host.suspect("a", "c", "witness");
    expect(host.state.proposed).toMatchObject({ number: 3, members: [{ instance: "a" }, { instance: "b" }] });
    for (const instance of ["a", "b"]) host.ack(instance);
    expect(host.members).toEqual(["a", "b"]);
  });

  it("18.5 a starting instance that dies is forgotten without a change of view", () => {
    const host = formed("a", "b");
    host.announce("c", { isReady: false });
    host.suspect("a", "c", "witness");
    expect(host.ask<unknown[]>("instances")).toHaveLength(2);
    expect(host.viewNumber).toBe(1);
  });

  it("a whole cluster that starts anew finds itself again, with its id", () => {
    const host = formed("a", "b");
    host.acksAtOnce = false;
    host.announce("b", { incarnation: "b-2", witness: true });
    host.suspect("b", "a", "witness");
    host.ack("b");
    host.announce("a", { incarnation: "a-2" });
    host.advance(500);
    for (const instance of ["a", "b"]) host.ack(instance);
    expect(host.ask("view")).toMatchObject({ view: { clusterId: "a-1", members: [{ incarnation: "b-2" }, { incarnation: "a-2" }] } });
  });
});

describe("outages of the history", () => {
  it("INV-14 18.6 evidence older than the outage is void, and then silence counts for nothing for 15 s", () => {
    const host = formed("a", "b", "c");
    host.suspect("a", "c", "silent");
    expect(host.send("outage", { reason: "outage" }, "actor", "host")).toMatchObject({ events: [{ type: "EvidenceDiscarded", quietMs: 15_000 }] });
    for (const by of ["a", "b"]) host.suspect(by, "c", "silent");
    host.advance(14_999);
    expect(evicted(host)).toEqual([]);
    host.announce("c");
    host.advance(60_000);
    expect(host.members).toEqual(["a", "b", "c"]);
  });

  it("18.6 in the quiet time a witness still counts, and so does leaving; after it silence does again", () => {
    const host = formed("a", "b", "c", "d", "e");
    host.send("outage", { reason: "outage" }, "actor", "host");
    host.suspect("a", "e", "witness");
    host.leave("d");
    expect(host.members).toEqual(["a", "b", "c"]);
    host.advance(10_000);
    for (const by of ["a", "b"]) host.suspect(by, "c", "silent");
    host.advance(4_999);
    expect(evicted(host)).toEqual(["e witness"]);
    host.advance(1);
    expect(evicted(host)).toEqual(["e witness", "c silent"]);
  });

  it("18.7 the deadline of acks begins anew", () => {
    const host = formed("a", "b");
    host.acksAtOnce = false;
    host.announce("c");
    host.advance(500);
    host.ack("a");
    host.advance(59_999);
    host.send("outage", { reason: "outage" }, "actor", "host");
    host.advance(59_999);
    expect(evicted(host)).toEqual([]);
    host.advance(1);
    expect(evicted(host)).toEqual(["b ack-overdue", "c ack-overdue"]);
  });

  it("another host discards what was held before it opened, without a quiet time, and finds nothing to do where nothing is held", () => {
    const host = formed("a", "b", "c");
    expect(host.send("outage", { reason: "opened" }, "actor", "host")).toMatchObject({ events: [] });
    host.suspect("a", "c", "silent");
    expect(host.send("outage", { reason: "opened" }, "actor", "host")).toMatchObject({ events: [{ quietMs: 0 }] });
    for (const by of ["a", "b"]) host.suspect(by, "c", "silent");
    expect(evicted(host)).toEqual(["c silent"]);
  });
});
