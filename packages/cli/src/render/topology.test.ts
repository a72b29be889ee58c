import type { MemberRecord, TopicRow } from "@longshore/discovery-agent";
import { expect, test } from "vitest";
import type { TopologyDocument } from "../commands/topology.ts";
import { topicLines, topicsTable, topologyText } from "./topology.ts";

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

test("OFF-ADM-01 OFF-ADM-02 other clusters are shown with who leads there, when they were heard, and each of their instances that is no instance of this one", () => {
  const text = topologyText(document, 10_000, SCREEN);
  expect(text).toMatch(/cluster west +view 7, led by x, 2 instances, heard 4 s ago\n/);
  expect(text).toMatch(/CLUSTER +INSTANCE +HOSTS +SLOTS +TOPICS +PROPERTIES\nwest +x +5 +m\/one +zone=w\\x1b\[2J\n$/);
  expect(topologyText({ ...document, remote: [] }, 10_000, SCREEN)).not.toContain("CLUSTER");
});

test("a conflict of clusters is shown with its reason", () => {
  expect(topologyText(document, 10_000, SCREEN)).toMatch(/conflict +cluster copy \(id-west\) is not taken: another one says that it is this cluster\n/);
});

test("OFF-ADM-03 OFF-ADM-04 OFF-ENB-10 topics stand against the instances of all clusters, as a matrix and as data, the own cluster's first", () => {
  const rows: readonly TopicRow[] = [
    { topic: "m/one", instances: [{ instance: "a", state: "enabled" }, { instance: "B", state: "disabled" }], remote: [{ cluster: "west", instance: "x", state: "exclusive" }] },
    { topic: "m/two", instances: [], remote: [{ cluster: "east", instance: "x", state: "enabled" }] },
  ];
  const lines = topicLines(rows, "hub");
  expect(lines[0]).toEqual({ topic: "m/one", instances: [{ instance: "a", cluster: "hub", state: "enabled" }, { instance: "B", cluster: "hub", state: "disabled" }, { instance: "x", cluster: "west", state: "exclusive" }] });
  expect(topicsTable(lines, "hub", SCREEN)).toBe("TOPIC  B         a        east/x   west/x\nm/one  disabled  enabled  -        exclusive\nm/two  -         -        enabled  -\n");
  const narrow = topicsTable(lines, "hub", { ...SCREEN, isTerminal: true, columns: 40 });
  expect(narrow).toBe("TOPIC  CLUSTER  INSTANCE  STATE\nm/one  hub      a         enabled\nm/one  hub      B         disabled\nm/one  west     x         exclusive\nm/two  east     x         enabled\n");
});
