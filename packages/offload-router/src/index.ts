/** OffloadRouter's public surface. */

export type { MoverOptions } from "./attendants/mover.ts";
export { mover } from "./attendants/mover.ts";
export type { Outlook, OutlookSource } from "./attendants/outlook.ts";
export type { RoutesOptions } from "./attendants/routes.ts";
export { routes } from "./attendants/routes.ts";
export type { OffloadCommand, OffloadRejection } from "./commands.ts";
export type { OffloadEvent, OffloadEventType } from "./events.ts";
export { EVENT_CODES } from "./events.ts";
export type { OffloadLimits } from "./limits.ts";
export { OFFLOAD_LIMITS } from "./limits.ts";
export type { OffloadRouterActor, OffloadRouterOptions } from "./offload-router.ts";
export { offloadRouter } from "./offload-router.ts";
export type { BacklogRow, GuestView, RouteView, TripDetail, TripView } from "./queries.ts";
export { ReadRights } from "./read-rights.ts";
export type { ClusterHistory, RoundTripReport } from "./round-trip-check.ts";
export { brokenRoundTrips, judgeRoundTrips } from "./round-trip-check.ts";
export type { OffloadState } from "./state.ts";
export type {
  CarriedOptions, FailureKind, GuestPhase, MoveStep, NamedBlob, Report, RoutePool, Standing, TripEnd, TripOutcome, TripPhase, Trouble,
} from "./vocabulary.ts";
export { GUEST_BLOBS, IMPORTED_BLOBS, OFFLOAD_ACTOR, OFFLOAD_KIND } from "./vocabulary.ts";
export type { Move } from "./work.ts";
