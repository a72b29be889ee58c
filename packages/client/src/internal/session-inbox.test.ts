import { decodeTrusted } from "@longshore/kernel";
import { describe, expect, it } from "vitest";
import { accepted, sessionWorld as setup } from "./testing/session-world.ts";

describe("a session without a host", () => {
  it("stores what certainly reached nobody under its numbers, and no time runs out for it", () => {
    const { ask, inFlight, wire } = setup();
    const a = ask(["a"]);
    const { session, first } = inFlight().message;
    inFlight().fail("no-responders");
    expect(wire.stores[0]!.subject).toBe("ls.c.in.job-queue.main.submit.alice");
    expect(decodeTrusted(wire.stores[0]!.bytes)).toEqual({ session, first, submit: [["a"]] });
    wire.stores[0]!.done({ kind: "stored", sequence: 41 });
    expect(a.outcome).toEqual({ kind: "stored", sequence: 41 });
  });

  it("stores what may have reached somebody under its own numbers", () => {
    const { ask, clock, inFlight, wire } = setup();
    ask(["a"]);
    const direct = inFlight();
    direct.fail("timeout");
    clock.advance(100);
    inFlight().fail("no-responders");
    expect(wire.stores[0]!.bytes).toEqual(direct.bytes);
  });

  it("lets later direct commands not overtake what it has stored", () => {
    const { ask, inFlight, wire } = setup();
    ask(["a"]);
    inFlight().fail("no-responders");
    wire.stores[0]!.done({ kind: "stored", sequence: 41 });
    ask(["b"]);
    expect(inFlight().message["after"]).toBe(41);
    inFlight().answer(accepted(1));
    ask(["c"]);
    expect(inFlight().message["after"]).toBeUndefined();
  });

  it("stores again when nobody knows whether it is stored", () => {
    const { ask, clock, inFlight, wire } = setup();
    const a = ask(["a"]);
    inFlight().fail("no-responders");
    wire.stores[0]!.done({ kind: "unknown" });
    clock.advance(100);
    expect(wire.stores[1]!.bytes).toEqual(wire.stores[0]!.bytes);
    wire.stores[1]!.done({ kind: "stored", sequence: 9 });
    expect(a.outcome).toEqual({ kind: "stored", sequence: 9 });
  });

  it("does not know what became of what was perhaps stored when the inbox takes no more, and nobody answers", () => {
    const { ask, clock, inFlight, wire, limits } = setup();
    const a = ask(["a"]);
    inFlight().fail("no-responders");
    wire.stores[0]!.done({ kind: "unknown" });
    clock.advance(100);
    wire.stores[1]!.done({ kind: "refused", cause: "full" });
    clock.advance(limits.giveUpMs + 1);
    inFlight().fail("no-responders");
    wire.stores[2]!.done({ kind: "refused", cause: "full" });
    clock.advance(limits.backoffMax * 2);
    expect(a.outcome?.kind).toBe("unknown");
  });

  it("does not know what became of what is still being stored when its time is over", () => {
    const { ask, clock, inFlight, epochs, limits } = setup();
    const a = ask(["a"]);
    clock.advance(limits.giveUpMs - 10);
    inFlight().fail("no-responders");
    clock.advance(20);
    epochs.heard(2);
    expect(a.outcome?.kind).toBe("unknown");
  });

  it("does not try for ever to store what may be stored, because its numbers are not remembered for ever", () => {
    const { ask, clock, inFlight, wire, limits } = setup({ host: "down" });
    const a = ask(["a"]);
    inFlight().fail("no-responders");
    for (let tries = 0; a.outcome === undefined && tries < 1_000; tries++) {
      clock.advance(limits.sessionKeepMs / 20);
      wire.stores.at(-1)!.done({ kind: "unknown" });
    }
    expect(a.outcome?.kind).toBe("unknown");
    expect(clock.monotonicMs()).toBeLessThanOrEqual(limits.sessionKeepMs * 0.6);
  });

  it.each(["full", "no-leader"] as const)("asks directly again when the inbox takes nothing now (%s)", (cause) => {
    const { ask, clock, inFlight, wire } = setup();
    const a = ask(["a"]);
    inFlight().fail("no-responders");
    wire.stores[0]!.done({ kind: "refused", cause });
    clock.advance(1_000);
    inFlight().answer(accepted(1));
    expect(a.outcome?.kind).toBe("accepted");
  });

  it.each([["full", "longshore run job-queue"], ["no-leader", "more than half"]] as const)("says that the inbox takes nothing (%s) when it has stayed so until its time was over", (cause, words) => {
    const { ask, clock, wire } = setup({ limits: { giveUpMs: 3_000 } });
    const a = ask(["a"]);
    for (let tries = 0; a.outcome === undefined && tries < 100; tries++) {
      clock.advance(500);
      wire.open(".cm.")[0]?.fail("no-responders");
      wire.stores.splice(0)[0]?.done({ kind: "refused", cause });
    }
    expect(a.outcome).toMatchObject({ kind: "failed", code: `inbox/${cause}`, message: expect.stringContaining(words) });
  });

  it("says at once that there is no inbox either", () => {
    const { ask, inFlight, wire } = setup();
    const a = ask(["a"]);
    inFlight().fail("no-responders");
    wire.stores[0]!.done({ kind: "refused", cause: "no-stream" });
    expect(a.outcome).toMatchObject({ kind: "failed", code: "inbox/no-stream" });
  });
});
