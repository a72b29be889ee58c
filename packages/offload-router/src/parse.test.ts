import { describe, expect, it } from "vitest";
import type { TripView } from "./queries.ts";
import { digestOf, MiniHost } from "./testing/mini-host.ts";

const host = new MiniHost();
const travel = { id: "main.j", topic: "a/b", input: new Uint8Array([0xc0]), options: {} };
const blob = { name: "x", principal: "p", digest: digestOf("a"), bytes: 1 };

describe("a message from outside", () => {
  it.each([
    ["an unknown verb", "offload", {}, "actor", "offload"],
    ["a verb for another role", "handover", {}, "peer", "handover"],
    ["a peer's verb from a queue", "release", { trip: 1 }, "actor", "release"],
    ["a peer that speaks for an operator", "reclaim", { trip: 1 }, "peer", "reclaim"],
    ["an unknown field", "release", { trip: 1, all: true }, "peer", "all"],
    ["no number", "release", { trip: "1" }, "peer", "trip"],
    ["a digest that is none", "offer", { trip: 1, ...travel, blobs: [{ ...blob, digest: "abc" }] }, "peer", "blobs.digest"],
    ["a size that cannot be", "offer", { trip: 1, ...travel, blobs: [{ ...blob, bytes: -1 }] }, "peer", "blobs.bytes"],
    ["a topic that is none", "offer", { trip: 1, ...travel, topic: "a b", blobs: [] }, "peer", "topic"],
    ["an option nobody knows", "offer", { trip: 1, ...travel, blobs: [], options: { queue: "x" } }, "peer", "queue"],
    ["a reserved property", "offer", { trip: 1, ...travel, blobs: [], options: { properties: { "job.id": 1 } } }, "peer", "properties"],
    ["a state that is none", "return", { trip: 1, end: "fine", result: null, blobs: [] }, "peer", "end"],
    ["progress beyond the end", "report", { trip: 1, report: { progress: [2, null] } }, "peer", "progress"],
    ["a step that is none", "moved", { step: "fly", trip: 1 }, "hello", "step"],
    ["a failure that is none", "moved", { step: "fetch", guest: 1, failure: { kind: "odd", message: "m" } }, "hello", "failure.kind"],
    ["a cluster that is no token", "route", { cluster: "a b", pools: [] }, "hello", "cluster"],
  ] as const)("OFF-TRN-11 OFF-TRN-32 %s is refused by name", (_what, verb, item, role, field) => {
    expect(host.send(verb, item, role)).toMatchObject({ kind: "malformed", malformed: { field } });
  });

  it("questions nobody answers are refused", () => {
    expect(() => host.ask("nothing")).toThrow(/trips, trip, guests, routes, work and named/);
    expect(() => host.ask("trip", { trip: -1 })).toThrow(/trip must be/);
    expect(host.ask("trip", { trip: 99 })).toBeNull();
  });

  it("lists come in pages, by number, whatever order trips ended in; a log goes to the job, and is not kept here", () => {
    const host = new MiniHost({ limits: { tripsMax: 1_000 } });
    host.route("far");
    for (let job = 1; job <= 250; job++) host.handOver(job);
    host.peer("report", { trip: 3, report: { attempt: 1, log: ["a line"] } });
    host.peer("return", { trip: 7, end: "succeeded", result: null, blobs: [], reason: null, error: null });
    host.peer("return", { trip: 2, end: "succeeded", result: null, blobs: [], reason: null, error: null });
    const numbers = (question: Readonly<Record<string, unknown>>): readonly number[] => host.ask<readonly TripView[]>("trips", question).map(({ trip }) => trip);
    expect(numbers({})).toHaveLength(100);
    expect(numbers({ limit: 3, after: 1 })).toEqual([3, 4, 5]);
    expect(numbers({ limit: 3, after: 1, all: true })).toEqual([2, 3, 4]);
    expect(numbers({ limit: 1_000, all: true })).toHaveLength(250);
    expect(numbers({ after: 250 })).toEqual([]);
    expect(host.ask<readonly TripView[]>("trips", { limit: 1, after: 2 })[0]?.report).toEqual({ attempt: 1 });
    expect(host.ask<TripView>("trip", { trip: 3 }).report).toEqual({ attempt: 1 });
    expect(() => host.ask("trips", { limit: 0 })).toThrow(/limit must be/);
  });
});
