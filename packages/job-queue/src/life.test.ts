import { decodeTrusted } from "@longshore/kernel";
import { describe, expect, it } from "vitest";
import { MiniHost } from "./testing/mini-host.ts";
import type { JobView } from "./vocabulary.ts";

const worker = (slots = 10, ...topics: string[]) => [{ topics: topics.length === 0 ? ["sling/**"] : topics, slots }];

/** As in Sling's JobHandlingIT: a queue with two retries after two seconds each. */
function setup(slots?: number): MiniHost {
  const host = new MiniHost();
  host.configure("test", { topics: ["sling/test", "sling/test2"], retries: 2, retryDelayMs: 2_000 });
  host.join("i1", worker(slots));
  return host;
}

const ask = (host: MiniHost, question: Readonly<Record<string, unknown>>): unknown =>
  host.actor.query(host.state, question, { role: "submit", principal: "ann" }, host.at);
const find = (host: MiniHost, state: string): readonly JobView[] =>
  (ask(host, { ask: "find", filter: { state, topic: "sling/test" } }) as { jobs: JobView[] }).jobs;

describe("the life of a job", () => {
  it("JH-01 JH-02 a job with a capable worker starts at once, succeeds once and is not started again", () => {
    const host = setup();
    const job = host.submit("sling/test");
    expect(host.stateOf(job)).toBe("active");
    host.succeed(job, "done");
    host.advance(5_000);
    expect(host.stateOf(job)).toBe("succeeded");
    expect(host.count("AttemptStarted")).toBe(1);
    expect(decodeTrusted(host.state.job(job).result as Uint8Array)).toBe("done");
  });

  it("JH-03 300 jobs added back to back all finish", () => {
    const host = setup();
    for (let i = 0; i < 300; i++) host.submit("sling/test");
    while (host.running().length > 0) for (const job of host.running()) host.succeed(job);
    expect(host.state.queue("test").statistics.finished).toBe(300);
  });

  it("JH-04 a running job is found, also after it failed; removed it is history; removed again it is gone", () => {
    const host = setup();
    const job = host.submit("sling/test", { properties: { id: "cancelJobId" } });
    const template = { ask: "find", filter: { state: "all", topic: "sling/test", where: [{ id: "cancelJobId" }] } };
    expect((ask(host, template) as { jobs: unknown[] }).jobs).toHaveLength(1);
    host.fail(job);
    host.advance(200);
    const id = `main.${host.state.job(job).id}`;
    expect(ask(host, { ask: "job", id })).toMatchObject({ state: "queued", failures: 1, waits: "retry", error: { message: "it broke" } });
    expect(ask(host, { ask: "job", id })).not.toHaveProperty("startedAt");
    expect(host.send("remove", { id }).kind).toBe("accepted");
    expect(find(host, "all")).toHaveLength(0);
    expect(find(host, "history")).toMatchObject([{ state: "dropped" }]);
    expect(host.send("remove", { id }).kind).toBe("accepted");
    expect(find(host, "history")).toHaveLength(0);
    expect(host.send("remove", { id })).toMatchObject({ kind: "rejected", rejection: { code: "job/not-found" } });
  });

  it("JH-05 a running job can be asked for", () => {
    const host = setup();
    const job = host.submit("sling/test");
    expect(ask(host, { ask: "job", id: `main.${host.state.job(job).id}` })).toMatchObject({ state: "active", attempt: 1, instance: "i1", startedAt: host.at });
    expect(ask(host, { ask: "job", id: "main.nobody" })).toBeNull();
  });

  it("JH-06 a job that always fails runs retries + 1 times, two seconds apart, and is given up", () => {
    const host = setup();
    const job = host.submit("sling/test");
    const seen: number[] = [];
    for (let i = 0; i < 3; i++) {
      expect(host.stateOf(job)).toBe("active");
      seen.push(host.state.job(job).failures);
      host.fail(job);
      host.advance(1_999);
      expect(host.stateOf(job)).not.toBe("active");
      host.advance(1);
    }
    host.advance(5_000);
    expect(seen).toEqual([0, 1, 2]);
    expect(host.stateOf(job)).toBe("given-up");
    expect(host.state.job(job)).toMatchObject({ attempt: 3, failures: 3 });
    expect(host.count("AttemptFailed")).toBe(2);
  });

  it("JH-07 five jobs, of which one fails once, one twice and one always, end as in Sling", () => {
    const host = setup();
    const jobs = Array.from({ length: 5 }, () => host.submit("sling/test"));
    const failuresOf = new Map([[jobs[1], 1], [jobs[2], 2], [jobs[4], 3]]);
    for (let round = 0; round < 4; round++) {
      for (const job of host.running()) {
        if (host.state.job(job).failures < (failuresOf.get(job) ?? 0)) host.fail(job);
        else host.succeed(job);
      }
      host.advance(2_000);
    }
    const { finished, canceled, failed } = host.state.queue("test").statistics;
    expect({ finished, canceled, failed, started: host.count("AttemptStarted") }).toEqual({ finished: 4, canceled: 1, started: 10, failed: 5 });
    expect(host.stateOf(jobs[4]!)).toBe("given-up");
  });

  it("JH-08 jobs whose topic nobody takes wait, and count as the backlog they are", () => {
    const host = new MiniHost();
    host.join("i1", worker(10, "sling/test"));
    for (let i = 0; i < 20; i++) host.submit(i % 2 === 0 ? "sling/test" : "sling/test2");
    for (const job of host.running()) host.succeed(job);
    expect(host.state.queue("main").statistics.view()).toMatchObject({ finished: 10, queued: 10, active: 0 });
  });

  it("JH-09 a job nobody can do is queued in the default queue and says so", () => {
    const host = setup();
    const job = host.submit("no/consumer/registered");
    expect(host.stateOf(job)).toBe("queued");
    const id = `main.${host.state.job(job).id}`;
    expect(ask(host, { ask: "why", id })).toMatchObject({ waits: "no-capable-instance", detail: { queue: "main", instances: ["i1"] } });
  });

  it("CL-01 a payload reaches the worker byte for byte", () => {
    const host = setup();
    const input = { text: "x", int: 5, long: 2 ** 40, list: [1, "2"], map: { a: null } };
    host.submit("sling/test", { input });
    const item = host.told.at(-1)!;
    expect(item.address).toBe("wk.wendy.i1.main");
    expect(decodeTrusted(item.item[5] as Uint8Array)).toEqual(input);
  });

  it("HI-01 the history of an ordered queue tells how each job ended, the latest first", () => {
    const host = new MiniHost();
    host.configure("history", { topics: ["sling/history"], type: "ordered", retries: 2, retryDelayMs: 2, keepJobs: true });
    host.join("i1", worker());
    const testStart = host.at;
    for (let counter = 0; counter < 10; counter++) host.submit("sling/history", { properties: { counter } });
    for (let job = host.running()[0]; job !== undefined; job = host.running()[0]) {
      host.advance(5);
      const counter = host.state.job(job).extra!.properties!["counter"];
      if (counter === 2 || counter === 5 || counter === 7) host.outcome(job, "canceled", "ERROR");
      else host.outcome(job, "succeeded", null, "SUCCEEDED");
    }
    host.advance(1);
    const count = (state: string, where?: unknown): number =>
      (ask(host, { ask: "find", filter: { state, topic: "sling/history", ...(where === undefined ? {} : { where }) } }) as { jobs: unknown[] }).jobs.length;
    const states = ["history", "active", "queued", "all", "canceled", "dropped", "error", "given-up", "stopped", "succeeded"];
    expect(states.map((state) => count(state))).toEqual([10, 0, 0, 0, 3, 0, 3, 0, 0, 7]);
    expect(count("succeeded", [{ ">=job.startedAt": testStart, "<job.endedAt": host.at }])).toBe(7);
    expect(count("succeeded", [{ ">=job.startedAt": host.at }])).toBe(0);
    const { jobs } = ask(host, { ask: "find", filter: { state: "history" } }) as { jobs: JobView[] };
    expect(jobs.map((job) => job.properties!["counter"])).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    for (const job of jobs) {
      expect(job.endedAt).toBeGreaterThan(testStart);
      expect(job.reason).toBe(job.state === "error" ? "ERROR" : "SUCCEEDED");
    }
  });
});

describe("outcomes", () => {
  it("P4 an outcome of an attempt that is over changes nothing", () => {
    const host = setup();
    const job = host.submit("sling/test");
    host.fail(job);
    host.advance(2_000);
    const before = host.digest();
    const late = host.send("outcome", [job, 1, 0, null], "outcome", "wendy");
    expect(late).toMatchObject({ kind: "rejected", rejection: { code: "job/stale-attempt" } });
    expect(host.send("outcome", [99, 1, 0, null], "outcome", "wendy")).toMatchObject({ rejection: { code: "job/stale-attempt" } });
    expect(host.digest()).toBe(before);
    expect(host.succeed(job).kind).toBe("accepted");
    expect(host.succeed(job)).toMatchObject({ rejection: { code: "job/stale-attempt" } });
  });

  it("P3 an outcome is taken from the principal that runs the attempt, and from nobody else", () => {
    const host = setup();
    const job = host.submit("sling/test");
    expect(host.send("outcome", [job, 1, 0, null], "outcome", "mallory")).toMatchObject({ rejection: { code: "job/not-yours" } });
    expect(host.send("outcome", [job, 1, 0, null], "outcome", "wendy").kind).toBe("accepted");
  });

  it("a canceled job is never tried again", () => {
    const host = setup();
    const job = host.submit("sling/test");
    host.outcome(job, "canceled", "bad input");
    host.advance(60_000);
    expect(host.stateOf(job)).toBe("error");
    expect(host.state.job(job).end?.reason).toBe("bad input");
  });

  it("a snooze and a hand-back cost no failure, and the attempt number grows all the same", () => {
    const host = setup();
    const job = host.submit("sling/test");
    host.outcome(job, "snoozed", 1_000);
    expect(host.stateOf(job)).toBe("queued");
    host.advance(1_000);
    host.outcome(job, "released");
    expect(host.state.job(job)).toMatchObject({ state: "active", attempt: 3, failures: 0 });
  });

  it("the delay before a retry is the worker's, else the job's, else the queue's", () => {
    const host = setup();
    const delayOf = (job: number, ...retryInMs: number[]): number => {
      host.fail(job, ...retryInMs);
      return host.state.job(job).isAsleep ? host.state.job(job).until - host.at : 0;
    };
    expect(delayOf(host.submit("sling/test", { retryDelayMs: 700 }), 300)).toBe(300);
    expect(delayOf(host.submit("sling/test", { retryDelayMs: 700 }))).toBe(700);
    expect(delayOf(host.submit("sling/test"))).toBe(2_000);
    expect(delayOf(host.submit("sling/test", { retryDelayMs: 700 }), 0)).toBe(0);
  });

  it("a job's own retries go before its queue's: 0 means once, -1 means for ever", () => {
    const host = setup();
    const once = host.submit("sling/test", { retries: 0 });
    host.fail(once);
    expect(host.stateOf(once)).toBe("given-up");
    const endless = host.submit("sling/test", { retries: -1, retryDelayMs: 0 });
    for (let i = 0; i < 50; i++) host.fail(endless);
    expect(host.state.job(endless)).toMatchObject({ state: "active", failures: 50, attempt: 51 });
  });

  it("a retried job stands behind those that are ready", () => {
    const host = setup(1);
    const [first, second] = [host.submit("sling/test", { retryDelayMs: 0 }), host.submit("sling/test")];
    host.fail(first!);
    expect(host.running()).toEqual([second]);
    expect(host.state.job(first!).startedAt).toBeUndefined();
  });
});

describe("stop, remove and retry", () => {
  const idOf = (host: MiniHost, job: number): string => `main.${host.state.job(job).id}`;

  it("a queued job is stopped at once, also one that sleeps", () => {
    const host = new MiniHost();
    for (const job of [host.submit("a"), host.submit("a", { delayMs: 1_000 })]) {
      host.send("stop", { id: idOf(host, job), reason: "no longer needed" });
      expect(host.state.job(job)).toMatchObject({ state: "stopped", end: { reason: "no longer needed" } });
    }
    host.advance(2_000);
    expect(host.count("JobsDue")).toBe(0);
  });

  it("QU-07 an active job is told to stop, and ends as its worker says", () => {
    const host = setup();
    const ends: [string, keyof typeof import("./vocabulary.ts").OUTCOME, ...unknown[]][] = [
      ["stopped", "canceled", "stopped"], ["succeeded", "succeeded", null], ["stopped", "failed", { name: "E", message: "m" }],
      ["stopped", "released"], ["stopped", "snoozed", 5], ["stopped", "timedOut"],
    ];
    for (const [state, kind, ...details] of ends) {
      const job = host.submit("sling/test");
      host.send("stop", { id: idOf(host, job) });
      expect(host.stateOf(job)).toBe("active");
      expect(host.told.at(-1)).toEqual({ address: "wk.wendy.i1.main", item: [1, job, 1, "stop"] });
      host.outcome(job, kind, ...details);
      expect(host.stateOf(job)).toBe(state);
    }
  });

  it("a repeated stop is already so; a stop of what ended otherwise is refused", () => {
    const host = setup();
    const job = host.submit("sling/test");
    host.send("stop", { id: idOf(host, job) });
    expect(host.send("stop", { id: idOf(host, job) })).toMatchObject({ kind: "accepted", events: [] });
    host.succeed(job);
    expect(host.send("stop", { id: idOf(host, job) })).toMatchObject({ rejection: { code: "job/ended" } });
    expect(host.send("stop", { id: "main.nobody" })).toMatchObject({ rejection: { code: "job/not-found" } });
  });

  it("HA-01 HA-02 a removed active job is dropped, its worker told, and what it says later is refused", () => {
    const host = setup();
    const job = host.submit("sling/test");
    host.send("remove", { id: idOf(host, job) });
    expect(host.stateOf(job)).toBe("dropped");
    expect(host.told.at(-1)!.item).toEqual([1, job, 1, "superseded"]);
    expect(host.succeed(job)).toMatchObject({ rejection: { code: "job/stale-attempt" } });
  });

  it("a removed queued job tells nobody", () => {
    const host = new MiniHost();
    const job = host.submit("a");
    host.send("remove", { id: idOf(host, job) });
    expect(host.stateOf(job)).toBe("dropped");
    expect(host.told).toEqual([]);
  });

  it("an owner may act on jobs of his own only, an operator on all", () => {
    const host = new MiniHost();
    const job = host.submit("a");
    const id = idOf(host, job);
    for (const verb of ["stop", "remove", "retry"]) expect(host.send(verb, { id }, "submit", "bob")).toMatchObject({ rejection: { code: "job/not-yours" } });
    expect(host.send("stop", { id }, "submit", "ann").kind).toBe("accepted");
    expect(host.send("retry", { id }, "operate", "olga").kind).toBe("accepted");
  });

  it("retry of an ended job makes a new one with a cause and the same work", () => {
    const host = setup();
    const job = host.submit("sling/test", { input: { n: 1 }, properties: { p: 1 }, retries: 0 });
    expect(host.send("retry", { id: idOf(host, job) })).toMatchObject({ rejection: { code: "job/not-ended" } });
    host.fail(job);
    const answer = host.send("retry", { id: idOf(host, job) });
    const again = host.state.next.job - 1;
    expect(answer).toMatchObject({ kind: "accepted", answer: { created: idOf(host, again) } });
    expect(ask(host, { ask: "job", id: idOf(host, again) })).toMatchObject({
      state: "active", attempt: 1, failures: 0, retries: 0, properties: { p: 1 }, cause: idOf(host, job), input: host.state.job(job).input,
    });
    expect(host.stateOf(job)).toBe("given-up");
  });
});

describe("words of the worker", () => {
  it("EC-01 a property set during the run is on the job; null takes it away", () => {
    const host = setup();
    const job = host.submit("sling/test");
    host.send("property", [job, 1, "test", "value"], "outcome", "wendy");
    expect(host.state.job(job).extra?.properties).toEqual({ test: "value" });
    host.send("property", [job, 1, "test", null], "outcome", "wendy");
    expect(host.state.job(job).extra?.properties).toEqual({});
  });

  it("HA-06 a null of a property that is not there changes nothing, and there is a bound", () => {
    const host = setup();
    const job = host.submit("sling/test", { properties: Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`p${i}`, i])) });
    expect(host.send("property", [job, 1, "none", null], "outcome", "wendy")).toMatchObject({ events: [] });
    expect(host.send("property", [job, 1, "p51", 1], "outcome", "wendy")).toMatchObject({ rejection: { code: "job/too-many-properties" } });
    expect(host.send("property", [job, 1, "p0", "changed"], "outcome", "wendy").kind).toBe("accepted");
  });

  it("JO-02 of 120 log lines the newest 100 are kept, and the last one says that some are missing", () => {
    const host = setup();
    const job = host.submit("sling/test");
    const lines = Array.from({ length: 120 }, (_, i) => `line ${i}`);
    host.send("log", [job, 1, lines.slice(0, 60)], "outcome", "wendy");
    host.send("log", [job, 1, lines.slice(60)], "outcome", "wendy");
    const view = ask(host, { ask: "job", id: `main.${host.state.job(job).id}` }) as JobView;
    expect(view.log).toEqual([...lines.slice(20, 119), "line 119...truncated log"]);
  });

  it("JO-05 JO-06 a log that fits is kept as it is", () => {
    const host = setup();
    const job = host.submit("sling/test");
    for (let i = 0; i < 20; i++) host.send("log", [job, 1, [`line ${i}`]], "outcome", "wendy");
    const view = ask(host, { ask: "job", id: `main.${host.state.job(job).id}` }) as JobView;
    expect(view.log).toHaveLength(20);
    expect(view.log!.at(-1)).toBe("line 19");
  });

  it("progress and log tell of one attempt: the next begins without them", () => {
    const host = setup();
    const job = host.submit("sling/test");
    host.send("progress", [job, 1, 0.5, "half"], "outcome", "wendy");
    host.send("log", [job, 1, ["x"]], "outcome", "wendy");
    expect(host.state.job(job).extra).toMatchObject({ progress: { fraction: 0.5, message: "half", at: host.at }, log: ["x"] });
    host.fail(job, 0);
    expect(host.state.job(job).extra).toMatchObject({ progress: undefined, log: undefined });
  });

  it("words about another attempt, or from another principal, are refused", () => {
    const host = setup();
    const job = host.submit("sling/test");
    for (const [verb, ...rest] of [["progress", 0.5, null], ["log", ["x"]], ["property", "a", 1], ["extend"]] as const) {
      expect(host.send(verb, [job, 2, ...rest], "outcome", "wendy")).toMatchObject({ rejection: { code: "job/stale-attempt" } });
      expect(host.send(verb, [job, 1, ...rest], "outcome", "mallory")).toMatchObject({ rejection: { code: "job/not-yours" } });
    }
  });
});
