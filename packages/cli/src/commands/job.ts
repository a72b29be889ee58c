import type { Longshore, TimelineEvent } from "longshore";
import { tripOfAway } from "../away.ts";
import { type Command, command, type Shared } from "../command.ts";
import { withClient } from "../connection.ts";
import { notFound } from "../errors.ts";
import type { Io } from "../io.ts";
import { present, presentLine } from "../present.ts";
import { jobFields } from "../render/jobs.ts";
import { tripFields } from "../render/offload.ts";
import { sentences, Timeline } from "../render/timeline.ts";

export const job: Command = command({
  name: "job",
  group: "jobs",
  summary: "Everything about one job: its state, input and result, and its life line by line",
  args: { id: { kind: "required", help: "the whole id, for example main.01J…" } },
  options: { follow: { kind: "flag", short: "f", help: "print its events as they happen, up to its end" } },
  examples: [{ line: "longshore job main.01J5 --follow", says: "watch it" }],
  connects: true,
  endsInOrder: true,
  run: ({ args, options, shared, io }) =>
    withClient(shared, io, async (ls) => {
      const view = await ls.jobs.get(args.id);
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
