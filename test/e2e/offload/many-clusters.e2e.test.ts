/** Three clusters, of which each is origin for some jobs and works on others: what is added comes home to where it was added. */
import { expect, test } from "vitest";
import { Clusters } from "./clusters.ts";
import { Traffic } from "./traffic.ts";
import { executions, judged } from "./verdict.ts";

const WITHIN_MS = 90_000;
const [AT_HUB, AT_LEAFS] = ["media/flip-at-hub", "media/flip-at-leafs"];
const KIB = 1_024;

test("OFF-CFG-09 OFF-CFG-10 OFF-DST-21 several origins share a cluster, and several clusters one origin's jobs; every result comes home to its own", async () => {
  const clusters = await Clusters.open({
    clusters: [{ name: "hub", hosts: 1, workers: 1, topics: [AT_HUB] }, { name: "west", hosts: 1, workers: 1, topics: [AT_LEAFS] }, { name: "east", hosts: 1, workers: 1, topics: [AT_LEAFS] }],
  });
  const start = async (cluster: string, topic: string, jobs: number): Promise<Traffic> =>
    Traffic.start(await clusters.of(cluster).client("submitter"), { name: `${cluster}-`, cluster, topic, jobs, bytes: 64 * KIB, open: 16 });
  const traffic = await Promise.all([start("hub", AT_LEAFS, 40), start("west", AT_HUB, 20), start("east", AT_HUB, 20)]);
  await Promise.all(traffic.map((one) => one.rest(WITHIN_MS)));
  expect(await judged(clusters, traffic)).toEqual([]);
  const doneBy = (name: string): readonly string[] => executions({ all: [clusters.of(name)] }).map(({ job }) => job);
  for (const name of ["west", "east"]) {
    expect(doneBy(name).length, name).toBeGreaterThanOrEqual(10);
    expect(doneBy(name).every((key) => key.startsWith("hub-"))).toBe(true);
  }
  expect(doneBy("hub").filter((key) => key.startsWith("west-"))).toHaveLength(20);
  expect(doneBy("hub").filter((key) => key.startsWith("east-"))).toHaveLength(20);
}, 4 * WITHIN_MS);
