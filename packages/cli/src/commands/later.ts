/** Commands that interface.md promises and a later slice brings: known by name, so that nobody wonders about a typo. */
import { type Command, command } from "../command.ts";
import { wrongUsage } from "../errors.ts";

const LATER: readonly (readonly [name: string, summary: string])[] = [
  ["schedules", "jobs added by cron expression, interval or date"],
  ["workflows", "deploy, start, list, show, suspend, resume and terminate workflows"],
  ["work-items", "claim, complete and delegate the tasks of people"],
  ["console", "the web page"],
];

export const later: readonly Command[] = LATER.map(([name, summary]) =>
  command({
    name,
    group: "later",
    summary,
    args: { rest: { kind: "many", help: "whatever it will take", shown: "…" } },
    connects: false,
    run: () => Promise.reject(wrongUsage(`\`longshore ${name}\` is not available yet: it comes with a later release`, "`longshore help` lists what is")),
  }),
);
