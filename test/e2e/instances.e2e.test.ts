/**
 * Several instances as processes, on one server: the one that hosts everything is killed, and the others go on.
 *
 * How long it took is printed, and bounded generously: this is no benchmark.
 */
import type { JobHandle } from "longshore";
import { expect, test } from "vitest";
import { hosts, lastView, loggedAt, said, settledHost, TEST_MS, tail, until, world } from "./instance-processes.ts";

test("one of three instances is killed that hosts the queue: the others agree, one of them hosts it, and every job is done", { timeout: TEST_MS }, async () => {
  const { ls, start } = await world();
  const all = ["a", "b", "c"].map((name) => start(name, "job-queue", "worker", "jobs.mts", "--concurrency", "4"));
  await until(() => all.every((one) => lastView(one) === "a,b,c"), () => `all three see each other\n${tail(all)}`);
  const host = await settledHost(ls, all);
  const others = all.filter((one) => one !== host);

  // The topology's history too is hosted by the one that is killed, or by another: both must do.
  const jobs: JobHandle[] = [];
  for (let n = 0; n < 100; n++) jobs.push(await ls.add("work", { n }));
  const killedAt = Date.now();
  host.child.kill("SIGKILL");
  const fromMs = performance.now();
  for (let n = 100; n < 200; n++) jobs.push(await ls.add("work", { n }));
  const times: Record<string, number> = { added: Math.round(performance.now() - fromMs) };

  const wanted = others.map(({ name }) => name).toSorted().join();
  await until(() => others.every((one) => lastView(one) === wanted), () => `the others are without it\n${tail(others)}`);
  await until(() => others.some(hosts), () => `another hosts the queue\n${tail(others)}`);
  const results = await Promise.all(jobs.map((job) => job.result()));
  times["done"] = Math.round(performance.now() - fromMs);
  expect(results.map((result) => (result as { readonly n: number }).n)).toEqual(Array.from({ length: 200 }, (_, n) => n));
  // As they have logged it: this test may have looked later.
  times["view"] = Math.max(...others.map((one) => loggedAt(one, "topology.view"))) - killedAt;
  times["hosted"] = loggedAt(others.find(hosts)!, "host.serving") - killedAt;
  const hostsTopology = said(host, "discovery.serving").length > 0 ? ", which hosted the topology, too" : "";
  process.stdout.write(`killed ${host.name}${hostsTopology}; milliseconds since: ${JSON.stringify(times)}\n`);
  const view = await ls.topology.view();
  expect(view.localCluster.instances.map(({ instance }) => instance).toSorted().join()).toBe(wanted);
});

test("the host is told to end: it hands the queue over, and adding goes on", { timeout: TEST_MS }, async () => {
  const { ls, start } = await world();
  const all = ["a", "b"].map((name) => start(name, "job-queue", "worker", "jobs.mts", "--concurrency", "4"));
  await until(() => all.every((one) => lastView(one) === "a,b"), () => `both see each other\n${tail(all)}`);
  const host = await settledHost(ls, all);
  const other = all.find((one) => one !== host)!;
  const twice = start(other.name, "worker", "jobs.mts");
  await until(() => twice.child.exitCode !== null, () => `a second process of the name ${other.name} is refused\n${tail([twice])}`);
  expect(twice.child.exitCode).toBe(5);

  const jobs: JobHandle[] = [];
  let slowestMs = 0;
  let isMoved = false;
  host.child.kill("SIGTERM");
  for (let n = 0; !isMoved || n < 100; n++) {
    const fromMs = performance.now();
    jobs.push(await ls.add("work", { n }));
    slowestMs = Math.max(slowestMs, performance.now() - fromMs);
    isMoved = hosts(other);
    await new Promise((next) => setTimeout(next, 5));
  }
  await Promise.all(jobs.map((job) => job.result()));
  expect(said(host, "host.moved").at(-1), "the last of its moves: it may have hosted before the other came").toMatchObject({ cause: "closed" });
  process.stdout.write(`handed over; milliseconds from closed to serving: ${loggedAt(other, "host.serving") - loggedAt(host, "host.moved")}; slowest add: ${Math.round(slowestMs)}\n`);
  await until(() => host.child.exitCode !== null, () => `it has ended\n${tail([host])}`);
  expect(host.child.exitCode).toBe(0);
});
