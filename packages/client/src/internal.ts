/** The client's machines, for the command line, the simulation and tests. No promise is made in them, and their surface may change. */

export type { ClientSetup } from "./client.ts";
export { Client } from "./client.ts";
export { over } from "./connect.ts";
export type { AbortCause, AttemptEnd, AttemptKeeper, ErrorForm, PayloadForm } from "./internal/attempt.ts";
export { Attempt } from "./internal/attempt.ts";
export { sourceOf } from "./internal/byte-sources.ts";
export { Epochs } from "./internal/epochs.ts";
export { HostTime } from "./internal/host-time.ts";
export type { ClientLimits, WorkerLimits } from "./internal/limits.ts";
export { CLIENT_LIMITS, WORKER_LIMITS } from "./internal/limits.ts";
export { Line } from "./internal/line.ts";
export type { Decoded, Encoded, PayloadTrouble, Put } from "./internal/payloads.ts";
export { decode, Payloads } from "./internal/payloads.ts";
export type { Pool, PoolSpec } from "./internal/pool.ts";
export type { ActorPlace, ClientPorts } from "./internal/ports.ts";
export type { QueryAnswer } from "./internal/query.ts";
export { Query } from "./internal/query.ts";
export type { JobEnd, ResultSink } from "./internal/result-waiter.ts";
export { ResultWaiter } from "./internal/result-waiter.ts";
export type { Asked, Place } from "./internal/session.ts";
export { Session } from "./internal/session.ts";
export type { Settled } from "./internal/session-answer.ts";
export type { WorkerHandlers, WorkerIdentity } from "./internal/worker-loop.ts";
export { WorkerLoop } from "./internal/worker-loop.ts";
export { Longshore } from "./longshore.ts";
export type { ServerState } from "./state-file.ts";
export { readServerState, serverStateFile, serverStateIn, stateDirectory } from "./state-file.ts";
