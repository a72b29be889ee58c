/** Alerts: jobs that are stuck on their way to another cluster, and jobs that nobody anywhere takes. */
import type { JobView } from "@longshore/job-queue";
import type { Connection, Finding } from "@longshore/nats";
import type { TripView } from "longshore";
import type { HistoryAddress } from "./history/address.ts";
import { askHost } from "./host-query.ts";
import { agoText, troubleWord, whereText } from "./render/offload.ts";
import { harmless } from "./render/paint.ts";
import { plural } from "./render/quantities.ts";

/** A step of the transport that has not been done for so long is stuck; what runs there may run for days. */
const STUCK_MS = 120_000;
const TRIES_MANY = 3;
const LOOKED_AT_MAX = 1_000;

/** Empty where this user may not ask the router. */
export async function tripsFinding(connection: Connection, address: HistoryAddress): Promise<readonly Finding[]> {
  const answer = await askHost(connection, address, { ask: "trips", limit: LOOKED_AT_MAX });
  return answer.kind === "answer" && Array.isArray(answer.answer) ? [findingOfTrips(answer.answer as readonly TripView[])] : [];
}

export function findingOfTrips(trips: readonly TripView[]): Finding {
  const check = "jobs in other clusters";
  const stuck = trips.filter(isStuck);
  const [first] = stuck;
  if (first === undefined) return { check, ok: true, found: trips.length === 0 ? "none" : `${plural(trips.length, "job")}, none stuck on the way`, remedy: "" };
  const why = first.trouble === null ? `${whereText(first)}, heard ${agoText(first.heardAgoMs)}` : troubleWord(first.trouble);
  return {
    check, ok: false, found: `${plural(stuck.length, "job")} stuck on the way, the first: ${harmless(first.id)} to ${first.cluster}: ${why}`,
    remedy: `\`longshore offload show ${first.trip}\` says more; look at the link and the other cluster, or take it back: \`longshore offload reclaim ${first.trip}\``,
  };
}

function isStuck({ phase, trouble, heardAgoMs, report }: TripView): boolean {
  if (trouble !== null) return trouble.failures >= TRIES_MANY;
  return (phase !== "accepted" || typeof report.trouble === "string") && heardAgoMs > STUCK_MS;
}

/** Empty where there are none. */
export async function untakenFinding(connection: Connection, address: HistoryAddress): Promise<readonly Finding[]> {
  const answer = await askHost(connection, address, { ask: "find", filter: { state: "queued", where: [{ "job.waits": "no-capable-instance" }] }, limit: LOOKED_AT_MAX });
  if (answer.kind !== "answer") return [];
  const { jobs } = answer.answer as { readonly jobs: readonly Pick<JobView, "id" | "topic">[] };
  const [first] = jobs;
  if (first === undefined) return [];
  const topics = [...new Set(jobs.map(({ topic }) => topic))];
  return [{
    check: "jobs nobody takes", ok: "unknown", found: `${plural(jobs.length, "job")} of ${topics.slice(0, 5).join(", ")}${topics.length > 5 ? " …" : ""}`,
    remedy: `start a worker for them, here or in another cluster; \`longshore why ${harmless(first.id)}\` names who was asked, \`longshore jobs --where job.waits=no-capable-instance\` lists them`,
  }];
}
