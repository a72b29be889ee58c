import { describe, expect, it } from "vitest";
import type { RankedQueue } from "./routing.ts";
import { inRankingOrder, partitionOf, queueTaking, shardFor, shardsOf } from "./routing.ts";

const queue = (name: string, topics: readonly string[], ranking = 0, since?: number): RankedQueue => ({ name, config: { topics, ranking }, since });

describe("the choice of a queue", () => {
  it("asks by ranking, then the one configured first, then by name, and never the default queue", () => {
    const queues = [queue("late", ["*"], 0, 9), queue("low", ["*"], -1, 1), queue("main", ["*"], 5), queue("b", ["*"]), queue("a", ["*"]), queue("early", ["*"], 0, 3), queue("high", ["x"], 7)];
    expect(inRankingOrder(queues).map(({ name }) => name)).toEqual(["high", "early", "late", "a", "b", "low"]);
  });

  it("takes the first that matches, and says so when none does", () => {
    const ordered = inRankingOrder([queue("all", ["media/*"], 0, 1), queue("one", ["media/video"], 1, 2)]);
    expect(queueTaking(ordered, "media/video")?.name).toBe("one");
    expect(queueTaking(ordered, "media/audio")?.name).toBe("all");
    expect(queueTaking(ordered, "mail")).toBeUndefined();
  });
});

describe("the place of a queue", () => {
  it("is its shard, main when it names none, or its partitions by number", () => {
    expect(shardsOf({})).toEqual(["main"]);
    expect(shardsOf({ shard: "b" })).toEqual(["b"]);
    expect(shardsOf({ shard: "b", partitions: 3 })).toEqual(["b-0", "b-1", "b-2"]);
    expect(shardFor({ shard: "b" }, "whatever")).toBe("b");
  });

  it("of one job is always the same, on every machine: these values are part of the wire", () => {
    expect(["", "a", "customer-17", "Größe", "t.01M82CT9QB0000007000000003"].map((key) => partitionOf(key, 8))).toEqual([3, 3, 2, 0, 2]);
    for (const key of ["a", "b", "customer-17"]) expect(shardsOf({ shard: "s", partitions: 5 })).toContain(shardFor({ shard: "s", partitions: 5 }, key));
  });

  it("spreads keys that look alike, none of the partitions having twice its part", () => {
    const counts = [0, 0, 0, 0, 0, 0, 0];
    for (let i = 0; i < 7_000; i++) counts[partitionOf(`order-${i}`, 7)]!++;
    for (const count of counts) expect(count).toBeGreaterThan(800);
    for (const count of counts) expect(count).toBeLessThan(1_200);
  });
});
