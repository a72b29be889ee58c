import type { InstanceView } from "@longshore/job-queue";
import { type Command, command } from "../command.ts";
import { withConnection } from "../connection.ts";
import { historyAddress } from "../history/address.ts";
import { requireAnswer } from "../host-query.ts";
import { hint, present } from "../present.ts";
import { instancesTable } from "../render/queues.ts";

export const instances: Command = command({
  name: "instances",
  group: "operate",
  summary: "Who works: instances, their incarnation, what they take and what they run",
  connects: true,
  run: ({ shared, io }) =>
    withConnection(shared, io, async ({ connection, place }) => {
      const found = (await requireAnswer(connection, historyAddress(place.cluster, `job-queue.${place.shard}`), { ask: "instances" })) as readonly InstanceView[];
      await present({ shared, io }, found, () => (found.length === 0 ? "" : instancesTable(found, io.nowMs(), io.outScreen)));
      if (found.length === 0) hint({ shared, io }, "nobody works here: `longshore run worker jobs.ts`");
    }),
});
