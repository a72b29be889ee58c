import { describe, expect, it } from "vitest";
import { MiniHost } from "./testing/mini-host.ts";

const pools = [{ topics: ["a"], slots: 2 }];

describe("instances", () => {
  it("an instance that joins again as it is changes nothing", () => {
    const host = new MiniHost();
    host.join("i1", pools);
    expect(host.join("i1", pools)).toMatchObject({ kind: "accepted", events: [] });
    expect(host.join("i1", [{ topics: ["a"], slots: 3 }])).toMatchObject({ events: [{ type: "TopicsChanged" }] });
  });

  it("a new incarnation implies that the one before is gone, and its attempts count as failures", () => {
    const host = new MiniHost();
    host.join("i1", pools);
    const job = host.submit("a");
    const answer = host.join("i1", pools, { incarnation: "2" });
    expect(answer).toMatchObject({
      events: [{ type: "InstanceLeft", member: 1 }, { type: "InstanceJoined", member: 2 }, { type: "AttemptFailed", kind: "lost" }, { type: "AttemptStarted", member: 2 }],
    });
    expect(host.state.job(job)).toMatchObject({ attempt: 2, failures: 1 });
    expect(host.state.members.size).toBe(1);
  });

  it("P14 an instance id belongs to the principal that first announced it, also while it is away", () => {
    const host = new MiniHost();
    host.join("i1", pools);
    expect(host.join("i1", pools, { principal: "mallory", incarnation: "2" })).toMatchObject({ rejection: { code: "instance/not-yours" } });
    host.leave("i1");
    expect(host.join("i1", pools, { principal: "mallory" })).toMatchObject({ rejection: { code: "instance/not-yours" } });
    expect(host.join("i1", pools, { incarnation: "2" }).kind).toBe("accepted");
  });

  it("words of another incarnation, or of nobody, are refused; leaving twice is already so", () => {
    const host = new MiniHost();
    host.join("i1", pools);
    for (const verb of ["topics", "drain", "leave"]) {
      expect(host.send(verb, { instance: "i1", incarnation: "0", pools, reason: "x" }, "hello")).toMatchObject({ rejection: { code: "instance/stale-incarnation" } });
    }
    expect(host.send("drain", { instance: "i2", incarnation: "1" }, "hello")).toMatchObject({ rejection: { code: "instance/stale-incarnation" } });
    host.leave("i1");
    expect(host.leave("i1")).toMatchObject({ kind: "accepted", events: [] });
  });

  it("a draining instance takes nothing new and finishes what it runs", () => {
    const host = new MiniHost();
    host.join("i1", pools);
    const job = host.submit("a");
    host.send("drain", { instance: "i1", incarnation: "1" }, "hello");
    const next = host.submit("a");
    expect(host.succeed(job).kind).toBe("accepted");
    expect(host.stateOf(next)).toBe("queued");
    expect(host.send("drain", { instance: "i1", incarnation: "1" }, "hello")).toMatchObject({ events: [] });
    host.join("i2", pools);
    expect(host.state.job(next).instance).toBe("i2");
  });

  it("a poison job that ends its instance every time is given up", () => {
    const host = new MiniHost();
    host.configure("main", { topics: ["*"], retries: 2 });
    const job = host.submit("a");
    for (let incarnation = 0; incarnation < 5; incarnation++) {
      host.join("i1", pools, { incarnation: String(incarnation) });
      host.leave("i1", String(incarnation));
    }
    expect(host.state.job(job)).toMatchObject({ state: "given-up", attempt: 3, failures: 3, end: { reason: "lost" } });
    expect(host.state.members.size).toBe(0);
  });

  it("an instance thought gone is told to let go, and what it says later is refused", () => {
    const host = new MiniHost();
    host.join("i1", pools);
    const job = host.submit("a");
    host.leave("i1");
    expect(host.told.at(-1)).toEqual({ address: "wk.wendy.i1.main", item: [1, job, 1, "superseded"] });
    expect(host.send("outcome", [job, 1, 0, null], "outcome", "wendy")).toMatchObject({ rejection: { code: "job/stale-attempt" } });
  });

  it("ten thousand attempts of one instance are taken back in slices, one bounded commit at a time", () => {
    const host = new MiniHost();
    host.join("i1", [{ topics: ["a"], slots: 5_000 }]);
    for (let i = 0; i < 5_000; i++) host.submit("a");
    const before = host.events.length;
    const decision = host.actor.decide(host.state, { type: "LeaveInstance", instance: "i1", incarnation: "1", reason: "gone" }, host.at);
    expect(decision).toMatchObject({ events: [{ type: "InstanceLeft" }] });
    host.leave("i1");
    expect(host.events.slice(before).filter((event) => event.type === "AttemptFailed")).toHaveLength(5_000);
    expect(host.state.members.size).toBe(0);
    expect(host.state.queued).toBe(5_000);
  });

  it("P8 attempts are taken back by number, whatever order they were started in", () => {
    const host = new MiniHost();
    const first = host.submit("a", { delayMs: 10 });
    const second = host.submit("a");
    host.join("i1", pools);
    host.advance(10);
    expect(host.running()).toEqual([first, second]);
    host.leave("i1");
    expect(host.events.flatMap((event) => (event.type === "AttemptFailed" ? [event.job] : []))).toEqual([first, second]);
  });

  it("there are only so many instances at a time", () => {
    const host = new MiniHost({ instancesMax: 1 });
    host.join("i1", pools);
    expect(host.join("i2", pools)).toMatchObject({ rejection: { code: "instance/too-many" } });
    host.leave("i1");
    expect(host.join("i2", pools).kind).toBe("accepted");
  });

  it("changed pools keep what runs in them; a pool no longer offered runs out", () => {
    const host = new MiniHost();
    host.join("i1", [{ topics: ["a"], slots: 1 }, { topics: ["b"], slots: 1 }]);
    const [a, b] = [host.submit("a"), host.submit("b")];
    host.join("i1", [{ topics: ["b"], slots: 2 }]);
    const member = [...host.state.members.values()][0]!;
    expect(member.pools.map(({ topics, used, slots }) => ({ topics, used, slots }))).toEqual([{ topics: ["b"], used: 1, slots: 2 }]);
    host.restart();
    host.succeed(a!);
    host.succeed(b!);
    expect([...host.state.members.values()][0]!.pools[0]!.used).toBe(0);
    host.submit("a");
    expect(host.running()).toEqual([]);
  });

  it("IO capabilities: an instance counts once for a topic, however many of its patterns match", () => {
    const host = new MiniHost();
    host.join("i1", ["foo", "bar/*", "a/**", "d/1/2", "d/1/*", "d/**"].map((topic) => ({ topics: [topic], slots: 1 })));
    const targets = (topic: string): number => host.state.ensureBoard(host.at).capable(host.state.job(host.submit(topic))).length;
    const expected = { foo: 1, "foo/a": 0, bar: 0, "bar/foo": 1, "bar/foo/a": 0, "a/b": 1, x: 0, "x/y": 0, "d/1/2": 1 };
    expect(Object.fromEntries(Object.keys(expected).map((topic) => [topic, targets(topic)]))).toEqual(expected);
  });
});
