/** P12 over the histories of two clusters, as far as they are at hand. */
import type { JobQueueEvent } from "@longshore/job-queue";
import { encode, type StoredCommit } from "@longshore/kernel";
import { OFFLOAD_KIND, type OffloadEvent, offloadRouter } from "@longshore/offload-router";
import { expect, it } from "vitest";
import { commitsWith, ended, sourceOf } from "./fake-source.ts";
import { actorOf } from "./fold.ts";
import { auditRoundTrips, type ClusterSources, clustersIn } from "./round-trips.ts";
import type { HistorySource } from "./source.ts";

const blob = (digest: string) => ({ name: "x", principal: "p", digest: digest.repeat(64), bytes: 1 });
const travel = { id: "main.j1", topic: "t", input: encode({ n: 1 }), blobs: [blob("a")], options: {} };
const outcome = { end: "succeeded", result: encode("done"), blobs: [blob("b")], reason: null, error: null } as const;
const OUT: readonly (readonly OffloadEvent[])[] = [
  [{ type: "TripStarted", trip: 1, cluster: "far", shard: "main", job: 1, attempt: 1, ...travel }, { type: "InputStaged", trip: 1 }, { type: "TripDispatched", trip: 1 }],
  [{ type: "TripAccepted", trip: 1 }, { type: "TripReturned", trip: 1, outcome }],
  [{ type: "OutputImported", trip: 1 }, { type: "TripEnded", trip: 1, how: "returned", reason: null }],
];
const guests = (end: "succeeded" | "error"): readonly (readonly OffloadEvent[])[] => [
  [{ type: "GuestAccepted", guest: 1, origin: "home", trip: 1, ...travel }, { type: "InputVerified", guest: 1 }],
  [{ type: "GuestEnded", guest: 1, outcome: { ...outcome, end } }, { type: "OutputStaged", guest: 1 }, { type: "GuestReturned", guest: 1, outcome: { ...outcome, end } }],
];
const QUEUE: readonly JobQueueEvent[] = [
  { type: "InstanceJoined", member: 1, instance: "@far", incarnation: "route", principal: "(offload-router)", processors: 1, pools: [] },
  { type: "AttemptStarted", job: 1, attempt: 1, member: 1, pool: 0 }, { type: "AttemptStarted", job: 2, attempt: 1, member: 2, pool: 0 },
  ended(2), { ...ended(1), state: "succeeded" } as JobQueueEvent,
];

const router = (cluster: string, ...groups: readonly (readonly OffloadEvent[])[]): HistorySource =>
  sourceOf(commitsWith(offloadRouter({ cluster }).events, ...groups), { cluster, kind: OFFLOAD_KIND, actor: "main" });
const queue = (cluster: string, events: readonly JobQueueEvent[]): HistorySource => {
  const address = { cluster, kind: "job-queue", actor: "main" };
  return sourceOf(commitsWith(actorOf(address).events, events), address);
};
const of = (cluster: string, ...sources: readonly HistorySource[]): ClusterSources => ({ cluster, sources, isLive: true });

it("P12 without a router's history there is nothing to judge; with both sides at hand the round trips hold", async () => {
  expect(await auditRoundTrips([of("home", queue("home", QUEUE))])).toBeUndefined();
  const both = [of("home", router("home", ...OUT), queue("home", QUEUE)), of("far", router("far", ...guests("succeeded")))];
  expect(await auditRoundTrips(both)).toMatchObject({ violationCount: 0, judged: ["P12"], notJudged: [], trips: 1, guests: 1 });
  expect(await clustersIn(both)).toEqual(["far", "home"]);
});

it("P12 another outcome than was sent is a violation, with the commit and event that shows it", async () => {
  const report = await auditRoundTrips([of("home", router("home", ...OUT), queue("home", QUEUE)), of("far", router("far", ...guests("error")))]);
  expect(report).toMatchObject({ violationCount: 1, violations: [{ promise: "P12", position: { commit: 3, version: 3, event: 1 }, text: "home: trip 1 returns with another outcome than guest 1 of far has sent" }] });
});

it("P12 without the other side says what it could not judge, and still judges what it has", async () => {
  const alone = await auditRoundTrips([of("home", router("home", ...OUT), queue("home", QUEUE))]);
  expect(alone).toMatchObject({ violationCount: 0, notJudged: [{ promise: "P12", reason: expect.stringContaining("cluster far had a part in it, and its histories are not here: --with") }] });
  const shown = [OUT[0]!, OUT[1]!, [{ type: "TripEnded", trip: 1, how: "returned", reason: null }] as const];
  expect((await auditRoundTrips([of("home", router("home", ...shown))]))?.violations).toMatchObject([{ position: { commit: 4, event: 0 }, text: "home: trip 1 shows its outcome before its outputs are imported" }]);
});

it("P12 files that were written one after the other are judged as far as both go; what grows while it is read is read on", async () => {
  const [early, late] = [router("home", ...OUT.slice(0, 1)), router("far", ...guests("succeeded"))];
  const files = [{ ...of("home", early), isLive: false }, { ...of("far", late, queue("far", [])), isLive: false }];
  expect(await auditRoundTrips(files)).toMatchObject({ violationCount: 0 });
  const cut = [{ ...of("home", router("home", ...OUT), queue("home", QUEUE)), isLive: false }, { ...of("far", router("far", guests("succeeded")[0]!)), isLive: false }];
  expect(await auditRoundTrips(cut)).toMatchObject({ violationCount: 0, notJudged: [{ reason: expect.stringContaining("1 fact may be newer") }] });
  // The second look at `home` has the trip that `far` speaks of.
  const [all, first] = [router("home", ...OUT), router("home")];
  let looks = 0;
  const growing: HistorySource = { ...all, read: (onCommit: (commit: StoredCommit) => void) => (looks++ === 0 ? first : all).read(onCommit) };
  expect(await auditRoundTrips([of("home", growing), of("far", late)])).toMatchObject({ violationCount: 0, trips: 1, guests: 1 });
});

it("P12 purged commits are named, and nothing is blamed for them", async () => {
  const commits = commitsWith(offloadRouter({ cluster: "home" }).events, ...OUT).slice(2);
  const report = await auditRoundTrips([of("home", sourceOf(commits, { cluster: "home", kind: OFFLOAD_KIND, actor: "main" }))]);
  expect(report).toMatchObject({ violationCount: 0, notJudged: [{ reason: expect.stringContaining("were purged") }] });
});
