/** Clusters of clusters on a virtual clock: hosts that tell each other who is there, over links that break and come back. */
import type { DiscoveryEvent, TopologyEvent } from "@longshore/discovery-agent";
import { DISCOVERY_ACTOR, DISCOVERY_KIND } from "@longshore/discovery-agent";
import { encode, subjectsOf } from "@longshore/kernel";
import type { MemoryServer } from "@longshore/testkit";
import { describe, expect, it } from "vitest";
import { type Process, World } from "./world.ts";

type Link = ReturnType<MemoryServer["linkTo"]>;

/** Worlds that all name and reach each other, and the links between them. */
function joined(...names: readonly string[]): { readonly worlds: readonly World[]; readonly links: readonly Link[] } {
  const worlds: World[] = [];
  const links: Link[] = [];
  for (const [place, cluster] of names.entries()) {
    const clock = worlds[0]?.clock;
    // Their servers' clocks have nothing to do with each other.
    const world = new World({ cluster, peers: names.filter((name) => name !== cluster), startedAt: 1_700_000_000_000 + place * 86_400_000, ...(clock === undefined ? {} : { clock }) });
    for (const other of worlds) links.push(world.server.linkTo(other.server));
    worlds.push(world);
  }
  return { worlds, links };
}

/** `<cluster>: <instances>` as a process sees them, its own cluster first. */
const sight = ({ topology }: Process): readonly string[] => topology.view().clusters.map(({ cluster, instances }) => `${cluster}: ${instances.map(({ instance }) => instance).join()}`);
const remoteEvents = (world: World): readonly DiscoveryEvent["type"][] => world.events().map(({ type }) => type).filter((type) => type.startsWith("Remote"));
const typesAfter = (process: Process, from: number): readonly TopologyEvent["type"][] => process.events.slice(from).map(({ type }) => type);

/** What the history here says happened, as it is asked for. */
const history = (world: World, from: number): readonly (readonly [type: string, about: unknown, at: number])[] =>
  world.state.changes.filter(({ change }) => change > from).map(({ type, about, at }) => [type, about, at]);

describe("a cluster of its own", () => {
  it("OFF-TOP-01 a lone instance sees one cluster with one instance, which leads and is current", () => {
    const [a] = new World({ cluster: "hub" }).form("a");
    const view = a!.topology.view();
    expect(view.isCurrent).toBe(true);
    expect(view.clusters.map(({ cluster, instances, leader }) => [cluster, instances.length, leader.instance])).toEqual([["hub", 1, "a"]]);
  });

  it("CON-06 one without a view says nothing, and is seen as soon as it has one", () => {
    const { worlds: [hub, west] } = joined("hub", "west");
    const [a] = hub!.form("a");
    const x = west!.start("x", "x-1", false);
    hub!.clock.advance(60_000);
    expect([sight(a!), remoteEvents(hub!), west!.reports]).toEqual([["hub: a"], [], []]);
    x.member.change({ isReady: true });
    expect(hub!.until(() => sight(a!)[1] === "west: x", 10_000)).toBeLessThanOrEqual(2_000);
  });
});

describe("clusters that name each other", () => {
  it("OFF-TOP-02 TPL-01 each sees the other's instances within a second, and whoever starts later sees them at once", () => {
    const { worlds: [hub, west] } = joined("hub", "west");
    const [a, b] = hub!.form("a", "b");
    const [x] = west!.form("x");
    expect(hub!.until(() => [a!, b!, x!].every((process) => sight(process).length === 2), 5_000)).toBeLessThanOrEqual(1_000);
    expect(sight(a!)).toEqual(["hub: a,b", "west: x"]);
    expect(sight(b!)).toEqual(["hub: a,b", "west: x"]);
    expect(sight(x!)).toEqual(["west: x", "hub: a,b"]);
    const { localInstance, instances } = x!.topology.view();
    expect(localInstance?.instance).toBe("x");
    expect(instances.map(({ instance, isLocal, isLeader }) => [instance, isLocal, isLeader])).toEqual([["x", true, true], ["a", false, true], ["b", false, false]]);
    const [y] = [west!.start("y")];
    expect(west!.until(() => y.isCurrent, 5_000)).toBeDefined();
    expect(sight(y)).toEqual(["west: x,y", "hub: a,b"]);
    expect([hub!.reports, west!.reports]).toEqual([["peer.reached west"], ["peer.reached hub"]]);
  });

  it("18.10 an activation is told after 250 ms, properties too, and everybody in the other cluster hears CHANGED or PROPERTIES_CHANGED once", () => {
    const { worlds: [hub, west] } = joined("hub", "west");
    const [a, b] = hub!.form("a", "b");
    const [x] = west!.form("x");
    hub!.clock.advance(5_000);
    const from = a!.events.length;
    x!.member.change({ properties: { zone: "1" } });
    x!.member.change({ properties: { zone: "2" } });
    expect(hub!.until(() => a!.topology.view().instances.some(({ properties }) => properties["zone"] === "2"), 5_000)).toBeLessThanOrEqual(1_000);
    hub!.clock.advance(3_000);
    expect([typesAfter(a!, from), typesAfter(b!, from)]).toEqual([["PROPERTIES_CHANGED"], ["PROPERTIES_CHANGED"]]);
    west!.start("y");
    expect(hub!.until(() => sight(a!)[1] === "west: x,y", 5_000)).toBeLessThanOrEqual(1_500);
    hub!.clock.advance(3_000);
    const told = ["PROPERTIES_CHANGED", "TOPOLOGY_CHANGING", "TOPOLOGY_CHANGED"];
    expect([typesAfter(a!, from), typesAfter(b!, from)]).toEqual([told, told]);
  });

  it("G5 all members of a cluster switch to what another one says in the same order", () => {
    const { worlds: [hub, west] } = joined("hub", "west");
    const members = hub!.form("a", "b", "c");
    west!.form("x");
    for (const name of ["y", "z"]) {
      west!.start(name);
      hub!.clock.advance(3_000);
    }
    west!.processes[0]!.member.leave();
    hub!.clock.advance(10_000);
    const seen = members.map((process) => process.events.map(({ type, newView }) => `${type} ${newView?.clusters.map(({ cluster, number }) => `${cluster}@${number}`).join()}`));
    const last = seen[0]!.slice(-8);
    expect(last.at(-1)).toContain("west@4");
    for (const one of seen) expect(one.slice(-8)).toEqual(last);
  });

  it("OFF-TOP-06 OFF-TOP-07 the leader of the other cluster stops: the next one leads there, and the cluster stays", () => {
    const { worlds: [hub, west] } = joined("hub", "west");
    const [a] = hub!.form("a");
    const [x, y] = west!.form("x", "y");
    hub!.until(() => sight(a!)[1] === "west: x,y", 5_000);
    const [, before] = a!.topology.view().clusters;
    x!.member.leave();
    expect(hub!.until(() => sight(a!)[1] === "west: y", 5_000)).toBeLessThanOrEqual(1_500);
    const [, after] = a!.topology.view().clusters;
    expect(after).toMatchObject({ clusterId: before!.clusterId, leader: { instance: "y" } });
    expect(after!.number).toBeGreaterThan(before!.number);
    expect(y!.isCurrent).toBe(true);
  });

  it("OFF-TOP-08 OFF-TOP-17 an instance that crashes in one cluster is gone from the other within 5 s of its silence, and comes back under its id", () => {
    const { worlds: [hub, west] } = joined("hub", "west");
    const [a] = hub!.form("a");
    const [, y] = west!.form("x", "y");
    hub!.until(() => sight(a!)[1] === "west: x,y", 5_000);
    y!.crash();
    expect(hub!.until(() => sight(a!)[1] === "west: x", 20_000)).toBeLessThanOrEqual(5_000);
    west!.start("y", "y-2");
    expect(hub!.until(() => sight(a!)[1] === "west: x,y", 20_000)).toBeLessThanOrEqual(3_000);
  });

  it("OFF-TOP-15 OFF-TOP-16 topics come and go with the consumers of the other cluster", () => {
    const { worlds: [hub, west] } = joined("hub", "west");
    const [a] = hub!.form("a");
    const [x] = west!.form("x");
    const topics = (): readonly string[] => a!.topology.view().instances.flatMap((instance) => instance.topics);
    x!.member.change({ topics: ["m/one", "m/two"] });
    expect(hub!.until(() => topics().join() === "m/one,m/two", 5_000)).toBeLessThanOrEqual(1_000);
    x!.member.change({ topics: ["m/two"] });
    expect(hub!.until(() => topics().join() === "m/two", 5_000)).toBeLessThanOrEqual(1_000);
  });

  it("OFF-TOP-18 OFF-TOP-20 name, description and the address of an instance there are seen, and a new address after its restart", () => {
    const { worlds: [hub, west] } = joined("hub", "west");
    const [a] = hub!.form("a");
    const [x] = west!.form("x");
    const properties = { name: "Encoder 1", description: "in the cellar" };
    x!.member.change({ properties, endpoints: ["http://x:1"] });
    const seen = (): unknown => a!.topology.view().instances.find(({ instance }) => instance === "x");
    expect(hub!.until(() => JSON.stringify(seen())?.includes("http://x:1") === true, 5_000)).toBeLessThanOrEqual(1_000);
    expect(seen()).toMatchObject({ properties, endpoints: ["http://x:1"], incarnation: "x-1" });
    x!.crash();
    const again = west!.start("x", "x-2");
    again.member.change({ properties, endpoints: ["http://x:2"] });
    expect(hub!.until(() => JSON.stringify(seen())?.includes("http://x:2") === true, 20_000)).toBeLessThanOrEqual(5_000);
    expect(seen()).toMatchObject({ properties, incarnation: "x-2" });
  });

  it("OFF-TOP-22 the history lists with their times what joined and left, instances here and clusters", () => {
    const { worlds: [hub, west], links: [link] } = joined("hub", "west");
    hub!.form("a");
    const [x] = west!.form("x");
    hub!.clock.advance(5_000);
    const from = hub!.state.change;
    const startedAt = hub!.server.serverTime.now();
    const b = hub!.start("b");
    hub!.clock.advance(10_000);
    b.member.leave();
    hub!.clock.advance(10_000);
    link!.cut();
    hub!.clock.advance(70_000);
    const told = history(hub!, from);
    const kinds = told.map(([type, about]) => `${type} ${String(about)}`);
    expect(kinds.filter((line) => line.startsWith("Instance"))).toEqual(["InstanceAnnounced b", "InstanceLeaving b"]);
    expect(kinds.filter((line) => line.startsWith("Remote"))).toEqual([`RemoteClusterExpired ${x!.topology.view().localCluster.clusterId}`]);
    const times = told.map(([, , at]) => at - startedAt);
    expect(times).toEqual(times.toSorted((one, other) => one - other));
    expect(Math.min(...times)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...times)).toBeLessThanOrEqual(90_000);
  });

  it("CON-07 the last instance of a cluster leaves: the other knows at once, and not after a minute", () => {
    const { worlds: [hub, west] } = joined("hub", "west");
    const [a] = hub!.form("a");
    const [x] = west!.form("x");
    hub!.until(() => sight(a!).length === 2, 5_000);
    x!.member.leave();
    expect(hub!.until(() => sight(a!).length === 1, 60_000)).toBeLessThanOrEqual(100);
    west!.start("x", "x-2");
    expect(hub!.until(() => sight(a!)[1] === "west: x", 10_000)).toBeLessThanOrEqual(3_000);
  });
});

describe("a star and a ring", () => {
  it("OFF-TOP-04 clusters that name each other see all of them, each instance once, whatever they are joined by", () => {
    const names = ["hub", "a", "b", "c"];
    const { worlds } = joined(...names);
    for (const [i, world] of worlds.entries()) world.form(`${names[i]}-1`);
    const all = (): boolean => worlds.every(({ processes: [one] }) => sight(one!).length === 4);
    expect(worlds[0]!.until(all, 10_000)).toBeLessThanOrEqual(3_000);
    for (const { processes: [one] } of worlds) expect(one!.topology.view().instances.map(({ instance }) => instance).toSorted()).toEqual(["a-1", "b-1", "c-1", "hub-1"]);
  });

  it("CON-09 what changes in one of three is seen in the others, which each hear it from that one", () => {
    const { worlds, links } = joined("author", "hub", "publish");
    const [author, hub, publish] = worlds;
    const [a, , p] = worlds.map((world, i) => world.form(`i${i}`)[0]!);
    hub!.clock.advance(5_000);
    hub!.closeHost();
    a!.member.change({ properties: { k: "v" } });
    expect(hub!.until(() => p!.topology.view().instances.some(({ properties }) => properties["k"] === "v"), 5_000)).toBeLessThanOrEqual(1_000);
    expect([author!.reports, publish!.reports].map((reports) => reports.filter((line) => line.startsWith("peer.refused")))).toEqual([[], []]);
    expect(links).toHaveLength(3);
  });

  it("TPL-03 a hub with 50 clusters of one instance each sees exactly their 51 instances within 30 s", { timeout: 60_000 }, () => {
    const names = Array.from({ length: 50 }, (_, i) => `c${i}`);
    const hub = new World({ cluster: "hub", peers: names });
    hub.form("hub-1");
    for (const cluster of names) {
      const world = new World({ cluster, peers: ["hub"], clock: hub.clock });
      world.server.linkTo(hub.server);
      world.start(`${cluster}-1`);
    }
    const [one] = hub.processes;
    expect(hub.until(() => one!.topology.view().clusters.length === 51, 40_000)).toBeLessThanOrEqual(30_000);
    expect(one!.topology.view().instances.map(({ instance }) => instance).toSorted()).toEqual(["hub-1", ...names.map((name) => `${name}-1`)].toSorted());
  });

  it("OFF-TOP-03 OFF-TOP-05 a cluster that the other does not name is refused, keeps its own view, and keeps trying", () => {
    const hub = new World({ cluster: "hub" });
    const west = new World({ cluster: "west", peers: ["hub"], clock: hub.clock });
    west.server.linkTo(hub.server);
    const [a, x] = [hub.form("a")[0]!, west.form("x")[0]!];
    const changes = hub.state.change;
    hub.clock.advance(120_000);
    expect([sight(a), sight(x), west.reports]).toEqual([["hub: a"], ["west: x"], ["peer.refused remote/not-a-peer"]]);
    expect([hub.state.change, remoteEvents(hub)]).toEqual([changes, []]);
  });
});

describe("a link that breaks", () => {
  it("18.9 OFF-TOP-08 OFF-TOP-09 lost for less than a minute nothing happens; for longer the other cluster is gone after 60 s, and back within 3 s of the link", () => {
    const { worlds: [hub, west], links: [link] } = joined("hub", "west");
    const [a, x] = [hub!.form("a")[0]!, west!.form("x")[0]!];
    hub!.until(() => sight(a).length === 2 && sight(x).length === 2, 5_000);
    hub!.clock.advance(30_000);
    const from = a.events.length;
    link!.cut();
    hub!.clock.advance(35_000);
    link!.join();
    hub!.clock.advance(30_000);
    expect([typesAfter(a, from), sight(a).length]).toEqual([[], 2]);

    link!.cut();
    const goneAfter = hub!.until(() => sight(a).length === 1 && sight(x).length === 1, 120_000)!;
    expect(goneAfter).toBeGreaterThan(38_000);
    expect(goneAfter).toBeLessThanOrEqual(61_000);
    expect(typesAfter(a, from)).toEqual(["TOPOLOGY_CHANGING", "TOPOLOGY_CHANGED"]);
    expect([a.isCurrent, x.isCurrent]).toEqual([true, true]);
    link!.join();
    expect(hub!.until(() => sight(a).length === 2 && sight(x).length === 2, 60_000)).toBeLessThanOrEqual(3_000);
    expect(typesAfter(a, from)).toEqual(["TOPOLOGY_CHANGING", "TOPOLOGY_CHANGED", "TOPOLOGY_CHANGING", "TOPOLOGY_CHANGED"]);
  });

  it("18.10 after an hour without a link what is true then is told, once, and nothing that was true meanwhile", { timeout: 20_000 }, () => {
    const { worlds: [hub, west], links: [link] } = joined("hub", "west");
    const [a] = hub!.form("a");
    west!.form("x");
    hub!.until(() => sight(a!).length === 2, 5_000);
    link!.cut();
    for (let i = 0; i < 6; i++) {
      const guest = west!.start(`guest-${i}`);
      hub!.clock.advance(10_000);
      guest.member.leave();
      hub!.clock.advance(590_000);
    }
    const before = remoteEvents(hub!).length;
    link!.join();
    expect(hub!.until(() => sight(a!)[1] === "west: x", 60_000)).toBeLessThanOrEqual(3_000);
    expect(remoteEvents(hub!).slice(before)).toEqual(["RemoteClusterAnnounced"]);
    expect(hub!.server.stream("LS_hub_PEERS").last).toBe(0);
    expect(west!.reports).toEqual(["peer.reached hub", "peer.unreached hub", "peer.reached hub"]);
  });

  it("CLU-03 CLU-05 the other cluster is gone while nobody hosts the history here: the next host finds out, and shows no ghosts", () => {
    const { worlds: [hub, west], links: [link] } = joined("hub", "west");
    const [a] = hub!.form("a");
    west!.form("x");
    hub!.until(() => sight(a!).length === 2, 5_000);
    hub!.closeHost();
    link!.cut();
    hub!.clock.advance(3_600_000);
    hub!.openHost();
    expect(hub!.until(() => a!.isCurrent && sight(a!).length === 1, 120_000)).toBeLessThanOrEqual(80_000);
  });

  it("the host changes: the next one goes on telling, and the other cluster notices nothing", () => {
    const { worlds: [hub, west] } = joined("hub", "west");
    const [a] = hub!.form("a");
    west!.form("x");
    hub!.until(() => sight(a!).length === 2, 5_000);
    const from = a!.events.length;
    for (let i = 0; i < 5; i++) {
      west!.closeHost();
      hub!.clock.advance(10_000);
      west!.openHost();
      hub!.clock.advance(20_000);
    }
    expect(typesAfter(a!, from)).toEqual([]);
    expect(sight(a!)).toEqual(["hub: a", "west: x"]);
  });

  it("a host that was overtaken and does not know it yet cannot bring an old view back, nor take the cluster away", () => {
    const { worlds: [hub, west] } = joined("hub", "west");
    const [a] = hub!.form("a");
    const [x] = west!.form("x");
    hub!.until(() => sight(a!).length === 2, 5_000);
    const old = west!.state.announcement()!;
    const say = (verb: string, item: object): void => west!.server.wire("host").request(subjectsOf("hub").command(DISCOVERY_KIND, DISCOVERY_ACTOR, "peer", "west"), encode({ [verb]: [item] }), 5_000, () => undefined);
    west!.start("y");
    hub!.until(() => sight(a!)[1] === "west: x,y", 5_000);
    say("remote", { view: old });
    say("remoteGone", { clusterId: old.clusterId, upTo: old.number });
    hub!.clock.advance(5_000);
    expect([sight(a!), x!.isCurrent]).toEqual([["hub: a", "west: x,y"], true]);
  });
});

describe("what another cluster may send", () => {
  it.each([
    ["bytes that are none", new Uint8Array(250).fill(0x91)], ["nothing", new Uint8Array(0)], ["an endless map", Uint8Array.from([0xdf, 0xff, 0xff, 0xff, 0xff])],
    ["a view without members", encode({ remote: [{ view: { clusterId: "c", cluster: "west", number: 1, members: [] } }] })],
    ["a prototype", encode({ remote: [JSON.parse('{"view":{"__proto__":{"clusterId":"c"}}}')] })],
    ["what it may not", encode({ announce: [{ instance: "x", incarnation: "x-1" }], topics: [{ instance: "a", disable: ["*"] }], propose: [{}], outage: [{ reason: "outage" }], leave: [{ instance: "a", incarnation: "a-1" }] })],
  ])("P14 is refused, and changes nothing: %s", (_, bytes) => {
    const { worlds: [hub, west] } = joined("hub", "west");
    const [a] = hub!.form("a");
    hub!.clock.advance(5_000);
    const { change } = hub!.state;
    const answers: unknown[] = [];
    west!.server.wire("host").request(subjectsOf("hub").command(DISCOVERY_KIND, DISCOVERY_ACTOR, "peer", "west"), bytes, 5_000, ({ kind }) => void answers.push(kind));
    hub!.clock.advance(5_000);
    expect(answers).toEqual(["answer"]);
    expect([hub!.state.change, sight(a!)]).toEqual([change, ["hub: a"]]);
    expect(hub!.events().some(({ type }) => type === "RemoteClusterAnnounced")).toBe(false);
  });
});
