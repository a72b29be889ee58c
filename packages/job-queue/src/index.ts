/** JobQueue's public surface. */

export type { PayloadSweepOptions, PayloadSweepTimings } from "./attendants/payload-sweep.ts";
export { payloadSweep } from "./attendants/payload-sweep.ts";
export { presence } from "./attendants/presence.ts";
export { ranks } from "./attendants/ranks.ts";
export { results } from "./attendants/results.ts";
export type { Departed, Roster } from "./attendants/roster.ts";
export { wanted } from "./attendants/wanted.ts";
export type { JobQueueCommand, JobQueueRejection, OperationAnswer, Outcome, SubmitAnswer } from "./commands.ts";
export { whyInvalid } from "./decide-queues.ts";
export type {
  AcceptedOptions, EventOf, FailureKind, JobQueueEvent, JobQueueEventType, OperationKind, PayloadWire, ReleaseKind,
} from "./events.ts";
export { EVENT_CODES, payloadFromWire, payloadToWire } from "./events.ts";
export type { EndedFilter, IndexedJob } from "./history-index.ts";
export { HistoryIndex } from "./history-index.ts";
export type { Job } from "./job.ts";
export type { JobQueueActor, JobQueueOptions } from "./job-queue.ts";
export { jobQueue } from "./job-queue.ts";
export type { JobQueueLimits } from "./limits.ts";
export { DEFAULT_QUEUE, DEFAULT_RETRIES, DEFAULT_RETRY_DELAY_MS, HANDOVER_MS, INPUT_LIMITS, JOB_QUEUE_LIMITS } from "./limits.ts";
export { jobById, jobByNumber, memberByNumber, memberOf, namesShard, runItem, runningOf } from "./lookups.ts";
export type { Member } from "./members.ts";
export { readOffloadPolicy } from "./parse-config.ts";
export type { MemberName, Names, PublicEvent } from "./public-event.ts";
export { publicEvent } from "./public-event.ts";
export type { RankedQueue } from "./routing.ts";
export { DEFAULT_SHARD, inRankingOrder, partitionOf, queueTaking, shardFor, shardsOf } from "./routing.ts";
export type { QueueState } from "./state.ts";
export { mergeStatistics } from "./statistics.ts";
export { isQueuePattern, isTopic, isWorkerPattern, queueMatches, queuePatternMatches, workerPatternMatches, workerPatternsOf } from "./topics.ts";
export type {
  AbortReason, BlobRef, ConfigurationRefusal, ConfiguredView, EndState, ErrorInfo, InstanceView, JobFilter, JobOptions, JobState, JobView, NamedBlob, NamedBlobWire, OffloadPolicy, OffloadWhen, Payload, Placement, QueueConfig, QueueStatistics,
  QueueType, QueueView, ResultItem, RunOptions, Scalar, WaitReason, WhyView, WorkerPool,
} from "./vocabulary.ts";
export { ABORT, END_STATES, HANDED_BACK, namedBlobFromWire, namedBlobToWire, OUTCOME, PLACEMENTS, RUN, TAKEN_AWAY } from "./vocabulary.ts";
export type { WantedQueue } from "./wanted.ts";
export { FORMER_MAX, queueOfWantedKey, readWantedQueue, wantedKeyOf, writeWantedQueue } from "./wanted.ts";
