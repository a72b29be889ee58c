/** Queues and instances as people read them. */
import type { InstanceView, OffloadPolicy, QueueConfig, QueueView } from "@longshore/job-queue";
import type { Screen } from "../io.ts";
import { harmless, paintOf } from "./paint.ts";
import { showAge, showCount, showDuration, showInstant } from "./quantities.ts";
import { renderFields, renderTable } from "./table.ts";

export function queuesTable(queues: readonly QueueView[], screen: Screen): string {
  return renderTable(queues, [
    { head: "queue", cell: ({ name }) => name },
    { head: "", cell: ({ suspended }, paint) => (suspended ? paint.yellow("suspended") : "") },
    { head: "topics", cell: ({ config }) => config.topics.join(" "), shrinks: true },
    { head: "type", cell: ({ config }) => config.type ?? "unordered" },
    { head: "queued", cell: ({ statistics }) => showCount(statistics.queued), align: "right" },
    { head: "active", cell: ({ statistics }) => showCount(statistics.active), align: "right" },
    { head: "finished", cell: ({ statistics }) => showCount(statistics.finished), align: "right" },
    { head: "failed", cell: ({ statistics }, paint) => counted(statistics.failed, paint.yellow), align: "right" },
    { head: "canceled", cell: ({ statistics }, paint) => counted(statistics.canceled, paint.red), align: "right" },
  ], screen);
}

const counted = (count: number, paint: (text: string) => string): string => (count === 0 ? "0" : paint(showCount(count)));

export function queueFields({ name, config, suspended, suspendedSince, statistics }: QueueView, nowMs: number, screen: Screen): string {
  const paint = paintOf(screen);
  const state = suspended ? paint.yellow(`suspended${suspendedSince === undefined ? "" : ` since ${showInstant(suspendedSince)}`}`) : "running";
  return renderFields([
    ["queue", `${paint.bold(name)}  ${state}`],
    ...configFields(config),
    ["queued", showCount(statistics.queued)],
    ["active", showCount(statistics.active)],
    ["finished", showCount(statistics.finished)],
    ["failed", `${showCount(statistics.failed)} attempts that were tried again`],
    ["canceled", `${showCount(statistics.canceled)} ended without success`],
    ["waiting", statistics.averageWaitingMs === 0 ? undefined : `${showDuration(statistics.averageWaitingMs)} on average`],
    ["processing", statistics.averageProcessingMs === 0 ? undefined : `${showDuration(statistics.averageProcessingMs)} on average`],
    ["last start", statistics.lastActivatedAt < 0 ? undefined : showAge(statistics.lastActivatedAt, nowMs)],
    ["last success", statistics.lastFinishedAt < 0 ? undefined : showAge(statistics.lastFinishedAt, nowMs)],
  ], screen);
}

function configFields(config: QueueConfig): readonly (readonly [string, string | undefined])[] {
  const { topics, type, maxParallel, retries, retryDelayMs, keepJobs, keepIds, ranking, placement, offload } = config;
  return [
    ["topics", topics.join(" ")],
    ["type", type ?? "unordered"],
    ["parallel", maxParallel === undefined ? "what its workers take" : parallelText(maxParallel)],
    ["retries", retries === undefined ? undefined : retries < 0 ? "without end" : String(retries)],
    ["retry delay", retryDelayMs === undefined ? undefined : showDuration(retryDelayMs)],
    ["keeps", keepJobs === true ? "succeeded jobs, too" : undefined],
    ["ids", keepIds === undefined ? undefined : `${showDuration(keepIds.ms)}, up to ${showCount(keepIds.count)}`],
    ["runs on", placement === "leader" ? "one instance alone, the leading one" : placement === "creator" ? "the instance that added the job, as long as it can" : undefined],
    ["ranking", ranking === undefined ? undefined : String(ranking)],
    ["elsewhere", offloadText(offload)],
  ];
}

/** Which of its jobs other clusters may do. */
function offloadText({ when = "no-local-consumer", backlog, waitMs, prefer = [], exclude = [], labels = {} }: OffloadPolicy = {}): string {
  if (when === "never") return "no job goes to another cluster";
  const bounds = [backlog === undefined ? "" : `more than ${showCount(backlog)} wait`, waitMs === undefined ? "" : `one waits longer than ${showDuration(waitMs)}`].filter((part) => part !== "");
  const said = when === "always" ? "jobs go wherever there is room" : `jobs that no instance here takes${bounds.length === 0 ? "" : `, and others when ${bounds.join(" or ")}`}`;
  const wanted = Object.entries(labels).map(([name, value]) => `${name}=${harmless(value)}`);
  return [said, prefer.length === 0 ? "" : `first to ${prefer.join(", ")}`, exclude.length === 0 ? "" : `never to ${exclude.join(", ")}`, wanted.length === 0 ? "" : `only to instances with ${wanted.join(" ")}`].filter((part) => part !== "").join("; ");
}

function parallelText(maxParallel: number): string {
  if (maxParallel === -1) return "one per processor of an instance";
  return maxParallel > 0 && maxParallel < 1 ? `${Math.round(maxParallel * 100)} % of an instance's processors` : `${maxParallel} at a time on one instance`;
}

export function instancesTable(instances: readonly InstanceView[], nowMs: number, screen: Screen): string {
  return renderTable(instances, [
    { head: "instance", cell: ({ instance }) => instance },
    { head: "incarnation", cell: ({ incarnation }) => incarnation },
    { head: "user", cell: ({ principal }) => principal },
    { head: "joined", cell: ({ joinedAt }) => showAge(joinedAt, nowMs), align: "right" },
    { head: "", cell: ({ draining }, paint) => (draining ? paint.yellow("draining") : "") },
    { head: "running", cell: ({ pools }) => `${sum(pools, "used")} of ${sum(pools, "slots")}`, align: "right" },
    { head: "topics", cell: ({ pools }) => pools.flatMap(({ topics }) => topics).join(" "), shrinks: true },
  ], screen);
}

const sum = (pools: InstanceView["pools"], of: "used" | "slots"): number => pools.reduce((total, pool) => total + pool[of], 0);
