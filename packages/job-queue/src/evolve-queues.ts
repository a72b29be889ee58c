/** The fold of configurations, remembered ids and bulk operations. */
import type { EventOf } from "./events.ts";
import type { Job } from "./job.ts";
import type { Queue } from "./queue.ts";
import type { QueueState } from "./state.ts";
import { Statistics } from "./statistics.ts";

type QueuesEvent = EventOf<
  "IdsExpired" | "QueueConfigured" | "ConfigurationRefused" | "QueueSuspended" | "QueueResumed" | "OperationStarted" | "OperationAdvanced" | "OperationEnded"
>;

export function evolveQueues(state: QueueState, event: QueuesEvent, at: number): void {
  switch (event.type) {
    case "IdsExpired": return idsExpired(state, event);
    case "QueueConfigured": return configured(state, event, at);
    case "ConfigurationRefused": {
      const { type: _, ...refusal } = event;
      state.configuredUpTo = event.revision;
      state.refusals.set(event.queue, refusal);
      return;
    }
    case "QueueSuspended":
      state.queue(event.queue).suspendedSince = at;
      return state.dropBoard();
    case "QueueResumed":
      state.queue(event.queue).suspendedSince = undefined;
      return state.dropBoard();
    case "OperationStarted": {
      const { operation: number, kind, filter, upTo, principal } = event;
      state.next.operation = number + 1;
      state.operations.set(number, { number, kind, filter, upTo, principal, cursor: 0 });
      return;
    }
    case "OperationAdvanced": {
      const operation = state.operations.get(event.operation);
      if (operation !== undefined) operation.cursor = event.cursor;
      return;
    }
    case "OperationEnded":
      state.operations.delete(event.operation);
      return;
  }
}

function idsExpired(state: QueueState, event: EventOf<"IdsExpired">): void {
  const { rememberedIds } = state.queue(event.queue);
  for (let i = 0; i < event.count; i++) {
    const oldest = rememberedIds.shift();
    if (oldest !== undefined) state.rememberedIds.delete(oldest.id);
  }
}

function configured(state: QueueState, event: EventOf<"QueueConfigured">, at: number): void {
  const known = state.queues.get(event.queue);
  const { revision } = event;
  state.queuesChanged();
  if (revision !== undefined) state.configuredUpTo = revision;
  state.refusals.delete(event.queue);
  if (known === undefined) {
    const added = state.addQueue(event.queue, event.config, new Statistics(at));
    added.revision = revision;
    added.since = revision === undefined ? at : event.since;
    return;
  }
  const { lanesBy } = known;
  known.config = event.config;
  if (revision !== undefined) {
    known.revision = revision;
    known.since = event.since;
  }
  if (known.lanesBy !== lanesBy) relane(state, known);
}

/** Sorts the waiting jobs of a queue whose type or placement has changed. Looks at every job once: rare, and asked for by a person. */
function relane(state: QueueState, queue: Queue): void {
  const jobs: Job[] = [];
  for (const job of state.jobs.from(0)) {
    if (job.queue === queue && !job.isEnded) jobs.push(job);
  }
  queue.lanes.clear();
  fillLanes(queue, jobs);
}

/** Puts unfinished jobs, ascending by number, into empty lanes. */
export function fillLanes(queue: Queue, jobs: readonly Job[]): void {
  const waiting = queue.isOrdered ? jobs : jobs.filter((job) => job.isReady).sort((a, b) => a.order - b.order);
  for (const job of waiting) queue.lane(job).push(job);
}
