import { Defect, decodeTrusted, encode } from "@longshore/kernel";
import { describe, expect, it } from "vitest";
import { eventCodec } from "./event-codec.ts";
import type { OffloadEvent } from "./events.ts";
import { EVENT_CODES } from "./events.ts";
import { digestOf, INPUT } from "./testing/mini-host.ts";

const blobs = [{ name: "x", principal: "p", digest: digestOf("a"), bytes: 4 }];
const outcome = { end: "given-up", result: INPUT, blobs, reason: null, error: { name: "E", message: "m" } } as const;
const travel = { id: "main.j", topic: "a/b", input: INPUT, blobs, options: { retries: 1 } };
const trouble = { kind: "corrupt", message: "m", failures: 2, retryAt: 9 } as const;

const EVENTS: readonly OffloadEvent[] = [
  { type: "TripStarted", trip: 1, cluster: "far", shard: "main", job: 2, attempt: 3, ...travel },
  { type: "TripStarted", trip: 1, cluster: "far", shard: "main", job: 2, attempt: 3, ...travel, input: { principal: "p", digest: digestOf("a"), bytes: 4 } },
  { type: "HandoverDeclined", cluster: "far", shard: "main", job: 2, attempt: 3, reason: "r" },
  { type: "InputStaged", trip: 1 }, { type: "TripDispatched", trip: 1 }, { type: "TripAccepted", trip: 1 },
  { type: "TripRefused", trip: 1, code: "c", message: "m" },
  { type: "TripReported", trip: 1, report: { state: "active", progress: [0.5, null] } },
  { type: "TripTroubled", trip: 1, step: "stage", ...trouble },
  { type: "TripStopRequested", trip: 1, reason: "r" },
  { type: "TripReturned", trip: 1, outcome }, { type: "OutputImported", trip: 1 },
  { type: "TripEnded", trip: 1, how: "returned", reason: null },
  { type: "LateReturnRefused", cluster: "far", trip: 1, end: null },
  { type: "GuestAccepted", guest: 1, origin: "far", trip: 2, ...travel },
  { type: "OfferRefused", origin: "far", trip: 2, code: "c", message: "m" },
  { type: "GuestTroubled", guest: 1, step: "fetch", ...trouble },
  { type: "InputVerified", guest: 1 }, { type: "GuestMoved", guest: 1, shard: "s" },
  { type: "GuestReported", guest: 1, report: { log: ["a"] } }, { type: "GuestUnserved", guest: 1 }, { type: "GuestStopRequested", guest: 1, reason: "r" },
  { type: "GuestEnded", guest: 1, outcome: { ...outcome, result: null } }, { type: "OutputStaged", guest: 1 },
  { type: "GuestReturned", guest: 1, outcome }, { type: "GuestReleased", guest: 1, removeAt: 5 },
  { type: "PayloadReleased", guest: 1, digests: [digestOf("a")] }, { type: "PayloadRemoved", digests: [] },
  { type: "RouteChanged", cluster: "far", pools: [{ topics: ["a/*"], slots: 2, labels: { a: "b" } }] }, { type: "RouteHeard", cluster: "far" }, { type: "RouteLost", cluster: "far" },
  { type: "OwnChanged", topics: ["a"], shards: ["main"] }, { type: "ClusterDrained", cluster: "far", by: "ann" }, { type: "ClusterResumed", cluster: "far", by: "ann" },
];

describe("events on the wire", () => {
  it.each(EVENTS)("$type comes back as it was", (event) => {
    const wire = eventCodec.encode(event);
    expect(wire[0]).toBe(EVENT_CODES[event.type]);
    expect(eventCodec.decode(decodeTrusted(encode(wire)) as unknown[], 1)).toEqual(event);
  });

  it("every kind of event is among them, and no code is used twice", () => {
    expect(new Set(EVENTS.map(({ type }) => type))).toEqual(new Set(Object.keys(EVENT_CODES)));
    expect(new Set(Object.values(EVENT_CODES)).size).toBe(Object.keys(EVENT_CODES).length);
  });

  it("codes from 16 on are ours; one that is unknown is a defect", () => {
    expect(Math.min(...Object.values(EVENT_CODES))).toBe(16);
    expect(() => eventCodec.decode([99], 1)).toThrow(Defect);
  });
});
