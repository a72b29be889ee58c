/** What the router is told of the topology: only what is new, and nothing while it cannot be relied on. */
import { describe, expect, it } from "vitest";
import { OFFLOAD_LIMITS } from "../limits.ts";
import { FakeHost } from "../testing/fake-host.ts";
import { MiniHost } from "../testing/mini-host.ts";
import type { Outlook, OutlookSource } from "./outlook.ts";
import { routes } from "./routes.ts";

const POOLS = [{ topics: ["media/*"], slots: 4, labels: { zone: "w" } }];
const OWN = { topics: ["film/*"], shards: ["main"] };

class FakeSource implements OutlookSource {
  private outlook: Outlook | undefined;
  private changed = (): void => undefined;

  current(): Outlook | undefined {
    return this.outlook;
  }

  onChange(changed: () => void): () => void {
    this.changed = changed;
    return () => {
      this.changed = (): void => undefined;
    };
  }

  set(outlook: Outlook | undefined): void {
    this.outlook = outlook;
    this.changed();
  }
}

function setup(mini = new MiniHost()): { readonly host: FakeHost; readonly source: FakeSource; readonly said: () => readonly string[] } {
  const source = new FakeSource();
  const host = new FakeHost(routes({ source }), mini);
  return { host, source, said: () => host.commands.splice(0).map(([verb, { cluster }]) => (cluster === undefined ? verb : `${verb} ${String(cluster)}`)) };
}

describe("the router is told", () => {
  it("OFF-TOP-02 what this cluster works on, and what others take, when that is known", () => {
    const { host, source, said } = setup();
    expect(said()).toEqual([]);
    source.set({ routes: [{ cluster: "far", pools: POOLS }], own: OWN });
    expect(said()).toEqual(["own", "route far"]);
    expect(host.mini.state).toMatchObject({ ownTopics: OWN.topics, shards: OWN.shards });
    expect(host.mini.state.routes.get("far")?.pools).toEqual(POOLS);
  });

  it("OFF-ENB-11 OFF-ENB-13 when one takes something else, and of one that goes on as it was once a minute that it was heard", () => {
    const { host, source, said } = setup();
    source.set({ routes: [{ cluster: "far", pools: POOLS }], own: OWN });
    said();
    host.advance(OFFLOAD_LIMITS.heardEveryMs - 1);
    expect(said()).toEqual([]);
    source.set({ routes: [{ cluster: "far", pools: [] }], own: OWN });
    expect(said()).toEqual(["route far"]);
    host.advance(2 * OFFLOAD_LIMITS.heardEveryMs + 15_000);
    expect(said()).toEqual(["route far", "route far"]);
    expect(host.mini.all("RouteHeard")).toHaveLength(2);
  });

  it("OFF-DST-26 nothing while the view cannot be relied on, and what is true then afterwards", () => {
    const { host, source, said } = setup();
    source.set({ routes: [{ cluster: "far", pools: POOLS }], own: OWN });
    said();
    source.set(undefined);
    host.advance(10 * OFFLOAD_LIMITS.heardEveryMs);
    expect(said()).toEqual([]);
    source.set({ routes: [], own: OWN });
    expect(said()).toEqual(["routeLost far"]);
  });

  it("OFF-TOP-06 that a cluster is gone, once; and nothing anew after a fail-over", () => {
    const { host, source, said } = setup();
    source.set({ routes: [{ cluster: "far", pools: POOLS }, { cluster: "east", pools: POOLS }], own: OWN });
    host.advance(1_000);
    said();
    source.set({ routes: [{ cluster: "far", pools: POOLS }], own: OWN });
    host.advance(20_000);
    expect(said()).toEqual(["routeLost east"]);
    host.mini.restart();
    const second = setup(host.mini);
    second.source.set({ routes: [{ cluster: "far", pools: POOLS }], own: OWN });
    expect(second.said()).toEqual([]);
  });

  it("nothing of its own cluster, nor anything once its host has stopped", () => {
    const { host, source, said } = setup();
    source.set({ routes: [{ cluster: "home", pools: POOLS }], own: OWN });
    expect(said()).toEqual(["own"]);
    host.stop();
    source.set({ routes: [{ cluster: "far", pools: POOLS }], own: OWN });
    host.advance(20_000);
    expect(said()).toEqual([]);
  });
});
