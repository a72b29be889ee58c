import { describe, expect, it } from "vitest";
import { whyInvalid } from "./decide-queues.ts";
import { INSTANCE_NAMES_MAX, TOPIC_STATISTICS_MAX } from "./limits.ts";
import { jobById, jobByNumber, memberByNumber, memberOf, runningOf } from "./lookups.ts";
import { checkInvariants } from "./testing/invariants.ts";
import { MiniHost } from "./testing/mini-host.ts";

const pools = [{ topics: ["a"], slots: 100 }];

describe("what grows has a bound", () => {
  it("jobs keep their ids and payloads while those around them go", () => {
    const host = new MiniHost({ endedMax: 0 });
    host.join("i1", [{ topics: ["a"], slots: 10_000 }]);
    for (let i = 0; i < 1_200; i++) host.submit("a", { input: `${i}`.padEnd(3_000, ".") });
    const slabs = host.state.jobs.payloads.slabCount;
    for (let job = 1; job <= 1_200; job++) if (job % 10 !== 0) host.succeed(job);
    expect(host.state.jobs.payloads.slabCount).toBeLessThan(slabs);
    checkInvariants(host.state);
    expect(String.fromCharCode(...(host.state.job(100).input as Uint8Array).slice(3, 5))).toBe("99");
  });

  it("results move with their jobs too", () => {
    const host = new MiniHost();
    host.join("i1", [{ topics: ["a"], slots: 10_000 }]);
    for (let i = 0; i < 800; i++) host.succeed(host.submit("a"), `${i}`.padEnd(3_000, "."));
    for (let job = 1; job <= 800; job++) if (job % 10 !== 0) host.send("remove", { id: `main.${host.state.job(job).id}` });
    checkInvariants(host.state);
    expect(String.fromCharCode(...(host.state.job(100).result as Uint8Array).slice(3, 5))).toBe("99");
  });

  it("thousands of sleeping jobs wake in their order, whoever of them was stopped", () => {
    const host = new MiniHost();
    for (let i = 0; i < 2_500; i++) host.submit("a", { delayMs: 1 + ((i * 37) % 500) });
    for (let job = 3; job <= 2_500; job += 3) host.send("stop", { id: `main.${host.state.job(job).id}` });
    host.advance(1_000);
    const woken = [...host.state.queue("main").lanes.get("a")!].map((job) => [1 + (((job.number - 1) * 37) % 500), job.number] as const);
    expect(woken).toHaveLength(1_667);
    expect(woken).toEqual([...woken].sort(([dueA, a], [dueB, b]) => dueA - dueB || a - b));
  });

  it("names of instances that are away are forgotten, the first announced first", () => {
    const host = new MiniHost();
    host.join("here", pools);
    for (let i = 0; i < INSTANCE_NAMES_MAX; i++) {
      host.join(`i${i}`, []);
      host.leave(`i${i}`);
    }
    expect(host.state.instances.size).toBe(INSTANCE_NAMES_MAX);
    expect([host.state.instances.has("here"), host.state.instances.has("i0"), host.state.instances.has("i1")]).toEqual([true, false, true]);
  });

  it("so many topics have statistics of their own, later ones count with their queue", () => {
    const host = new MiniHost({ endedMax: 0 });
    for (let i = 0; i <= TOPIC_STATISTICS_MAX; i++) host.state.topics.set(`t/${i}`, host.state.queue("main").statistics);
    host.join("i1", pools);
    for (const end of ["succeed", "fail", "cancel"]) {
      const job = host.submit("a", { retries: 1, retryDelayMs: 60_000 });
      if (end === "succeed") host.succeed(job);
      else if (end === "fail") host.fail(job);
      else host.outcome(job, "canceled", "no");
    }
    expect(host.state.topics.has("a")).toBe(false);
    expect(host.state.queue("main").statistics).toMatchObject({ finished: 1, failed: 1, canceled: 1 });
  });

  it("a retry is refused when the backlog is full; repeated under the same id it is already so", () => {
    const host = new MiniHost({ backlogMax: 1 });
    host.submit("a");
    const id = host.state.job(1).id;
    host.send("stop", { id: `main.${id}` });
    const retry = { type: "RetryJob", id, newId: "again", principal: "ann", owner: undefined } as const;
    expect(host.command(retry)).toMatchObject({ kind: "accepted", answer: { created: "main.again" }, events: [{ type: "JobAccepted" }] });
    expect(host.command(retry)).toMatchObject({ kind: "accepted", answer: { created: "main.again" }, events: [] });
    expect(host.command({ ...retry, newId: "third" })).toMatchObject({ rejection: { code: "queue/backlog-full" } });
    expect(host.command({ ...retry, id: "nobody" })).toMatchObject({ rejection: { code: "job/not-found" } });
  });

  it("many attempts overdue at once are taken back over several commits", () => {
    const host = new MiniHost();
    host.join("i1", [{ topics: ["a"], slots: 5_000 }]);
    for (let i = 0; i < 600; i++) host.submit("a", { timeoutMs: 1_000, retryDelayMs: 60_000 });
    host.room = 100;
    host.advance(6_000);
    expect(host.count("AttemptFailed")).toBe(600);
  });
});

describe("a configuration that nobody read is judged all the same", () => {
  it.each([
    ["retries", { retries: -2 }], ["retries", { retries: 0.5 }], ["retryDelayMs", { retryDelayMs: -1 }], ["keepIds", { keepIds: { ms: -1, count: 1 } }], ["keepIds", { keepIds: { ms: 1, count: -1 } }],
  ])("%s: %j", (field, wrong) => {
    expect(whyInvalid({ topics: ["a"], ...wrong })).toContain(field);
    expect(whyInvalid({ topics: ["a"], retries: -1, retryDelayMs: 0, keepIds: { ms: 0, count: 0 } })).toBeUndefined();
  });
});

describe("lookups", () => {
  it("find jobs and members for the parts of a host beside the actor", () => {
    const host = new MiniHost();
    host.join("i1", pools);
    const jobs = [host.submit("a"), host.submit("a")];
    const member = memberOf(host.state, "i1")!;
    expect(memberByNumber(host.state, member.number)).toBe(member);
    expect(runningOf(member).map((job) => job.number)).toEqual(jobs);
    expect(jobById(host.state, jobByNumber(host.state, jobs[0]!)!.id)?.number).toBe(jobs[0]);
    expect(jobByNumber(host.state, 99)).toBeUndefined();
    expect(jobById(host.state, "nobody")).toBeUndefined();
    expect(memberOf(host.state, "nobody")).toBeUndefined();
  });
});

describe("a fold that cannot be", () => {
  it.each([
    ["a job that is not next", { type: "JobAccepted", job: 9, id: "x", topic: "a", queue: "main", input: new Uint8Array(1), principal: "p", options: undefined }],
    ["a queue that was never configured", { type: "QueueSuspended", queue: "none" }],
    ["a job that is not there", { type: "JobRemoved", job: 9 }],
    ["a member that is not there", { type: "InstanceDraining", member: 9 }],
    ["an attempt that is not live", { type: "AttemptExtended", job: 1, attempt: 1 }],
    ["an attempt of nobody", { type: "AttemptStarted", job: 1, attempt: 2, member: 1, pool: 0 }],
    ["an unfinished job leaving the history", { type: "JobRemoved", job: 1 }],
    ["more sleepers than there are", { type: "JobsDue", count: 1 }],
    ["more ended jobs than there are", { type: "EndedExpired", count: 1 }],
  ] as const)("is a defect: %s", (_, event) => {
    const host = new MiniHost();
    host.submit("a");
    host.join("i1", []);
    expect(() => host.actor.evolve(host.state, event, host.at)).toThrow(expect.objectContaining({ name: "Defect" }));
  });
});
