import { INPUT_LIMITS, OUTCOME } from "@longshore/job-queue";
import { describe, expect, it } from "vitest";
import { digestOf, INPUT, MiniHost } from "./testing/mini-host.ts";
import { accepted, back, blob, QUEUE, RESULT, types, world } from "./testing/origin.ts";

const FAR = "far.offload-router.main";
describe("the way out", () => {
  it("OFF-CFG-10 a cluster with very many slots is told to a queue within what that takes", () => {
    const host = world();
    host.route("far", { pools: [{ topics: ["a"], slots: INPUT_LIMITS.slotsMax - 1 }] });
    expect(host.owed(QUEUE)).toMatchObject([["route", { pools: [{ slots: INPUT_LIMITS.slotsMax }] }]]);
  });

  it("OFF-TRN-01 OFF-TRN-05 OFF-RET-03 without payload only the job travels, and its outcome comes home: every step is an event", () => {
    const host = world();
    expect(types(host.handOver(7))).toEqual(["TripStarted", "TripDispatched"]);
    expect(host.owed(FAR)).toEqual([["offer", { trip: 1, id: "main.j7", topic: "media/thumbnail", input: INPUT, blobs: [], options: {} }]]);
    expect(types(host.peer("answer", { trip: 1 }))).toEqual(["TripAccepted"]);
    expect(types(host.peer("return", { trip: 1, ...back({ reason: "fine" }) }))).toEqual(["TripReturned", "TripEnded"]);
    expect(host.owed(QUEUE)).toEqual([["outcome", [7, 1, OUTCOME.ended, "succeeded", RESULT, "fine", null]]]);
    expect(host.owed(FAR).slice(1)).toEqual([["release", { trip: 1 }]]);
  });

  it("OFF-TRN-02 OFF-TRN-03 OFF-TRN-12 nothing is sent before all inputs are staged; a large input is one of them", () => {
    const host = world();
    host.handOver(7, { input: ["ann", digestOf("a"), 300_000], inputs: [blob("photo.jpg", "b")] });
    expect(host.owed(FAR)).toEqual([]);
    expect(host.work()).toEqual(["stage 1"]);
    expect(host.state.trip(1).blobs.map(({ name }) => name)).toEqual([".input", "photo.jpg"]);
    expect(types(host.moved("stage", 1))).toEqual(["InputStaged", "TripDispatched"]);
    expect(types(host.moved("stage", 1))).toEqual([]);
    expect(host.owed(FAR)).toHaveLength(1);
  });

  it.each([["../x"], ["a/b"], ["a\\b"], [".."], [""]])("OFF-TRN-04 OFF-TRN-06 a payload name is never a path: %j is refused, and so is one that is there twice", (name) => {
    const host = world();
    expect(host.handOver(7, { inputs: [blob(name, "a")] })).toMatchObject({ malformed: { field: "blobs.name" } });
    expect(host.handOver(7, { inputs: [blob("x", "a"), blob("x", "b")] })).toMatchObject({ malformed: { field: "blobs.name" } });
  });

  it("OFF-TRN-08 OFF-TRN-09 an input that is missing is tried again, more and more slowly, and then an error of the job: nothing was sent", () => {
    const host = world({ triesMax: 3 });
    host.handOver(7, { inputs: [blob("x", "a")] });
    const missing = { kind: "missing", message: "x is not in the store" };
    expect(types(host.moved("stage", 1, missing))).toEqual(["TripTroubled"]);
    expect(host.work()).toEqual([]);
    host.at += 1_000;
    host.moved("stage", 1, missing);
    expect(host.state.trip(1).trouble).toMatchObject({ failures: 2, retryAt: host.at + 2_000 });
    expect(types(host.moved("stage", 1, missing))).toEqual(["TripTroubled", "TripEnded"]);
    expect(host.owed(QUEUE)).toEqual([["outcome", [7, 1, OUTCOME.ended, "error", null, "offload/input-missing: x is not in the store", null]]]);
    expect(host.owed(FAR)).toEqual([]);
  });

  it("OFF-TRN-16 OFF-TRN-19 a store that nobody can reach is asked for as long as it takes", () => {
    const host = world({ triesMax: 3 });
    host.handOver(7, { inputs: [blob("x", "a")] });
    for (let i = 0; i < 20; i++) host.moved("stage", 1, { kind: "unreachable", message: "no answer" });
    expect(host.state.trip(1)).toMatchObject({ phase: "staging", trouble: { failures: 20, retryAt: host.at + 60_000 } });
    expect(types(host.moved("stage", 1))).toEqual(["InputStaged", "TripDispatched"]);
  });

  it("OFF-TRN-21 the same attempt twice is one trip; another attempt of its job takes the place of the one before", () => {
    const host = accepted();
    expect(types(host.handOver(7))).toEqual([]);
    expect(types(host.handOver(7, { attempt: 2 }))).toEqual(["TripEnded", "TripStarted", "TripDispatched"]);
    expect(host.owed(FAR).map(([verb, item]) => [verb, (item as { trip: number }).trip])).toEqual([["offer", 1], ["cancel", 1], ["offer", 2]]);
    expect(types(host.handOver(7))).toEqual([]);
    expect(host.owed(QUEUE)).toEqual([]);
  });

  it("OFF-TRN-17 OFF-TRN-28 a cluster that is not known, or drained, gets nothing, and the queue has its job back after a while", () => {
    const host = world();
    expect(types(host.handOver(7, { cluster: "nowhere" }))).toEqual(["HandoverDeclined"]);
    expect(host.owed(QUEUE)).toEqual([["outcome", [7, 1, OUTCOME.snoozed, 5_000]]]);
    expect(types(host.handOver(8, { cluster: "home" }))).toEqual(["HandoverDeclined"]);
  });

  it("a full router declines", () => {
    const host = world({ tripsMax: 1 });
    host.handOver(7);
    expect(types(host.handOver(8))).toEqual(["HandoverDeclined"]);
  });

  it("OFF-TRN-20 what is poison holds back nothing else for the same cluster", () => {
    const host = world();
    for (const [job, letter] of [[7, "a"], [8, "b"]] as const) host.handOver(job, { inputs: [blob("x", letter)] });
    host.handOver(9);
    expect(host.owed(FAR)).toMatchObject([["offer", { trip: 3 }]]);
    host.moved("stage", 1, { kind: "corrupt", message: "x is not what it was" });
    expect(host.work()).toEqual(["stage 2"]);
    host.moved("stage", 2);
    expect(host.owed(FAR)).toMatchObject([["offer", { trip: 3 }], ["offer", { trip: 2 }]]);
  });

  it("OFF-TRN-25 OFF-CLN-08 a host that takes over between staging and dispatch goes on, and stages nothing twice", () => {
    const host = world();
    for (const job of [7, 8]) host.handOver(job, { inputs: [blob("x", "a")] });
    host.moved("stage", 1);
    host.restart();
    expect(host.work()).toEqual(["stage 2"]);
    host.moved("stage", 2);
    expect(host.owed(FAR).map(([verb]) => verb)).toEqual(["offer", "offer"]);
    expect(host.all("TripDispatched")).toHaveLength(2);
  });

  it("OFF-DST-16 OFF-ENB-19 OFF-CFG-08 a cluster that is away for a moment, or says something else, changes nothing of what is there; said again it is no news", () => {
    const host = accepted();
    host.send("routeLost", { cluster: "far" }, "hello");
    expect(types(host.route("far", { pools: [{ topics: ["film/*"], slots: 9 }] }))).toEqual(["RouteChanged"]);
    expect(types(host.route("far", { pools: [{ topics: ["film/*"], slots: 9 }] }))).toEqual([]);
    expect(host.owed(QUEUE).at(-1)).toMatchObject(["route", { pools: [{ topics: ["film/*"], slots: 18 }] }]);
    expect(host.state.trip(1)).toMatchObject({ phase: "accepted", stop: null });
    expect(types(host.peer("return", { trip: 1, ...back() }))).toEqual(["TripReturned", "TripEnded"]);
  });

  it("OFF-DST-17 a host that takes over while jobs are handed back goes on with the others: each once", () => {
    const host = world();
    for (const job of [7, 8, 9]) host.handOver(job, { inputs: [blob("x", "a")] });
    host.room = 1;
    const due = host.due.bind(host);
    let restarts = 0;
    host.due = () => {
      host.restart();
      restarts++;
      return due();
    };
    host.send("drain", { cluster: "far" }, "operate", "ann");
    expect(host.all("TripEnded").map(({ trip, how }) => [trip, how])).toEqual([[1, "handed-back"], [2, "handed-back"], [3, "handed-back"]]);
    expect(host.owed(QUEUE).filter(([verb]) => verb === "outcome")).toHaveLength(3);
    expect(restarts).toBeGreaterThan(2);
  });

  it("OFF-ADM-08 draining sends nothing new, lets what is there end, and then says so", () => {
    const host = accepted();
    host.handOver(8, { inputs: [blob("x", "a")] });
    expect(types(host.send("drain", { cluster: "far" }, "operate", "ann"))).toEqual(["ClusterDrained", "TripEnded"]);
    expect(host.owed(QUEUE)).toEqual([["route", { cluster: "far", pools: [] }], ["outcome", [8, 1, OUTCOME.snoozed, 0]]]);
    expect(types(host.handOver(9))).toEqual(["HandoverDeclined"]);
    expect(host.ask("routes")).toMatchObject([{ cluster: "far", isDrained: true, away: 1, staging: 0, isEmpty: false }]);
    host.peer("return", { trip: 1, ...back() });
    expect(host.ask("routes")).toMatchObject([{ away: 0, isEmpty: true }]);
    host.send("resume", { cluster: "far" }, "operate", "ann");
    expect(types(host.handOver(10))).toEqual(["TripStarted", "TripDispatched"]);
    expect(host.send("drain", { cluster: "typo" }, "operate")).toMatchObject({ rejection: { code: "route/unknown", message: 'no cluster "typo" is known here; known: far' } });
  });

  it("OFF-ENB-28 a topic that is disabled over there changes what is claimed, and nothing that runs", () => {
    const host = accepted();
    expect(types(host.send("routeLost", { cluster: "far" }, "hello"))).toEqual(["RouteLost"]);
    expect(types(host.send("routeLost", { cluster: "far" }, "hello"))).toEqual([]);
    expect(host.owed(QUEUE)).toEqual([["route", { cluster: "far", pools: [] }]]);
    expect(host.state.trip(1).phase).toBe("accepted");
  });

  it("a refusal gives the job back to its queue after a while, and there is nothing to call back", () => {
    const host = world();
    host.handOver(7);
    expect(types(host.peer("answer", { trip: 1, code: "offload/topic-disabled", message: "nobody" }))).toEqual(["TripRefused", "TripEnded"]);
    expect(host.owed(QUEUE)).toEqual([["outcome", [7, 1, OUTCOME.snoozed, 5_000]]]);
    expect(host.owed(FAR)).toHaveLength(1);
  });
});

describe("the way home", () => {
  it("OFF-RET-01 OFF-RET-02 OFF-RET-04 success is not told before every output is imported, and its large result lies here", () => {
    const host = accepted();
    expect(types(host.peer("return", { trip: 1, ...back({ result: ["w", digestOf("c"), 300_000], blobs: [blob("out.jpg", "d")] }) }))).toEqual(["TripReturned"]);
    expect(host.owed(QUEUE)).toEqual([]);
    expect(host.work()).toEqual(["import 1"]);
    expect(types(host.moved("import", 1))).toEqual(["OutputImported", "TripEnded"]);
    expect(host.owed(QUEUE)).toEqual([["outcome", [7, 1, OUTCOME.ended, "succeeded", ["offload-import", digestOf("c"), 300_000], null, null, [["out.jpg", "offload-import", digestOf("d"), 9]]]]]);
    expect(host.owed(FAR).at(-1)).toEqual(["release", { trip: 1 }]);
  });

  it("OFF-RET-12 an output that is not to be had, or is something else, makes no success", () => {
    const host = accepted({ triesMax: 2 });
    host.peer("return", { trip: 1, ...back({ blobs: [blob("out.jpg", "d")] }) });
    host.moved("import", 1, { kind: "corrupt", message: "out.jpg differs" });
    expect(types(host.moved("import", 1, { kind: "corrupt", message: "out.jpg differs" }))).toEqual(["TripTroubled", "TripEnded"]);
    expect(host.owed(QUEUE)).toEqual([["outcome", [7, 1, OUTCOME.ended, "error", null, "offload/output-corrupt: out.jpg differs", null]]]);
    expect(host.owed(FAR).at(-1)).toEqual(["release", { trip: 1 }]);
  });

  it("OFF-RET-17 an import that fails for reasons of this side is tried until it is done", () => {
    const host = accepted({ triesMax: 2 });
    host.peer("return", { trip: 1, ...back({ blobs: [blob("out.jpg", "d")] }) });
    for (let i = 0; i < 9; i++) host.moved("import", 1, { kind: "unreachable", message: "store full" });
    expect(host.state.trip(1).phase).toBe("importing");
    expect(types(host.moved("import", 1))).toEqual(["OutputImported", "TripEnded"]);
  });

  it("OFF-RET-10 a result that comes twice is one", () => {
    const host = accepted();
    host.peer("return", { trip: 1, ...back() });
    expect(types(host.peer("return", { trip: 1, ...back() }))).toEqual([]);
    expect(host.owed(QUEUE)).toHaveLength(1);
  });

  it.each([["given-up"], ["error"], ["stopped"], ["dropped"]])("OFF-RET-16 OFF-RUN-09 %s over there is so here", (end) => {
    const host = accepted();
    host.peer("return", { trip: 1, ...back({ end, result: null, reason: "why", error: { name: "E", message: "m" } }) });
    expect(host.owed(QUEUE)).toEqual([["outcome", [7, 1, OUTCOME.ended, end, null, "why", { name: "E", message: "m" }]]]);
  });

  it("OFF-RUN-12 what could not be done there is given back, not failed", () => {
    const host = accepted();
    expect(types(host.peer("return", { trip: 1, ...back({ end: null, result: null, reason: "queue/backlog-full" }) }))).toEqual(["TripReturned", "TripEnded"]);
    expect(host.owed(QUEUE)).toEqual([["outcome", [7, 1, OUTCOME.snoozed, 5_000]]]);
    expect(host.owed(FAR).at(-1)).toEqual(["release", { trip: 1 }]);
  });

  it("OFF-CFG-09 only the cluster that has a trip speaks of it", () => {
    const host = accepted();
    host.route("off");
    expect(types(host.peer("return", { trip: 1, ...back() }, "off"))).toEqual(["LateReturnRefused"]);
    expect(types(host.peer("report", { trip: 1, report: { attempt: 9 } }, "off"))).toEqual([]);
    expect(host.state.trip(1)).toMatchObject({ phase: "accepted", report: {} });
  });
});

describe("trips that are given up", () => {
  it("OFF-ORG-04 OFF-TRN-19 OFF-RET-11 a silent cluster keeps its trips for hours; then the job is taken back, and what comes later is refused, recorded and let go", () => {
    const host = accepted();
    host.advance(6 * 3_600_000 - 1);
    expect(host.state.trip(1).phase).toBe("accepted");
    host.advance(1);
    expect(host.all("TripEnded")).toMatchObject([{ how: "reclaimed" }]);
    expect(host.owed(QUEUE)).toEqual([["outcome", [7, 1, OUTCOME.snoozed, 0]]]);
    expect(types(host.handOver(7, { attempt: 2 }))).toEqual(["TripStarted", "TripDispatched"]);
    expect(types(host.peer("return", { trip: 1, ...back() }))).toEqual(["LateReturnRefused"]);
    expect(host.owed(QUEUE)).toHaveLength(1);
    expect(host.owed(FAR).map(([verb, item]) => [verb, (item as { trip: number }).trip])).toEqual([["offer", 1], ["cancel", 1], ["offer", 2], ["release", 1]]);
  });

  it("any word of the cluster counts as a sign of life", () => {
    const host = accepted();
    host.advance(5 * 3_600_000);
    expect(types(host.route("far"))).toEqual(["RouteHeard"]);
    expect(types(host.route("far"))).toEqual([]);
    host.advance(2 * 3_600_000);
    expect(host.state.trip(1).phase).toBe("accepted");
  });

  it("OFF-ADM-09 an operator takes a job back: another attempt, and the one before is called off", () => {
    const host = accepted();
    expect(types(host.send("reclaim", { trip: 1 }, "operate", "ann"))).toEqual(["TripEnded"]);
    expect(host.owed(FAR).at(-1)).toEqual(["cancel", { trip: 1, reason: "reclaimed by ann" }]);
    expect(host.send("reclaim", { trip: 1 }, "operate", "ann")).toMatchObject({ rejection: { code: "trip/unknown" } });
  });

  it("OFF-WFO-32 a stop reaches the worker, and its answer is the end", () => {
    const host = accepted();
    const stop = { shard: "main", job: 7, attempt: 1, reason: "enough" };
    expect(types(host.send("stop", stop, "actor"))).toEqual(["TripStopRequested"]);
    expect(types(host.send("stop", stop, "actor"))).toEqual([]);
    expect(host.owed(FAR).at(-1)).toEqual(["cancel", { trip: 1, reason: "enough" }]);
    host.peer("return", { trip: 1, ...back({ end: "stopped", result: null }) });
    expect(host.owed(QUEUE)).toEqual([["outcome", [7, 1, OUTCOME.ended, "stopped", null, null, null]]]);
  });

  it("a stop that crosses the result changes nothing of it", () => {
    const host = accepted();
    host.peer("return", { trip: 1, ...back() });
    expect(types(host.send("stop", { shard: "main", job: 7, attempt: 1, reason: "enough" }, "actor"))).toEqual([]);
  });

  it("a stop waits a minute for a cluster that is away, and calls it off once", () => {
    const host = accepted();
    host.send("stop", { shard: "main", job: 7, attempt: 1, reason: "enough" }, "actor");
    host.advance(60_000);
    expect(host.owed(QUEUE)).toEqual([["outcome", [7, 1, OUTCOME.ended, "stopped", null, "enough", null]]]);
    expect(host.owed(FAR).map(([verb]) => verb)).toEqual(["offer", "cancel"]);
    expect(types(host.peer("return", { trip: 1, ...back() }))).toEqual(["LateReturnRefused"]);
  });

  it("a removal waits for nobody, and what was not sent yet never is", () => {
    const host = accepted();
    host.send("stop", { shard: "main", job: 7, attempt: 1, reason: "removed", isGone: true }, "actor");
    host.handOver(8, { inputs: [blob("x", "a")] });
    expect(types(host.send("stop", { shard: "main", job: 8, attempt: 1, reason: "enough" }, "actor"))).toEqual(["TripStopRequested", "TripEnded"]);
    expect(types(host.moved("stage", 2))).toEqual([]);
    expect(host.owed(FAR).map(([verb]) => verb)).toEqual(["offer", "cancel"]);
    expect(host.owed(QUEUE)).toEqual([["outcome", [8, 1, OUTCOME.ended, "stopped", null, "enough", null]]]);
  });
});

describe("routes", () => {
  it("OFF-CFG-10 every queue's shard hears of every cluster, and of new shards' sake again", () => {
    const host = new MiniHost();
    host.route("far", { pools: [{ topics: ["b", "a", "a"], slots: 2, labels: { z: "1", gpu: "yes" } }] });
    expect(host.owed(QUEUE)).toEqual([["route", { cluster: "far", pools: [{ topics: ["a", "b"], slots: 4, labels: { gpu: "yes", z: "1" } }] }]]);
    host.send("own", { topics: ["x"], shards: ["main", "films"] }, "hello");
    expect(host.owed("home.job-queue.films")).toHaveLength(1);
    expect(types(host.send("own", { topics: ["x"], shards: ["main", "films"] }, "hello"))).toEqual([]);
  });

  it("this cluster is no route, and there are only so many", () => {
    const host = new MiniHost({ limits: { routesMax: 1 } });
    expect(host.route("home")).toMatchObject({ rejection: { code: "route/own-cluster" } });
    host.route("far");
    expect(host.route("off")).toMatchObject({ rejection: { code: "route/too-many" } });
  });
});
