/**
 * Questions and their answers. Nothing here changes the state.
 *
 * | ask | with | answer |
 * |---|---|---|
 * | `job` | `id` | `JobView` with payloads, or null |
 * | `find` | `filter?`, `limit?`, `after?`, `payloads?` | `{ jobs: JobView[], next: cursor or null }` |
 * | `why` | `id` | `WhyView`, or null |
 * | `queues`, `queue` | `queue` for the second | `QueueView[]`; `QueueView` or null |
 * | `configured` | | `ConfiguredView`: how far the wanted configuration is applied |
 * | `statistics` | | `{ all, topics: { <topic>: … }, payloadBytes, ended }` |
 * | `instances` | | `InstanceView[]` |
 * | `operations` | | bulk work that goes on |
 * | `named` | `blobs`: `[principal, digest]` of up to 1,000 | of each, whether a job names that payload |
 */
import { Fault } from "@longshore/kernel";
import type { Fields } from "@longshore/kernel/reading";
import { boolean, integer, list, map, optional, text, Unreadable } from "@longshore/kernel/reading";
import type { Setting } from "./decider.ts";
import { findJobs } from "./find.ts";
import type { Job } from "./job.ts";
import { jobFilter, localId } from "./parse-operate.ts";
import type { QueueState } from "./state.ts";
import { Statistics } from "./statistics.ts";
import { jobView, queueView } from "./views.ts";
import type { ConfiguredView, QueueStatistics } from "./vocabulary.ts";
import { why } from "./why.ts";

/** @throws {Fault} `query/unknown`, `query/malformed` */
export function query(state: QueueState, question: Fields, setting: Setting, at: number): unknown {
  try {
    return answer(state, question, setting, at);
  } catch (problem) {
    if (problem instanceof Unreadable) throw new Fault("query/malformed", problem.message, { retry: "never", cause: problem });
    throw problem;
  }
}

function answer(state: QueueState, question: Fields, setting: Setting, at: number): unknown {
  switch (question["ask"]) {
    case "job": return withJob(state, question, setting, (job) => jobView(state, job, { shard: setting.shard, at, payloads: true }));
    case "why": return withJob(state, question, setting, (job) => why(state, job, setting.shard, at));
    case "find": return find(state, question, setting, at);
    case "queues": return [...state.queues.values()].map(queueView);
    case "queue": {
      const queue = state.queues.get(text("queue", question["queue"], 100));
      return queue === undefined ? null : queueView(queue);
    }
    case "configured": return { upTo: state.configuredUpTo, refused: [...state.refusals.values()] } satisfies ConfiguredView;
    case "statistics": return statistics(state);
    case "instances":
      return [...state.members.values()].filter((member) => member.leftBecause === undefined).map((member) => member.view());
    case "operations":
      return [...state.operations.values()].map(({ number, kind, filter, upTo, cursor, principal }) => ({ operation: number, kind, filter, upTo, cursor, principal }));
    case "named": return named(state, question["blobs"]);
    default:
      throw new Fault("query/unknown", `a job queue answers job, find, why, queues, queue, configured, statistics, instances, operations and named, not "${String(question["ask"])}"`, { retry: "never" });
  }
}

const NAMED_MAX = 1_000;

function named(state: QueueState, blobs: unknown): readonly boolean[] {
  return list("blobs", blobs, NAMED_MAX).map((blob) => {
    const [principal, digest] = list("blobs", blob, 2);
    return state.jobs.payloads.names({ principal: text("principal", principal, 128), digest: text("digest", digest, 64) });
  });
}

function withJob<T>(state: QueueState, question: Fields, { shard }: Setting, use: (job: Job) => T): T | null {
  const job = state.jobs.withId(localId(question["id"], shard));
  return job === undefined ? null : use(job);
}

function find(state: QueueState, question: Fields, { shard, limits }: Setting, at: number): unknown {
  const filter = jobFilter(optional(question["filter"], (value) => map("filter", value)) ?? {});
  const page = {
    limit: optional(question["limit"], (value) => integer("limit", value, -1, Number.MAX_SAFE_INTEGER)) ?? 0,
    after: optional(question["after"], (value) => text("after", value, 100)),
  };
  const payloads = optional(question["payloads"], (value) => boolean("payloads", value)) ?? false;
  const { jobs, next } = findJobs(state, filter, page, limits, at);
  return { jobs: jobs.map((job) => jobView(state, job, { shard, at, payloads })), next: next ?? null };
}

function statistics(state: QueueState): unknown {
  const queues = [...state.queues.values()];
  const all = new Statistics(Math.min(...queues.map((queue) => queue.statistics.view().since)));
  for (const queue of queues) all.add(queue.statistics);
  const topics: Record<string, Omit<QueueStatistics, "queued" | "active" | "since">> = {};
  for (const [topic, counted] of state.topics) {
    const { queued: _, active: __, since: ___, ...view } = counted.view();
    topics[topic] = view;
  }
  return { all: all.view(), topics, payloadBytes: state.jobs.payloads.bytes, ended: state.ended.size };
}
