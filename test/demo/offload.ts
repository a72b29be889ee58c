/**
 * The demo over two clusters: jobs with their images are added in the one, done in the other, and their thumbnails come home.
 *
 * The hub has no worker; west has no images. What comes back is held against the digest that was made where it was made, and at the end
 * the histories of both clusters are read by `longshore audit`.
 */
import { createHash } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { connect, JobFailed, type JobHandle, type Longshore } from "longshore";
import { checkHistory } from "./check.ts";
import type { Picture } from "./gallery.ts";
import type { Options } from "./options.ts";
import { Progress } from "./progress.ts";
import type { Outcome } from "./report.ts";
import { IMAGE, THUMBNAIL, travel } from "./travel.ts";
import { HUB, TwoStages, WEST } from "./two-stages.ts";

const ADDS_AT_A_TIME = 16;
const FOUND_WITHIN_MS = 60_000;

export interface Travelled {
  readonly outcome: Outcome & { readonly done: readonly Picture[] };
  readonly ids: readonly string[];
  /** Distinct bytes that crossed, each way. */
  readonly bytesOut: number;
  readonly bytesHome: number;
  /** Thumbnails that are not what was made over there. */
  readonly wrong: readonly string[];
  /** The whole id of a job that is worth a look: one that was tried twice there, if any was. */
  readonly shown: string;
}

export async function open(folder: string, { workers }: Options, onOpened: (stages: TwoStages) => void, onLost: (error: unknown) => void): Promise<TwoStages> {
  const stages = await TwoStages.start({ folder, workers, onLost }, onOpened);
  const ls = await connect({ servers: stages.part(HUB).server.url, cluster: HUB, principal: "demo" });
  const deadlineMs = performance.now() + FOUND_WITHIN_MS;
  while (!(await takesThem(ls))) {
    if (performance.now() > deadlineMs) throw new Error(`${HUB} does not see what ${WEST} works on`);
    await new Promise((next) => setTimeout(next, 100));
  }
  await ls.close();
  return stages;
}

const takesThem = async (ls: Longshore): Promise<boolean> =>
  (await ls.offload.clusters().catch(() => [])).some(({ cluster, pools }) => cluster === WEST && pools.some(({ topics }) => topics.includes(travel.topic)));

/** Adds a job with each file, waits for all of them, and lets things go wrong on the way if that is wanted. */
export async function run(stages: TwoStages, folder: string, files: readonly string[], { crash }: Options): Promise<Travelled> {
  const thumbnails = join(folder, "thumbnails");
  await mkdir(thumbnails, { recursive: true });
  const ls = await connect({ servers: stages.part(HUB).server.url, cluster: HUB, principal: "demo" });
  const startedMs = performance.now();
  const progress = new Progress(files.length);
  const tally = new Tally(thumbnails);
  let crashing: Promise<void> | undefined;
  await eachOf(files, async (file) => {
    await tally.settle(await ls.add(travel, { file }, { inputs: { [IMAGE]: { file } } }), file);
    progress.update(tally.count, `${((tally.count * 1_000) / (performance.now() - startedMs)).toFixed(0)} a second`);
    if (crash && crashing === undefined && tally.count >= files.length / 3) crashing = crashAndMend(stages, progress);
  });
  await crashing;
  progress.end();
  const trips = await ls.offload.list({ all: true });
  const shown = (trips.find(({ report }) => (report.attempt ?? 1) > 1) ?? trips[0])!.id;
  await ls.close();
  const { done, failed, ids, out, home, wrong } = tally;
  const sum = (sizes: ReadonlyMap<string, number>): number => [...sizes.values()].reduce((total, bytes) => total + bytes, 0);
  return { outcome: { done, failed, seconds: (performance.now() - startedMs) / 1_000 }, ids, bytesOut: sum(out), bytesHome: sum(home), wrong, shown };
}

/** Several files at a time: each waits for its job, so as many jobs are on their way. */
async function eachOf(files: readonly string[], one: (file: string) => Promise<void>): Promise<void> {
  const left = files.values();
  await Promise.all(Array.from({ length: ADDS_AT_A_TIME }, async () => {
    for (const file of left) await one(file);
  }));
}

class Tally {
  readonly done: Picture[] = [];
  readonly failed: { readonly file: string; readonly reason: string }[] = [];
  readonly ids: string[] = [];
  readonly wrong: string[] = [];
  /** By digest: what crossed is kept once. */
  readonly out = new Map<string, number>();
  readonly home = new Map<string, number>();
  private readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  get count(): number {
    return this.done.length + this.failed.length;
  }

  async settle(handle: JobHandle<{ readonly format: string; readonly width: number; readonly height: number; readonly color: string; readonly digest: string }>, file: string): Promise<void> {
    this.ids.push(handle.id.slice(handle.id.indexOf(".") + 1));
    const image = await readFile(file);
    this.out.set(digestOf(image), image.length);
    try {
      const facts = await handle.result();
      const small = (await handle.outputs()).get(THUMBNAIL);
      const path = join(this.folder, `${facts.digest.slice(0, 16)}.webp`);
      await small?.save(path);
      const bytes = small === undefined ? new Uint8Array(0) : await readFile(path);
      this.home.set(facts.digest, bytes.length);
      if (digestOf(bytes) !== facts.digest) this.wrong.push(`the thumbnail of ${file} is not what was made in ${WEST}`);
      this.done.push({ ...facts, thumbnail: path, file });
    } catch (error) {
      if (!(error instanceof JobFailed)) throw error;
      this.failed.push({ file, reason: error.reason ?? error.error?.message ?? error.state });
    }
  }
}

const digestOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

async function crashAndMend(stages: TwoStages, progress: Progress): Promise<void> {
  const victims = await stages.crash();
  const names = (members: typeof victims): string => members.map(({ name, pid }) => `${name} (process ${pid})`).join(" and ");
  progress.note(`  SIGKILL for ${names(victims)} in ${WEST}: no warning, no goodbye.`);
  progress.note(`  Started again: ${names(await stages.mend(victims))}.`);
}

export interface TravelVerdict {
  readonly text: string;
  readonly isRight: boolean;
}

/** What both journals say. */
export async function verdict(stages: TwoStages, { ids, wrong, outcome }: Travelled): Promise<TravelVerdict> {
  const { commits, accepted, succeeded, wrong: misfits } = await checkHistory(stages.part(HUB).connection, ids, HUB);
  const audit = JSON.parse(await stages.longshore("audit", "--json", "--with", stages.part(WEST).server.url)) as Audit;
  const trips = audit.histories.find(({ history }) => history === "round trips");
  const said = [...wrong, ...misfits, ...audit.histories.flatMap(({ violations }) => violations.map(({ promise, text }) => `${promise}: ${text}`)), ...(trips === undefined ? ["no router has a history"] : [])];
  if (said.length > 0 || trips === undefined) return { isRight: false, text: `The journals say that something went wrong:\n${said.map((line) => `  ${line}`).join("\n")}` };
  const away = trips.notJudged.length === 0 ? "" : ` Not judged: ${trips.notJudged.map(({ reason }) => reason).join("; ")}.`;
  return {
    isRight: true,
    text: `Read back from the journals of both clusters (${commits} commits of the queue in ${HUB}): ${accepted} jobs accepted, every one ended exactly once, ${succeeded} with success.\n`
      + `${trips.trips} trips, ${trips.guests} guests: each outcome at home is the one that was sent, its output was there before it showed, and what was let go left no payload behind (P12).${away}\n`
      + `All ${outcome.done.length} thumbnails at home have the digest that they had where they were made.`,
  };
}

interface Audit {
  readonly histories: readonly {
    readonly history: string;
    readonly trips?: number;
    readonly guests?: number;
    readonly violations: readonly { readonly promise: string; readonly text: string }[];
    readonly notJudged: readonly { readonly reason: string }[];
  }[];
}
