/** What follows outside from an event: a worker is told to run an attempt, or to let go of one; and the router, of what is elsewhere or from there. */
import type { Reactions } from "@longshore/kernel";
import { workAddress } from "@longshore/kernel";
import type { EventOf, JobQueueEvent } from "./events.ts";
import { runItem } from "./lookups.ts";
import type { Place } from "./react-router.ts";
import { callBack, handOver, tellOrigin, toRouter } from "./react-router.ts";
import type { QueueState } from "./state.ts";
import type { AbortReason } from "./vocabulary.ts";
import { ABORT, TAKEN_AWAY } from "./vocabulary.ts";

export function react(state: QueueState, event: JobQueueEvent, reactions: Reactions, place: Place): void {
  const { shard } = place;
  if (state.guests.size > 0 || event.type === "SubmitRefused") tellOrigin(state, event, toRouter(reactions, place));
  switch (event.type) {
    case "AttemptStarted": {
      const { isRoute, principal, instance } = state.member(event.member);
      // What is owed to the router is owed whoever listens: it is part of the history's outbox.
      if (isRoute) return handOver(state.job(event.job), instance, place, toRouter(reactions, place));
      if (reactions.isUnheard === true) return; // What a worker is told is large: its input.
      reactions.tell(workAddress(principal, instance, shard), runItem(state, state.job(event.job), shard));
      return;
    }
    case "JobStopRequested":
      if (routeOf(state, event.job)) return callBack(state.job(event.job), event.reason, false, place, toRouter(reactions, place));
      return abort(state, event.job, "stop", reactions, shard);
    case "AttemptFailed":
      if (event.kind === "timed-out") abort(state, event.job, "timeout", reactions, shard);
      if (event.kind === "lost") abort(state, event.job, "superseded", reactions, shard);
      return;
    case "JobEnded":
      return jobEnded(state, event, reactions, place);
    case "JobAccepted": case "SubmitRefused": case "AttemptReleased": case "AttemptExtended": case "JobProgressed": case "JobLogged": case "JobPropertySet":
    case "JobRemoved": case "JobsDue": case "EndedExpired": case "IdsExpired": case "QueueConfigured": case "ConfigurationRefused": case "QueueSuspended": case "QueueResumed":
    case "InstanceJoined": case "TopicsChanged": case "InstanceDraining": case "InstanceLeft": case "InstancesRanked":
    case "OperationStarted": case "OperationAdvanced": case "OperationEnded":
      return;
  }
}

function jobEnded(state: QueueState, { job, state: end, reason }: EventOf<"JobEnded">, reactions: Reactions, place: Place): void {
  if (end === "dropped" && routeOf(state, job)) callBack(state.job(job), "removed", true, place, toRouter(reactions, place));
  else if (reason === TAKEN_AWAY.overdue) abort(state, job, "timeout", reactions, place.shard);
  else if (end === "dropped" || reason === TAKEN_AWAY.lost) abortIfItRan(state, job, reactions, place.shard);
}

/** Its attempt is in another cluster, or was when it ended. */
function routeOf(state: QueueState, number: number): boolean {
  const job = state.job(number);
  return job.startedAt !== undefined && state.members.get(job.member)?.isRoute === true;
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
