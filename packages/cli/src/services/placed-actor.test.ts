/** When an instance folds the history of an actor that others host: with `standsBy` before it asks, otherwise when it is next. */
import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Gate } from "./actor-service.ts";
import { type HostedActor, PlacedActor } from "./placed-actor.ts";
import type { Placement } from "./placement.ts";

/** A placement that lets the actor be opened here when it is asked for the `last` time, and an actor whose steps are noted. */
function setup(standsBy: boolean, last: number, takeOver = false): { readonly steps: string[]; readonly keep: () => Promise<void> } {
  const steps: string[] = [];
  const end = new AbortController();
  let asked = 0;
  const placement = {
    mayOpen: async (_name: unknown, { isPrepared }: { readonly isPrepared: boolean }) => {
      steps.push(`asks, ${isPrepared ? "prepared" : "not prepared"}`);
      return ++asked < last ? { kind: "prepare" } : { kind: "open", takeOver: false };
    },
    handsOver: () => () => undefined, hasSuccessor: () => false,
  } as unknown as Placement;
  const open = async (gate: Gate): Promise<HostedActor> => {
    const permission = await gate(async () => void steps.push("folds"));
    steps.push(permission.takeOver ? "takes over" : "opens");
    end.abort();
    return { stopped: Promise.resolve({ kind: "closed" }), close: async () => undefined } as unknown as HostedActor;
  };
  const placed = new PlacedActor({
    name: { kind: "job-queue", actor: "main" }, placement, standsBy, takeOver, signal: end.signal, open,
    onServing: () => undefined, onStandby: () => undefined, onMoved: () => undefined, onStopped: () => undefined,
  });
  return { steps, keep: () => placed.keep() };
}

describe("a placed actor", () => {
  it("that stands by is folded before it is asked whether it may be opened", async () => {
    const { steps, keep } = setup(true, 1);
    await keep();
    await setImmediate();
    expect(steps).toEqual(["folds", "asks, prepared", "opens"]);
  });

  it("that does not is folded when it is next, and then asked for again", async () => {
    const { steps, keep } = setup(false, 2);
    await keep();
    expect(steps).toEqual(["asks, not prepared", "folds", "asks, prepared", "opens"]);
  });

  it("that nobody hosts is opened without having been folded before", async () => {
    const { steps, keep } = setup(false, 1);
    await keep();
    expect(steps).toEqual(["asks, not prepared", "opens"]);
  });

  it("that is to be taken over is asked for by nobody", async () => {
    const { steps, keep } = setup(true, 1, true);
    await keep();
    expect(steps).toEqual(["takes over"]);
  });
});
