/**
 * What follows outside from an event: messages to queues of this cluster and to routers of others. All of them are owed, none
 * is told: each comes once, in order, however long its receiver is away.
 *
 * To a queue: `route` (what a cluster takes), `outcome`, `progress`, `log` of the attempt it handed over; `guest`,
 * `stopGuest` and `handBack` of a guest's job. To another router: `offer`, `cancel`, `release`; `answer`, `report`, `return`.
 *
 * What is owed to a receiver that is away for hours has a bound. `report`, `progress`, `log` and `handBack` may be left out (`Droppable`): of each
 * job the newest report, progress and error follow. Everything else is counted by something that waits for its answer:
 *
 * | to | messages | at most |
 * |---|---|---|
 * | router | `offer`, `cancel` or `release` | two for each of `tripsMax` trips; `release` of a late return answers a message |
 * | router | `answer`, `return` | two for each of `guestsMax` guests: one that has returned counts until it is released; a refusal answers a message |
 * | queue | `outcome` | one for each attempt handed over: slots of the routes |
 * | queue | `guest`, `stopGuest` | two for each of `guestsMax` guests, and one more when its queue lives elsewhere |
 * | queue | `route` | one for each change of the topology |
 *
 * A trip that ends while its cluster is away (stopped, dropped, reclaimed) leaves its two messages behind. Nothing new goes there: what is not
 * heard of takes nothing, so no other trip begins.
 */
import type { NamedBlobWire } from "@longshore/job-queue";
import { namedBlobToWire, OUTCOME, INPUT_LIMITS as QUEUE_LIMITS } from "@longshore/job-queue";
import type { ActorAddress, Droppable, Reactions } from "@longshore/kernel";
import type { OffloadEvent } from "./events.ts";
import type { OffloadLimits } from "./limits.ts";
import { INPUT_LIMITS } from "./limits.ts";
import { blobMovedTo, movedTo, payloadToWire } from "./payload-wire.ts";
import type { Guest, OffloadState, Trip } from "./state.ts";
import type { NamedBlob, Report } from "./vocabulary.ts";
import { GUEST_BLOBS, IMPORTED_BLOBS, INPUT_BLOB, OFFLOAD_ACTOR, OFFLOAD_KIND, RESULT_BLOB } from "./vocabulary.ts";

/** Property of a guest's job: its id in the cluster it comes from. */
const HOME = "offload.job";

type ToRouter = (cluster: string, verb: string, item: unknown, how?: Droppable) => void;

export interface Place {
  readonly cluster: string;
  readonly limits: OffloadLimits;
}

export function react(state: OffloadState, event: OffloadEvent, reactions: Reactions, place: Place): void {
  const { cluster: own } = place;
  const queue = (shard: string): ActorAddress => ({ cluster: own, kind: "job-queue", actor: shard });
  const far: ToRouter = (cluster, verb, item, how) => reactions.send({ cluster, kind: OFFLOAD_KIND, actor: OFFLOAD_ACTOR }, [verb, item], how);
  switch (event.type) {
    case "HandoverDeclined":
      return reactions.send(queue(event.shard), ["outcome", [event.job, event.attempt, OUTCOME.snoozed, place.limits.refusedDelayMs]]);
    case "TripDispatched": {
      const { cluster, trip, id, topic, input, blobs, options } = state.trip(event.trip);
      return far(cluster, "offer", { trip, id, topic, input: payloadToWire(input), blobs, options });
    }
    case "TripReported": {
      const trip = state.trip(event.trip);
      return reported(trip, event.report, (message, how) => reactions.send(queue(trip.shard), message, how));
    }
    case "TripStopRequested": {
      const { cluster, trip, isDispatched } = state.trip(event.trip);
      if (isDispatched) far(cluster, "cancel", { trip, reason: event.reason });
      return;
    }
    case "TripEnded": {
      const trip = state.ended.get(event.trip);
      if (trip !== undefined) ended(trip, place, (message) => reactions.send(queue(trip.shard), message), far);
      return;
    }
    case "LateReturnRefused": return far(event.cluster, "release", { trip: event.trip });
    case "GuestAccepted": return far(event.origin, "answer", { trip: event.trip });
    case "OfferRefused": return far(event.origin, "answer", { trip: event.trip, code: event.code, message: event.message });
    case "InputVerified": case "GuestMoved": {
      const guest = state.guest(event.guest);
      return reactions.send(queue(guest.shard), ["guest", submission(guest)]);
    }
    case "GuestTroubled": return tellStanding(state.guest(event.guest), far);
    case "GuestReported": return tellOrigin(state.guest(event.guest), event.report, far);
    case "GuestStopRequested": {
      const guest = state.guest(event.guest);
      if (guest.phase === "submitted") reactions.send(queue(guest.shard), ["stopGuest", { id: idInQueue(guest), reason: event.reason }]);
      return;
    }
    case "GuestUnserved": {
      const guest = state.guest(event.guest);
      return reactions.send(queue(guest.shard), ["handBack", { guest: guest.guest, id: idInQueue(guest) }], { mayDrop: true, levelOf: `hand back ${guest.guest}` });
    }
    case "GuestReturned": {
      const { origin, trip } = state.guest(event.guest);
      const { result, blobs, ...rest } = event.outcome;
      return far(origin, "return", { trip, ...rest, blobs: blobs.map((blob) => blobMovedTo(GUEST_BLOBS, blob)), result: result === null ? null : payloadToWire(movedTo(GUEST_BLOBS, result)) });
    }
    case "RouteChanged": case "RouteLost": case "ClusterDrained": case "ClusterResumed":
      for (const shard of state.shards) announce(state, event.cluster, (message) => reactions.send(queue(shard), message));
      return;
    case "OwnChanged":
      for (const shard of state.shards) for (const cluster of state.routes.keys()) announce(state, cluster, (message) => reactions.send(queue(shard), message));
      return;
    case "TripStarted": case "InputStaged": case "TripAccepted": case "TripRefused": case "TripTroubled": case "TripReturned": case "OutputImported":
    case "GuestEnded": case "OutputStaged": case "GuestReleased": case "PayloadReleased": case "PayloadRemoved": case "RouteHeard":
      return;
  }
}

/** How a guest stands, as a whole. */
function tellStanding({ origin, trip, report, trouble }: Guest, far: ToRouter): void {
  const { error: _, ...levels } = report;
  far(origin, "report", { trip, report: { ...levels, trouble: trouble === null ? null : `${trouble.step}: ${trouble.message}` } }, { mayDrop: true, levelOf: `trip ${trip}` });
}

/** Its last error, with its stack, is large, and rarely new: it goes by itself. */
function tellOrigin(guest: Guest, { error, log, ...levels }: Report, far: ToRouter): void {
  const { origin, trip } = guest;
  if (Object.keys(levels).length > 0) tellStanding(guest, far);
  if (error !== undefined) far(origin, "report", { trip, report: { error } }, { mayDrop: true, levelOf: `error of trip ${trip}` });
  if (log !== undefined) far(origin, "report", { trip, report: { log } }, { mayDrop: true });
}

/** For each job that runs there one more may be on its way, so that its workers wait for a job only, and not for the link. A queue takes no word of more slots than its bound. */
const AHEAD = 2;

/** A queue knows another cluster as an instance that takes its topics: it claims for it as for any other. */
function announce(state: OffloadState, cluster: string, toQueue: (message: readonly [string, unknown]) => void): void {
  const { pools, isDrained } = state.routes.get(cluster)!;
  toQueue(["route", { cluster, pools: isDrained ? [] : pools.map((pool) => ({ ...pool, slots: Math.min(pool.slots * AHEAD, QUEUE_LIMITS.slotsMax) })) }]);
}

/** Progress and log are the attempt's own, so that a job shows them wherever it runs. `news`: what has changed of how the job stands. */
function reported({ job, attempt, cluster, report }: Trip, news: Report, toQueue: (message: readonly [string, unknown], how: Droppable) => void): void {
  const { state, attempt: tries, progress, log, trouble, error } = news;
  if (progress !== undefined) toQueue(["progress", [job, attempt, ...progress]], { mayDrop: true, levelOf: `progress of job ${job}` });
  if (log !== undefined) toQueue(["log", [job, attempt, log]], { mayDrop: true });
  const isStarted = report.state === "active" && report.attempt !== undefined && (state !== undefined || tries !== undefined);
  const lines = [
    ...(isStarted ? [`attempt ${report.attempt} runs in cluster ${cluster}`] : []),
    ...(error === undefined ? [] : [`attempt failed in cluster ${cluster}: ${error.name}: ${error.message}`]),
    ...(trouble === undefined || trouble === null ? [] : [`transport to cluster ${cluster}: ${trouble}`]),
  ];
  if (lines.length > 0) toQueue(["log", [job, attempt, lines]], { mayDrop: true });
}

function ended(trip: Trip, { limits }: Place, toQueue: (message: readonly [string, unknown]) => void, far: ToRouter): void {
  const { job, attempt, outcome, reason, cluster } = trip;
  switch (trip.how) {
    case "returned": {
      const result = outcome?.result ?? null;
      const outputs = jobsOwn(outcome?.blobs ?? [], IMPORTED_BLOBS);
      const ended = [job, attempt, OUTCOME.ended, outcome?.end ?? "error", result === null ? null : payloadToWire(movedTo(IMPORTED_BLOBS, result)), reason, outcome?.error ?? null];
      toQueue(["outcome", outputs.length === 0 ? ended : [...ended, outputs]]);
      break;
    }
    case "failed": case "stopped":
      toQueue(["outcome", [job, attempt, OUTCOME.ended, trip.how === "failed" ? "error" : "stopped", null, reason, null]]);
      break;
    case "refused": case "handed-back": case "reclaimed":
      toQueue(["outcome", [job, attempt, OUTCOME.snoozed, trip.how === "refused" ? limits.refusedDelayMs : 0]]);
      break;
    default: break;
  }
  if (!trip.isDispatched) return;
  // Whoever has returned an outcome waits to be let go; whoever has refused has nothing; everybody else is called back.
  if (outcome !== null) far(cluster, "release", { trip: trip.trip });
  else if (trip.how !== "refused" && trip.stop === null) far(cluster, "cancel", { trip: trip.trip, reason: reason ?? "its origin gave it up" });
}

/** What a queue of this cluster is told of blobs that were brought here: not of that of the input or the result, which it knows as such. */
const jobsOwn = (blobs: readonly NamedBlob[], principal: string): readonly NamedBlobWire[] =>
  blobs.filter(({ name }) => name !== INPUT_BLOB && name !== RESULT_BLOB).map((blob) => namedBlobToWire(blobMovedTo(principal, blob)));

/** Says whose job it is, and is never given twice. */
const guestId = ({ origin, trip }: Guest): string => `${origin}-${trip}`;

const idInQueue = (guest: Guest): string => `${guest.shard}.${guest.topic.replaceAll("/", "~")}.${guestId(guest)}`;

/** What the job names lies here, and whoever works on it may read what it is called at home. */
function submission(guest: Guest): unknown {
  const { topic, input, options, id, blobs } = guest;
  const inputs = jobsOwn(blobs, GUEST_BLOBS);
  const properties = options.properties ?? {};
  const isFull = Object.keys(properties).length >= INPUT_LIMITS.propertiesMax;
  return { guest: guest.guest, origin: guest.origin, id: guestId(guest), topic, input: payloadToWire(movedTo(GUEST_BLOBS, input)), ...(inputs.length === 0 ? {} : { inputs }), options: isFull ? options : { ...options, properties: { ...properties, [HOME]: id } } };
}
