/** Instances of two clusters on two nats-servers with a domain each, joined by a leaf node: what they see of each other while the link holds, breaks and is back. */
import { type InstanceOptions, type InstanceService, startInstance } from "@longshore/cli";
import { connect as connectClient, type TopologyEvent } from "longshore";
import { expect, it, onTestFinished } from "vitest";
import { HUB, type TwoClusters, twoClusters, WEST } from "./nats/leaf.ts";
import { until } from "./nats/world.ts";

const TEST_MS = 60_000;
/** Short enough for a test: a cluster that is not heard for this long is gone. On a busy machine it may also go by itself, and come back. */
const SHORT = { limits: { remoteKeepMs: 4_000, remoteHeardEveryMs: 500 } } as const;

async function start({ hub, west }: TwoClusters, cluster: typeof HUB | typeof WEST, instance: string, more: Partial<InstanceOptions> = {}): Promise<InstanceService> {
  const service = await startInstance({
    connection: { principal: "host", password: "pw-host", servers: (cluster === HUB ? hub : west).url }, cluster, instance, kinds: ["discovery-agent"],
    peers: [cluster === HUB ? WEST : HUB], ...more,
  });
  onTestFinished(() => service.close());
  return service;
}

/** `<cluster>: <instances>`, the own cluster first; empty while it cannot be relied on. */
const sightOf = ({ topology }: InstanceService): string =>
  topology.view().isCurrent ? topology.view().clusters.map(({ cluster, instances }) => `${cluster}: ${instances.map(({ instance }) => instance).toSorted().join()}`).join("; ") : "";

const sees = (service: InstanceService, sight: string, withinMs?: number): Promise<void> => until(() => sightOf(service) === sight, `${service.instance} sees ${sight}, not ${sightOf(service)}`, withinMs);

it("OFF-TOP-02 OFF-TOP-15 instances on both sides see each other's, with their topics and properties, as users that may do no more than their roles", async () => {
  const clusters = await twoClusters();
  const [a, b] = [await start(clusters, HUB, "a"), await start(clusters, HUB, "b")];
  const x = await start(clusters, WEST, "x", { topics: ["m/one"], slots: 3, properties: { zone: "w" } });
  for (const service of [a, b]) await sees(service, "hub: a,b; west: x");
  await sees(x, "west: x; hub: a,b");
  expect(a.topology.view().clusters[1]).toMatchObject({ isLocal: false, leader: { instance: "x", isLeader: true, isLocal: false, topics: ["m/one"], slots: 3, properties: { zone: "w" } } });

  const ls = await connectClient({ servers: clusters.hub.url, cluster: HUB, principal: "operator", password: "pw-operator" });
  onTestFinished(() => ls.close());
  const heard: TopologyEvent["type"][] = [];
  ls.topology.listen(({ type }) => void heard.push(type));
  await until(() => heard.length === 1, "INIT is told");
  expect((await ls.topology.view()).clusters.map(({ cluster }) => cluster)).toEqual([HUB, WEST]);
  expect(await ls.topics.list()).toEqual([{ topic: "m/one", instances: [], remote: [{ cluster: WEST, instance: "x", state: "enabled" }] }]);

  const far = await connectClient({ servers: clusters.west.url, cluster: WEST, principal: "operator", password: "pw-operator" });
  onTestFinished(() => far.close());
  await far.topics.disable("m/*", "x");
  await until(async () => (await ls.topics.list())[0]?.remote[0]?.state === "disabled", "that a topic is disabled there is known here");
  x.announce({ properties: { zone: "e" } });
  await until(() => a.topology.view().instances.some(({ properties }) => properties["zone"] === "e"), "that a property changed there is known here");
  await until(() => heard.at(-1) === "PROPERTIES_CHANGED", "listeners hear of it");
}, TEST_MS);

it("18.9 a link that breaks takes the other cluster away on both sides, and gives it back with what is true then", async () => {
  const clusters = await twoClusters();
  const a = await start(clusters, HUB, "a", SHORT);
  const x = await start(clusters, WEST, "x", SHORT);
  await sees(a, "hub: a; west: x");
  await sees(x, "west: x; hub: a");
  await clusters.cut();
  for (const [service, sight] of [[a, "hub: a"], [x, "west: x"]] as const) await sees(service, sight);
  const y = await start(clusters, WEST, "y", SHORT);
  await sees(y, "west: x,y");
  await clusters.join();
  await sees(a, "hub: a; west: x,y");
  await sees(y, "west: x,y; hub: a");
}, TEST_MS);

it("CON-07 OFF-TOP-06 the host of one side goes, and another speaks for it; the last one says that nobody is left", async () => {
  const clusters = await twoClusters();
  const a = await start(clusters, HUB, "a");
  const [x, y] = [await start(clusters, WEST, "x"), await start(clusters, WEST, "y")];
  await sees(a, "hub: a; west: x,y");
  const host = x.isHosting ? x : y;
  const other = host === x ? y : x;
  await host.close();
  await sees(a, `hub: a; west: ${other.instance}`);
  await other.close();
  await sees(a, "hub: a", 10_000);
}, TEST_MS);

it("OFF-TOP-03 OFF-TOP-05 a cluster that is not named here is not seen, and sees nobody", async () => {
  const clusters = await twoClusters();
  const reports: string[] = [];
  const a = await start(clusters, HUB, "a", { peers: [] });
  const x = await start(clusters, WEST, "x", { telemetry: (event, { peer, code }) => void reports.push(`${event} ${String(peer)} ${String(code)}`) });
  await sees(a, "hub: a");
  await until(() => reports.includes("peer.refused hub remote/not-a-peer"), "it is told why");
  expect([sightOf(a), sightOf(x)]).toEqual(["hub: a", "west: x"]);
}, TEST_MS);
