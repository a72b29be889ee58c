/** What the origin hears of a trip, records and shows. */
import { describe, expect, it } from "vitest";
import type { TripDetail } from "./queries.ts";
import { accepted, back, blob, QUEUE, types, world } from "./testing/origin.ts";

describe("what the origin shows", () => {
  it("OFF-ORG-01 OFF-ORG-05 OFF-ORG-08 OFF-TRN-30 where it is, which attempt, the last error, the transport's trouble, and how old that is", () => {
    const host = accepted();
    host.peer("report", { trip: 1, report: { state: "active", attempt: 2, failures: 1, instance: "w1" } });
    host.peer("report", { trip: 1, report: { error: { name: "E", message: "broke" }, trouble: "fetch: slow" } });
    host.at += 3_000;
    expect(host.ask<TripDetail>("trip", { id: "main.j7" })).toMatchObject({
      trip: 1, cluster: "far", phase: "accepted", heardAgoMs: 3_000, report: { state: "active", attempt: 2, failures: 1, instance: "w1", error: { message: "broke" }, trouble: "fetch: slow" },
    });
    expect(host.owed(QUEUE).map(([verb, item]) => [verb, (item as unknown[])[2]])).toEqual([
      ["log", ["attempt 2 runs in cluster far"]], ["log", ["attempt failed in cluster far: E: broke", "transport to cluster far: fetch: slow"]],
    ]);
  });

  it("OFF-ORG-05 said again it is no news: recorded once a minute, and written into the job's log once for each attempt; a trouble that is over is gone", () => {
    const host = accepted();
    const says = (report: object): readonly string[] => types(host.peer("report", { trip: 1, report: { state: "active", attempt: 1, failures: 0, instance: "w1", trouble: null, ...report } }));
    expect(says({ trouble: "fetch: slow" })).toEqual(["TripReported"]);
    expect(says({ trouble: "fetch: slow" })).toEqual([]);
    host.at += 60_000;
    expect(says({ trouble: "fetch: slow" })).toEqual(["TripReported"]);
    expect(host.all("TripReported").at(-1)!.report).toEqual({});
    expect(says({})).toEqual(["TripReported"]);
    expect(host.state.trip(1).report).toEqual({ state: "active", attempt: 1, failures: 0, instance: "w1" });
    expect(says({ attempt: 3, failures: 2 })).toEqual(["TripReported"]);
    expect(host.owed(QUEUE).map(([verb, item]) => [verb, (item as unknown[])[2]])).toEqual([
      ["log", ["attempt 1 runs in cluster far", "transport to cluster far: fetch: slow"]], ["log", ["attempt 3 runs in cluster far"]],
    ]);
  });

  it("OFF-RUN-06 what may be left out while the queue is away: of a job's progress the newest is kept", () => {
    const host = accepted();
    host.peer("report", { trip: 1, report: { state: "active", attempt: 1, progress: [0.5, "half"] } });
    host.peer("report", { trip: 1, report: { log: ["line"] } });
    host.peer("return", { trip: 1, ...back() });
    expect(host.sent.filter(({ to }) => to === QUEUE).map(({ verb, how }) => [verb, how])).toEqual([
      ["progress", { mayDrop: true, levelOf: "progress of job 7" }], ["log", { mayDrop: true }], ["log", { mayDrop: true }], ["outcome", undefined],
    ]);
  });

  it("OFF-RUN-06 progress and log there are told to the job here", () => {
    const host = accepted();
    host.peer("report", { trip: 1, report: { progress: [0.5, "half"], log: ["line"] } });
    expect(host.owed(QUEUE)).toEqual([["progress", [7, 1, 0.5, "half"]], ["log", [7, 1, ["line"]]]]);
  });

  it("OFF-ADM-05 OFF-ORG-07 what is on its way per cluster, since when, and what that takes", () => {
    const host = accepted();
    host.at += 500;
    host.handOver(8, { inputs: [blob("x", "a")] });
    expect(host.ask("routes")).toMatchObject([{ cluster: "far", staging: 1, away: 1, oldestMs: 500, pools: [{ topics: ["media/*"] }] }]);
    expect(host.ask("trips", { cluster: "far" })).toHaveLength(2);
    expect(host.ask("trips", { cluster: "off" })).toEqual([]);
  });

  it("OFF-ADM-05 of each topic and instance how many leave, wait, run and return there, the oldest first", () => {
    const host = accepted();
    host.handOver(8);
    host.peer("answer", { trip: 2 });
    host.peer("report", { trip: 2, report: { state: "queued" } });
    host.at += 500;
    for (const trip of [3, 4]) {
      host.handOver(trip + 6);
      host.peer("answer", { trip });
      host.peer("report", { trip, report: { state: "active", instance: "w1" } });
    }
    host.peer("return", { trip: 4, ...back({ blobs: [blob("out.jpg", "d")] }) });
    host.at += 100;
    const row = { topic: "media/thumbnail", leaving: 0, waiting: 0, running: 0, returning: 0 };
    expect(host.ask("routes")).toMatchObject([{ backlog: [
      { ...row, instance: null, leaving: 1, waiting: 1, oldestMs: 600 }, { ...row, instance: "w1", running: 1, returning: 1, oldestMs: 100 },
    ] }]);
  });

  it("a job's trip is the one it is on, or else its last, with what travels and what came back", () => {
    const host = world();
    host.handOver(7, { inputs: [blob("x", "a")] });
    host.moved("stage", 1);
    host.send("reclaim", { trip: 1 }, "operate", "ann");
    host.at += 10;
    expect(host.ask("trip", { id: "main.j7" })).toMatchObject({ trip: 1, how: "reclaimed", reason: "reclaimed by ann", endedAt: host.at - 10 });
    host.handOver(7, { attempt: 2, inputs: [blob("x", "a")] });
    expect(host.ask("trip", { id: "main.j7" })).toMatchObject({ trip: 2, endedAt: null, inputs: [blob("x", "a")], outputs: [] });
    expect(host.ask("trip", { id: "main.j8" })).toBeNull();
  });
});
