/**
 * The demo: thumbnails of the images of this machine, made by several processes, and counted in the journal.
 *
 * Real processes all the way: a nats-server, a host, workers. This one adds the jobs and waits for their results; with
 * `--crash` it kills the host and a worker on the way, without warning, and starts them again. With `--instances` each process may
 * host and works; the one that hosts is killed, and another goes on.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { connect, JobFailed, type JobHandle } from "longshore";
import { writeBrokenImages } from "./broken.ts";
import { checkHistory } from "./check.ts";
import type { Member } from "./crew.ts";
import { type Picture, writeGallery } from "./gallery.ts";
import { findImages, mixed, usualFolders } from "./images.ts";
import * as offload from "./offload.ts";
import { type Options, readOptions, USAGE } from "./options.ts";
import { Progress } from "./progress.ts";
import { type Outcome, quoted, summary, verdict, waysToLook } from "./report.ts";
import { Stage } from "./stage.ts";
import { type ImageFacts, thumbnail } from "./thumbnail.ts";
import { HUB, WEST } from "./two-stages.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const ID_CHARS_MAX = 200;
const WRONG_USAGE = 2;

const say = (text = ""): void => void process.stdout.write(`${text}\n`);

/** What is going on, for whoever waits for it. */
const hint = (text: string): void => void process.stderr.write(`${text}\n`);

let stage: { stop(): Promise<void> } | undefined;
let isEnding = false;

/** Ends every process, then this one. */
async function end(code: number): Promise<void> {
  if (isEnding) return;
  isEnding = true;
  await stage?.stop().catch(() => undefined);
  process.exit(code);
}

function fail(error: unknown): void {
  if (isEnding) return;
  process.stderr.write(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}\n`);
  void end(1);
}

process.on("SIGINT", () => {
  if (!isEnding) hint("\nStopping.");
  void end(130);
});
for (const signal of ["SIGTERM", "SIGHUP"] as const) process.on(signal, () => void end(143));
// Whoever started us is gone.
process.on("disconnect", () => void end(1));
await main().catch(fail);

async function main(): Promise<void> {
  const options = optionsGiven();
  if (options === undefined) return;
  hint("Looking for images …");
  const files = await filesFor(options);
  if (files.length === 0) return end(WRONG_USAGE);
  const folder = await mkdtemp(join(tmpdir(), "longshore-demo-"));
  if (options.folders.length === 0) files.push(...(await writeBrokenImages(join(folder, "broken"))));
  const broken = options.folders.length === 0 ? " (three of them broken on purpose)" : "";
  say(`Thumbnails of ${files.length} images${broken}, made by ${makers(options)}.\n`);
  hint("Starting NATS (the first time it may have to come from Debian's archive), and the processes …");
  if (options.offload) return elsewhere(folder, files, options);
  const opened = await open(folder, options);
  const { outcome, ids } = await run(opened, folder, files, options);
  say(`\n${summary(outcome)}\n`);
  const checked = await checkHistory(opened.connection, ids);
  say(verdict(checked));
  if (outcome.done.length > 0) say(`\nThe thumbnails, by color: ${await writeGallery(join(folder, "thumbnails"), outcome.done)}`);
  await farewell(opened, folder, checked.lostJob ?? ids[0]!, options.keep);
  await end(checked.wrong.length === 0 ? 0 : 1);
}

/** Over two clusters. */
async function elsewhere(folder: string, files: readonly string[], options: Options): Promise<void> {
  const stages = await offload.open(folder, options, (opening) => { stage = opening; }, fail);
  for (const cluster of [HUB, WEST] as const) {
    const { pid, version, url } = stages.part(cluster).server;
    line(`${cluster}-server`, pid, `nats-server ${version}, ${url}${cluster === WEST ? `, joined to ${HUB} by a leaf node` : ""}`);
  }
  for (const { name, pid } of stages.members.values()) line(name, pid, name.startsWith("worker") ? `makes thumbnails, in ${WEST}` : "decides, and carries jobs to the other cluster and back");
  say();
  const travelled = await offload.run(stages, folder, files, options);
  const { outcome, bytesOut, bytesHome, shown: job } = travelled;
  say(`\n${summary(outcome)}\n\nWhat travelled: ${megabytes(bytesOut)} of images there, ${megabytes(bytesHome)} of thumbnails back.\n`);
  say(`One of them, as \`longshore offload show ${job}\` has it:\n\n${await stages.longshore("offload", "show", job)}`);
  const { text, isRight } = await offload.verdict(stages, travelled);
  say(text);
  if (outcome.done.length > 0) say(`\nThe thumbnails, by color: ${await writeGallery(join(folder, "thumbnails"), outcome.done)}`);
  if (options.keep) {
    const { server } = stages.part(HUB);
    say(`\nBoth clusters stay until Ctrl-C. In another terminal:\n\n  export NATS_URL=${server.url} LONGSHORE_CLUSTER=${HUB}\n  npx longshore topics\n  npx longshore offload clusters\n  npx longshore offload show ${job}\n  npx longshore audit --with ${stages.part(WEST).server.url}\n`);
    await new Promise(() => undefined);
  }
  await end(isRight ? 0 : 1);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

function makers({ instances, workers, offload: isElsewhere }: Options): string {
  if (isElsewhere) return `${workers === 1 ? "one worker process" : `${workers} worker processes`} of another cluster`;
  if (instances > 0) return `${instances} instances`;
  return workers === 1 ? "one worker process" : `${workers} worker processes`;
}

function optionsGiven(): Options | undefined {
  try {
    const options = readOptions(process.argv.slice(2));
    if (options !== "help") return options;
    say(USAGE);
    void end(0);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    void end(WRONG_USAGE);
  }
  return undefined;
}

async function filesFor({ folders, files }: Options): Promise<string[]> {
  const named = folders.map((folder) => resolve(process.env["INIT_CWD"] ?? ".", folder));
  const missing = named.find((folder) => !existsSync(folder));
  if (missing !== undefined) {
    process.stderr.write(`There is no folder ${missing}.\n`);
    return [];
  }
  const found = await findImages(named.length === 0 ? usualFolders(ROOT) : named);
  if (found.length === 0) {
    const where = named.length === 0 ? "on this machine, at least not where I looked" : `in ${named.join(", ")}`;
    process.stderr.write(`I found no images ${where}. Would you name a folder that has some?\n\n  npm run demo -- <folder>\n`);
  }
  return [...mixed(found, files)];
}

async function open(folder: string, { workers, instances }: Options): Promise<Stage> {
  const opened = await Stage.start({ folder, workers, instances, onLost: fail }, (opening) => { stage = opening; });
  line("nats-server", opened.server.pid, `${opened.server.version}, ${opened.server.url}, every write on disk before it is confirmed`);
  if (opened.host !== undefined) line("host", opened.host.pid, "decides, and writes the history");
  for (const { name, pid } of opened.workers) line(name, pid, "makes thumbnails");
  for (const { name, pid } of opened.fleet.members) line(name, pid, `makes thumbnails, and may host the queue${name === opened.fleet.host ? ": it does now" : ""}`);
  say();
  return opened;
}

function line(name: string, pid: number | undefined, what: string): void {
  say(`  ${name.padEnd(12)} process ${String(pid).padEnd(8)} ${what}`);
}

interface Ran {
  readonly outcome: Outcome & { readonly done: readonly Picture[] };
  /** As the history has them, without the shard. */
  readonly ids: readonly string[];
}

/** Adds a job for each file, waits for all of them, and lets things go wrong on the way if that is wanted. */
async function run(onStage: Stage, folder: string, files: readonly string[], { crash, instances }: Options): Promise<Ran> {
  const thumbnails = join(folder, "thumbnails");
  await mkdir(thumbnails, { recursive: true });
  const ls = await connect({ servers: onStage.server.url, principal: "demo" });
  const startedMs = performance.now();
  const handles = await ls.addAll(thumbnail, files.map((file) => ({ file, folder: thumbnails })), { id: ({ file }) => idOf(file) });

  const progress = new Progress(files.length);
  const done: Picture[] = [];
  const failed: { file: string; reason: string }[] = [];
  let crashing: Promise<void> | undefined;
  const oneMore = (): void => {
    const count = done.length + failed.length;
    progress.update(count, `${((count * 1_000) / (performance.now() - startedMs)).toFixed(0)} a second`);
    if (crashing !== undefined || count < files.length / 3) return;
    if (instances > 0) crashing = killAndWatch(onStage, progress);
    else if (crash) crashing = crashAndMend(onStage, progress);
  };
  const settle = async (handle: JobHandle<ImageFacts>, file: string): Promise<void> => {
    try {
      done.push({ ...(await handle.result()), file });
    } catch (error) {
      if (!(error instanceof JobFailed)) throw error;
      failed.push({ file, reason: error.reason ?? error.error?.message ?? error.state });
    }
    oneMore();
  };
  await Promise.all(handles.map((handle, i) => settle(handle, files[i]!)));
  await crashing;
  progress.end();
  await ls.close();
  return { outcome: { done, failed, seconds: (performance.now() - startedMs) / 1_000 }, ids: handles.map(({ id }) => id.slice(id.indexOf(".") + 1)) };
}

async function crashAndMend(onStage: Stage, progress: Progress): Promise<void> {
  const names = (members: readonly Member[]): string => members.map(({ name, pid }) => `${name} (process ${pid})`).join(" and ");
  progress.note(`  SIGKILL for ${names(await onStage.crash())}: no warning, no goodbye.`);
  progress.note(`  Started again: ${names(await onStage.mend())}.`);
}

/** One instance is killed for good, and the others say what they make of it. */
async function killAndWatch({ fleet }: Stage, progress: Progress): Promise<void> {
  const { name, pid, hosted, led } = await fleet.kill();
  const what = [hosted ? "hosted the queue" : undefined, led ? "led the view" : undefined].filter((one) => one !== undefined).join(" and ") || "worked";
  progress.note(`  SIGKILL for ${name} (process ${pid}), which ${what}: no warning, no goodbye, and it does not come back.`);
  for (const line of await fleet.takenOver()) progress.note(line);
}

/** The path, if it can be an id; otherwise a digest of it. */
function idOf(file: string): string {
  const path = encodeURI(file);
  return path.length <= ID_CHARS_MAX ? path : createHash("sha256").update(file).digest("hex");
}

/** Says how to look at what happened; with `--keep` it stays until Ctrl-C. */
async function farewell(onStage: Stage, folder: string, job: string, keep: boolean): Promise<void> {
  if (!keep) {
    say("\nEverything is stopped now, and the history stays. To look at it, start it again in one terminal,\n");
    say(`  npx longshore up --store ${quoted(join(folder, "store"))}\n\nand ask in another:\n\n${waysToLook(`main.${job}`)}\n`);
    return;
  }
  say(`\nNATS and the host stay until Ctrl-C. In another terminal:\n\n  export NATS_URL=${onStage.server.url}\n${waysToLook(`main.${job}`)}\n`);
  await new Promise(() => undefined);
}
