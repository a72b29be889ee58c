/**
 * Everything that can happen to jobs on their way to other clusters and back, each a recorded fact on its own side.
 *
 *   origin                                         worker
 *   TripStarted ─▶ InputStaged ─▶ TripDispatched ═▶ GuestAccepted ─▶ InputVerified ─▶ (its queue: attempts)
 *                                  TripAccepted ◀═╝        GuestReported  ◀─────────────╜       │
 *                                  TripReported ◀══════════╝                                    ▼
 *   TripEnded ◀─ OutputImported ◀─ TripReturned ◀══ GuestReturned ◀─ OutputStaged ◀─ GuestEnded
 *       ╚══════════════════════════════════════════▶ GuestReleased ─▶ PayloadReleased ─▶ PayloadRemoved
 *
 * Codes and field order are the wire form: a field is only ever added at the end, a changed meaning is a new code.
 * What is absent is null.
 */
import type { Payload } from "@longshore/job-queue";
import type { CarriedOptions, FailureKind, MoveStep, NamedBlob, Report, RoutePool, TripEnd, TripOutcome } from "./vocabulary.ts";

export type OffloadEvent =
  /** A queue has handed an attempt of a job over. Trips are numbered from 1 on. */
  | { readonly type: "TripStarted"; readonly trip: number; readonly cluster: string; readonly shard: string; readonly job: number; readonly attempt: number; readonly id: string; readonly topic: string; readonly input: Payload; readonly blobs: readonly NamedBlob[]; readonly options: CarriedOptions }
  /** It was not taken: the queue may give it to somebody else. */
  | { readonly type: "HandoverDeclined"; readonly cluster: string; readonly shard: string; readonly job: number; readonly attempt: number; readonly reason: string }
  /** Every input is there, to be read by the other cluster. */
  | { readonly type: "InputStaged"; readonly trip: number }
  | { readonly type: "TripDispatched"; readonly trip: number }
  | { readonly type: "TripAccepted"; readonly trip: number }
  | { readonly type: "TripRefused"; readonly trip: number; readonly code: string; readonly message: string }
  | { readonly type: "TripReported"; readonly trip: number; readonly report: Report }
  | { readonly type: "TripTroubled"; readonly trip: number; readonly step: MoveStep; readonly kind: FailureKind; readonly message: string; readonly failures: number; readonly retryAt: number }
  | { readonly type: "TripStopRequested"; readonly trip: number; readonly reason: string }
  | { readonly type: "TripReturned"; readonly trip: number; readonly outcome: TripOutcome }
  /** Every output is in this cluster, and is what its digest says. */
  | { readonly type: "OutputImported"; readonly trip: number }
  /** The one end of a trip, and what its queue is told. */
  | { readonly type: "TripEnded"; readonly trip: number; readonly how: TripEnd; readonly reason: string | null }
  /** An outcome of a trip that is over: it changes nothing. */
  | { readonly type: "LateReturnRefused"; readonly cluster: string; readonly trip: number; readonly end: string | null }

  | { readonly type: "GuestAccepted"; readonly guest: number; readonly origin: string; readonly trip: number; readonly id: string; readonly topic: string; readonly input: Payload; readonly blobs: readonly NamedBlob[]; readonly options: CarriedOptions }
  | { readonly type: "OfferRefused"; readonly origin: string; readonly trip: number; readonly code: string; readonly message: string }
  | { readonly type: "GuestTroubled"; readonly guest: number; readonly step: MoveStep; readonly kind: FailureKind; readonly message: string; readonly failures: number; readonly retryAt: number }
  /** Every input is in this cluster, and is what its digest says: its job may be added. */
  | { readonly type: "InputVerified"; readonly guest: number }
  /** Its queue lives in another shard: its job is added there. */
  | { readonly type: "GuestMoved"; readonly guest: number; readonly shard: string }
  | { readonly type: "GuestReported"; readonly guest: number; readonly report: Report }
  /** Nobody here has worked on its topic for so long, and no attempt of it is known to run: its queue is asked to give it back. */
  | { readonly type: "GuestUnserved"; readonly guest: number }
  | { readonly type: "GuestStopRequested"; readonly guest: number; readonly reason: string }
  | { readonly type: "GuestEnded"; readonly guest: number; readonly outcome: TripOutcome }
  /** Every output is there, to be read by the origin. */
  | { readonly type: "OutputStaged"; readonly guest: number }
  /** The outcome is on its way home; it may differ from how it ended where an output is missing. */
  | { readonly type: "GuestReturned"; readonly guest: number; readonly outcome: TripOutcome }
  /** The origin needs nothing of it any more. */
  | { readonly type: "GuestReleased"; readonly guest: number; readonly removeAt: number }
  /** The guest is forgotten; of its blobs these are needed by nobody else. */
  | { readonly type: "PayloadReleased"; readonly guest: number; readonly digests: readonly string[] }
  | { readonly type: "PayloadRemoved"; readonly digests: readonly string[] }

  /** What another cluster takes now. */
  | { readonly type: "RouteChanged"; readonly cluster: string; readonly pools: readonly RoutePool[] }
  | { readonly type: "RouteHeard"; readonly cluster: string }
  | { readonly type: "RouteLost"; readonly cluster: string }
  /** Topics this cluster works on for others, and the shards of its queues. */
  | { readonly type: "OwnChanged"; readonly topics: readonly string[]; readonly shards: readonly string[] }
  /** Nothing new is sent to it; what is there ends there. */
  | { readonly type: "ClusterDrained"; readonly cluster: string; readonly by: string }
  | { readonly type: "ClusterResumed"; readonly cluster: string; readonly by: string };

export type OffloadEventType = OffloadEvent["type"];
export type EventOf<Type extends OffloadEventType> = Extract<OffloadEvent, { type: Type }>;

export const EVENT_CODES: Readonly<Record<OffloadEventType, number>> = {
  TripStarted: 16, HandoverDeclined: 17, InputStaged: 18, TripDispatched: 19, TripAccepted: 20, TripRefused: 21, TripReported: 22, TripTroubled: 23,
  TripStopRequested: 24, TripReturned: 25, OutputImported: 26, TripEnded: 27, LateReturnRefused: 28,
  GuestAccepted: 29, OfferRefused: 30, GuestTroubled: 31, InputVerified: 32, GuestMoved: 33, GuestReported: 34, GuestStopRequested: 35, GuestEnded: 36,
  OutputStaged: 37, GuestReturned: 38, GuestReleased: 39, PayloadReleased: 40, PayloadRemoved: 41,
  RouteChanged: 42, RouteHeard: 43, RouteLost: 44, OwnChanged: 45, ClusterDrained: 46, ClusterResumed: 47, GuestUnserved: 48,
};
