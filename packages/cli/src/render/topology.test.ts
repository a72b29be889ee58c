import type { MemberRecord, TopicRow } from "@longshore/discovery-agent";
import { expect, test } from "vitest";
import type { TopologyDocument } from "../commands/topology.ts";
import { topicsTable, topologyText } from "./topology.ts";

const SCREEN = { isTerminal: false, isColored: false, columns: 200 };

const member = (instance: string, fields: Partial<MemberRecord> = {}): MemberRecord => ({
  instance, incarnation: `${instance}-1`, principal: "host", joinedView: 1, propertiesVersion: 1, properties: {}, topics: [], slots: 0, kinds: [], endpoints: [],
  software: "", leaderPriority: 0, isReady: true, ...fields,
});

const document: TopologyDocument = {
  change: 9, proposed: null, host: { instance: "a", incarnation: "a-1", epoch: 3 },
  view: { clusterId: "id-hub", cluster: "hub", number: 4, members: [member("a")] },
  instances: [{ ...member("a"), state: "member", announcedAt: 0, suspectedBy: [] }],
  remote: [{ clusterId: "id-west", cluster: "west", number: 7, heardAt: 6_000, members: [member("x", { topics: ["m/one"], slots: 5, properties: { zone: "w\u001b[2J" } }), member("a", { incarnation: "a-0" })] }],
  conflicts: [{ clusterId: "id-west", cluster: "copy", reason: "diverged", at: 9_000 }],
};

test("other clusters are shown with who leads there, when they were heard, and each of their instances that is no instance of this one", () => {
  const text = topologyText(document, 10_000, SCREEN);
  expect(text).toMatch(/cluster west +view 7, led by x, 2 instances, heard 4 s ago\n/);
  expect(text).toMatch(/CLUSTER +INSTANCE +HOSTS +SLOTS +TOPICS +PROPERTIES\nwest +x +5 +m\/one +zone=w\\x1b\[2J\n$/);
  expect(topologyText({ ...document, remote: [] }, 10_000, SCREEN)).not.toContain("CLUSTER");
});

test("a conflict of clusters is shown with its reason", () => {
  expect(topologyText(document, 10_000, SCREEN)).toMatch(/conflict +cluster copy \(id-west\) is not taken: another one says that it is this cluster\n/);
});

test("topics are listed with their clusters where there are others", () => {
  const here: TopicRow = { topic: "m/one", instances: [{ instance: "a", state: "enabled" }], remote: [] };
  expect(topicsTable([here], SCREEN)).toBe("TOPIC  INSTANCE  STATE\nm/one  a         enabled\n");
  expect(topicsTable([{ ...here, remote: [{ cluster: "west", instance: "x", state: "disabled" }] }], SCREEN)).toBe(
    "TOPIC  CLUSTER  INSTANCE  STATE\nm/one           a         enabled\nm/one  west     x         disabled\n");
});
