import { Defect, decodeTrusted, encode } from "@longshore/kernel";
import { describe, expect, it } from "vitest";
import { eventCodec } from "./event-codec.ts";
import type { JobQueueEvent } from "./events.ts";
import { EVENT_CODES } from "./events.ts";

const bytes = encode(1);
const blob = { principal: "ann", digest: "0".repeat(64), bytes: 9 };
const error = { name: "E", message: "m" };

const EVENTS: readonly JobQueueEvent[] = [
  { type: "JobAccepted", job: 1, id: "x", topic: "a", queue: "q", input: bytes, principal: "ann", options: undefined },
  { type: "JobAccepted", job: 1, id: "x", topic: "a", queue: "q", input: blob, principal: "ann", options: { retries: 1, digest: 5, cause: [1, "y"], properties: { p: null } } },
  { type: "SubmitRefused", guest: 3, code: "queue/moved", message: "there", shard: "s" },
  { type: "SubmitRefused", guest: 3, code: "queue/backlog-full", message: "full", shard: undefined },
  { type: "AttemptStarted", job: 1, attempt: 2, member: 3, pool: 0 },
  { type: "AttemptFailed", job: 1, attempt: 2, kind: "lost", retryAt: 9, error: { ...error, stack: "s" } },
  { type: "AttemptFailed", job: 1, attempt: 2, kind: "timed-out", retryAt: 9, error: undefined },
  { type: "AttemptReleased", job: 1, attempt: 2, kind: "snoozed", retryAt: 9 },
  { type: "AttemptExtended", job: 1, attempt: 2 },
  { type: "JobEnded", job: 1, state: "succeeded", attempt: 2, result: bytes, reason: undefined, error: undefined },
  { type: "JobEnded", job: 1, state: "succeeded", attempt: 2, result: blob, reason: "fine", error: undefined },
  { type: "JobEnded", job: 1, state: "given-up", attempt: 2, result: undefined, reason: undefined, error },
  { type: "JobEnded", job: 1, state: "dropped", attempt: 0, result: undefined, reason: undefined, error: undefined },
  { type: "JobStopRequested", job: 1, reason: "r" },
  { type: "JobProgressed", job: 1, attempt: 2, fraction: 0.5, message: null },
  { type: "JobLogged", job: 1, attempt: 2, lines: ["a"] },
  { type: "JobPropertySet", job: 1, attempt: 2, name: "n", value: null },
  { type: "JobRemoved", job: 1 },
  { type: "JobsDue", count: 1 },
  { type: "EndedExpired", count: 1 },
  { type: "IdsExpired", count: 1, queue: "q" },
  { type: "ConfigurationRefused", queue: "q", revision: 8, code: "queue/invalid", message: "no" },
  { type: "QueueConfigured", queue: "q", config: { topics: ["a"], shard: "b", partitions: 2 }, revision: 7, since: 5 },
  { type: "QueueConfigured", queue: "q", config: { topics: ["a"], type: "ordered" } },
  { type: "QueueSuspended", queue: "q" },
  { type: "QueueResumed", queue: "q" },
  { type: "InstanceJoined", member: 1, instance: "i", incarnation: "1", principal: "p", processors: 2, pools: [{ topics: ["a"], slots: 1 }] },
  { type: "TopicsChanged", member: 1, pools: [] },
  { type: "InstanceDraining", member: 1 },
  { type: "InstanceLeft", member: 1, reason: "r" },
  { type: "InstancesRanked", instances: ["b", "a"] },
  { type: "OperationStarted", operation: 1, kind: "retry", filter: { topic: "a" }, upTo: 9, principal: "p" },
  { type: "OperationAdvanced", operation: 1, cursor: 5 },
  { type: "OperationEnded", operation: 1 },
];

describe("events on the wire", () => {
  it.each(EVENTS)("$type comes back as it was", (event) => {
    const wire = eventCodec.encode(event);
    expect(wire[0]).toBe(EVENT_CODES[event.type]);
    expect(wire.at(-1)).not.toBeUndefined();
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
