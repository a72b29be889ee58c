/** P11 over a topology's history: a good one is clean, and each planted fault is found and placed. */
import { type DiscoveryEvent, discoveryAgent } from "@longshore/discovery-agent";
import { COMMIT_FORMAT, encode, encodeKernelEvent, History, type Snapshot, type StoredCommit } from "@longshore/kernel";
import { expect, it } from "vitest";
import { auditTopology } from "./audit-topology.ts";
import { sha256 } from "./hash.ts";
import type { HistorySource } from "./source.ts";

const ADDRESS = { cluster: "main", kind: "discovery-agent", actor: "main" } as const;
const actor = discoveryAgent(ADDRESS);
const announcement = { properties: {}, topics: [], slots: 0, kinds: [], endpoints: [], software: "", leaderPriority: 0, isReady: true };

const who = (name: string): { readonly instance: string; readonly incarnation: string } => ({ instance: name, incarnation: `${name}-1` });
const announced = (name: string): DiscoveryEvent => ({ type: "InstanceAnnounced", ...who(name), principal: "p", announcement });
const proposed = (number: number, ...names: readonly string[]): DiscoveryEvent => ({ type: "ViewProposed", number, members: names.map(who), joined: [], removed: [], reason: "joined" });
const acked = (number: number, name: string): DiscoveryEvent => ({ type: "ViewAcked", number, ...who(name) });
const activated = (number: number): DiscoveryEvent => ({ type: "ViewActivated", number });
const left = (name: string): DiscoveryEvent => ({ type: "InstanceLeaving", ...who(name) });

/** One commit a second, each with its events; the first opens the history. */
function commitsOf(...groups: readonly (readonly DiscoveryEvent[])[]): readonly StoredCommit[] {
  let previous: Uint8Array = new Uint8Array(0);
  const opened = [encodeKernelEvent({ type: "Opened", instance: "i", view: 0, software: "test" })];
  return [opened, ...groups.map((group) => group.map((event) => actor.events.encode(event)))].map((events, i) => {
    const bytes = encode([COMMIT_FORMAT, "host", 1, i + 1, (i + 1) * 1_000, previous, [], [], events]);
    previous = sha256(bytes);
    return { version: i + 1, bytes };
  });
}

const sourceOf = (commits: readonly StoredCommit[], snapshot?: Snapshot): HistorySource => ({
  address: ADDRESS, name: "discovery-agent.main", commits: commits.length,
  snapshot: () => Promise.resolve(snapshot), first: () => Promise.resolve(commits[0]), close: () => Promise.resolve(),
  read: (onCommit) => {
    for (const commit of commits) onCommit(commit);
    return Promise.resolve();
  },
});

const FORMED: readonly DiscoveryEvent[] = [{ type: "ClusterFormed", clusterId: "c1", cluster: "main" }, announced("a"), announced("b"), proposed(1, "a", "b"), acked(1, "a"), acked(1, "b"), activated(1)];
const LEFT: readonly (readonly DiscoveryEvent[])[] = [[left("a"), proposed(2, "b")], [acked(2, "b"), activated(2)]];

const judged = async (...groups: readonly (readonly DiscoveryEvent[])[]): Promise<readonly unknown[]> =>
  (await auditTopology(sourceOf(commitsOf(...groups)), () => undefined)).violations.map(({ promise, position, text }) => [promise, position.commit, position.event, text.slice(0, text.indexOf(":"))]);

it("P11 a good history has no violation, and what it cannot show is named", async () => {
  const report = await auditTopology(sourceOf(commitsOf(FORMED, ...LEFT)), () => undefined);
  expect(report).toMatchObject({ violations: [], commits: 4, judged: ["P7", "P9", "P11"] });
  expect(report.notJudged).toContainEqual({ promise: "P11", reason: expect.stringContaining("INV-3") });
  expect(report.notJudged).toContainEqual(expect.objectContaining({ promise: "P8" }));
});

it.each<[string, readonly (readonly DiscoveryEvent[])[], readonly unknown[]]>([
  ["INV-6 a view is activated that a member has not acked", [FORMED, [announced("c"), proposed(2, "a", "b", "c"), acked(2, "a"), acked(2, "c"), activated(2)]], ["P11", 3, 4, "INV-6"]],
  ["INV-9 the leader changes and stays", [FORMED, [announced("c"), proposed(2, "b", "a", "c")]], ["P11", 3, 1, "INV-9"]],
  ["INV-2 a view number comes again", [FORMED, [announced("c"), proposed(1, "a", "b", "c")]], ["P11", 3, 1, "INV-2"]],
  ["INV-2 another view is activated than was proposed", [FORMED, [proposed(2, "a", "b"), activated(3)]], ["P11", 3, 1, "INV-2"]],
  ["INV-12 an incarnation comes back", [FORMED, ...LEFT, [announced("a")]], ["P11", 5, 0, "INV-12"]],
  ["INV-10 the cluster gets another id", [FORMED, [{ type: "ClusterFormed", clusterId: "c2", cluster: "main" }]], ["P11", 3, 0, "INV-10"]],
])("P11 %s", async (_what, groups, expected) => {
  expect(await judged(...groups)).toContainEqual(expected);
});

it("P7 P11 a history whose first commits were purged is judged from its snapshot on", async () => {
  const commits = commitsOf(FORMED, ...LEFT, [announced("a")]);
  const history = new History(actor, sha256);
  for (const commit of commits.slice(0, 3)) history.fold(commit);
  const snapshot = history.snapshot();
  const report = await auditTopology(sourceOf(commits.slice(2), snapshot), () => undefined);
  expect(report).toMatchObject({ commits: 2, violations: [{ promise: "P11", position: { commit: 5 }, text: expect.stringContaining("INV-12") }] });
});

it("P8 from the start and from the snapshot the same state follows", async () => {
  const commits = commitsOf(FORMED, ...LEFT);
  const history = new History(actor, sha256);
  for (const commit of commits.slice(0, 2)) history.fold(commit);
  const report = await auditTopology(sourceOf(commits, history.snapshot()), () => undefined);
  expect(report).toMatchObject({ violations: [], judged: ["P7", "P9", "P11", "P8"] });
});
