import type { QueueStatistics } from "@longshore/job-queue";
import { type Command, command } from "../command.ts";
import { withConnection } from "../connection.ts";
import { historyAddress } from "../history/address.ts";
import { requireAnswer } from "../host-query.ts";
import type { Io } from "../io.ts";
import { present } from "../present.ts";
import { showAge, showBytes, showCount, showDuration } from "../render/quantities.ts";
import { renderFields, renderTable } from "../render/table.ts";

interface Statistics {
  readonly all: QueueStatistics;
  readonly topics: Readonly<Record<string, Omit<QueueStatistics, "queued" | "active" | "since">>>;
  readonly payloadBytes: number;
  readonly ended: number;
}

export const statistics: Command = command({
  name: "statistics",
  group: "queues",
  summary: "Counters of the whole shard and of each topic",
  details: ["Counters are part of the history: they survive restarts and fail-over. Those of each queue are in `longshore queues`."],
  connects: true,
  run: ({ shared, io }) =>
    withConnection(shared, io, async ({ connection, place }) => {
      const found = (await requireAnswer(connection, historyAddress(place.cluster, `job-queue.${place.shard}`), { ask: "statistics" })) as Statistics;
      await present({ shared, io }, found, () => statisticsText(found, io));
    }),
});

function statisticsText({ all, topics, payloadBytes, ended }: Statistics, io: Io): string {
  const nowMs = io.nowMs();
  const fields = renderFields([
    ["queued", showCount(all.queued)],
    ["active", showCount(all.active)],
    ["finished", showCount(all.finished)],
    ["failed", `${showCount(all.failed)} attempts that were tried again`],
    ["canceled", `${showCount(all.canceled)} ended without success`],
    ["waiting", `${showDuration(all.averageWaitingMs)} on average`],
    ["processing", `${showDuration(all.averageProcessingMs)} on average`],
    ["last success", all.lastFinishedAt < 0 ? "never" : showAge(all.lastFinishedAt, nowMs)],
    ["kept", `${showCount(ended)} ended jobs, ${showBytes(payloadBytes)} of inputs and results`],
  ], io.outScreen);
  const rows = Object.entries(topics);
  if (rows.length === 0) return fields;
  const table = renderTable(rows, [
    { head: "topic", cell: ([topic]) => topic },
    { head: "finished", cell: ([, { finished }]) => showCount(finished), align: "right" },
    { head: "failed", cell: ([, { failed }]) => showCount(failed), align: "right" },
    { head: "canceled", cell: ([, { canceled }]) => showCount(canceled), align: "right" },
    { head: "waiting", cell: ([, { averageWaitingMs }]) => showDuration(averageWaitingMs), align: "right" },
    { head: "processing", cell: ([, { averageProcessingMs }]) => showDuration(averageProcessingMs), align: "right" },
    { head: "last success", cell: ([, { lastFinishedAt }]) => (lastFinishedAt < 0 ? "never" : showAge(lastFinishedAt, nowMs)), align: "right" },
  ], io.outScreen);
  return `${fields}\n${table}`;
}
