/** Instances as a service, on a real server: they find each other, agree on a view, and go on when one of them leaves or dies. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type InstanceOptions, type InstanceService, startInstance, startJobQueue } from "@longshore/cli";
import type { TopologyEvent } from "@longshore/discovery-agent";
import { Fault } from "@longshore/kernel";
import { connect, type NatsServer, provision, startServer } from "@longshore/nats";
import { connect as connectBare } from "@nats-io/transport-node";
import { connect as connectClient } from "longshore";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { until } from "./nats/world.ts";

let folder: string;
let server: NatsServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "longshore-instances-"));
  server = await startServer({ storeDir: folder, syncAlways: false });
});

afterAll(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

const TEST_MS = 60_000;

/** A cluster of its own for each test. */
async function clusterOf(cluster: string): Promise<(instance: string, more?: Partial<InstanceOptions>) => Promise<InstanceService>> {
  const connection = { principal: "host", servers: server.url };
  const setup = await connect(connection);
  await provision(setup, { cluster, totalBytes: 100 * 1024 * 1024 });
  await setup.close();
  return async (instance, more = {}) => {
    const service = await startInstance({ connection, cluster, instance, kinds: ["discovery-agent"], ...more });
    onTestFinished(() => service.close());
    return service;
  };
}

const membersOf = ({ topology }: InstanceService): readonly string[] => (topology.view().isCurrent ? topology.view().localCluster.instances.map(({ instance }) => instance) : []);

const sees = (service: InstanceService, ...instances: readonly string[]): Promise<void> =>
  until(() => membersOf(service).toSorted().join() === instances.toSorted().join(), `${service.instance} sees ${instances.join()}, not ${membersOf(service).join()}`);

it("three instances agree on one view, one of them hosts the history, and one that leaves is gone from the view of the others", async () => {
  const start = await clusterOf("three");
  const all = await Promise.all(["a", "b", "c"].map((name) => start(name)));
  for (const one of all) await sees(one, "a", "b", "c");
  expect(all.filter(({ isHosting }) => isHosting)).toHaveLength(1);
  const leaders = all.map(({ topology }) => topology.view().localCluster.leader.instance);
  expect(new Set(leaders).size).toBe(1);
  const host = all.find(({ isHosting }) => isHosting)!;
  const others = all.filter((one) => one !== host);
  await host.close();
  for (const one of others) await sees(one, ...others.map(({ instance }) => instance));
  await until(() => others.filter(({ isHosting }) => isHosting).length === 1, "one of the others hosts the history");
}, TEST_MS);

it("listeners hear INIT, then CHANGING before CHANGED, and of other words of an instance", async () => {
  const start = await clusterOf("listeners");
  const first = await start("first");
  const heard: TopologyEvent["type"][] = [];
  first.listen(({ type }) => void heard.push(type));
  await sees(first, "first");
  const second = await start("second", { topics: ["media/*"], slots: 4, properties: { zone: "west" } });
  await sees(first, "first", "second");
  expect(heard).toEqual(["TOPOLOGY_INIT", "TOPOLOGY_CHANGING", "TOPOLOGY_CHANGED"]);
  second.announce({ properties: { zone: "east" } });
  await until(() => first.topology.view().findInstances(({ properties }) => properties["zone"] === "east").length === 1, "the other word is seen");
  expect(heard.at(-1)).toBe("PROPERTIES_CHANGED");
}, TEST_MS);

it("a second process under the name of a living one is refused", async () => {
  const start = await clusterOf("twice");
  const first = await start("same");
  await sees(first, "same");
  const error = await start("same").then(() => undefined, (cause: unknown) => cause);
  expect(error).toBeInstanceOf(Fault);
  expect(error).toMatchObject({ code: "instance/duplicate", message: expect.stringContaining("same"), remedy: expect.stringContaining("--instance") });
  await sees(first, "same");
}, TEST_MS);

it("a worker that cannot host belongs to the view, and starts also while nobody hosts the history", async () => {
  const start = await clusterOf("worker");
  const worker = await start("worker", { kinds: [], topics: ["a/b"], slots: 1 });
  expect(worker.topology.view().isCurrent).toBe(false);
  const host = await start("host");
  await sees(worker, "host", "worker");
  expect(host.isHosting).toBe(true);
  expect(worker.isHosting).toBe(false);
}, TEST_MS);

it("names kept in the state folder are one per living process, and the same again after a restart", async () => {
  const stateDir = await mkdtemp(join(tmpdir(), "longshore-names-"));
  onTestFinished(() => rm(stateDir, { recursive: true, force: true }));
  await (await clusterOf("names"))("unused");
  const connection = { principal: "host", servers: server.url };
  const started = (): Promise<InstanceService> => startInstance({ connection, cluster: "names", stateDir });
  const [one, two] = [await started(), await started()];
  expect(one.instance).not.toBe(two.instance);
  await one.close();
  const again = await started();
  expect(again.instance).toBe(one.instance);
  expect(again.incarnation).not.toBe(one.incarnation);
  await Promise.all([again.close(), two.close()]);
}, TEST_MS);

it("the tools of NATS see an instance as a service", async () => {
  const start = await clusterOf("micro");
  const service = await start("seen", { topics: ["media/*"] });
  const nc = await connectBare({ servers: server.url });
  onTestFinished(() => nc.close());
  for (const [verb, type] of [["PING", "ping"], ["INFO", "info"], ["STATS", "stats"]] as const) {
    const answer = (await nc.request(`$SRV.${verb}.longshore.${service.incarnation}`)).json();
    expect(answer).toMatchObject({ name: "longshore", id: service.incarnation, type: `io.nats.micro.v1.${type}_response`, metadata: { cluster: "micro", instance: "seen", topics: "media/*" } });
  }
}, TEST_MS);

it("jobs of a topic disabled for an instance go to another, and an instance that has left the view leaves the queue at once", async () => {
  const start = await clusterOf("work");
  const hosting = await start("hosting", { kinds: ["discovery-agent", "job-queue"] });
  const connection = { principal: "host", servers: server.url };
  const host = await startJobQueue({ connection, cluster: "work", instance: hosting.instance, incarnation: hosting.incarnation, roster: hosting.roster, follower: false });
  onTestFinished(() => host.close());
  const adder = await connectClient({ servers: server.url, cluster: "work" });
  onTestFinished(() => adder.close());

  const workers = await Promise.all(["one", "two"].map(async (instance) => {
    const self = await start(instance, { kinds: [], topics: ["slow"], slots: 1 });
    const ls = await connectClient({ servers: server.url, cluster: "work", principal: "host", instance, incarnation: self.incarnation });
    onTestFinished(() => ls.close({ drainMs: 0 }));
    await ls.work("slow", async () => {
      await new Promise((done) => setTimeout(done, 50));
      return instance;
    }, { concurrency: 1 });
    return { self, ls };
  }));
  for (const { self } of workers) await sees(self, "hosting", "one", "two");

  await adder.topics.disable("slow", "one");
  await until(async () => (await adder.topics.list()).some(({ instances }) => instances.some(({ state }) => state === "disabled")), "the topic is disabled");
  await until(() => host.host.current.state.instances.get("one")?.member?.pools.every(({ slots }) => slots === 0) === true, "the queue knows");
  const ran = await Promise.all((await adder.addAll("slow", [1, 2, 3, 4])).map((job) => job.result()));
  expect(new Set(ran)).toEqual(new Set(["two"]));
  await adder.topics.enable("slow", "one");
  await until(() => host.host.current.state.instances.get("one")?.member?.pools.some(({ slots }) => slots === 1) === true, "the queue knows again");

  // It lives on without belonging to the topology: what it was is taken back, and its next hello makes it another member.
  const memberOf = (): { readonly number: number; readonly incarnation: string } | undefined => host.host.current.state.instances.get("two")?.member;
  const before = memberOf();
  expect(before?.incarnation).toBe(workers[1]!.self.incarnation);
  await workers[1]!.self.close();
  await until(() => memberOf() !== undefined && memberOf()?.number !== before?.number, "the queue has let it go, and taken it in again");
}, TEST_MS);

it("a program that is no instance sees the topology, hears what changes, and is told when nobody hosts it", async () => {
  const start = await clusterOf("outside");
  const ls = await connectClient({ servers: server.url, cluster: "outside" });
  onTestFinished(() => ls.close());
  await expect(ls.topology.view()).rejects.toMatchObject({ code: "host/unavailable", message: expect.stringContaining("longshore run discovery-agent") });

  const first = await start("first", { properties: { zone: "west" } });
  await sees(first, "first");
  const heard: TopologyEvent[] = [];
  const stop = ls.topology.listen((event) => void heard.push(event));
  await until(() => heard.length === 1, "INIT is told");
  const second = await start("second");
  await sees(first, "first", "second");
  await until(() => heard.at(-1)?.type === "TOPOLOGY_CHANGED", "the change is told");
  expect(heard.map(({ type }) => type)).toEqual(["TOPOLOGY_INIT", "TOPOLOGY_CHANGING", "TOPOLOGY_CHANGED"]);
  const view = await ls.topology.view();
  expect(view).toMatchObject({ isCurrent: true, localInstance: undefined, localCluster: { cluster: "outside", leader: { instance: "first" } } });
  expect(view.findInstances(({ properties }) => properties["zone"] === "west").map(({ instance }) => instance)).toEqual(["first"]);

  stop();
  await second.close();
  await sees(first, "first");
  expect(heard).toHaveLength(3);
}, TEST_MS);
