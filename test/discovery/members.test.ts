/** Members, detectors, listeners and the host of the history together, on a virtual clock. Rows and rules of the discovery specification. */
import { setImmediate } from "node:timers/promises";
import type { DiscoveryEvent } from "@longshore/discovery-agent";
import { describe, expect, it } from "vitest";
import { World } from "./world.ts";

const evictions = (events: readonly DiscoveryEvent[]): readonly string[] =>
  events.flatMap((event) => (event.type === "InstanceEvicted" ? [`${event.incarnation} ${event.cause}`] : []));

describe("a cluster forms", () => {
  it("SGL-05 TEV-03 one instance is undefined first, and then hears INIT of a view with itself", () => {
    const world = new World();
    const a = world.start("a");
    expect([a.isCurrent, a.heardTypes]).toEqual([false, []]);
    expect(world.until(() => a.isCurrent, 3_000)).toBeLessThanOrEqual(2_000);
    expect([a.members, a.heardTypes]).toEqual([["a"], ["TOPOLOGY_INIT"]]);
    world.clock.advance(60_000);
    expect(a.heardTypes).toEqual(["TOPOLOGY_INIT"]);
  });

  it("CLU-09 three instances that start together see the same cluster, in the same order", () => {
    const world = new World();
    const processes = world.form("c", "a", "b");
    for (const process of processes) {
      expect(process.members).toEqual(["c", "a", "b"]);
      expect(process.heardTypes).toEqual(["TOPOLOGY_INIT"]);
    }
    expect(evictions(world.events())).toEqual([]);
  });

  it("CLU-10 18.9 a third joins within 1 s, and the others hear CHANGING and CHANGED once", () => {
    const world = new World();
    const [a, b] = world.form("a", "b");
    const c = world.start("c");
    expect(world.until(() => [a!, b!, c].every(({ isCurrent, members }) => isCurrent && members.length === 3), 5_000)).toBeLessThanOrEqual(1_000);
    for (const process of [a!, b!]) expect(process.heardTypes).toEqual(["TOPOLOGY_INIT", "TOPOLOGY_CHANGING", "TOPOLOGY_CHANGED"]);
    expect(c.heardTypes).toEqual(["TOPOLOGY_INIT"]);
  });

  it("18.5 one that starts holds nobody up, and joins when it is ready", () => {
    const world = new World();
    const [a] = world.form("a");
    const b = world.start("b", "b-1", false);
    world.clock.advance(20_000);
    expect([a!.members, b.isCurrent]).toEqual([["a"], false]);
    b.member.change({ isReady: true });
    expect(world.until(() => b.isCurrent, 5_000)).toBeLessThanOrEqual(1_000);
  });

  it("SGL-01 SGL-02 the one instance of a view is local, leads, and shows its properties; an unknown one is undefined", () => {
    const world = new World();
    const [a] = world.form("a");
    a!.member.change({ properties: { first: "1", changing: "2" } });
    world.clock.advance(1_000);
    a!.member.change({ properties: { first: "1", changing: "3" } });
    world.clock.advance(1_000);
    const { localCluster, localInstance, instances } = a!.topology.view();
    expect(localCluster).toMatchObject({ clusterId: "a-1", number: 1, isLocal: true });
    expect(instances).toEqual([localInstance]);
    expect(localInstance).toMatchObject({ isLocal: true, isLeader: true, properties: { first: "1", changing: "3" } });
    expect(localInstance?.properties["unknown"]).toBeUndefined();
  });

  it("TEV-01 TEV-02 OFF-TOP-14 a listener that comes late hears INIT at once; the picture is there before, and is not trusted", () => {
    const world = new World();
    const a = world.start("a");
    expect([a.isCurrent, a.members]).toEqual([false, ["a"]]);
    world.clock.advance(3_000);
    const late: string[] = [];
    a.topology.bind(({ type }) => void late.push(type));
    expect(late).toEqual(["TOPOLOGY_INIT"]);
    const b = world.start("b");
    world.clock.advance(3_000);
    expect([late, a.heardTypes, b.heardTypes]).toEqual([
      ["TOPOLOGY_INIT", "TOPOLOGY_CHANGING", "TOPOLOGY_CHANGED"], ["TOPOLOGY_INIT", "TOPOLOGY_CHANGING", "TOPOLOGY_CHANGED"], ["TOPOLOGY_INIT"],
    ]);
  });

  it("SGL-04 OFF-TOP-13 a change of properties is heard by all as PROPERTIES_CHANGED, and a renewal without change is not", () => {
    const world = new World();
    const [a, b] = world.form("a", "b");
    b!.member.change({ properties: { k: "v" } });
    expect(world.until(() => a!.heardTypes.includes("PROPERTIES_CHANGED"), 2_000)).toBeLessThanOrEqual(100);
    world.clock.advance(30_000);
    for (const process of [a!, b!]) expect(process.heardTypes).toEqual(["TOPOLOGY_INIT", "PROPERTIES_CHANGED"]);
  });
});

describe("somebody goes", () => {
  it("18.9 a graceful leave is heard within 100 ms and settled within 300", () => {
    const world = new World();
    const [a, b, c] = world.form("a", "b", "c");
    a!.member.leave();
    expect(world.until(() => b!.heardTypes.includes("TOPOLOGY_CHANGING"), 5_000)).toBeLessThanOrEqual(100);
    expect(world.until(() => [b!, c!].every(({ isCurrent, members }) => isCurrent && members.join() === "b,c"), 5_000)).toBeLessThanOrEqual(200);
    expect(a!.ends).toEqual([{ kind: "left" }]);
  });

  it("18.9 18.6 a crash is settled within 4 s, by a witness; CLU-08 with two as well", () => {
    for (const names of [["a", "b", "c"], ["a", "b"]]) {
      const world = new World();
      const [a, ...others] = world.form(...names);
      a!.crash();
      const rest = names.slice(1).join();
      expect(world.until(() => others.every(({ isCurrent, members }) => isCurrent && members.join() === rest), 20_000)).toBeLessThanOrEqual(4_200);
      expect(evictions(world.events())).toEqual(["a-1 witness"]);
    }
  });

  it("18.9 18.6 a process that hangs is out within 6 s with three members; it learns that it is, and stops", () => {
    const world = new World();
    const [a, b, c] = world.form("a", "b", "c");
    a!.hang();
    expect(world.until(() => [b!, c!].every(({ isCurrent, members }) => isCurrent && members.join() === "b,c"), 30_000)).toBeLessThanOrEqual(6_200);
    expect(evictions(world.events())).toEqual(["a-1 silent"]);
    a!.goOn();
    expect(world.until(() => a!.ends.length > 0, 10_000)).toBeDefined();
    expect(a!.ends).toEqual([{ kind: "evicted" }]);
    world.clock.advance(30_000);
    expect(evictions(world.events())).toEqual(["a-1 silent"]);
  });

  it("18.9 with two members a hang is certain only after the lifetime of a renewal, 10 to 15.3 s", () => {
    const world = new World();
    const [a, b] = world.form("a", "b");
    a!.hang();
    const took = world.until(() => b!.isCurrent && b!.members.join() === "b", 60_000);
    expect(took).toBeGreaterThanOrEqual(10_000);
    expect(took).toBeLessThanOrEqual(15_500);
    expect(evictions(world.events())).toEqual(["a-1 certain"]);
  });

  it("18.6 a short hang costs nothing: the accused refutes by renewing, or is heard before anybody accuses it", () => {
    const world = new World();
    const [a, b] = world.form("a", "b");
    a!.hang();
    world.clock.advance(8_000);
    a!.goOn();
    world.clock.advance(60_000);
    expect([a!.isCurrent, b!.isCurrent, a!.members]).toEqual([true, true, ["a", "b"]]);
    expect(evictions(world.events())).toEqual([]);
  });

  it("G14 18.5 a process that is killed and started again at once is another incarnation, at the end of the order, for everybody", () => {
    const world = new World();
    const [a, b] = world.form("a", "b");
    a!.crash();
    const again = world.start("a", "a-2");
    expect(world.until(() => again.isCurrent && b!.isCurrent && b!.members.join() === "b,a", 5_000)).toBeLessThanOrEqual(700);
    expect(evictions(world.events())).toEqual(["a-1 replaced"]);
    expect(b!.heardTypes).toEqual(["TOPOLOGY_INIT", "TOPOLOGY_CHANGING", "TOPOLOGY_CHANGED"]);
  });

  it("§6.9 a second process with the id of a living one ends, and changes nothing for anybody", () => {
    const world = new World();
    const [a, b] = world.form("a", "b");
    const second = world.start("a", "a-2");
    expect(world.until(() => second.ends.length > 0, 5_000)).toBeDefined();
    expect(second.ends).toEqual([{ kind: "duplicate", living: "a-1" }]);
    world.clock.advance(30_000);
    for (const process of [a!, b!]) expect(process.heardTypes).toEqual(["TOPOLOGY_INIT"]);
  });

  it("§6.9 one that hangs where another starts under its id: the second waits until the first is certainly gone", () => {
    const world = new World();
    const [a, b] = world.form("a", "b");
    a!.hang();
    const second = world.start("a", "a-2");
    world.clock.advance(10_000);
    expect(second.isCurrent).toBe(false);
    expect(world.until(() => second.isCurrent && b!.members.join() === "b,a", 30_000)).toBeDefined();
    expect(evictions(world.events())).toEqual(["a-1 certain"]);
    expect(world.events().filter(({ type }) => type === "DuplicateInstanceDetected")).toMatchObject([{ incarnation: "a-2", living: "a-1", principal: "ann" }]);
  });
});

describe("what is not a loss", () => {
  it("INV-14 18.6 a history that cannot be written for a minute evicts nobody, and the views are trusted again after it", () => {
    const world = new World();
    const processes = world.form("a", "b", "c");
    world.journal.isStalled = true;
    world.clock.advance(60_000);
    for (const process of processes) expect([process.isCurrent, process.doubts]).toEqual([false, ["unrenewed"]]);
    world.journal.resume();
    expect(world.until(() => processes.every(({ isCurrent }) => isCurrent), 20_000)).toBeDefined();
    world.clock.advance(60_000);
    expect(evictions(world.events())).toEqual([]);
  });

  it("INV-14 18.7 an outage while a view is proposed evicts nobody, and the view is activated after it", () => {
    const world = new World();
    const [a, b] = world.form("a", "b");
    const c = world.start("c");
    world.until(() => world.state.proposed !== undefined, 5_000);
    world.journal.isStalled = true;
    world.clock.advance(90_000);
    world.journal.resume();
    expect(world.until(() => [a!, b!, c].every(({ isCurrent, members }) => isCurrent && members.length === 3), 20_000)).toBeDefined();
    expect(evictions(world.events())).toEqual([]);
  });

  it("18.12 another host takes the history over: nobody is evicted, no view changes, and later changes go on", () => {
    const world = new World();
    const [a, b] = world.form("a", "b");
    world.closeHost();
    world.clock.advance(8_000);
    world.openHost();
    world.clock.advance(30_000);
    for (const process of [a!, b!]) expect([process.isCurrent, process.view]).toEqual([true, 1]);
    b!.member.leave();
    expect(world.until(() => a!.isCurrent && a!.members.join() === "a", 5_000)).toBeDefined();
  });

  it("18.6 18.8 a connection lost for a second is within every grace: nobody hears of it", () => {
    const world = new World();
    const [a, b] = world.form("a", "b");
    a!.wire.disconnect();
    world.clock.advance(1_000);
    a!.wire.reconnect();
    world.clock.advance(30_000);
    for (const process of [a!, b!]) expect([process.isCurrent, process.heardTypes]).toEqual([true, ["TOPOLOGY_INIT"]]);
  });

  it("18.8 a lost connection makes the own view untrusted after 2 s, and it is not trusted again before the history has heard the instance", () => {
    const world = new World();
    const [a, b, c] = world.form("a", "b", "c");
    a!.wire.disconnect();
    world.clock.advance(4_500);
    expect([a!.isCurrent, a!.doubts, b!.members]).toEqual([false, ["disconnected"], ["b", "c"]]);
    a!.wire.reconnect();
    expect(world.until(() => a!.isCurrent || a!.ends.length > 0, 20_000)).toBeDefined();
    expect([a!.isCurrent, a!.ends]).toEqual([false, [{ kind: "evicted" }]]);
    expect(c!.isCurrent).toBe(true);
  });

  it("18.8 with nobody to evict it, an instance that finds its connection again tells the same view as CHANGED", () => {
    const world = new World();
    const [a] = world.form("a");
    a!.wire.disconnect();
    world.clock.advance(8_000);
    a!.wire.reconnect();
    expect(world.until(() => a!.isCurrent, 10_000)).toBeDefined();
    expect([a!.heardTypes, a!.view]).toEqual([["TOPOLOGY_INIT", "TOPOLOGY_CHANGING", "TOPOLOGY_CHANGED"], 1]);
  });
});

describe("the barrier", () => {
  it("INV-6 18.7 nobody hears CHANGED while a listener anywhere has not returned from CHANGING", async () => {
    const world = new World();
    const [a, b] = world.form("a", "b");
    b!.listensSlowly = true;
    const c = world.start("c");
    world.clock.advance(30_000);
    expect([a!.isCurrent, c.isCurrent]).toEqual([false, false]);
    expect(world.events().filter(({ type }) => type === "AckOverdue")).toMatchObject([{ instances: ["b"] }]);
    b!.listenersReturn();
    await setImmediate();
    expect(world.until(() => [a!, b!, c].every(({ isCurrent }) => isCurrent), 5_000)).toBeLessThanOrEqual(1_000);
    expect(evictions(world.events())).toEqual([]);
  });

  it("18.7 one whose listener does not return for 60 s is left out", () => {
    const world = new World();
    const [a, b] = world.form("a", "b");
    b!.listensSlowly = true;
    const c = world.start("c");
    expect(world.until(() => a!.isCurrent && c.isCurrent && a!.members.join() === "a,c", 70_000)).toBeGreaterThanOrEqual(60_000);
    expect(evictions(world.events())).toEqual(["b-1 ack-overdue"]);
    expect(b!.ends).toEqual([{ kind: "evicted" }]);
  });
});
