/** Jobs that other clusters do, and jobs of others that are done here. */
import type { Longshore, RouteView } from "longshore";
import { type Command, command, type Shared } from "../command.ts";
import { withClient } from "../connection.ts";
import type { Io } from "../io.ts";
import { hint, present } from "../present.ts";
import { clustersTable, guestsTable, tripFields, tripSentences, tripsTable } from "../render/offload.ts";
import { plural } from "../render/quantities.ts";
import { Timeline } from "../render/timeline.ts";

const CLUSTER = { kind: "required", help: "name of another cluster; `longshore offload clusters` lists them" } as const;
const TRIP = { kind: "required", help: "number of a trip, or the whole id of its job", shown: "trip" } as const;

const list: Command = command({
  name: "offload",
  group: "offload",
  summary: "Jobs of this cluster that are on their way in others: where each is, and how old that word is",
  args: { cluster: { kind: "optional", help: "only those to this cluster" } },
  options: { all: { kind: "flag", help: "with the last trips that have ended" } },
  connects: true,
  run: ({ args, options, shared, io }) =>
    withClient(shared, io, async (ls) => {
      const { cluster } = args;
      const trips = await ls.offload.list({ all: options.all, ...(cluster === undefined ? {} : { cluster }) });
      await present({ shared, io }, trips, () => (trips.length === 0 ? "" : tripsTable(trips, io.nowMs(), io.outScreen)));
      if (trips.length === 0) hint({ shared, io }, `no job is in ${cluster === undefined ? "another cluster" : `cluster ${cluster}`}; \`longshore offload clusters\` shows what others take`);
    }),
});

/** For clusters that are called like a command. */
const listNamed: Command = { ...list, name: "offload list" };

const guests: Command = command({
  name: "offload guests",
  group: "offload",
  summary: "Jobs of other clusters that are here",
  args: { origin: { kind: "optional", help: "only those of this cluster", shown: "cluster" } },
  connects: true,
  run: ({ args, shared, io }) =>
    withClient(shared, io, async (ls) => {
      const { origin } = args;
      const here = await ls.offload.guests(origin === undefined ? {} : { origin });
      await present({ shared, io }, here, () => (here.length === 0 ? "" : guestsTable(here, io.nowMs(), io.outScreen)));
      if (here.length === 0) hint({ shared, io }, `no job of ${origin === undefined ? "another cluster" : `cluster ${origin}`} is here`);
    }),
});

const show: Command = command({
  name: "offload show",
  group: "offload",
  summary: "One trip: where the job is and how far, what travels, and everything that happened on it line by line",
  args: { trip: TRIP },
  examples: [{ line: "longshore offload show main.01J5", says: "the trip a job is on, or its last" }],
  connects: true,
  run: ({ args, shared, io }) =>
    withClient(shared, io, async (ls) => {
      const trip = await ls.offload.show(tripOf(args.trip), { signal: io.signal });
      const events = await ls.offload.history(trip.trip, { signal: io.signal });
      await present({ shared, io }, { trip, timeline: events }, () => {
        const timeline = new Timeline(io.outScreen, tripSentences);
        return `${tripFields(trip, io.nowMs(), io.outScreen)}\n${events.map((event) => timeline.lines(event)).join("")}`;
      });
    }),
});

const clusters: Command = command({
  name: "offload clusters",
  group: "offload",
  summary: "Every other cluster: what it takes, how many jobs are leaving, waiting, running and returning there, since when",
  connects: true,
  run: ({ shared, io }) =>
    withClient(shared, io, async (ls) => {
      const routes = await ls.offload.clusters();
      await present({ shared, io }, routes, () => (routes.length === 0 ? "" : clustersTable(routes, io.outScreen)));
      if (routes.length === 0) hint({ shared, io }, "no other cluster is known: name them where hosts are run, --peers <cluster>");
    }),
});

const drain: Command = command({
  name: "offload drain",
  group: "offload",
  summary: "Send a cluster nothing new; what is there ends there, what has not arrived goes elsewhere",
  args: { cluster: CLUSTER },
  options: { wait: { kind: "flag", help: "until nothing of this cluster is there any more" } },
  examples: [{ line: "longshore offload drain west --wait", says: "before its machines are taken away" }],
  connects: true,
  run: ({ args, options, shared, io }) => withClient(shared, io, (ls) => drainOne(ls, args.cluster, options.wait, shared, io)),
});

async function drainOne(ls: Longshore, cluster: string, isWaitedFor: boolean, shared: Shared, io: Io): Promise<void> {
  let route = await ls.offload.drain(cluster, { signal: io.signal });
  if (isWaitedFor && !route.isEmpty) {
    hint({ shared, io }, `${leftText(route)}; waiting until there is none`);
    route = await ls.offload.drain(cluster, { wait: true, signal: io.signal });
  }
  await present({ shared, io }, route, () => `${cluster} is drained${route.isEmpty ? ", and empty" : ""}\n`);
  if (!route.isEmpty) hint({ shared, io }, `${leftText(route)}: \`longshore offload drain ${cluster} --wait\` waits for them, \`longshore offload reclaim <trip>\` takes one back`);
}

const leftText = ({ cluster, staging, away }: RouteView): string => `${plural(staging + away, "job")} of this cluster ${staging + away === 1 ? "is" : "are"} still in ${cluster}`;

const resume: Command = command({
  name: "offload resume",
  group: "offload",
  summary: "Send jobs to a drained cluster again",
  args: { cluster: CLUSTER },
  connects: true,
  run: ({ args, shared, io }) =>
    withClient(shared, io, async (ls) => {
      const route = await ls.offload.resume(args.cluster);
      await present({ shared, io }, route, () => `${args.cluster} gets jobs again\n`);
    }),
});

const reclaim: Command = command({
  name: "offload reclaim",
  group: "offload",
  summary: "Take a job back from the cluster it was given to, whatever that says: it is given away anew, as another attempt",
  details: ["If the other cluster is only cut off, the job may run twice; it ends once. What the first attempt returns later is refused, and recorded."],
  args: { trip: TRIP },
  options: { reason: { kind: "text", value: "<text>", help: "why; recorded with the trip" } },
  connects: true,
  run: ({ args, options, shared, io }) =>
    withClient(shared, io, async (ls) => {
      const trip = await ls.offload.reclaim(tripOf(args.trip), options.reason);
      await present({ shared, io }, trip, () => `trip ${trip.trip} of job ${trip.id} has ended: the job is its queue's again\n`);
    }),
});

const tripOf = (given: string): number | string => (/^\d+$/.test(given) ? Number(given) : given);

export const offload: readonly Command[] = [list, listNamed, guests, show, clusters, drain, resume, reclaim];
