import { access, mkdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { JobInfo, Longshore, TimelineEvent } from "longshore";
import { tripOfAway } from "../away.ts";
import { type Command, command, type Shared } from "../command.ts";
import { withClient } from "../connection.ts";
import { notFound, refused } from "../errors.ts";
import type { Io } from "../io.ts";
import { hint, present, presentLine } from "../present.ts";
import { jobFields } from "../render/jobs.ts";
import { tripFields } from "../render/offload.ts";
import { harmless } from "../render/paint.ts";
import { showBytes } from "../render/quantities.ts";
import { sentences, Timeline } from "../render/timeline.ts";

export const job: Command = command({
  name: "job",
  group: "jobs",
  summary: "Everything about one job: its state, input and result, and its life line by line",
  args: { id: { kind: "required", help: "the whole id, for example main.01J…" } },
  options: {
    follow: { kind: "flag", short: "f", help: "print its events as they happen, up to its end" },
    saveOutputs: { kind: "text", value: "<folder>", help: "put the files it has left into a folder, under their names; none that is there already is replaced" },
  },
  examples: [
    { line: "longshore job main.01J5 --follow", says: "watch it" },
    { line: "longshore job main.01J5 --save-outputs results", says: "fetch what it has left" },
  ],
  connects: true,
  endsInOrder: true,
  run: ({ args, options, shared, io }) =>
    withClient(shared, io, async (ls) => {
      const view = await ls.jobs.get(args.id);
      if (options.saveOutputs !== undefined) return saveOutputs(view, args.id, options.saveOutputs, { shared, io });
      if (options.follow) {
        if (view === undefined && (await ls.jobs.history(args.id)).length === 0) throw unknownJob(args.id);
        return followJob(ls, args.id, shared, io);
      }
      const events = await ls.jobs.history(args.id);
      if (view === undefined && events.length === 0) throw unknownJob(args.id);
      const trip = view === undefined ? undefined : await tripOfAway(ls, view);
      await present({ shared, io }, { job: view ?? null, timeline: events, ...(trip === undefined ? {} : { trip }) }, () => {
        const head = view === undefined ? "it has left the state; this is what its history says\n" : jobFields(view, io.nowMs(), io.outScreen);
        const away = trip === undefined ? "" : `\n${tripFields(trip, io.nowMs(), io.outScreen)}`;
        return `${head}${away}\n${linesOf(events, io)}`;
      });
    }),
});

const unknownJob = (id: string): Error => notFound(`there is no job ${id}`, "list them: `longshore jobs --state all`, `longshore jobs --state history`");

/** Names of files are checked where jobs are added and where they end, and here again: somebody's name must not leave the folder. */
async function saveOutputs(view: JobInfo | undefined, id: string, folder: string, output: { readonly shared: Shared; readonly io: Io }): Promise<void> {
  if (view === undefined) throw unknownJob(id);
  const into = resolve(output.io.cwd, folder);
  await mkdir(into, { recursive: true });
  const saved: { readonly name: string; readonly path: string; readonly bytes: number }[] = [];
  for (const file of view.outputs ?? []) {
    const path = join(into, file.name);
    if (dirname(path) !== into) throw refused("job/output-name", `the output ${JSON.stringify(file.name)} has no name that a file can have here`, "read it with the library: (await ls.jobs.get(id)).outputs");
    if (await isThere(path)) throw refused("job/output-exists", `there is a file ${path} already`, "give another folder, or move it away");
    await file.save(path);
    saved.push({ name: file.name, path, bytes: file.bytes });
  }
  await present(output, { job: id, saved }, () => saved.map(({ path, bytes }) => `${harmless(path)}  ${showBytes(bytes)}\n`).join(""));
  if (saved.length === 0) hint(output, "it has left no files");
}

const isThere = (path: string): Promise<boolean> => access(path).then(() => true, () => false);

function linesOf(events: readonly TimelineEvent[], io: Io): string {
  const timeline = new Timeline(io.outScreen, sentences);
  return events.map((event) => timeline.lines(event)).join("");
}

async function followJob(ls: Longshore, id: string, shared: Shared, io: Io): Promise<void> {
  const timeline = new Timeline(io.outScreen, sentences);
  try {
    for await (const event of ls.jobs.handle(id).follow({ signal: io.signal })) await presentLine({ shared, io }, event, () => timeline.lines(event));
  } catch (error) {
    // Whoever ends the following has seen what there was.
    if (!io.signal.aborted) throw error;
  }
}
