/** Routes as they follow from the topology. */
import type { MemberRecord, RemoteClusterView, TopologyAnswer } from "@longshore/discovery-agent";
import { describe, expect, it } from "vitest";
import { ownTopicsIn, routesIn } from "./outlook.ts";

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
