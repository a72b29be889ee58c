import { tripOfAway } from "../away.ts";
import { type Command, command } from "../command.ts";
import { withClient } from "../connection.ts";
import { notFound } from "../errors.ts";
import { present } from "../present.ts";
import { tripFields } from "../render/offload.ts";
import { harmless, paintOf, paintState } from "../render/paint.ts";
import { renderFields } from "../render/table.ts";

export const why: Command = command({
  name: "why",
  group: "jobs",
  summary: "What a job waits for, with names",
  args: { id: { kind: "required", help: "the whole id, for example main.01J…" } },
  connects: true,
  run: ({ args, shared, io }) =>
    withClient(shared, io, async (ls) => {
      const view = await ls.jobs.why(args.id);
      if (view === undefined) throw notFound(`there is no job ${args.id}`, "list them: `longshore jobs`");
      const { id, state, waits, text, detail } = view;
      const { cluster } = detail;
      const trip = typeof cluster === "string" ? await tripOfAway(ls, { id, state, instance: `@${cluster}` }) : undefined;
      await present({ shared, io }, trip === undefined ? view : { ...view, trip }, () => {
        const head = `${id}  ${paintState(paintOf(io.outScreen), state)}${waits === null ? "" : ` (${waits})`}\n${harmless(text)}\n`;
        if (trip !== undefined) return `${head}\n${tripFields(trip, io.nowMs(), io.outScreen)}`;
        const fields = Object.entries(detail).map(([name, value]) => [name, harmless(Array.isArray(value) ? value.join(", ") : String(value))] as const);
        return fields.length === 0 ? head : `${head}\n${renderFields(fields, io.outScreen)}`;
      });
    }),
});
