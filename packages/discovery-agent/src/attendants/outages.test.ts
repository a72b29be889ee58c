import type { HostContext } from "@longshore/kernel";
import { describe, expect, it } from "vitest";
import type { DiscoveryState } from "../state.ts";
import { MiniHost } from "../testing/mini-host.ts";
import { TestClock } from "../topology/testing/test-clock.ts";
import { outages } from "./outages.ts";

/** A host that stores when the test says so; what the attendant says is decided by the actor. */
function bench() {
  const host = new MiniHost().form("a", "b", "c");
  const clock = new TestClock();
  const waiting: (() => void)[] = [];
  const said: unknown[] = [];
  const control = { isStored: true };
  const context = {
    clock,
    whenStored: (run: () => void) => void (control.isStored ? run() : waiting.push(run)),
    command: (verb: string, item: unknown, { role, principal }: { readonly role: "actor"; readonly principal: string }) => {
      said.push(item);
      expect(host.send(verb, item, role, principal).kind).toBe("accepted");
    },
  } as unknown as HostContext<DiscoveryState>;
  const store = (): void => {
    control.isStored = true;
    for (const run of waiting.splice(0)) run();
  };
  return { host, clock, said, control, context, store, attendant: outages() };
}

describe("outages", () => {
  it("18.6 an append that waits for 2 s and more voids, once it is stored, what was held against anybody", () => {
    const { host, clock, said, control, context, store, attendant } = bench();
    attendant.opening?.(context);
    attendant.serving(context);
    clock.advance(10_000);
    expect(said).toEqual([{ reason: "opened" }]);
    control.isStored = false;
    clock.advance(3_000);
    host.suspect("a", "c", "silent");
    expect(said).toHaveLength(1);
    store();
    expect(said).toEqual([{ reason: "opened" }, { reason: "outage" }]);
    expect(host.state.living.get("c")?.evidence.size).toBe(0);
    expect(host.state.quietUntil).toBe(host.at + 15_000);
  });

  it("appends that take less are none, and after the host has stopped nothing is said or waited for", () => {
    const { clock, said, control, context, store, attendant } = bench();
    attendant.opening?.(context);
    attendant.serving(context);
    control.isStored = false;
    clock.advance(1_900);
    store();
    expect(said).toEqual([{ reason: "opened" }]);
    control.isStored = false;
    clock.advance(5_000);
    attendant.stopped();
    store();
    expect([said.length, clock.pending]).toEqual([1, 0]);
  });

  it("18.6 what an opening began anew begins anew once more when it was long on its way", () => {
    const { clock, said, context, attendant } = bench();
    attendant.opening?.(context);
    attendant.committing?.();
    clock.standStill(3_000);
    attendant.committing?.();
    expect(said).toEqual([{ reason: "opened" }, { reason: "stalled" }]);
  });

  it("18.6 after a standstill of the host deadlines begin anew, whether a message or a timer comes first", () => {
    const { host, clock, said, context, attendant } = bench();
    attendant.opening?.(context);
    attendant.serving(context);
    clock.advance(5_000);
    attendant.committing?.();
    expect(said.splice(0), "it ran").toEqual([{ reason: "opened" }]);
    host.suspect("a", "c", "silent");
    clock.standStill(3_000);
    attendant.committing?.();
    attendant.committing?.();
    clock.advance(0);
    expect(said, "a message came first").toEqual([{ reason: "stalled" }]);
    expect(host.state.living.get("c")?.evidence.size).toBe(0);
    expect(host.state.quietUntil, "and silence counts from now on").toBe(host.at);
    clock.standStill(3_000);
    clock.advance(0);
    expect(said, "a timer came first").toHaveLength(2);
  });
});
