import { encode } from "@longshore/kernel";
import { describe, expect, it } from "vitest";
import { WALL_MS } from "./testing/fake-wire.ts";
import { accepted, Hearing, sessionWorld as setup } from "./testing/session-world.ts";

describe("a session", () => {
  it("sends the commands of one turn together, and those that come while they are on their way", () => {
    const { wire, ask, inFlight, session } = setup();
    session.ask("submit", encode(["0"]), new Hearing());
    ask(["a"]);
    ask(["b"]);
    ask(["c"]);
    expect(wire.open(".cm.")).toHaveLength(1);
    expect(inFlight().message["submit"]).toEqual([["0"], ["a"]]);
    inFlight().answer(accepted(2));
    expect(inFlight().message).toMatchObject({ submit: [["b"], ["c"]], first: 3, unanswered: 3 });
  });

  it("is born in the server's time, and its commands end with it", () => {
    const { ask, inFlight, limits } = setup();
    ask(["a"]);
    const { session, notAfter } = inFlight().message as { readonly session: string; readonly notAfter: number };
    expect(Number.parseInt(session.split("-")[0]!, 36)).toBe(WALL_MS + 5_000);
    expect(session).toMatch(/^[0-9a-z]{1,11}-[A-Za-z0-9_-]{8,64}$/);
    expect(notAfter).toBe(WALL_MS + 5_000 + limits.notAfterMs);
  });

  it("takes this machine's time when no host is up", () => {
    const { wire, ask } = setup({ host: "down" });
    ask(["a"]);
    const { session } = wire.last(".cm.").message as { readonly session: string };
    expect(Number.parseInt(session.split("-")[0]!, 36)).toBe(WALL_MS);
  });

  it("settles what is not listed as accepted, and what is listed as it says", () => {
    const { ask, inFlight } = setup();
    ask(["a"]);
    const [b, c, d] = [ask(["b"]), ask(["c"]), ask(["d"])];
    inFlight().answer(accepted(1));
    inFlight().answer({ ...accepted(3), rejected: [[0, "job/id-reused", "no", null]], answers: [[2, { deduplicated: "main.x" }]] });
    expect(b?.outcome).toEqual({ kind: "rejected", code: "job/id-reused", message: "no", detail: undefined });
    expect(c?.outcome).toEqual({ kind: "accepted", answer: undefined });
    expect(d?.outcome).toEqual({ kind: "accepted", answer: { deduplicated: "main.x" } });
  });

  it("keeps verbs apart and in order", () => {
    const { ask, inFlight } = setup();
    ask(["a"]);
    ask(["b"]);
    ask({ id: "b" }, "stop");
    ask(["c"]);
    inFlight().answer(accepted(1));
    expect(inFlight().message["submit"]).toEqual([["b"]]);
    inFlight().answer(accepted(1));
    expect(inFlight().message["stop"]).toEqual([{ id: "b" }]);
    inFlight().answer(accepted(1));
    expect(inFlight().message["submit"]).toEqual([["c"]]);
  });

  it("fills a message up to its bounds of commands and bytes", () => {
    const { ask, inFlight } = setup({ limits: { commandsPerMessageMax: 2, messageBytesMax: 4_096 } });
    ask(["a"]);
    for (const item of ["b", "c", "d"]) ask([item]);
    inFlight().answer(accepted(1));
    expect(inFlight().message["submit"]).toEqual([["b"], ["c"]]);
    ask(["e".repeat(3_000)]);
    ask(["f".repeat(3_000)]);
    inFlight().answer(accepted(2));
    inFlight().answer(accepted(1 + 1));
    expect((inFlight().message["submit"] as string[][]).map(([text]) => text![0])).toEqual(["f"]);
  });

  it("sends the very same message again when no answer comes", () => {
    const { ask, clock, inFlight, wire } = setup();
    const a = ask(["a"]);
    const first = inFlight();
    first.fail("timeout");
    clock.advance(100);
    const second = inFlight();
    expect(second.bytes).toEqual(first.bytes);
    second.answer(accepted(1));
    expect(a.outcome?.kind).toBe("accepted");
    expect(wire.open("")).toHaveLength(0);
  });

  it("sends a message again as soon as nobody is there who could have it, and leaves it in the inbox under its numbers", () => {
    const { ask, clock, inFlight, limits, wire } = setup();
    const a = ask(["a"]);
    const first = inFlight();
    clock.advance(limits.hostLookMs);
    wire.open(".q.")[0]!.fail("no-responders");
    const [, second] = wire.open(".cm.");
    expect(second?.bytes).toEqual(first.bytes);
    second!.fail("no-responders");
    expect(wire.stores[0]?.bytes).toEqual(first.bytes);
    wire.stores[0]!.done({ kind: "stored", sequence: 7 });
    expect(a.outcome).toEqual({ kind: "stored", sequence: 7 });
  });

  it("sends a message again as soon as another host is there than the one that has it", () => {
    const { ask, clock, inFlight, limits, wire } = setup();
    const a = ask(["a"]);
    inFlight();
    clock.advance(limits.hostLookMs);
    wire.open(".q.")[0]!.answer({ epoch: 2, commit: 9, answer: {} });
    wire.open(".cm.")[1]!.answer(accepted(1, 2));
    expect(a.outcome?.kind).toBe("accepted");
  });

  it("waits for a host that is there and slow", () => {
    const { ask, clock, inFlight, limits, wire } = setup();
    const a = ask(["a"]);
    const first = inFlight();
    clock.advance(limits.hostLookMs);
    wire.open(".q.")[0]!.answer({ epoch: 1, commit: 9, answer: {} });
    clock.advance(limits.hostLookMs);
    wire.open(".q.")[0]!.fail("timeout");
    clock.advance(limits.hostLookMs);
    expect(wire.open(".cm.")).toEqual([first]);
    first.answer(accepted(1));
    expect(a.outcome?.kind).toBe("accepted");
    clock.advance(limits.hostLookMs * 3);
    expect(wire.open(".q.")).toHaveLength(1);
  });

  it("waits as long as an overloaded host asks, and leaves no doubt about it", () => {
    const { ask, clock, inFlight, wire } = setup();
    ask(["a"]);
    inFlight().answer({ overloaded: true, retryInMs: 200 });
    clock.advance(150);
    expect(wire.open(".cm.")).toHaveLength(0);
    clock.advance(100);
    inFlight().fail("no-responders");
    expect(wire.stores).toHaveLength(1);
  });

  it("does not know what became of what was pushed back to the end: in a fail-over two hosts hear it, and one may have decided it", () => {
    const { ask, clock, inFlight, limits } = setup();
    const a = ask(["a"]);
    inFlight().answer({ overloaded: true, retryInMs: limits.backoffMax });
    clock.advance(limits.giveUpMs);
    inFlight().answer({ overloaded: true, retryInMs: limits.backoffMax });
    clock.advance(limits.backoffMax * 2);
    expect(a.outcome?.kind).toBe("unknown");
  });

  it("drops the answer of an older epoch and asks again", () => {
    const { ask, clock, epochs, inFlight } = setup();
    const a = ask(["a"]);
    epochs.heard(3);
    expect(a.outcome).toBeUndefined();
    inFlight().fail("timeout");
    clock.advance(100);
    inFlight().answer(accepted(1, 2));
    expect(a.outcome).toBeUndefined();
    clock.advance(1_000);
    inFlight().answer(accepted(1, 3));
    expect(a.outcome?.kind).toBe("accepted");
  });

  it("asks a new epoch at once, without waiting for the old one to time out", () => {
    const { ask, epochs, wire } = setup();
    ask(["a"]);
    expect(wire.open(".cm.")).toHaveLength(1);
    epochs.heard(7);
    expect(wire.open(".cm.")).toHaveLength(2);
    expect(wire.open(".cm.")[1]!.bytes).toEqual(wire.open(".cm.")[0]!.bytes);
  });

  it("does not send again what answers with an epoch first heard of in that answer", () => {
    const { ask, inFlight, wire } = setup();
    ask(["a"]);
    inFlight().answer(accepted(1, 9));
    expect(wire.open("")).toHaveLength(0);
  });
});

describe("a session that is refused", () => {
  it("gives commands that were not decided new numbers", () => {
    const { ask, inFlight, wire } = setup();
    ask(["a"]);
    const [b, c] = [ask(["b"]), ask(["c"])];
    inFlight().answer(accepted(1));
    const before = inFlight().message["session"];
    inFlight().answer({ ...accepted(2), rejected: [[1, "session/expired", "too late", null]] });
    expect(b.outcome?.kind).toBe("accepted");
    wire.open(".q.")[0]!.answer({ epoch: 1, commit: 1, answer: { at: WALL_MS + 9_000 } });
    expect(inFlight().message["submit"]).toEqual([["c"]]);
    expect(inFlight().message["session"]).not.toBe(before);
    inFlight().answer(accepted(1));
    expect(c.outcome?.kind).toBe("accepted");
  });

  it("does not know what became of a command of which an earlier copy may have been decided", () => {
    for (const code of ["session/expired", "session/unknown"]) {
      const { ask, clock, inFlight } = setup();
      const a = ask(["a"]);
      inFlight().fail("timeout");
      clock.advance(100);
      inFlight().answer({ ...accepted(1), rejected: [[0, code, "?", null]] });
      expect(a.outcome?.kind).toBe("unknown");
    }
  });

  it("speaks in its second role when the server denies the first", () => {
    const { ask, inFlight } = setup();
    const a = ask(["a"]);
    inFlight().fail("denied");
    expect(inFlight().subject).toBe("ls.c.cm.job-queue.main.operate.alice");
    inFlight().answer(accepted(1));
    expect(a.outcome?.kind).toBe("accepted");
  });

  it("fails when the server denies every role", () => {
    const { ask, inFlight } = setup({ roles: ["operate"] });
    const a = ask(["a"]);
    inFlight().fail("denied");
    expect(a.outcome).toMatchObject({ kind: "failed", code: "server/denied" });
  });

  it("opens another session when it is half as old as the host keeps one", () => {
    const { ask, clock, inFlight, limits } = setup();
    ask(["a"]);
    const before = inFlight().message["session"];
    inFlight().answer(accepted(1));
    clock.advance(limits.sessionKeepMs / 2 + 1);
    ask(["b"]);
    expect(inFlight().message["session"]).not.toBe(before);
  });
});

describe("a caller of a session", () => {
  it("takes a waiting command back, which is then never sent", () => {
    const { ask, inFlight, session } = setup();
    ask(["a"]);
    const [b] = [ask(["b"]), ask(["c"])];
    expect(session.withdraw(b!)).toBe("withdrawn");
    inFlight().answer(accepted(1));
    expect(inFlight().message["submit"]).toEqual([["c"]]);
    expect(b!.outcome).toBeUndefined();
  });

  it("is told that a command on its way may take effect", () => {
    const { ask, inFlight, session } = setup();
    const a = ask(["a"]);
    expect(session.withdraw(a)).toBe("sent");
    inFlight().answer(accepted(1));
    expect(a.outcome).toBeUndefined();
    expect(session.withdraw(a)).toBe("settled");
  });

  it("keeps the place of a command that is not ready yet", () => {
    const { ask, inFlight, session, wire } = setup();
    ask(["a"]);
    const place = session.reserve("submit", new Hearing());
    ask(["c"]);
    inFlight().answer(accepted(1));
    expect(wire.open(".cm.")).toHaveLength(0);
    place.fill(encode(["b"]));
    expect(inFlight().message["submit"]).toEqual([["b"]]);
    inFlight().answer(accepted(1));
    expect(inFlight().message["submit"]).toEqual([["c"]]);
  });

  it("goes on behind a place that is given up", () => {
    const { ask, inFlight, session } = setup();
    ask(["a"]);
    const place = session.reserve("submit", new Hearing());
    ask(["c"]);
    inFlight().answer(accepted(1));
    place.leave();
    expect(inFlight().message["submit"]).toEqual([["c"]]);
  });

  it("is refused a command that no message has room for", () => {
    const { ask } = setup({ limits: { messageBytesMax: 1_000 } });
    expect(ask(["x".repeat(2_000)]).outcome).toMatchObject({ kind: "failed", code: "client/too-large" });
  });

  it("is refused when too many commands wait", () => {
    const { ask } = setup({ limits: { commandsWaitingMax: 2 } });
    ask(["a"]);
    ask(["b"]);
    ask(["c"]);
    expect(ask(["d"]).outcome).toMatchObject({ kind: "failed", code: "client/overloaded" });
  });

  it("hears nothing certain of what was on its way when the client closed", () => {
    const { ask, session } = setup();
    const [a, b] = [ask(["a"]), ask(["b"])];
    session.close();
    expect(a!.outcome?.kind).toBe("unknown");
    expect(b!.outcome).toMatchObject({ kind: "failed", code: "client/closed" });
  });

  it("hears after a bounded time that nobody answers, and whether that leaves a doubt", () => {
    const { ask, clock, inFlight, limits, wire } = setup();
    const a = ask(["a"]);
    while (a.outcome === undefined && clock.monotonicMs() < 2 * limits.giveUpMs) {
      if (wire.open(".cm.").length > 0) inFlight().fail("timeout");
      clock.advance(5_000);
    }
    expect(a.outcome?.kind).toBe("unknown");
    expect(clock.monotonicMs()).toBeLessThan(limits.giveUpMs + 11_000);
  });
});
