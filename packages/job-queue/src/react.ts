/** What follows outside from an event: a worker is told to run an attempt, or to let go of one. Nothing else. */

import type { Reactions } from "@longshore/kernel";
import { workAddress } from "@longshore/kernel";
import type { JobQueueEvent } from "./events.ts";
import { runItem } from "./lookups.ts";
import type { QueueState } from "./state.ts";
import type { AbortReason } from "./vocabulary.ts";
import { ABORT, TAKEN_AWAY } from "./vocabulary.ts";

export function react(state: QueueState, event: JobQueueEvent, reactions: Reactions, shard: string): void {
  switch (event.type) {
    case "AttemptStarted": {
      if (reactions.isUnheard === true) return; // What a worker is told is large: its input.
      const job = state.job(event.job);
      const { principal, instance } = state.member(event.member);
      reactions.tell(workAddress(principal, instance, shard), runItem(state, job, shard));
      return;
    }
    case "JobStopRequested":
      return abort(state, event.job, "stop", reactions, shard);
    case "AttemptFailed":
      if (event.kind === "timed-out") abort(state, event.job, "timeout", reactions, shard);
      if (event.kind === "lost") abort(state, event.job, "superseded", reactions, shard);
      return;
    case "JobEnded":
      if (event.reason === TAKEN_AWAY.overdue) return abort(state, event.job, "timeout", reactions, shard);
      if (event.state === "dropped" || event.reason === TAKEN_AWAY.lost) return abortIfItRan(state, event.job, reactions, shard);
      return;
    case "JobAccepted": case "AttemptReleased": case "AttemptExtended": case "JobProgressed": case "JobLogged": case "JobPropertySet":
    case "JobRemoved": case "JobsDue": case "EndedExpired": case "IdsExpired": case "QueueConfigured": case "ConfigurationRefused": case "QueueSuspended": case "QueueResumed":
    case "InstanceJoined": case "TopicsChanged": case "InstanceDraining": case "InstanceLeft": case "InstancesRanked":
    case "OperationStarted": case "OperationAdvanced": case "OperationEnded":
      return;
  }
}

function abortIfItRan(state: QueueState, number: number, reactions: Reactions, shard: string): void {
  if (state.job(number).startedAt !== undefined) abort(state, number, "superseded", reactions, shard);
}

/** The instance that ran it last may be gone; then nobody listens, and nothing is lost. */
function abort(state: QueueState, number: number, reason: AbortReason, reactions: Reactions, shard: string): void {
  const { instance, attempt } = state.job(number);
  const principal = instance === undefined ? undefined : state.instances.get(instance)?.principal;
  if (instance !== undefined && principal !== undefined) reactions.tell(workAddress(principal, instance, shard), [ABORT, number, attempt, reason]);
}
