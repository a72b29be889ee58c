import { describe, expect, it } from "vitest";
import { hostsFor } from "./placement.ts";
import type { MemberRecord } from "./vocabulary.ts";

const member = (instance: string, more: Partial<MemberRecord> = {}): MemberRecord => ({
  instance, incarnation: `${instance}-1`, principal: "host", joinedView: 1, propertiesVersion: 1, properties: {}, topics: [], slots: 0,
  kinds: ["job-queue"], endpoints: [], software: "", leaderPriority: 0, isReady: true, ...more,
});
const MEMBERS = ["a", "b", "c", "d"].map((instance) => member(instance));
const SHARDS = Array.from({ length: 400 }, (_, i) => `shard-${i}`);
const hostOf = (members: readonly MemberRecord[], shard: string): string | undefined => hostsFor(members, "job-queue", shard)[0]?.instance;

describe("the host of a shard", () => {
  it("is the same whatever the order of the members, and whatever incarnation they are", () => {
    const other = MEMBERS.toReversed().map((one) => ({ ...one, incarnation: "another" }));
    for (const shard of SHARDS) expect(hostOf(other, shard)).toBe(hostOf(MEMBERS, shard));
  });

  it("is nobody who cannot host it", () => {
    const members = [member("a", { kinds: [] }), member("b", { kinds: ["discovery-agent"] })];
    expect(hostsFor(members, "job-queue", "main")).toEqual([]);
    expect(hostOf([...members, member("c")], "main")).toBe("c");
  });

  it("changes only for the shards of the member that leaves, and they go to those who were next", () => {
    const left = MEMBERS.filter(({ instance }) => instance !== "b");
    for (const shard of SHARDS) {
      const [first, second] = hostsFor(MEMBERS, "job-queue", shard).map(({ instance }) => instance);
      expect(hostOf(left, shard)).toBe(first === "b" ? second : first);
    }
  });

  it("is spread: each of four has between a sixth and a third of 400 shards", () => {
    const counts = new Map<string, number>();
    for (const shard of SHARDS) counts.set(hostOf(MEMBERS, shard)!, (counts.get(hostOf(MEMBERS, shard)!) ?? 0) + 1);
    for (const { instance } of MEMBERS) expect(counts.get(instance)).toSatisfy((count: number) => count > 400 / 6 && count < 400 / 3);
  });
});
