/**
 * JobQueue: owns the life of every job of its queues, from accepted to its one end.
 *
 * Listens to: submit, outcome, progress, log, property, extend, stop, retry, remove, stopAll, retryAll, removeAll,
 *             configure, suspend, resume; from its host: join, topics, drain, leave (`commands.ts`).
 * Promises:   P2 one end per job, P3 one live attempt, P4 superseded outcomes change nothing, P5 order, P6 limits,
 *             P8 the same events give the same state.
 * Not here:   who is alive (the host, later DiscoveryAgent), other clusters (OffloadRouter), order of steps (WorkflowRunner).
 */
import type { Actor } from "@longshore/kernel";
import type { JobQueueCommand, JobQueueRejection } from "./commands.ts";
import type { Setting } from "./decider.ts";
import { decide } from "./decider.ts";
import { eventCodec } from "./event-codec.ts";
import type { JobQueueEvent } from "./events.ts";
import { evolve } from "./evolve.ts";
import type { JobQueueLimits } from "./limits.ts";
import { JOB_QUEUE_LIMITS } from "./limits.ts";
import { parse } from "./parse.ts";
import { nameOfSubmit } from "./parse-submit.ts";
import { query } from "./queries.ts";
import { react } from "./react.ts";
import { due, settle } from "./settle.ts";
import { restore, snapshot } from "./snapshot.ts";
import { QueueState } from "./state.ts";

export interface JobQueueOptions {
  readonly cluster: string;
  /** Name of the actor; it stands in front of the ids of its jobs. */
  readonly shard: string;
  readonly limits?: Partial<JobQueueLimits>;
}

export type JobQueueActor = Actor<QueueState, JobQueueCommand, JobQueueEvent, JobQueueRejection>;

const SCHEMA = 4;

export function jobQueue({ cluster, shard, limits: given }: JobQueueOptions): JobQueueActor {
  const limits: JobQueueLimits = { ...JOB_QUEUE_LIMITS, ...given };
  const setting: Setting = { cluster, shard, limits };
  return {
    kind: "job-queue",
    schema: SCHEMA,
    events: eventCodec,
    initial: () => QueueState.initial(),
    decide: (state, command, at) => decide(state, command, at, setting),
    settle: (state, at, emit) => settle(state, at, emit, limits),
    evolve,
    react: (state, event, reactions) => react(state, event, reactions, { cluster, shard }),
    due: (state) => due(state, limits),
    parse: (verb, item, sender, fallbackId) => parse(verb, item, sender, fallbackId, shard),
    nameOf: (verb, item) => (verb === "submit" ? nameOfSubmit(item) : undefined),
    query: (state, question, _sender, at) => query(state, question, setting, at),
    snapshot,
    restore,
  };
}
