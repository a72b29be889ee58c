/** Properties of living instances, changed from outside and from within, on a real server. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type InstanceOptions, type InstanceService, startInstance } from "@longshore/cli";
import type { TopologyEvent } from "@longshore/discovery-agent";
import { connect as connectNats, type NatsServer, provision, startServer } from "@longshore/nats";
import { type ConnectOptions, connect, InvalidOption, type Longshore, Rejected } from "longshore";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { until } from "./nats/world.ts";

let folder: string;
let server: NatsServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "longshore-properties-"));
  server = await startServer({ storeDir: folder, syncAlways: false });
});

afterAll(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

const TEST_MS = 60_000;

interface World {
  start(instance: string, more?: Partial<InstanceOptions>): Promise<InstanceService>;
  client(options?: ConnectOptions): Promise<Longshore>;
}

async function world(cluster: string): Promise<World> {
  const connection = { principal: "host", servers: server.url };
  const setup = await connectNats(connection);
  await provision(setup, { cluster, totalBytes: 100 * 1024 * 1024 });
  await setup.close();
  return {
    start: async (instance, more = {}) => {
      const service = await startInstance({ connection, cluster, instance, kinds: ["discovery-agent"], ...more });
      onTestFinished(() => service.close());
      return service;
    },
    client: async (options = {}) => {
      const ls = await connect({ servers: server.url, cluster, ...options });
      onTestFinished(() => ls.close());
      return ls;
    },
  };
}

const seenBy = ({ topology }: InstanceService, instance: string): unknown => topology.view().findInstances((one) => one.instance === instance)[0]?.properties;
const together = (all: readonly InstanceService[]): Promise<void> =>
  until(() => all.every(({ topology }) => topology.view().isCurrent && topology.view().instances.length === all.length), "all see all");

it("9.6 every member hears PROPERTIES_CHANGED, in the same view, and a renewal takes nothing back", async () => {
  const { start, client } = await world("members");
  const all = [await start("a"), await start("b", { properties: { zone: "west", kind: "small" } }), await start("c")];
  await together(all);
  const view = all[0]!.topology.view().localCluster.number;
  const heard = all.map((one) => {
    const events: TopologyEvent[] = [];
    one.listen((event) => void events.push(event));
    return events;
  });
  await until(() => heard.every((events) => events.length === 1), "everybody has heard INIT");
  const ls = await client();
  expect(await ls.properties.set({ zone: "east", kind: null, load: "1" }, { instance: "b" })).toEqual({ instance: "b", stored: false, properties: { load: "1", zone: "east" } });
  await until(() => heard.every((events) => events.length === 2), "everybody has heard of it");
  for (const events of heard) expect(events.map(({ type }) => type)).toEqual(["TOPOLOGY_INIT", "PROPERTIES_CHANGED"]);
  // The instance goes on saying other things of itself.
  all[1]!.announce({ slots: 3 });
  await until(() => heard.every((events) => events.length === 3), "everybody has heard of that, too");
  for (const one of all) {
    expect(seenBy(one, "b")).toEqual({ load: "1", zone: "east" });
    expect(one.topology.view().localCluster.number).toBe(view);
  }
}, TEST_MS);

it("a program that belongs to an instance changes that one; one that belongs to none must name one", async () => {
  const { start, client } = await world("own");
  const self = await start("self");
  await together([self]);
  const within = await client({ principal: "host", instance: "self", incarnation: self.incarnation });
  await within.properties.set({ mode: "night" });
  await until(() => JSON.stringify(seenBy(self, "self")) === JSON.stringify({ mode: "night" }), "it is seen");
  const outside = await client();
  await expect(outside.properties.set({ mode: "day" })).rejects.toBeInstanceOf(InvalidOption);
  await expect(outside.properties.set({ mode: 1 } as never, { instance: "self" })).rejects.toMatchObject({ field: "properties.mode" });
  await expect(outside.properties.set({ "a/b": "x" }, { instance: "self" })).rejects.toBeInstanceOf(Rejected);
  await expect(outside.properties.set({ mode: "day" }, { instance: "nobody" })).rejects.toMatchObject({ code: "instance/unknown" });
  process.env["LONGSHORE_INSTANCE"] = "self";
  onTestFinished(() => {
    delete process.env["LONGSHORE_INSTANCE"];
  });
  const handler = await client();
  await handler.properties.set({ mode: null });
  await until(() => JSON.stringify(seenBy(self, "self")) === "{}", "it is gone");
}, TEST_MS);
