/** The audit of a topology's history: P11 as far as commits can show it, and what holds of every history. */
import { type DiscoveryState, discoveryAgent, TopologyCheck } from "@longshore/discovery-agent";
import type { AuditReport, PromiseId } from "@longshore/testkit/promises";
import { auditActor } from "./audit-actor.ts";
import type { HistorySource } from "./source.ts";

/** What of P11 is said to listeners, and stands in no journal. */
const BEYOND = "in part: that each listener was told CHANGING before CHANGED, and the same views (INV-3, 4, 5 and 7), only its own log can show";
const OTHERS: readonly PromiseId[] = ["P1", "P2", "P3", "P4", "P5", "P6", "P10", "P12", "P13", "P14"];

export const auditTopology = (source: HistorySource, progress: (commits: number) => void): Promise<AuditReport> =>
  auditActor(source, discoveryAgent(source.address), {
    judged: ["P11"],
    notJudged: [{ promise: "P11", reason: BEYOND }, ...OTHERS.map((promise) => ({ promise, reason: "no actor of this history makes it" }))],
    begin(findings, horizon) {
      const topology = horizon === undefined ? new TopologyCheck() : TopologyCheck.from(horizon as DiscoveryState);
      const { violations } = topology;
      let known = 0;
      return (event) => {
        topology.event(event);
        for (; known < violations.length; known++) {
          const { invariant, text } = violations[known]!;
          findings.add("P11", `${invariant}: ${text}`);
        }
      };
    },
  }, progress);
