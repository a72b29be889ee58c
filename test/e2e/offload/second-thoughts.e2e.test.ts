/** Jobs that are stopped, removed or taken back while they are away, and a cluster that is drained. */
import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JobHandle, Longshore } from "longshore";
import { expect, onTestFinished, test } from "vitest";
import { until } from "../faults/world.ts";
import { Clusters } from "./clusters.ts";
import { type Flip, INPUT, TOPIC } from "./flip.ts";
import { historiesOf } from "./histories.ts";
import { bytesOf } from "./traffic.ts";
import { executions, judged } from "./verdict.ts";

const WITHIN_MS = 60_000;
const BYTES = 200_000;

interface Stage {
  readonly clusters: Clusters;
  readonly ls: Longshore;
  /** Adds a job that waits for its gate; resolves when its handler has begun there. */
  begun(key: string): Promise<JobHandle>;
  add(key: string): Promise<JobHandle>;
  open(key: string): void;
  endsOf(key: string): readonly (string | undefined)[];
}

async function stage(): Promise<Stage> {
  const gates = await mkdtemp(join(tmpdir(), "longshore-gates-"));
  onTestFinished(() => rm(gates, { recursive: true, force: true }));
  const clusters = await Clusters.open({ clusters: [{ name: "hub", hosts: 1 }, { name: "west", hosts: 1, workers: 1 }] });
  const ls = await clusters.of("hub").client("operator");
  const submitter = await clusters.of("hub").client("submitter");
  const gateOf = (key: string): string => join(gates, key);
  const add = (key: string): Promise<JobHandle> => submitter.add(TOPIC, { key, gate: gateOf(key) } satisfies Flip, { id: key, inputs: { [INPUT]: bytesOf(key, BYTES) } });
  const starts = (key: string): number => clusters.of("west").lives.flatMap((life) => life.lines()).filter(({ job, phase }) => job === key && phase === "start").length;
  return {
    clusters, ls, add,
    async begun(key) {
      const handle = await add(key);
      await until(`the handler of ${key} has begun`, () => starts(key) > 0, WITHIN_MS).catch((error: Error) => {
        throw new Error(`${error.message}\n${clusters.words()}`);
      });
      return handle;
    },
    open: (key) => writeFileSync(gateOf(key), ""),
    endsOf: (key) => executions(clusters).filter(({ job }) => job === key).map(({ outcome }) => outcome),
  };
}

test("OFF-ADM-08 a job is stopped and another removed while they are done there, and a drained cluster gets nothing new until it is resumed", async () => {
  const { clusters, ls, begun, add, open, endsOf } = await stage();
  const [stopped, removed, kept] = [await begun("stopped"), await begun("removed"), await begun("kept")];

  await ls.jobs.stop(stopped.id, { reason: "changed my mind" });
  await until("it has stopped", async () => (await stopped.state()) === "stopped", WITHIN_MS);
  await ls.jobs.remove(removed.id);
  await until("both handlers were told", () => endsOf("stopped").length > 0 && endsOf("removed").length > 0, WITHIN_MS);
  expect([endsOf("stopped"), endsOf("removed")]).toEqual([["aborted"], ["aborted"]]);

  expect(await clusters.of("hub").command("offload", "drain", "west")).toMatchObject({ code: 0 });
  const late = await add("late");
  open("kept");
  open("late");
  expect(await kept.result()).toEqual({ key: "kept" });
  await until("nothing is there any more", async () => (await ls.offload.clusters())[0]!.isEmpty, WITHIN_MS);
  expect([await late.state(), endsOf("late")]).toEqual(["queued", []]);
  expect(await clusters.of("hub").command("offload", "resume", "west")).toMatchObject({ code: 0 });
  expect(await late.result()).toEqual({ key: "late" });
  expect(await judged(clusters, [])).toEqual([]);
}, 4 * WITHIN_MS);

test("OFF-ADM-09 OFF-RET-11 a job is taken back from a cluster that is cut off: it is done anew, and what comes of the first time is refused and recorded", async () => {
  const { clusters, ls, begun, open, endsOf } = await stage();
  const job = await begun("twice");
  await clusters.cut();
  expect(await clusters.of("hub").command("offload", "reclaim", job.id, "--reason", "not heard of")).toMatchObject({ code: 0 });
  open("twice");
  await until("it is done there, and nobody can be told", () => endsOf("twice").length === 1, WITHIN_MS);
  await clusters.join();
  expect(await job.result()).toEqual({ key: "twice" });
  expect(await ls.jobs.get(job.id)).toMatchObject({ state: "succeeded", attempt: 2 });
  expect(await judged(clusters, [])).toEqual([]);
  const { router, queue } = await historiesOf(clusters.of("hub"));
  expect(router.filter(({ type }) => type === "LateReturnRefused")).toHaveLength(1);
  expect(queue.filter(({ type }) => type === "JobEnded")).toHaveLength(1);
  expect(endsOf("twice")).toEqual(["succeeded", "succeeded"]);
}, 4 * WITHIN_MS);
