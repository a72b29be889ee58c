import { describe, expect, it } from "vitest";
import { MiniHost } from "./testing/mini-host.ts";
import type { Placement, QueueConfig } from "./vocabulary.ts";

const world = (placement: Placement, config: Partial<QueueConfig> = {}, slots = 1): MiniHost => {
  const host = new MiniHost();
  host.configure("q", { topics: ["t/*"], retryDelayMs: 0, placement, ...config });
  for (const instance of ["i1", "i2", "i3"]) host.join(instance, [{ topics: ["t/**"], slots }]);
  return host;
};
const rank = (host: MiniHost, ...instances: readonly string[]): unknown => host.send("rank", { instances }, "hello", "topology");
/** By job: the instance it runs on. */
const placed = (host: MiniHost): Readonly<Record<number, string | undefined>> => Object.fromEntries(host.running().map((job) => [job, host.state.job(job).instance]));
const whyOf = (host: MiniHost, job: number): unknown => host.actor.query(host.state, { ask: "why", id: `main.${host.state.job(job).id}` }, { role: "operate", principal: "ann" }, host.at);

describe("a queue that prefers the creation instance", () => {
  it("10.2.4 a job runs on the instance that added it, whoever else is free", () => {
    const host = world("creator", {}, 4);
    const jobs = ["i3", "i2", "i3", "i1"].map((creator) => host.submit("t/a", { creator }));
    expect(jobs.map((job) => placed(host)[job])).toEqual(["i3", "i2", "i3", "i1"]);
  });

  it("10.2.4 it waits for that one while it is there, and holds up nobody else's", () => {
    const host = world("creator");
    const [first, second, other] = ["i1", "i1", "i2"].map((creator) => host.submit("t/a", { creator }));
    expect(placed(host)).toEqual({ [first!]: "i1", [other!]: "i2" });
    expect(whyOf(host, second!)).toMatchObject({ waits: "limit", detail: { instances: ["i1"], placement: "creator" }, text: expect.stringContaining("prefers the instance that added it") });
    host.succeed(first!);
    expect(placed(host)).toEqual({ [second!]: "i1", [other!]: "i2" });
  });

  it("10.2.4 surprise 5 without its creator a job goes to anybody, at once and not lost", () => {
    const host = world("creator");
    const [first, second] = ["i1", "i1"].map((creator) => host.submit("t/a", { creator }));
    host.leave("i1");
    expect(Object.keys(placed(host)).map(Number)).toEqual([first, second]);
    expect(Object.values(placed(host))).not.toContain("i1");
    for (const job of [first!, second!]) host.succeed(job);
    const others = [host.submit("t/a", { creator: "nobody" }), host.submit("t/a")];
    expect(others.map((job) => host.stateOf(job))).toEqual(["active", "active"]);
  });

  it("a creator that does not take the topic, drains or has it disabled is no candidate", () => {
    const host = world("creator");
    host.join("i4", [{ topics: ["u"], slots: 4 }]);
    host.join("i5", [{ topics: ["t/**"], slots: 0 }]);
    host.send("drain", { instance: "i1", incarnation: "1" }, "hello", "wendy");
    for (const creator of ["i1", "i4", "i5"]) host.submit("t/a", { creator });
    expect(new Set(Object.values(placed(host)))).toEqual(new Set(["i2", "i3"]));
  });

  it("surprise 3 other instances come and go without a pause: the creator's jobs go on", () => {
    const host = world("creator", {}, 2);
    host.submit("t/a", { creator: "i1" });
    host.join("i9", [{ topics: ["t/**"], slots: 1 }]);
    const at = host.at;
    const job = host.submit("t/a", { creator: "i1" });
    expect(placed(host)[job]).toBe("i1");
    expect(host.at).toBe(at);
  });

  it("surprise 8 an ordered queue keeps one order over all creators, one at a time", () => {
    const host = world("creator", { type: "ordered" }, 4);
    const jobs = ["i1", "i2", "i3", "i2"].map((creator) => host.submit("t/a", { creator }));
    const ran: (string | undefined)[] = [];
    for (const job of jobs) {
      expect(host.running()).toEqual([job]);
      ran.push(placed(host)[job]);
      host.succeed(job);
    }
    expect(ran).toEqual(["i1", "i2", "i3", "i2"]);
  });

  it("who added it is kept only where the queue asks, is shown, and goes with a retry", () => {
    const host = world("creator");
    host.configure("r", { topics: ["r"] });
    expect(host.state.job(host.submit("r", { creator: "i1" })).extra?.creator).toBeUndefined();
    const job = host.submit("t/a", { creator: "i2" });
    host.send("stop", { id: `main.${host.state.job(job).id}` });
    host.outcome(job, "canceled", "enough");
    expect(host.actor.query(host.state, { ask: "job", id: `main.${host.state.job(job).id}` }, { role: "operate", principal: "ann" }, host.at)).toMatchObject({ creator: "i2" });
    host.send("retry", { id: `main.${host.state.job(job).id}` });
    const again = host.state.next.job - 1;
    expect(placed(host)[again]).toBe("i2");
    expect(host.send("submit", { topic: "t/a", creator: "no such.name" }, "submit")).toMatchObject({ malformed: { field: "creator" } });
  });

  it("a queue that gets or loses the placement sorts what waits anew, and nothing is forgotten", () => {
    const host = world("creator", {}, 3);
    host.send("suspend", { queue: "q" });
    const jobs = ["i1", "i2", "i1"].map((creator) => host.submit("t/a", { creator }));
    host.configure("q", { topics: ["t/*"] });
    host.configure("q", { topics: ["t/*"], placement: "creator" });
    const digest = host.digest();
    host.restart();
    expect(host.digest()).toBe(digest);
    host.send("resume", { queue: "q" });
    expect(placed(host)).toEqual({ [jobs[0]!]: "i1", [jobs[1]!]: "i2", [jobs[2]!]: "i1" });
  });
});

describe("a queue for the leader alone", () => {
  it("10.2.3 without a view: one instance, the one that has been there longest", () => {
    const host = world("leader", {}, 2);
    const jobs = [1, 2, 3].map(() => host.submit("t/a"));
    expect(placed(host)).toEqual({ [jobs[0]!]: "i1", [jobs[1]!]: "i1" });
    expect(whyOf(host, jobs[2]!)).toMatchObject({ waits: "limit", detail: { instances: ["i1"], placement: "leader" } });
  });

  it("10.2.3 with a view: its first member, and when that is gone the next, in the order of the view", () => {
    const host = world("leader", {}, 1);
    rank(host, "i2", "i3", "i1");
    const jobs = [1, 2, 3, 4].map(() => host.submit("t/a"));
    expect(placed(host)).toEqual({ [jobs[0]!]: "i2" });
    host.leave("i2");
    // It is taken back and stands behind those that were ready.
    expect(placed(host)).toEqual({ [jobs[1]!]: "i3" });
    host.succeed(jobs[1]!);
    expect(placed(host)).toEqual({ [jobs[2]!]: "i3" });
  });

  it("10.2.3 without its gap: where the leader does not take the topic it is the first that does, never all", () => {
    const host = new MiniHost();
    host.configure("q", { topics: ["t/*"], placement: "leader" });
    host.join("i1", [{ topics: ["u"], slots: 4 }]);
    for (const instance of ["i2", "i3"]) host.join(instance, [{ topics: ["t/**"], slots: 2 }]);
    rank(host, "i1", "i3", "i2");
    for (let n = 0; n < 5; n++) host.submit("t/a");
    expect(Object.values(placed(host))).toEqual(["i3", "i3"]);
  });

  it("members of the view stand before instances of none", () => {
    const host = world("leader");
    rank(host, "i3");
    const job = host.submit("t/a");
    expect(placed(host)).toEqual({ [job]: "i3" });
  });

  it("nobody there takes it: it waits, and says so", () => {
    const host = new MiniHost();
    host.configure("q", { topics: ["t/*"], placement: "leader" });
    expect(whyOf(host, host.submit("t/a"))).toMatchObject({ waits: "no-capable-instance" });
  });

  it("the order of the view is in a snapshot, the same again is nothing, and only the host says it", () => {
    const host = world("leader");
    expect(rank(host, "i2", "i1")).toMatchObject({ events: [{ type: "InstancesRanked" }] });
    expect(rank(host, "i2", "i1")).toMatchObject({ events: [] });
    const digest = host.digest();
    host.restart();
    expect(host.digest()).toBe(digest);
    const job = host.submit("t/a");
    expect(placed(host)).toEqual({ [job]: "i2" });
    for (const role of ["submit", "operate", "outcome"] as const) expect(host.send("rank", { instances: [] }, role)).toMatchObject({ malformed: { code: "command/not-allowed" } });
  });
});

describe("the configuration", () => {
  it("names one of three places", () => {
    const host = new MiniHost();
    expect(host.send("configure", { queue: "q", topics: ["a"], placement: "nowhere" })).toMatchObject({ malformed: { field: "placement" } });
    expect(host.send("configure", { queue: "q", topics: ["a"], placement: "any" }).kind).toBe("accepted");
  });
});
