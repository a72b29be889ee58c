/** Decisions about queues, and about many jobs at once. */
import { accepted, encodeCanonical, sameBytes } from "@longshore/kernel";
import type { JobQueueCommand } from "./commands.ts";
import type { QueueDecision } from "./decision.ts";
import { no } from "./decision.ts";
import type { JobQueueLimits } from "./limits.ts";
import { DEFAULT_QUEUE } from "./limits.ts";
import type { QueueState } from "./state.ts";
import { isQueuePattern } from "./topics.ts";
import type { QueueConfig } from "./vocabulary.ts";

type QueueCommand = Extract<JobQueueCommand, { type: "OperateJobs" | "ConfigureQueue" | "WantQueue" | "SuspendQueue" | "ResumeQueue" }>;

export function decideQueue(state: QueueState, command: QueueCommand, limits: JobQueueLimits): QueueDecision {
  switch (command.type) {
    case "OperateJobs": return operate(state, command, limits);
    case "ConfigureQueue": return configure(state, command.queue, command.config, limits);
    case "WantQueue": return want(state, command, limits);
    case "SuspendQueue": return suspend(state, command.queue);
    case "ResumeQueue": return resume(state, command.queue);
  }
}

function operate(state: QueueState, command: Extract<QueueCommand, { type: "OperateJobs" }>, limits: JobQueueLimits): QueueDecision {
  if (state.operations.size >= limits.operationsMax) return no("operation/too-many", `${limits.operationsMax} bulk operations are running: wait for one to end`);
  const { kind, filter, principal } = command;
  const operation = state.next.operation;
  const event = { type: "OperationStarted", operation, kind, filter, upTo: state.next.job - 1, principal } as const;
  return { kind: "accepted", events: [event], answer: { operation } };
}

function configure(state: QueueState, name: string, config: QueueConfig, limits: JobQueueLimits): QueueDecision {
  const refusal = whyNot(state, name, config, limits);
  if (refusal !== undefined) return no("queue/invalid", refusal);
  const queue = state.queues.get(name);
  const isSame = queue !== undefined && sameBytes(encodeCanonical(queue.config), encodeCanonical(config));
  return isSame ? accepted() : accepted({ type: "QueueConfigured", queue: name, config, revision: undefined, since: undefined });
}

/** Every revision leaves an event, so that whoever asks knows how far this shard is. One that is not newer says nothing. */
function want(state: QueueState, { queue, revision, config, since, malformed }: Extract<QueueCommand, { type: "WantQueue" }>, limits: JobQueueLimits): QueueDecision {
  if (revision <= state.configuredUpTo) return accepted();
  const refuse = (code: string, message: string): QueueDecision => accepted({ type: "ConfigurationRefused", queue, revision, code, message });
  if (config === undefined) return refuse("queue/malformed", `queue "${queue}": ${malformed ?? "it cannot be read"}`);
  const refusal = whyNot(state, queue, config, limits);
  return refusal === undefined ? accepted({ type: "QueueConfigured", queue, config, revision, since }) : refuse("queue/invalid", refusal);
}

function whyNot(state: QueueState, name: string, config: QueueConfig, limits: JobQueueLimits): string | undefined {
  const invalid = whyInvalid(config, name);
  if (invalid !== undefined) return `queue "${name}": ${invalid}`;
  const queue = state.queues.get(name);
  if (queue === undefined) return state.queues.size >= limits.queuesMax ? `this shard has ${limits.queuesMax} queues, and no more are kept` : undefined;
  const { active } = queue.statistics;
  const changesType = queue.isOrdered !== (config.type === "ordered");
  return changesType && active > 0 ? `queue "${name}" cannot change its type while it runs ${active} jobs: suspend it until they have ended` : undefined;
}

/** As in Sling: 0 is no parallelism, and other nonsense means "as many as it has processors". */
export function whyInvalid(config: QueueConfig, name?: string): string | undefined {
  const { topics, type, maxParallel, retries = 0, retryDelayMs = 0, keepIds } = config;
  const patterns = topics.map((topic) => topic.trim()).filter((topic) => topic !== "");
  const illegal = patterns.find((pattern) => !isQueuePattern(pattern));
  if (patterns.length === 0) return "topics has no pattern: name at least one, or *";
  if (illegal !== undefined) return `topics: "${illegal}" is no pattern; use a/b, a/. (children), a/* (all below) or *`;
  if (maxParallel === 0 && type !== "ordered") return "maxParallel 0 would run nothing: use 1 or more, a share below 1, or -1 for the processors";
  if (!Number.isInteger(retries) || retries < -1) return "retries must be a whole number, or -1 for endless";
  if (retryDelayMs < 0) return "retryDelayMs must be 0 or more";
  if (keepIds !== undefined && (keepIds.ms < 0 || keepIds.count < 0)) return "keepIds must have an ms and a count of 0 or more";
  return whyMisplaced(config, name);
}

function whyMisplaced({ shard, partitions, maxParallel, type }: QueueConfig, name: string | undefined): string | undefined {
  if (name === DEFAULT_QUEUE && (shard !== undefined || partitions !== undefined)) return "it is in every shard: place another queue, with topics of its own";
  if (partitions === undefined || maxParallel === undefined || type === "ordered") return undefined;
  return maxParallel >= 1 && maxParallel < partitions ? `maxParallel ${maxParallel} leaves nothing for some of ${partitions} partitions: use at least as many` : undefined;
}

function suspend(state: QueueState, name: string): QueueDecision {
  const queue = state.queues.get(name);
  if (queue === undefined) return unknownQueue(name);
  return queue.isSuspended ? accepted() : accepted({ type: "QueueSuspended", queue: name });
}

function resume(state: QueueState, name: string): QueueDecision {
  const queue = state.queues.get(name);
  if (queue === undefined) return unknownQueue(name);
  return queue.isSuspended ? accepted({ type: "QueueResumed", queue: name }) : accepted();
}

const unknownQueue = (name: string): QueueDecision =>
  no("queue/not-found", `there is no queue "${name}": configure it first, or use "${DEFAULT_QUEUE}"`);
