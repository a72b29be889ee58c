import type { Longshore, TopicChange } from "longshore";
import { type Command, command } from "../command.ts";
import { withClient } from "../connection.ts";
import { wrongUsage } from "../errors.ts";
import { hint, present } from "../present.ts";
import { topicLines, topicsTable } from "../render/topology.ts";

const list: Command = command({
  name: "topics",
  group: "operate",
  summary: "Which instance of which cluster works on which topic: enabled, disabled or exclusive",
  details: ["Topics against the instances that have a worker for them, those of other clusters as <cluster>/<instance>. What an instance of another cluster works on is said there."],
  connects: true,
  run: ({ shared, io }) =>
    withClient(shared, io, async (ls, { cluster }) => {
      const found = topicLines(await ls.topics.list(), cluster);
      await present({ shared, io }, found, () => (found.length === 0 ? "" : topicsTable(found, cluster, io.outScreen)));
      if (found.length === 0) hint({ shared, io }, "no instance has a worker: `longshore run worker jobs.ts`");
    }),
});

/** For those who look for it where the other three are. */
const listNamed: Command = { ...list, name: "topics list" };

const PATTERNS = "a/b names that topic, a/. the children of a, a/* a and everything below, * everything";

function change(verb: "enable" | "disable" | "exclusive", summary: string, run: (ls: Longshore, topics: readonly string[], instance: string) => Promise<TopicChange>): Command {
  return command({
    name: `topics ${verb}`,
    group: "operate",
    summary,
    details: [`${PATTERNS}. The change is kept for the instance, also while it is away.`],
    args: { topics: { kind: "many", help: verb === "exclusive" ? "topics, or none to end it" : "topics", shown: "topic" } },
    options: { instance: { kind: "text", value: "<id>", help: "which instance; `longshore topology` lists them" } },
    connects: true,
    run: ({ args, options, shared, io }) => {
      const { instance } = options;
      if (instance === undefined) throw wrongUsage(`\`longshore topics ${verb}\` needs --instance <id>`, "`longshore topology` lists them");
      if (verb !== "exclusive" && args.topics.length === 0) throw wrongUsage(`\`longshore topics ${verb}\` needs a topic`, "`longshore topics` lists them");
      return withClient(shared, io, async (ls) => {
        const done = await run(ls, args.topics, instance);
        await present({ shared, io }, { instance, ...done }, () => Object.entries(done.topics).map(([topic, state]) => `${topic} is ${state} on ${instance}\n`).join(""));
        if (done.stored) hint({ shared, io }, "nobody hosts the topology: the change waits in the inbox");
        else if (!done.isHere) hint({ shared, io }, `${instance} is not here now; it will be so when it is`);
      });
    },
  });
}

async function eachOf(topics: readonly string[], run: (topic: string) => Promise<TopicChange>): Promise<TopicChange> {
  let last: TopicChange = { stored: false, isHere: false, topics: {} };
  for (const topic of topics) last = await run(topic);
  return last;
}

export const topics: readonly Command[] = [
  list, listNamed,
  change("enable", "Let an instance work on topics again", (ls, names, instance) => eachOf(names, (topic) => ls.topics.enable(topic, instance))),
  change("disable", "Give an instance no more jobs of topics; what it runs runs on", (ls, names, instance) => eachOf(names, (topic) => ls.topics.disable(topic, instance))),
  change("exclusive", "Let an instance work on these topics only", (ls, names, instance) => ls.topics.exclusive(names.length === 0 ? null : names, instance)),
];
