/** Longshore for programs: define, add, work, follow, query. */
export { AddAllFailed } from "./add-all.ts";
export type { AddAllOptions } from "./add-all.ts";
export { connect } from "./connect.ts";
export type { ConnectOptions } from "./connect.ts";
export type { JobContext } from "./context.ts";
export { defineJob, defineQueue, isJob } from "./define.ts";
export type { Handler, Job, JobDefinition, Queue } from "./define.ts";
export {
  AttemptAborted, Cancel, InvalidInput, InvalidOption, JobFailed, LongshoreError, NotAvailableYet, OutcomeUnknown, PayloadError, Rejected, ResultGone,
  RetryLater, Snooze, Unavailable,
} from "./errors.ts";
export type { AddOutcome, CallOptions, JobHandle } from "./handle.ts";
export type { Longshore } from "./longshore.ts";
export type { AddOptions, JobDefaults } from "./options.ts";
export type { Schema } from "./schema.ts";
export type { CloseOptions, Worker, WorkOptions } from "./work.ts";
export type { EndState, ErrorInfo, JobFilter, JobState, QueueConfig, QueueStatistics, QueueView, Scalar, WaitReason, WhyView } from "@longshore/job-queue";
