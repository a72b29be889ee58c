import { describe, expect, it } from "vitest";
import { excused } from "../e2e/faults/worker-lines.ts";
import { chanceOf } from "./chance.ts";
import { viewsAtOdds } from "./measures.ts";

const said = (instance: string, ...views: readonly (readonly [number, string, readonly string[]])[]) => ({
  instance, pid: 1,
  text: views.map(([number, leader, instances]) => `${JSON.stringify({ event: "topology.view", number, leader, instances })}\n`).join(""),
});

describe("views that instances were told", () => {
  it("agree when each number is one picture and none goes back, also where some are left out", () => {
    expect(viewsAtOdds([said("a", [1, "a", ["a"]], [3, "a", ["a", "b"]]), said("b", [2, "a", ["a", "c"]], [3, "a", ["a", "b"]])])).toEqual([]);
  });

  it("are at odds when one number is two pictures", () => {
    expect(viewsAtOdds([said("a", [2, "a", ["a", "b"]]), said("b", [2, "b", ["b", "a"]])])).toEqual(['view 2 is "a leads a, b" to one and "b leads b, a" to b (1)']);
  });

  it("are at odds when a process is told an older one after a newer", () => {
    expect(viewsAtOdds([said("a", [2, "a", ["a"]], [1, "a", ["a"]])])).toEqual(["a (1) was told view 1 after view 2"]);
  });
});

describe("executions of a process that stood still", () => {
  const line = (at: number, phase: "start" | "end", job: string) => ({ at, phase, job, incarnation: "", attempt: 1, exclusive: true });
  const lines = [line(0, "start", "a"), line(10, "end", "a"), line(20, "start", "b"), line(5_000, "end", "b"), line(7_000, "start", "c")];

  it("are excused, and those before and after it are not", () => {
    const marked = excused(lines, [{ fromMs: 100, toMs: 4_900 }]).filter((one) => one.excused).map(({ job }) => job);
    expect(marked).toEqual(["b"]);
  });
});

it("the same seed draws the same", () => {
  const drawn = (seed: number) => { const chance = chanceOf(seed); return [chance.next(), chance.between(5, 6), chance.pick([1, 2, 3]), chance.shuffled([1, 2, 3, 4, 5])]; };
  expect(drawn(7)).toEqual(drawn(7));
  expect(drawn(7)).not.toEqual(drawn(8));
});
