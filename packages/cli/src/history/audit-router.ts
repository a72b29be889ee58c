/** The audit of a router's history by itself; its round trips are judged with those of the other clusters (`round-trips.ts`). */
import { offloadRouter } from "@longshore/offload-router";
import type { AuditReport, PromiseId } from "@longshore/testkit/promises";
import { auditActor } from "./audit-actor.ts";
import type { HistorySource } from "./source.ts";

const OTHERS: readonly PromiseId[] = ["P1", "P2", "P3", "P4", "P5", "P6", "P10", "P11", "P13", "P14"];

export const auditRouter = (source: HistorySource, progress: (commits: number) => void): Promise<AuditReport> =>
  auditActor(source, offloadRouter(source.address), {
    judged: [],
    notJudged: [{ promise: "P12", reason: "judged over the histories of all clusters concerned, below" }, ...OTHERS.map((promise) => ({ promise, reason: "no actor of this history makes it" }))],
    begin: () => () => undefined,
  }, progress);
