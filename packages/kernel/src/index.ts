/** The kernel's public surface. */

export type { Actor, ActorAddress, Decision, Droppable, Emit, EventCodec, Malformed, Parsed, Reactions, RejectionShape, Role, Sender } from "./actor.ts";
export { accepted, rejected } from "./actor.ts";
export { sameBytes } from "./bytes.ts";
export { decodeTrusted, decodeUntrusted, encode, encodeCanonical, encodeJson, encodeShared, utf8, whyNotSerializable } from "./codec.ts";
export type { Commit, CommitHeader, InboxPosition } from "./commit.ts";
export { COMMIT_FORMAT, decodeCommit, sealCommit } from "./commit.ts";
export { Defect, Fault, invariant } from "./faults.ts";
export type { FollowerOptions, FollowerPorts } from "./follower.ts";
export { Follower } from "./follower.ts";
export type { EventListener } from "./history.ts";
export { History } from "./history.ts";
export { Host } from "./host.ts";
export type { Attendant, HostContext, HostOptions, HostPorts, StopReason } from "./host-options.ts";
export type { CommandSource, KernelEvent } from "./kernel-event.ts";
export { decodeKernelEvent, encodeKernelEvent, FIRST_ACTOR_CODE } from "./kernel-event.ts";
export type { KernelState, ParkedCommand } from "./kernel-state.ts";
export { addressKey, refusalOf } from "./kernel-state.ts";
export type { KernelLimits, OutboxLimits, ScanLimits } from "./limits.ts";
export { BLOB_YOUNG_MS, KERNEL_LIMITS, OUTBOX_LIMITS, SCAN_LIMITS } from "./limits.ts";
export type { Outbox } from "./outbox.ts";
export { acknowledge, owe } from "./outbox.ts";
export type {
  AppendAnswer, BlobCarrier, BlobCopy, BlobLook, BlobName, BlobPut, BlobRef, BlobRemoval, Blobs, BlobsFound, BlobWritten, ByteAnswer, ByteSource, CarryAnswer, CarryFailure, Clock, Hash, HighWater, HighWaterMarks, Inbox, InboxAnswer, InboxMessage, Journal, LastAnswer, PutAnswer, ReadAnswer, ServerTime,
  Snapshot, Snapshots, StoreAnswer, StoredCommit, Telemetry, Version, WantedAnswer, WantedConfiguration, WantedEntry, Wire, WireAnswer, WireMessage,
} from "./ports.ts";
export type { RetentionHorizon } from "./retention.ts";
export { Retention } from "./retention.ts";
export { scanMsgpack } from "./scan.ts";
export { scanJson } from "./scan-json.ts";
export type { RecordedOutcome } from "./sessions.ts";
export { whenFree } from "./standby.ts";
export type { StreamNames, Subjects } from "./subjects.ts";
export { clusterOf, GUEST_BLOBS, IMPORTED_BLOBS, isToken, ROLES, resultsAddress, senderOf, streamsOf, subjectsOf, token, topologyAddress, workAddress } from "./subjects.ts";
export { UlidSource, ulidOf } from "./ulid.ts";
export { ValueRun } from "./value-run.ts";
export { ValueWriter } from "./value-writer.ts";
export { WantedFollower } from "./wanted-follower.ts";
