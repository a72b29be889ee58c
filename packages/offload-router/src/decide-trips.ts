/** The origin's side: what its queues hand over, and what other clusters say of it. */

import { accepted } from "@longshore/kernel";
import type { CommandOf, OffloadDecision, Setting } from "./decision.ts";
import { no, retryDelayMs } from "./decision.ts";
import type { OffloadEvent } from "./events.ts";
import { newsOf } from "./reports.ts";
import type { OffloadState, Trip } from "./state.ts";
import type { TripEnd } from "./vocabulary.ts";

type TripCommand = CommandOf<"HandOver" | "StopTrip" | "Answer" | "Report" | "Return" | "Reclaim" | "ReportMove">;

export function tripCommand(state: OffloadState, command: TripCommand, at: number, setting: Setting): OffloadDecision {
  switch (command.type) {
    case "HandOver": return handOver(state, command, setting);
    case "StopTrip": return stop(state, command);
    case "Answer": return answer(state, command);
    case "Report": return reported(state, command, at, setting);
    case "Return": return returned(state, command);
    case "ReportMove": return moved(state, command, at, setting);
    case "Reclaim": {
      const trip = state.trips.get(command.trip);
      if (trip === undefined) return no("trip/unknown", `trip ${command.trip} is not on its way: it has ended, or never began`);
      return accepted(endOf(trip, "reclaimed", command.reason));
    }
  }
}

export const endOf = ({ trip }: Trip, how: TripEnd, reason: string | null): OffloadEvent => ({ type: "TripEnded", trip, how, reason });

/** An attempt of a queue. Another one of the same job says that the one before is no more. */
function handOver(state: OffloadState, command: CommandOf<"HandOver">, { cluster: own, limits }: Setting): OffloadDecision {
  const { cluster, shard, job, attempt, id, topic, input, blobs, options } = command;
  const before = state.tripOf(shard, job);
  if (before !== undefined && before.attempt >= attempt) return accepted();
  const events: OffloadEvent[] = before === undefined ? [] : [endOf(before, "dropped", `attempt ${attempt} has taken its place`)];
  const reason = whyNot(state, cluster, own, limits.tripsMax);
  if (reason !== undefined) return accepted(...events, { type: "HandoverDeclined", cluster, shard, job, attempt, reason });
  const trip = state.nextTrip;
  events.push({ type: "TripStarted", trip, cluster, shard, job, attempt, id, topic, input, blobs, options });
  if (blobs.length === 0) events.push({ type: "TripDispatched", trip });
  return accepted(...events);
}

function whyNot(state: OffloadState, cluster: string, own: string, tripsMax: number): string | undefined {
  const route = state.routes.get(cluster);
  if (route === undefined || cluster === own) return `no other cluster "${cluster}" is known here`;
  if (route.isDrained) return `nothing new is sent to cluster "${cluster}": it is drained`;
  return state.trips.size >= tripsMax ? `${tripsMax} jobs are on their way, and no more are taken` : undefined;
}

/** What was not offered yet ends at once; otherwise the other cluster is asked, and waited for. A job that is gone waits for nobody. */
function stop(state: OffloadState, { shard, job, attempt, reason, isGone }: CommandOf<"StopTrip">): OffloadDecision {
  const trip = state.tripOf(shard, job);
  if (trip === undefined || trip.attempt !== attempt) return accepted();
  if (isGone) return accepted(endOf(trip, "dropped", reason));
  if (trip.stop !== null) return accepted();
  const requested: OffloadEvent = { type: "TripStopRequested", trip: trip.trip, reason };
  return trip.isDispatched ? accepted(requested) : accepted(requested, endOf(trip, "stopped", reason));
}

/** The trip a cluster speaks of, as long as it is waited for there. */
function awayIn(state: OffloadState, { cluster, trip: number }: { readonly cluster: string; readonly trip: number }): Trip | undefined {
  const trip = state.trips.get(number);
  return trip?.cluster === cluster && (trip.phase === "offered" || trip.phase === "accepted") ? trip : undefined;
}

function answer(state: OffloadState, command: CommandOf<"Answer">): OffloadDecision {
  const trip = awayIn(state, command);
  if (trip === undefined || trip.phase !== "offered") return accepted();
  if (command.refusal === undefined) return accepted({ type: "TripAccepted", trip: trip.trip });
  const { code, message } = command.refusal;
  return accepted({ type: "TripRefused", trip: trip.trip, code, message }, endOf(trip, "refused", `${code}: ${message}`));
}

/** Said again, it is recorded now and then: so that the job is known to have been heard of. */
function reported(state: OffloadState, command: CommandOf<"Report">, at: number, { limits }: Setting): OffloadDecision {
  const trip = awayIn(state, command);
  if (trip === undefined) return accepted();
  const report = newsOf(trip.report, command.report);
  return report === undefined && at - trip.heardAt < limits.heardEveryMs ? accepted() : accepted({ type: "TripReported", trip: trip.trip, report: report ?? {} });
}

/** The first return of a trip that is waited for counts; of one that is over it is refused, and its sender let go. */
function returned(state: OffloadState, command: CommandOf<"Return">): OffloadDecision {
  const { cluster, trip: number, outcome } = command;
  const trip = awayIn(state, command);
  if (trip !== undefined) {
    const event: OffloadEvent = { type: "TripReturned", trip: number, outcome };
    if (outcome.end === null) return accepted(event, endOf(trip, "refused", outcome.reason));
    return outcome.blobs.length > 0 ? accepted(event) : accepted(event, endOf(trip, "returned", outcome.reason));
  }
  const known = state.trips.get(number) ?? state.ended.get(number);
  const isRepeat = known?.cluster === cluster && known.outcome !== null;
  return isRepeat ? accepted() : accepted({ type: "LateReturnRefused", cluster, trip: number, end: outcome.end });
}

/** Whoever moves bytes has staged all inputs, or imported all outputs, or could not. */
function moved(state: OffloadState, { step, number, failure }: CommandOf<"ReportMove">, at: number, { limits }: Setting): OffloadDecision {
  const trip = state.trips.get(number);
  if (trip === undefined || trip.phase !== (step === "stage" ? "staging" : "importing")) return accepted();
  if (failure === undefined) {
    return step === "stage"
      ? accepted({ type: "InputStaged", trip: number }, { type: "TripDispatched", trip: number })
      : accepted({ type: "OutputImported", trip: number }, endOf(trip, "returned", trip.outcome?.reason ?? null));
  }
  const { kind, message } = failure;
  const failures = (trip.trouble?.failures ?? 0) + 1;
  const troubled: OffloadEvent = { type: "TripTroubled", trip: number, step, kind, message, failures, retryAt: at + retryDelayMs(limits, failures) };
  // While nobody can say, the bytes may yet come; a cluster that stays silent is given up as a whole.
  if (kind === "unreachable" || failures < limits.triesMax) return accepted(troubled);
  return accepted(troubled, endOf(trip, "failed", `offload/${step === "stage" ? "input" : "output"}-${kind}: ${message}`));
}
