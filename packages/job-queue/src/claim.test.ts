import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MiniHost } from "./testing/mini-host.ts";
import type { QueueConfig } from "./vocabulary.ts";

const configured = (config: Partial<QueueConfig>, processors = 4, slots = 1_000): MiniHost => {
  const host = new MiniHost();
  host.configure("q", { topics: ["t/*"], ...config });
  host.join("i1", [{ topics: ["t/**"], slots }], { processors });
  return host;
};

const runsOf20 = (host: MiniHost): number => {
  for (let i = 0; i < 20; i++) host.submit("t/x");
  return host.running().length;
};

/** The instance each running job is on. */
const placed = (host: MiniHost): readonly (string | undefined)[] => host.running().map((job) => host.state.job(job).instance);

describe("which queue a job goes to", () => {
  it("QM-01 among equal rankings the queue configured first", () => {
    const host = new MiniHost();
    for (const [name, ranking] of [["q1", 0], ["q2", 0], ["q3", -3]] as const) host.configure(name, { topics: ["topic1"], ranking });
    expect(host.state.job(host.submit("topic1")).queue.name).toBe("q1");
  });

  it("QM-02 a generic pattern wins by order over an exact one of equal ranking", () => {
    const host = new MiniHost();
    host.configure("q1", { topics: ["*"] });
    host.configure("q2", { topics: ["topic1"] });
    expect(host.state.job(host.submit("topic1")).queue.name).toBe("q1");
  });

  it("QM-03 the higher ranking wins over the more specific pattern", () => {
    const host = new MiniHost();
    host.configure("q1", { topics: ["topic1/a"], ranking: 1 });
    host.configure("q2", { topics: ["topic1/*"], ranking: 2 });
    expect(host.state.job(host.submit("topic1/a")).queue.name).toBe("q2");
  });

  it("what no configuration claims goes to the default queue, and a changed configuration counts at once", () => {
    const host = new MiniHost();
    expect(host.state.job(host.submit("a")).queue.name).toBe("main");
    host.configure("q", { topics: ["a"] });
    expect(host.state.job(host.submit("a")).queue.name).toBe("q");
  });

  it("a job may name its queue; one that is not there is refused", () => {
    const host = new MiniHost();
    host.configure("q", { topics: ["a"] });
    expect(host.state.job(host.submit("b", { queue: "q" })).queue.name).toBe("q");
    expect(host.send("submit", { topic: "b", queue: "none" }, "submit")).toMatchObject({ rejection: { code: "queue/not-found" } });
  });

  it("QC-06 a queue without a pattern, or with nonsense in one, is invalid", () => {
    const host = new MiniHost();
    for (const topics of [[], [" "], ["a//b"], ["a/**"]]) expect(host.configure("q", { topics })).toMatchObject({ rejection: { code: "queue/invalid" } });
    expect(host.configure("q", { topics: ["a", ""] }).kind).toBe("accepted");
  });

  it("the same configuration again is already so", () => {
    const host = new MiniHost();
    host.configure("q", { topics: ["a"], retries: 1 });
    expect(host.configure("q", { retries: 1, topics: ["a"] })).toMatchObject({ kind: "accepted", events: [] });
    expect(host.configure("q", { retries: 2, topics: ["a"] })).toMatchObject({ kind: "accepted", events: [{ type: "QueueConfigured" }] });
  });
});

describe("how many run at a time", () => {
  it.each([[-1, 4], [-2, 4], [-0.5, 4], [1.01, 4], [1, 1], [0.5, 2], [0.9, 4], [0.99, 4], [0.1, 1], [15, 15]])("QC-01 maxParallel %d on 4 processors is %d", (maxParallel, runs) => {
    expect(runsOf20(configured({ maxParallel }))).toBe(runs);
  });

  it("QC-01 maxParallel 0 is invalid, but for an ordered queue, which runs one anyway", () => {
    const host = new MiniHost();
    expect(host.configure("o", { topics: ["a"], type: "ordered", maxParallel: 0 }).kind).toBe("accepted");
    expect(host.configure("q", { topics: ["a"], maxParallel: 0 })).toMatchObject({ rejection: { code: "queue/invalid" } });
  });

  it("P6 the limit holds on each instance, and slots hold beside it", () => {
    const host = configured({ maxParallel: 3 });
    host.join("i2", [{ topics: ["t/x"], slots: 2 }]);
    expect(runsOf20(host)).toBe(5);
  });

  it("a lowered limit starts nothing until enough have ended, a raised one starts at once", () => {
    const host = configured({ maxParallel: 3 });
    runsOf20(host);
    host.configure("q", { topics: ["t/*"], maxParallel: 1 });
    const [first, second, third] = host.running();
    host.succeed(first!);
    host.succeed(second!);
    expect(host.running()).toEqual([third]);
    host.configure("q", { topics: ["t/*"], maxParallel: 4 });
    expect(host.running()).toHaveLength(4);
  });

  it("UQ-01 300 jobs over 10 topics with at most 5 at a time: every level is seen, none above, all finish", () => {
    const host = new MiniHost();
    host.configure("uq", { topics: ["u/*"], maxParallel: 5, retries: 2 });
    host.join("i1", [{ topics: ["u/start"], slots: 1 }, { topics: ["u/*"], slots: 100 }]);
    const levels = new Set<number>();
    host.succeed(host.submit("u/start"));
    host.send("suspend", { queue: "uq" });
    for (let i = 0; i < 300; i++) host.submit(`u/sub${i % 10}`);
    expect(host.running()).toEqual([]);
    host.send("resume", { queue: "uq" });
    while (host.running().length > 0) {
      levels.add(host.running().length);
      host.succeed(host.running()[0]!);
    }
    expect([...levels].sort()).toEqual([1, 2, 3, 4, 5]);
    expect(host.state.queue("uq").statistics).toMatchObject({ finished: 301, failed: 0, canceled: 0 });
  });

  it("MP-03 MP-04 while instances come and go the limit is never exceeded and nothing is lost", () => {
    fc.assert(fc.property(fc.array(fc.constantFrom("end", "end", "end", "join", "leave", "wait"), { maxLength: 80 }), (steps) => {
      const host = configured({ maxParallel: 3, retries: -1, retryDelayMs: 0 });
      for (let i = 0; i < 20; i++) host.submit("t/x");
      for (const step of steps) {
        if (step === "end" && host.running().length > 0) host.succeed(host.running()[0]!);
        if (step === "join") host.join("i1", [{ topics: ["t/**"], slots: 100 }], { incarnation: String(host.events.length) });
        if (step === "leave") host.leave("i1", host.state.instances.get("i1")?.member?.incarnation);
        if (step === "wait") host.advance(330);
        expect(host.running().length).toBeLessThanOrEqual(3);
      }
      host.join("i2", [{ topics: ["t/x"], slots: 100 }]);
      while (host.running().length > 0) host.succeed(host.running()[0]!);
      expect(host.state.queue("q").statistics).toMatchObject({ finished: 20, queued: 0 });
    }), { numRuns: 50, seed: 1 });
  });
});

describe("who gets it", () => {
  it("TM-01 TM-02 a/* and a/** take a job below", () => {
    for (const pattern of ["sling/test/*", "sling/**"]) {
      const host = new MiniHost();
      host.join("i1", [{ topics: [pattern], slots: 1 }]);
      expect(host.stateOf(host.submit("sling/test/a"))).toBe("active");
    }
  });

  it("TM-03 of one instance the most specific pool takes it, then the next", () => {
    const host = new MiniHost();
    const pools = [{ topics: ["sling/**"], slots: 9 }, { topics: ["sling/test/*"], slots: 9 }, { topics: ["sling/test/a"], slots: 9 }];
    const poolOf = (): number => {
      const job = host.submit("sling/test/a");
      return [...host.state.members.values()][0]!.running.poolOf(job)!.index;
    };
    host.join("i1", pools);
    expect(poolOf()).toBe(2);
    host.join("i1", pools.slice(0, 2));
    expect(poolOf()).toBe(1);
    host.join("i1", pools.slice(0, 1));
    expect(poolOf()).toBe(0);
  });

  it("CM-07 of two pools with the same pattern the first takes it", () => {
    const host = new MiniHost();
    host.join("i1", [{ topics: ["a/b"], slots: 5 }, { topics: ["a/b"], slots: 5 }]);
    for (let i = 0; i < 7; i++) host.submit("a/b");
    expect([...host.state.members.values()][0]!.pools.map((pool) => pool.used)).toEqual([5, 0]);
  });

  it("jobs are spread over the capable instances in turn", () => {
    const host = new MiniHost();
    for (const name of ["i1", "i2", "i3"]) host.join(name, [{ topics: ["a"], slots: 10 }]);
    for (let i = 0; i < 9; i++) host.submit("a");
    expect(placed(host)).toEqual(["i1", "i2", "i3", "i1", "i2", "i3", "i1", "i2", "i3"]);
  });

  it("the turn passes over instances without a free slot, and comes back to them", () => {
    const host = new MiniHost();
    host.join("i1", [{ topics: ["a"], slots: 1 }]);
    host.join("i2", [{ topics: ["a"], slots: 3 }]);
    for (let i = 0; i < 5; i++) host.submit("a");
    expect(placed(host)).toEqual(["i1", "i2", "i2", "i2"]);
    host.succeed(1);
    expect(host.state.job(5).instance).toBe("i1");
  });

  it("in an unordered queue the longest ready of all topics that somebody takes goes first", () => {
    const host = new MiniHost();
    const jobs = ["a", "nobody", "b", "a", "b"].map((topic) => host.submit(topic));
    host.join("i1", [{ topics: ["a", "b"], slots: 1 }]);
    const order: number[] = [];
    for (let job = host.running()[0]; job !== undefined; job = host.running()[0]) {
      order.push(job);
      host.succeed(job);
    }
    expect(order).toEqual([jobs[0], jobs[2], jobs[3], jobs[4]]);
  });

  it("a topic without a slot does not hold up another", () => {
    const host = new MiniHost();
    host.join("i1", [{ topics: ["slow"], slots: 1 }, { topics: ["fast"], slots: 1 }]);
    for (let i = 0; i < 3; i++) host.submit("slow");
    expect(host.stateOf(host.submit("fast"))).toBe("active");
  });

  it("queues that share a pool share it by readiness", () => {
    const host = new MiniHost();
    host.configure("q1", { topics: ["a/*"] });
    host.configure("q2", { topics: ["b/*"] });
    const jobs = ["a/1", "b/1", "a/2", "b/2"].map((topic) => host.submit(topic));
    host.join("i1", [{ topics: ["a/*", "b/*"], slots: 1 }]);
    for (const job of jobs) {
      expect(host.running()).toEqual([job]);
      host.succeed(job);
    }
  });

  it("lanes of topics that have passed are forgotten", () => {
    const host = new MiniHost();
    host.join("i1", [{ topics: ["t/*"], slots: 1 }]);
    for (let i = 0; i < 1_500; i++) host.succeed(host.submit(`t/${i}`));
    expect(host.state.queue("main").lanes.size).toBeLessThanOrEqual(1_025);
    host.send("removeAll", { state: "history" });
    expect(host.state.jobs.topics.size).toBe(0);
  });

  it("ten thousand topics that nobody takes cost a claim nothing", () => {
    const host = new MiniHost();
    host.join("i1", [{ topics: ["a"], slots: 1 }]);
    for (let i = 0; i < 2_000; i++) host.submit(`nobody/${i}`);
    expect(host.stateOf(host.submit("a"))).toBe("active");
    expect(host.due()).toBeUndefined();
  });
});

describe("suspension", () => {
  it("CO-01 CO-02 QU-02 QU-06 a suspended queue starts nothing, lets the running end, and goes on when resumed", () => {
    const host = configured({}, 4, 1);
    const running = host.submit("t/x");
    host.send("suspend", { queue: "q" });
    for (let i = 0; i < 10; i++) host.submit("t/x");
    host.succeed(running);
    host.advance(3_600_000);
    expect(host.running()).toEqual([]);
    host.restart();
    expect(host.state.queue("q").isSuspended).toBe(true);
    host.send("resume", { queue: "q" });
    while (host.running().length > 0) host.succeed(host.running()[0]!);
    expect(host.state.queue("q").statistics.finished).toBe(11);
  });

  it("CO-03 flapping loses nothing and runs nothing twice", () => {
    const host = configured({}, 4, 2);
    host.send("suspend", { queue: "q" });
    for (let i = 0; i < 8; i++) host.submit("t/x");
    for (let i = 0; i < 3; i++) {
      host.send("resume", { queue: "q" });
      host.send("suspend", { queue: "q" });
      for (const job of host.running()) host.succeed(job);
    }
    host.send("resume", { queue: "q" });
    while (host.running().length > 0) host.succeed(host.running()[0]!);
    expect(host.state.queue("q").statistics.finished).toBe(8);
    expect(host.count("AttemptStarted")).toBe(8);
  });

  it("a retry waits for the resume, and the first instant of a suspension is kept", () => {
    const host = configured({ retryDelayMs: 10 });
    const job = host.submit("t/x");
    host.fail(job);
    host.send("suspend", { queue: "q" });
    const since = host.at;
    host.advance(1_000);
    expect(host.stateOf(job)).toBe("queued");
    expect(host.send("suspend", { queue: "q" })).toMatchObject({ events: [] });
    expect(host.state.queue("q").suspendedSince).toBe(since);
    host.send("resume", { queue: "q" });
    expect(host.stateOf(job)).toBe("active");
    expect(host.send("resume", { queue: "q" })).toMatchObject({ events: [] });
  });

  it("a queue that is not there is neither suspended nor resumed", () => {
    const host = new MiniHost();
    expect(host.send("suspend", { queue: "none" })).toMatchObject({ rejection: { code: "queue/not-found" } });
    expect(host.send("resume", { queue: "none" })).toMatchObject({ rejection: { code: "queue/not-found" } });
  });
});

describe("bounds", () => {
  it("P1 a full backlog refuses, and takes again when there is room", () => {
    const host = new MiniHost({ backlogMax: 2 });
    host.submit("a");
    host.submit("a");
    expect(host.send("submit", { topic: "a" }, "submit")).toMatchObject({ rejection: { code: "queue/backlog-full" } });
    host.join("i1", [{ topics: ["a"], slots: 1 }]);
    expect(host.send("submit", { topic: "a" }, "submit").kind).toBe("accepted");
  });

  it("payloads are bounded by bytes", () => {
    const host = new MiniHost({ payloadBytesMax: 100 });
    host.submit("a", { input: "x".repeat(120) });
    expect(host.send("submit", { topic: "a" }, "submit")).toMatchObject({ rejection: { code: "queue/backlog-full" } });
  });

  it("there are only so many queues", () => {
    const host = new MiniHost({ queuesMax: 2 });
    host.configure("q1", { topics: ["a"] });
    expect(host.configure("q2", { topics: ["a"] })).toMatchObject({ rejection: { code: "queue/invalid" } });
    expect(host.configure("q1", { topics: ["b"] }).kind).toBe("accepted");
  });
});
