/**
 * What may be asked of OffloadRouter, and the reasons it may refuse.
 *
 * A message to it is a map of verbs to items, in msgpack or JSON:
 *
 * | verb | roles | item |
 * |---|---|---|
 * | `handover` | actor (a queue of this cluster) | `{ shard, job, attempt, id, topic, cluster, input, inputs?, options? }` |
 * | `stop` | actor | `{ shard, job, attempt, reason, isGone? }` |
 * | `guestReport` | actor | `{ guest, report }` |
 * | `guestEnded` | actor | `{ guest, end, result?, outputs?, reason?, error? }` |
 * | `guestRefused` | actor | `{ guest, code, message, shard? }` |
 * | `offer` | peer (a router), to the worker | `{ trip, id, topic, input, blobs, options }` |
 * | `cancel` | peer, to the worker | `{ trip, reason }` |
 * | `release` | peer, to the worker | `{ trip }` |
 * | `answer` | peer, to the origin | `{ trip, code?, message? }`: accepted where no code stands |
 * | `report` | peer, to the origin | `{ trip, report }` |
 * | `return` | peer, to the origin | `{ trip, end or null, result, blobs, reason, error }` |
 * | `moved` | hello (the host itself) | `{ step, trip or guest, failure?: { kind, message } }` |
 * | `removed` | hello | `{ digests }` |
 * | `route`, `routeLost` | hello | `{ cluster, pools }`, `{ cluster }` |
 * | `own` | hello | `{ topics, shards }` |
 * | `drain`, `resume` | operate | `{ cluster }` |
 * | `reclaim` | operate | `{ trip, reason? }` |
 *
 * A peer is the cluster whose principal stands in the subject: what it says holds for trips to it and guests from it. Whatever
 * comes too late, or a second time, is "already so"; a late `return` is recorded, because its sender has a payload to let go.
 */
import type { EndState, Payload } from "@longshore/job-queue";
import type { CarriedOptions, FailureKind, MoveStep, NamedBlob, Report, RoutePool, TripOutcome } from "./vocabulary.ts";

export interface MoveFailure {
  readonly kind: FailureKind;
  readonly message: string;
}

export type OffloadCommand =
  | { readonly type: "HandOver"; readonly shard: string; readonly job: number; readonly attempt: number; readonly id: string; readonly topic: string; readonly cluster: string; readonly input: Payload; readonly blobs: readonly NamedBlob[]; readonly options: CarriedOptions }
  | { readonly type: "StopTrip"; readonly shard: string; readonly job: number; readonly attempt: number; readonly reason: string; readonly isGone: boolean }
  | { readonly type: "ReportGuest"; readonly guest: number; readonly report: Report }
  | { readonly type: "EndGuest"; readonly guest: number; readonly outcome: TripOutcome & { readonly end: EndState } }
  | { readonly type: "RefuseGuest"; readonly guest: number; readonly code: string; readonly message: string; readonly shard: string | undefined }
  | { readonly type: "Offer"; readonly origin: string; readonly trip: number; readonly id: string; readonly topic: string; readonly input: Payload; readonly blobs: readonly NamedBlob[]; readonly options: CarriedOptions }
  | { readonly type: "Cancel"; readonly origin: string; readonly trip: number; readonly reason: string }
  | { readonly type: "Release"; readonly origin: string; readonly trip: number }
  | { readonly type: "Answer"; readonly cluster: string; readonly trip: number; readonly refusal: { readonly code: string; readonly message: string } | undefined }
  | { readonly type: "Report"; readonly cluster: string; readonly trip: number; readonly report: Report }
  | { readonly type: "Return"; readonly cluster: string; readonly trip: number; readonly outcome: TripOutcome }
  /** `number`: of the trip for `stage` and `import`, of the guest for `fetch` and `collect`. */
  | { readonly type: "ReportMove"; readonly step: MoveStep; readonly number: number; readonly failure: MoveFailure | undefined }
  | { readonly type: "ReportRemoved"; readonly digests: readonly string[] }
  | { readonly type: "ChangeRoute"; readonly cluster: string; readonly pools: readonly RoutePool[] }
  | { readonly type: "LoseRoute"; readonly cluster: string }
  | { readonly type: "ChangeOwn"; readonly topics: readonly string[]; readonly shards: readonly string[] }
  | { readonly type: "DrainCluster"; readonly cluster: string; readonly isDrained: boolean; readonly by: string }
  | { readonly type: "Reclaim"; readonly trip: number; readonly reason: string };

export type OffloadRejection = {
  readonly code: "route/own-cluster" | "route/too-many" | "route/unknown" | "trip/unknown";
  readonly message: string;
};
