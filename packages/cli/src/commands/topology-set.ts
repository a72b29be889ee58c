import { type Command, command } from "../command.ts";
import { withClient } from "../connection.ts";
import { wrongUsage } from "../errors.ts";
import { hint, present } from "../present.ts";
import { announced } from "../workers.ts";

export const topologySet: Command = command({
  name: "topology set",
  group: "operate",
  summary: "Change the properties of an instance while it lives",
  details: [
    "Every member hears of it at once (PROPERTIES_CHANGED), and membership stays as it is. What is set lies over what the instance announces with --property, and goes when it ends.",
  ],
  args: { properties: { kind: "many", help: "what to set", shown: "name=value" } },
  options: {
    instance: { kind: "text", value: "<id>", help: "which instance; `longshore topology` lists them" },
    remove: { kind: "list", value: "<name>", help: "a property to take away" },
  },
  examples: [{ line: "longshore topology set zone=east --remove draining --instance west-1", says: "sets one, takes one away, leaves the others" }],
  connects: true,
  run: ({ args, options, shared, io }) => {
    const { instance, remove } = options;
    if (instance === undefined) throw wrongUsage("`longshore topology set` needs --instance <id>", "`longshore topology` lists them");
    if (args.properties.length + remove.length === 0) throw wrongUsage("`longshore topology set` needs name=value, or --remove <name>", "for example longshore topology set zone=east --instance west-1");
    const changes = { ...announced(args.properties, ""), ...Object.fromEntries(remove.map((name) => [name, null])) };
    return withClient(shared, io, async (ls) => {
      const done = await ls.properties.set(changes, { instance });
      await present({ shared, io }, done, () => Object.entries(done.properties).map(([name, value]) => `${name}=${value}\n`).join(""));
      if (done.stored) hint({ shared, io }, "nobody hosts the topology: the change waits in the inbox");
    });
  },
});
