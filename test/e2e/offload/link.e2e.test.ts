/** The link between two clusters is cut in the midst of jobs: the origin says how old its word is and what fails, and everything goes on later. */
import { expect, test } from "vitest";
import { until } from "../faults/world.ts";
import { Clusters } from "./clusters.ts";
import { Traffic } from "./traffic.ts";
import { judged } from "./verdict.ts";

const WITHIN_MS = 90_000;
const MIB = 1024 ** 2;
/** Slots of the one worker of the other cluster. */
const SLOTS = 4;
const OLD_MS = 4_000;

test("OFF-TRN-19 OFF-ORG-01 OFF-ORG-08 OFF-ADM-06 a cut link ends nothing wrongly: the origin shows the age and the transport error, sends no more than there is room for, and goes on", async () => {
  const clusters = await Clusters.open({ clusters: [{ name: "hub", hosts: 1 }, { name: "west", hosts: 1, workers: 1 }] });
  const origin = clusters.of("hub");
  const ls = await origin.client("operator");
  const traffic = Traffic.start(await origin.client("submitter"), { name: "j", cluster: "hub", jobs: 10, bytes: 12 * MIB, open: 10 });
  await traffic.isHome(1, WITHIN_MS);
  await until("an output is on its way home", async () => (await ls.offload.list()).some(({ phase }) => phase === "importing"), WITHIN_MS);
  await clusters.cut();

  let troubled: Awaited<ReturnType<typeof ls.offload.list>> = [];
  await until("the origin says what fails, and since when it has heard nothing", async () => {
    troubled = (await ls.offload.list()).filter(({ trouble, heardAgoMs }) => trouble?.kind === "unreachable" && heardAgoMs > OLD_MS);
    return troubled.length > 0;
  }, WITHIN_MS).catch(async (error: Error) => {
    throw new Error(`${error.message}\n${JSON.stringify(await ls.offload.list(), undefined, 1)}\n${clusters.words()}`);
  });
  const { id, cluster } = troubled[0]!;
  expect(cluster).toBe("west");
  expect(await origin.command("offload", "show", id)).toMatchObject({ code: 0, text: expect.stringMatching(/unreachable|cannot be reached|no answer/i) });
  expect(await origin.command("job", id)).toMatchObject({ code: 0, text: expect.stringMatching(/west/) });
  expect(await ls.jobs.get(id)).toMatchObject({ state: "active", instance: "@west" });
  const [route] = await ls.offload.clusters();
  // For each that runs there one more may be on its way.
  expect(route!.staging + route!.away).toBeLessThanOrEqual(2 * SLOTS);

  await clusters.join();
  await traffic.rest(WITHIN_MS);
  expect(await judged(clusters, [traffic])).toEqual([]);
}, 4 * WITHIN_MS);
