/** Queues that say on which instance their jobs run, with the order of a real view. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type InstanceService, startInstance, startJobQueue } from "@longshore/cli";
import { connect as connectNats, type NatsServer, provision, startServer } from "@longshore/nats";
import { connect, type Longshore } from "longshore";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { until } from "./nats/world.ts";

let folder: string;
let server: NatsServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "longshore-placement-"));
  server = await startServer({ storeDir: folder, syncAlways: false });
});

afterAll(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

const TEST_MS = 60_000;

interface Placed {
  readonly self: InstanceService;
  readonly ls: Longshore;
}

it("10.2.3 10.2.4 the leading instance of the view runs a queue alone, the next when it leaves; another queue runs where jobs were added", async () => {
  const connection = { principal: "host", servers: server.url };
  const setup = await connectNats(connection);
  await provision(setup, { cluster: "main", totalBytes: 100 * 1024 * 1024 });
  await setup.close();
  const hosting = await startInstance({ connection, instance: "hosting", kinds: ["discovery-agent", "job-queue"] });
  onTestFinished(() => hosting.close());
  const host = await startJobQueue({ connection, instance: hosting.instance, incarnation: hosting.incarnation, roster: hosting.roster, follower: false });
  onTestFinished(() => host.close());

  const placed: Placed[] = [];
  const namesIn = ({ topology }: InstanceService): readonly string[] => topology.view().localCluster.instances.map(({ instance }) => instance);
  // One after the other, so that the order of the view is known; and their workers the other way round.
  await until(() => hosting.topology.view().isCurrent && namesIn(hosting).includes("hosting"), "the first is in the view");
  for (const instance of ["one", "two"]) {
    const self = await startInstance({ connection, instance, topics: ["lead", "stay"], slots: 2 });
    onTestFinished(() => self.close());
    const ls = await connect({ servers: server.url, principal: "host", instance, incarnation: self.incarnation });
    onTestFinished(() => ls.close({ drainMs: 0 }));
    placed.push({ self, ls });
    await until(() => hosting.topology.view().isCurrent && namesIn(hosting).includes(instance), `${instance} is in the view`);
  }
  const [one, two] = placed as [Placed, Placed];
  for (const { self: { instance }, ls } of [two, one]) for (const topic of ["lead", "stay"]) await ls.work(topic, () => instance, { concurrency: 1 });
  await one.ls.queues.configure("leading", { topics: ["lead"], placement: "leader" });
  await one.ls.queues.configure("staying", { topics: ["stay"], placement: "creator" });
  await until(() => host.host.current.state.ranked.join() === "hosting,one,two", "the queue knows the order of the view");

  const led = await two.ls.addAll("lead", [1, 2, 3, 4, 5]);
  expect(new Set(await Promise.all(led.map((job) => job.result())))).toEqual(new Set(["one"]));
  const stayed = await Promise.all([two, one, two].map(({ ls }) => ls.add("stay")));
  expect(await Promise.all(stayed.map((job) => job.result()))).toEqual(["two", "one", "two"]);

  await one.ls.close({ drainMs: 0 });
  await one.self.close();
  await until(() => host.host.current.state.ranked.join() === "hosting,two", "the queue knows that one has left");
  expect(await (await two.ls.add("lead")).result()).toBe("two");
}, TEST_MS);
