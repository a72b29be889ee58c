import { describe, expect, test } from "vitest";
import { evolveKernel, initialKernelState, refusalOf, restoreKernel, snapshotKernel } from "./kernel-state.ts";
import { KERNEL_LIMITS } from "./limits.ts";

const refused = (sequence: number, ...names: string[]) => ({
  type: "CommandRejected", source: { kind: "inbox", stream: "S", sequence, index: 0 }, code: "c", message: `of ${sequence}`, detail: undefined, stored: { sequence, names },
}) as const;

describe("what was refused of what waited in the inbox", () => {
  test("is found by its sequence and its name, also from a snapshot", () => {
    const state = initialKernelState();
    evolveKernel(state, refused(7, "a", "b"), 1);
    evolveKernel(state, { type: "CommandParked", source: { kind: "direct", principal: "p" }, reason: "broken", stored: { sequence: 8, names: ["a"] } }, 1);
    for (const seen of [state, restoreKernel(snapshotKernel(state))]) {
      expect(refusalOf(seen, 7, "b")).toEqual({ code: "c", message: "of 7" });
      expect(refusalOf(seen, 8, "a")).toEqual({ code: "kernel/parked", message: "broken" });
      expect(refusalOf(seen, 8, "b")).toBeUndefined();
    }
  });

  test("is bounded: the oldest give way, and a reason is cut", () => {
    const state = initialKernelState();
    for (let i = 0; i <= KERNEL_LIMITS.refusedMax; i++) evolveKernel(state, refused(i, "a"), 1);
    evolveKernel(state, { ...refused(0, "long"), message: "x".repeat(10_000) }, 1);
    expect(state.refused.size).toBe(KERNEL_LIMITS.refusedMax);
    expect([refusalOf(state, 1, "a"), refusalOf(state, 2, "a")?.message]).toEqual([undefined, "of 2"]);
    expect(refusalOf(state, 0, "long")!.message).toHaveLength(KERNEL_LIMITS.refusalCharsMax);
  });

  test("is not kept of a sender who was told directly", () => {
    const state = initialKernelState();
    const { stored: _, ...direct } = refused(7, "a");
    evolveKernel(state, direct, 1);
    expect(state.refused.size).toBe(0);
  });
});
