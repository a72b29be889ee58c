import { type Command, command } from "../command.ts";
import { wrongUsage } from "../errors.ts";
import { commandHelp, overview } from "../help.ts";
import { nearest } from "../nearest.ts";
import { present } from "../present.ts";

/** It explains the other commands, so it is made from them. */
export const helpFor = (commands: () => readonly Command[]): Command =>
  command({
    name: "help",
    group: "operate",
    summary: "What there is, and how a command is used",
    args: { topic: { kind: "many", help: "a command, for example queues suspend", shown: "command" } },
    connects: false,
    async run({ args, shared, io }) {
      const all = commands();
      if (args.topic.length === 0) {
        return present({ shared, io }, all.map(({ name, group, summary }) => ({ name, group, summary })), () => overview(all, io.outScreen));
      }
      const name = args.topic.join(" ");
      const found = all.find((candidate) => candidate.name === name);
      if (found === undefined) {
        const meant = nearest(name, all.map((candidate) => candidate.name));
        throw wrongUsage(`there is no command "${name}"`, meant === undefined ? "`longshore help` lists the commands" : `did you mean \`longshore help ${meant}\`?`);
      }
      await present({ shared, io }, { ...found, run: undefined }, () => commandHelp(found, all, io.outScreen));
    },
  });
