import { Defect, decodeTrusted, encode } from "@longshore/kernel";
import { describe, expect, it } from "vitest";
import { eventCodec } from "./event-codec.ts";
import type { Announcement, DiscoveryEvent } from "./events.ts";
import { EVENT_CODES } from "./events.ts";

const who = { instance: "i", incarnation: "i-1" };
const announcement: Announcement = {
  properties: { a: "1" }, topics: ["t"], slots: 2, kinds: ["job-queue"], endpoints: ["http://h"], software: "x 1", leaderPriority: -3, isReady: false,
};
const member = { ...who, principal: "p", joinedView: 2, propertiesVersion: 3, ...announcement };

const EVENTS: readonly DiscoveryEvent[] = [
  { type: "ClusterFormed", clusterId: "c", cluster: "main" },
  { type: "InstanceAnnounced", ...who, principal: "p", announcement },
  { type: "InstancePropertiesChanged", ...who, version: 2, announcement },
  { type: "InstanceSuspected", ...who, by: "j", byIncarnation: "j-1", kind: "silent", isHealthy: false },
  { type: "SuspicionRefuted", ...who, by: "i" },
  { type: "InstanceLeaving", ...who },
  { type: "InstanceEvicted", ...who, cause: "certain" },
  { type: "ViewProposed", number: 4, members: [who], joined: ["i"], removed: [{ instance: "j", incarnation: "j-1", cause: "ack-overdue" }], reason: "asked" },
  { type: "ViewAcked", number: 4, ...who },
  { type: "ViewActivated", number: 4 },
  { type: "ViewSuperseded", number: 4, reason: "asked" },
  { type: "AckOverdue", number: 4, instances: ["i"] },
  { type: "TopicEnablementChanged", instance: "i", exclusive: undefined, disabled: ["t"], by: "op" },
  { type: "TopicEnablementChanged", instance: "i", exclusive: [], disabled: [], by: "op" },
  { type: "RemoteClusterAnnounced", view: { clusterId: "far", cluster: "eu", number: 7, members: [member] } },
  { type: "RemoteClusterAnnounced", view: { clusterId: "far", cluster: "eu", number: 7, members: [member], lists: [{ instance: "i", exclusive: undefined, disabled: ["t"] }] } },
  { type: "RemoteClusterHeard", clusterId: "far" },
  { type: "RemoteClusterExpired", clusterId: "far" },
  { type: "DuplicateInstanceDetected", ...who, principal: "p", living: "i-0" },
  { type: "EvidenceDiscarded", reason: "outage", quietMs: 5 },
  { type: "GoneForgotten", count: 3 },
  { type: "ClusterIdConflict", clusterId: "far", cluster: "eu", reason: "diverged" },
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
