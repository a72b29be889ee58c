/** Routes as they follow from the topology. */
import type { ClusterView, MemberRecord, RemoteClusterView, TopologyAnswer } from "@longshore/discovery-agent";
import { deferOn, MemoryWanted, VirtualClock } from "@longshore/testkit";
import { describe, expect, it } from "vitest";
import type { InstanceService } from "./instance/instance.ts";
import { InstanceOutlook, ownTopicsIn, routesIn } from "./outlook.ts";

const member = (instance: string, more: Partial<MemberRecord> = {}): MemberRecord => ({
  instance, incarnation: `${instance}-1`, principal: "host", joinedView: 1, propertiesVersion: 1, properties: {}, topics: [], slots: 0,
  kinds: [], endpoints: [], software: "", leaderPriority: 0, isReady: true, ...more,
});
const remote = (cluster: string, members: readonly MemberRecord[], more: Partial<RemoteClusterView> = {}): RemoteClusterView => ({ clusterId: `id-${cluster}`, cluster, number: 1, members, heardAt: 1, ...more });
const answer = (...clusters: readonly RemoteClusterView[]): Pick<TopologyAnswer, "view" | "remote"> =>
  ({ view: { clusterId: "id-home", cluster: "home", number: 1, members: [member("h")] }, remote: clusters });
const router = member("r", { kinds: ["offload-router"] });

describe("another cluster is a route", () => {
  it("OFF-TOP-02 with a pool for each instance that works: its topics, its slots, and its properties as labels", () => {
    const [route] = routesIn(answer(remote("far", [router, member("w", { topics: ["b", "a/*"], slots: 3, properties: { zone: "w" } })])));
    expect(route).toEqual({ cluster: "far", pools: [{ topics: ["a/*", "b"], slots: 3, labels: { zone: "w" } }] });
  });

  it("only where somebody can host its router: elsewhere jobs would leave to nowhere", () => {
    const worker = member("w", { topics: ["a"], slots: 1 });
    expect(routesIn(answer(remote("far", [worker]), remote("east", [router])))).toEqual([{ cluster: "east", pools: [] }]);
    expect(routesIn(answer(remote("far", [{ ...worker, kinds: ["offload-router"] }])))).toHaveLength(1);
  });

  it("OFF-ENB-11 OFF-ENB-14 OFF-ENB-35 without what is disabled there, and with only what is exclusive", () => {
    const members = [router, member("w", { topics: ["a", "b"], slots: 1 }), member("x", { topics: ["a", "b"], slots: 1 }), member("y", { topics: ["a"], slots: 1 })];
    const lists = [{ instance: "w", exclusive: undefined, disabled: ["b"] }, { instance: "x", exclusive: ["b"], disabled: [] }, { instance: "y", exclusive: undefined, disabled: ["*"] }];
    expect(routesIn(answer(remote("far", members, { lists })))[0]?.pools.map(({ topics }) => topics)).toEqual([["a"], ["b"]]);
  });

  it("with each instance in one cluster only, and none before there is a view", () => {
    const twice = member("w", { topics: ["a"], slots: 1 });
    expect(routesIn(answer(remote("far", [router, twice], { heardAt: 1 }), remote("east", [member("r2", { kinds: ["offload-router"] }), twice], { heardAt: 2 }))).map(({ pools }) => pools.length)).toEqual([1, 0]);
    expect(routesIn({ ...answer(remote("far", [router])), view: null })).toEqual([]);
  });
});

describe("what this cluster works on for others", () => {
  it("OFF-ENB-11 OFF-ENB-38 is what is enabled at any of its instances, sorted, each once", () => {
    const members = [member("w", { topics: ["b", "a"] }), member("x", { topics: ["a", "c"] })];
    expect(ownTopicsIn({ members }, (instance, pattern) => !(instance === "x" && pattern === "c"))).toEqual(["a", "b"]);
  });
});

describe("an instance's outlook", () => {
  const SELF: ClusterView = { clusterId: "id-home", cluster: "home", number: 1, members: [member("h", { topics: ["a", "b"] })] };

  function setup() {
    const clock = new VirtualClock();
    const wanted = new MemoryWanted(deferOn(clock));
    const instance = {
      answer: undefined as TopologyAnswer | undefined, isCurrent: true,
      topology: { view: () => ({ isCurrent: instance.isCurrent }) },
      roster: { isEnabled: (_: string, pattern: string) => pattern !== "b", onTopics: () => () => undefined },
      watch: () => () => undefined, listen: () => undefined, unlisten: () => undefined,
    };
    const outlook = new InstanceOutlook(instance as unknown as InstanceService, wanted, clock);
    const stop = outlook.onChange(() => undefined);
    const sees = (more: Partial<TopologyAnswer> = {}): void => void (instance.answer = { change: 1, view: SELF, proposed: null, remote: [], conflicts: [], ...more });
    return { clock, wanted, instance, outlook, sees, stop };
  }

  it("OFF-DST-26 is nothing before the first view, while one is proposed, and while this instance's is not current", () => {
    const { clock, instance, outlook, sees } = setup();
    sees();
    expect(outlook.current()).toBeUndefined();
    clock.advance(100);
    expect(outlook.current()).toEqual({ routes: [], own: { topics: ["a"], shards: ["main"] } });
    sees({ proposed: { ...SELF, number: 2, reason: "joined", since: 1, missing: [] } as unknown as NonNullable<TopologyAnswer["proposed"]> });
    expect(outlook.current()).toBeUndefined();
    sees();
    instance.isCurrent = false;
    expect(outlook.current()).toBeUndefined();
  });

  it("has every shard that the wanted configuration names, the default one first; it is looked for anew by the next who listens", () => {
    const { clock, wanted, outlook, sees, stop } = setup();
    clock.advance(100);
    sees();
    wanted.put("queue.media", new TextEncoder().encode('{"topics":["media"],"shard":"a-media"}'), 0, () => undefined);
    clock.advance(100);
    expect(outlook.current()?.own.shards).toEqual(["main", "a-media"]);
    stop();
    expect(outlook.current()).toBeUndefined();
    outlook.onChange(() => undefined);
    clock.advance(100);
    expect(outlook.current()?.own.shards).toEqual(["main", "a-media"]);
  });
});
