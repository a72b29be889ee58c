import type { GuestView, RouteView, TravelEvent, TripDetail } from "longshore";
import { expect, test } from "vitest";
import { clustersTable, guestsTable, tripFields, tripSentences, tripsTable } from "./offload.ts";
import { paintOf } from "./paint.ts";

const SCREEN = { isTerminal: false, isColored: false, columns: 200 };
const NOW = 100_000;
const BLOB = { name: "photo.jpg", principal: "ann", digest: "d", bytes: 2_048 };

const trip: TripDetail = {
  trip: 7, cluster: "west", shard: "main", job: 3, id: "main.j3", topic: "media/thumbnail", attempt: 1, phase: "accepted", startedAt: NOW - 9_000, heardAgoMs: 4_000,
  report: { state: "active", attempt: 2, failures: 1, instance: "w1\u001b[2J", error: { name: "E", message: "broke" }, progress: [0.5, "half"] },
  trouble: null, stop: null, how: null, reason: null, endedAt: null, inputs: [BLOB], outputs: [],
};
const lines = (text: string): readonly string[] => text.trimEnd().split("\n").map((line) => line.replace(/ {2,}/g, "  ").trim());

test("OFF-ORG-01 OFF-ORG-05 a list says where each job is, how old that word is, and what somebody else wrote does nothing to the screen", () => {
  expect(lines(tripsTable([trip], NOW, SCREEN))[1]).toBe("7  main.j3  media/thumbnail  west  1  runs there on w1\\x1b[2J  9 s ago  4 s ago  50 % half");
  const ended = { ...trip, phase: "ended", how: "reclaimed", reason: "slow" } as const;
  expect(lines(tripsTable([ended], NOW, SCREEN))[1]).toBe("7  main.j3  media/thumbnail  west  1  reclaimed  9 s ago  slow");
});

test("OFF-ORG-05 OFF-ORG-08 OFF-TRN-30 one trip says attempt, instance, progress, last error, and the transport's trouble with its age and its next try", () => {
  const trouble = { step: "import", kind: "unreachable", message: "no answer", failures: 4, at: NOW - 3_000, retryAt: NOW + 8_000 } as const;
  const text = lines(tripFields({ ...trip, trouble, stop: "not needed" }, NOW, SCREEN));
  for (const line of ["cluster  west, heard 4 s ago", "there  attempt 2 on w1\\x1b[2J, 1 failed", "last error  E: broke", "stop  asked for: not needed", "inputs  photo.jpg (2.0 KiB)"]) expect(text).toContain(line);
  expect(text).toContain("transport  its outputs cannot be fetched (unreachable): no answer; 4 tries, the last 3 s ago, the next in 8 s");
});

test("what happened on a trip reads as sentences", () => {
  const said = (event: object): string => tripSentences({ trip: 7, at: NOW, commit: 1, ...event } as TravelEvent, paintOf(SCREEN)).join(" | ");
  expect(said({ type: "TripStarted", cluster: "west", attempt: 1, blobs: [BLOB] })).toBe("attempt 1 given to cluster west with 1 input (2.0 KiB)");
  expect(said({ type: "TripReported", report: { state: "active", attempt: 1, instance: "w1", progress: [0.5, null], log: ["a line"] } })).toBe("attempt 1 runs there on w1 | │ 50 % | │ a line");
  expect(said({ type: "TripReturned", outcome: { end: "succeeded", blobs: [BLOB, BLOB], reason: null, error: null } })).toBe("came back: succeeded with 2 outputs (4.0 KiB)");
  expect(said({ type: "TripEnded", how: "returned", reason: null })).toBe("ended: returned");
  expect(said({ type: "LateReturnRefused", cluster: "west", end: "succeeded" })).toBe("a late return (succeeded) was refused: it changes nothing");
});

test("OFF-ADM-05 OFF-ADM-08 clusters say whether they are open or drained, and what is there by topic and instance", () => {
  const route: RouteView = {
    cluster: "west", pools: [{ topics: ["media/*"], slots: 4, labels: {} }], heardAgoMs: 500, isDrained: true, staging: 0, away: 1, oldestMs: 9_000, isEmpty: false,
    backlog: [{ topic: "media/thumbnail", instance: "w1", leaving: 0, waiting: 0, running: 1, returning: 0, oldestMs: 9_000 }],
  };
  const text = lines(clustersTable([route, { ...route, cluster: "east", away: 0, isEmpty: true, backlog: [] }, { ...route, cluster: "north", isDrained: false, pools: [] }], SCREEN));
  expect(text[1]).toBe("west  draining  4  0  1  9.00 s  just now  media/*");
  expect(text[2]).toContain("east  drained, and empty");
  expect(text[3]).toContain("north  takes nothing now");
  expect(text).toContain("west  media/thumbnail  w1  0  0  1  0  9.00 s");
});

test("guests say whose they are and where", () => {
  const guest: GuestView = { guest: 1, origin: "home", trip: 7, id: "main.j3", topic: "t", phase: "submitted", acceptedAt: NOW - 2_000, report: { state: "active", instance: "w1" }, trouble: null };
  expect(lines(guestsTable([guest], NOW, SCREEN))[1]).toBe("1  home  main.j3  7  t  runs on w1  2 s ago");
});
