import type { InstanceRow, TopologyAnswer } from "@longshore/discovery-agent";
import { DISCOVERY_ACTOR, DISCOVERY_KIND } from "@longshore/discovery-agent";
import type { Connection } from "@longshore/nats";
import { type Command, command, type Shared } from "../command.ts";
import { withConnection } from "../connection.ts";
import { type HostDescription, requireAnswer } from "../host-query.ts";
import type { Io } from "../io.ts";
import { hint, present, presentLine } from "../present.ts";
import { changeLine, topologyText } from "../render/topology.ts";

/** What `--json` prints. */
export interface TopologyDocument extends TopologyAnswer {
  /** Those who start, leave or are suspected, too. */
  readonly instances: readonly InstanceRow[];
  /** Who hosts the topology's history. */
  readonly host: Pick<HostDescription, "instance" | "incarnation" | "epoch">;
}

interface Changes {
  readonly change: number;
  /** Null when they are no longer kept. */
  readonly changes: readonly { readonly change: number; readonly at: number; readonly type: string; readonly about: string | number | null }[] | null;
}

const LOOK_EVERY_MS = 500;

export const topology: Command = command({
  name: "topology",
  group: "operate",
  summary: "Who is there: instances in the order in which they would lead, what they take and host, other clusters",
  details: ["With --follow the changes are printed as they happen, the last ones first; one JSON document per line with --json."],
  options: { follow: { kind: "flag", help: "go on and print what changes" } },
  connects: true,
  run: ({ options, shared, io }) =>
    withConnection(shared, io, async ({ connection, place }) => {
      const ask = (question: Readonly<Record<string, unknown>>): Promise<unknown> => requireAnswer(connection, { cluster: place.cluster, kind: DISCOVERY_KIND, actor: DISCOVERY_ACTOR }, question);
      const now = await documentOf(ask);
      if (options.follow) return follow(now.change, ask, connection, { shared, io });
      await present({ shared, io }, now, () => topologyText(now, io.nowMs(), io.outScreen));
      if (now.view === null) hint({ shared, io }, "there is no view yet: the first comes about two seconds after the first instance has started");
    }),
});

type Ask = (question: Readonly<Record<string, unknown>>) => Promise<unknown>;

async function documentOf(ask: Ask): Promise<TopologyDocument> {
  const [view, instances, host] = await Promise.all([ask({ ask: "view" }), ask({ ask: "instances" }), ask({ ask: "host" })]);
  const { instance, incarnation, epoch } = host as HostDescription;
  return { ...(view as TopologyAnswer), instances: instances as readonly InstanceRow[], host: { instance, incarnation, epoch } };
}

/** Until it is interrupted. While nobody hosts the history nothing changes, so that is waited out. */
async function follow(change: number, ask: Ask, connection: Connection, { shared, io }: { readonly shared: Shared; readonly io: Io }): Promise<void> {
  let last = Math.max(0, change - SHOWN_FIRST);
  while (!connection.nc.isClosed()) {
    const answer = (await ask({ ask: "since", change: last }).catch(() => undefined)) as Changes | undefined;
    if (answer !== undefined) {
      if (answer.changes === null) hint({ shared, io }, `changes before ${answer.change} are no longer kept`);
      for (const one of answer.changes ?? []) await presentLine({ shared, io }, one, () => changeLine(one, io.outScreen));
      last = answer.change;
    }
    await new Promise((next) => setTimeout(next, LOOK_EVERY_MS));
  }
}

/** Changes of before that `--follow` begins with. */
const SHOWN_FIRST = 10;
