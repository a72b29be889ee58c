/** Promise checkers: pure over histories and operation logs, for `longshore audit`, the simulation and the chaos tests. */

export type { AuditOptions } from "./audit.ts";
export { Audit, audit } from "./audit.ts";
export { ChainCheck } from "./chain.ts";
export { DeliveryCheck } from "./delivery.ts";
export { LifeCheck } from "./life.ts";
export type { LinkEnds } from "./links.ts";
export { checkLink } from "./links.ts";
export type { ClientEntry, Logs, ResultEntry, WorkerEntry } from "./logs.ts";
export { checkReplay } from "./replay.ts";
export type { AuditReport, Position, PromiseId, Violation } from "./report.ts";
export { Findings } from "./report.ts";
