/** Longshore for programs: define, add, work, follow, query. */

export type { Instance, TopicRow, TopicState, TopologyCluster, TopologyEvent, TopologyHandler, TopologyView } from "@longshore/discovery-agent";
export type { EndState, ErrorInfo, JobFilter, JobState, OffloadPolicy, OffloadWhen, Placement, QueueConfig, QueueStatistics, QueueView, Scalar, WaitReason, WhyView } from "@longshore/job-queue";
export type { BacklogRow, GuestView, RouteView, TripDetail, TripView } from "@longshore/offload-router";
export type { AuditReport, Violation } from "@longshore/testkit/promises";
export type { AddAllOptions } from "./add-all.ts";
export { AddAllFailed } from "./add-all.ts";
export type { Configured } from "./configure.ts";
export type { ConnectOptions } from "./connect.ts";
export { connect } from "./connect.ts";
export type { JobContext } from "./context.ts";
export type { Handler, Job, JobDefinition, Queue } from "./define.ts";
export { defineJob, defineQueue, isJob } from "./define.ts";
export {
  AttemptAborted, Cancel, InvalidInput, InvalidOption, JobFailed, LongshoreError, NotAvailableYet, OutcomeUnknown, PayloadError, Rejected, ResultGone,
  RetryLater, Snooze, Unavailable,
} from "./errors.ts";
export type { Events, FollowFilter } from "./events.ts";
export type { FileSource } from "./files.ts";
export type { AddOutcome, CallOptions, JobHandle } from "./handle.ts";
export type { Histories, HistoryCommit, PastState, ReadOptions } from "./history.ts";
export type { JobFile } from "./job-file.ts";
export type { JobInfo } from "./job-info.ts";
export type { Bulk, BulkOptions, FindOptions, Jobs, JobsFound } from "./jobs.ts";
export type { AddArguments, Longshore } from "./longshore.ts";
export type { DrainOptions, ListGuestsOptions, ListTripsOptions, Offload } from "./offload.ts";
export type { TravelEvent } from "./offload-history.ts";
export type { AddOptions, JobDefaults } from "./options.ts";
export type { Outputs } from "./outputs.ts";
export type { Properties, PropertiesChange, SetPropertiesOptions } from "./properties.ts";
export type { Queues, Statistics } from "./queues.ts";
export type { Schema } from "./schema.ts";
export type { TimelineEvent } from "./timeline.ts";
export type { TopicChange, Topics } from "./topics.ts";
export type { Topologies } from "./topology.ts";
export type { CloseOptions, Worker, WorkOptions } from "./work.ts";
