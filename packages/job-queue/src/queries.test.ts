import { describe, expect, it } from "vitest";
import { MiniHost } from "./testing/mini-host.ts";
import type { JobView, WhyView } from "./vocabulary.ts";

const ask = <T>(host: MiniHost, ask: string, rest: Readonly<Record<string, unknown>> = {}): T =>
  host.actor.query(host.state, { ask, ...rest }, { role: "submit", principal: "ann" }, host.at) as T;
const numbers = (host: MiniHost, filter: unknown, page = {}): readonly number[] =>
  ask<{ jobs: JobView[] }>(host, "find", { filter, ...page }).jobs.map((job) => job.number);
const idOf = (host: MiniHost, job: number): string => `main.${host.state.job(job).id}`;

/** As in Sling's JobManagerSearchIT: J0 {}, J1 {filter=a}, J2 {filter=a, property=b}, J3 {filter=c}; here they are 1 to 4. */
function search(): MiniHost {
  const host = new MiniHost();
  for (const properties of [{}, { filter: "a" }, { filter: "a", property: "b" }, { filter: "c" }]) host.submit("sling/search", { properties });
  return host;
}

describe("find", () => {
  it.each([
    ["SE-01 nothing asked", undefined, [1, 2, 3, 4]],
    ["SE-02 equal", [{ "=filter": "a" }], [2, 3]],
    ["SE-03 strings compare, and a missing property does not match", [{ "<=property": "b" }], [3]],
    ["SE-04 entries are AND-ed", [{ "=filter": "a", "=property": "b" }], [3]],
    ["SE-05 maps are OR-ed", [{ "=filter": "a" }, { "=filter": "c" }], [2, 3, 4]],
    ["no operator means equal", [{ filter: "c" }], [4]],
    ["empty maps are skipped", [{}, { filter: "c" }], [4]],
    ["greater", [{ ">filter": "a" }], [4]],
    ["not less", [{ ">=filter": "a" }], [2, 3, 4]],
    ["less than itself", [{ "<filter": "a" }], []],
    ["another type", [{ ">filter": 1 }], []],
  ])("%s", (_, where, expected) => {
    expect(numbers(search(), { state: "all", topic: "sling/search", ...(where === undefined ? {} : { where }) })).toEqual(expected);
  });

  it("what the job itself says can be asked for too", () => {
    const host = search();
    expect(numbers(host, { where: [{ "job.createdBy": "ann", "<=job.createdAt": host.at, "job.attempt": 0, "job.failures": 0 }] })).toHaveLength(4);
    expect(numbers(host, { where: [{ ">job.startedAt": 0 }, { ">job.endedAt": 0 }, { "job.instance": "i1" }, { "job.reason": "x" }] })).toEqual([]);
  });

  it("topics and queues are compared exactly", () => {
    const host = search();
    expect(numbers(host, { topic: "sling" })).toEqual([]);
    expect(numbers(host, { queue: "main" })).toHaveLength(4);
    expect(numbers(host, { queue: "other" })).toEqual([]);
  });

  it("payloads come only when asked for", () => {
    const host = search();
    expect(ask<{ jobs: JobView[] }>(host, "find").jobs[0]!.input).toBeUndefined();
    expect(ask<{ jobs: JobView[] }>(host, "find", { payloads: true }).jobs[0]!.input).toBeInstanceOf(Uint8Array);
  });

  it.each([["all", [1, 2, 3, 4, 5, 6, 7]], ["history", [7, 6, 5, 4, 3, 2, 1]]])("goes on where it stopped: %s", (state, expected) => {
    const host = new MiniHost({ findScanMax: 4 });
    for (let i = 0; i < 7; i++) host.submit("a");
    if (state === "history") for (let job = 1; job <= 7; job++) host.send("stop", { id: idOf(host, job) });
    const found: number[] = [];
    let after: string | null | undefined;
    let calls = 0;
    do {
      const answer: { jobs: JobView[]; next: string | null } = ask(host, "find", { filter: { state }, limit: 3, ...(after === undefined ? {} : { after }) });
      found.push(...answer.jobs.map((job) => job.number));
      after = answer.next;
      calls++;
    } while (after !== null);
    expect(found).toEqual(expected);
    expect(calls).toBe(3);
  });

  it("looks at a bounded number of jobs, found or not", () => {
    const host = new MiniHost({ findScanMax: 4 });
    for (let i = 0; i < 7; i++) host.submit(i === 6 ? "b" : "a");
    expect(ask(host, "find", { filter: { topic: "b" } })).toEqual({ jobs: [], next: "n4" });
    expect(numbers(host, { topic: "b" }, { after: "n4" })).toEqual([7]);
  });

  it("a place in the history that was removed is found again by its instant", () => {
    const host = new MiniHost();
    for (let i = 0; i < 3; i++) {
      host.submit("a");
      host.send("stop", { id: idOf(host, i + 1) });
      host.advance(10);
    }
    const { next } = ask<{ next: string }>(host, "find", { filter: { state: "history" }, limit: 2 });
    host.send("remove", { id: idOf(host, 2) });
    expect(numbers(host, { state: "history" }, { after: next })).toEqual([1]);
  });

  it("a cursor of nobody's, a negative limit of nobody's and an unknown question are refused by name", () => {
    const host = new MiniHost();
    for (const after of ["x", "h1.2"]) expect(() => ask(host, "find", { after })).toThrow(expect.objectContaining({ code: "query/malformed" }));
    expect(() => ask(host, "find", { filter: { state: "history" }, after: "n1" })).toThrow(expect.objectContaining({ code: "query/malformed" }));
    expect(() => ask(host, "find", { filter: { sate: "all" } })).toThrow(expect.objectContaining({ code: "query/malformed" }));
    expect(() => ask(host, "weather")).toThrow(expect.objectContaining({ code: "query/unknown" }));
    expect(() => ask(host, "job", { id: "other.1" })).toThrow(expect.objectContaining({ code: "query/malformed" }));
  });
});

describe("why", () => {
  const why = (host: MiniHost, job: number): WhyView => ask(host, "why", { id: idOf(host, job) });

  it("names the instant a job sleeps for", () => {
    const host = new MiniHost();
    const job = host.submit("a", { delayMs: 1_500 });
    expect(why(host, job)).toMatchObject({ state: "queued", waits: "not-before", text: expect.stringContaining("1.5 s"), detail: { until: host.at + 1_500 } });
  });

  it("names the retry it waits for", () => {
    const host = new MiniHost();
    host.join("i1", [{ topics: ["a"], slots: 1 }]);
    const job = host.submit("a");
    host.fail(job);
    expect(why(host, job)).toMatchObject({ waits: "retry", detail: { failures: 1, until: host.at + 2_000 } });
  });

  it("names the suspended queue", () => {
    const host = new MiniHost();
    const job = host.submit("a");
    host.send("suspend", { queue: "main" });
    expect(why(host, job)).toMatchObject({ waits: "suspended", text: expect.stringContaining('"main"') });
  });

  it("says who is here when nobody takes the topic", () => {
    const host = new MiniHost();
    const job = host.submit("a/b");
    expect(why(host, job)).toMatchObject({ waits: "no-capable-instance", text: 'No instance is here: start a worker for topic "a/b".' });
    host.join("i1", [{ topics: ["a"], slots: 1 }]);
    host.send("drain", { instance: "i1", incarnation: "1" }, "hello");
    expect(why(host, job)).toMatchObject({ text: expect.stringContaining("i1"), detail: { instances: ["i1"], draining: 1 } });
  });

  it("names the slots that are taken, and the limit that is reached", () => {
    const host = new MiniHost();
    host.configure("q", { topics: ["t"], maxParallel: 1 });
    host.join("i1", [{ topics: ["a"], slots: 1 }, { topics: ["t"], slots: 5 }]);
    const jobs = [host.submit("a"), host.submit("a"), host.submit("t"), host.submit("t")];
    expect(why(host, jobs[1]!)).toMatchObject({ waits: "limit", text: expect.stringContaining("All 1 slots"), detail: { instances: ["i1"], slots: 1, used: 1 } });
    expect(why(host, jobs[3]!)).toMatchObject({ waits: "limit", text: expect.stringContaining("at most 1"), detail: { maxParallel: 1, used: 1, slots: 5 } });
  });

  it("names the head of an ordered queue and what it waits for, and the hold after an attempt was taken away", () => {
    const host = new MiniHost();
    host.configure("o", { topics: ["o/*"], type: "ordered" });
    const [head, second] = [host.submit("o/1"), host.submit("o/2")];
    expect(why(host, second!)).toMatchObject({ waits: "order", detail: { head: idOf(host, head!), headState: "queued", headWaits: "no-capable-instance", backlog: 2 } });
    host.join("i1", [{ topics: ["o/*"], slots: 1 }]);
    host.send("remove", { id: idOf(host, head!) });
    expect(why(host, second!)).toMatchObject({ waits: "order", text: expect.stringContaining("20 s"), detail: { until: host.at + 20_000 } });
  });

  it("of a job that runs or has ended it says so", () => {
    const host = new MiniHost();
    host.join("i1", [{ topics: ["a"], slots: 1 }]);
    const job = host.submit("a");
    expect(why(host, job)).toMatchObject({ waits: null, text: expect.stringContaining("runs on i1") });
    host.succeed(job);
    expect(why(host, job)).toMatchObject({ waits: null, text: "It has ended: succeeded." });
    expect(ask(host, "why", { id: "main.nobody" })).toBeNull();
  });
});

describe("views", () => {
  it("queues show their configuration, suspension and counters", () => {
    const host = new MiniHost();
    host.configure("q", { topics: ["a"] });
    host.send("suspend", { queue: "q" });
    host.submit("a");
    expect(ask(host, "queue", { queue: "q" })).toMatchObject({ name: "q", config: { topics: ["a"] }, suspended: true, suspendedSince: host.at, statistics: { queued: 1 } });
    expect(ask(host, "queue", { queue: "none" })).toBeNull();
    expect(ask<{ name: string }[]>(host, "queues").map(({ name }) => name)).toEqual(["main", "q"]);
  });

  it("instances show their pools and what is used of them", () => {
    const host = new MiniHost();
    host.join("i1", [{ topics: ["a"], slots: 3 }]);
    host.submit("a");
    expect(ask(host, "instances")).toEqual([
      { instance: "i1", incarnation: "1", principal: "wendy", joinedAt: host.at, draining: false, pools: [{ topics: ["a"], slots: 3, used: 1 }] },
    ]);
    host.leave("i1");
    expect(ask(host, "instances")).toEqual([]);
  });

  it("bulk operations show how far they are", () => {
    const host = new MiniHost();
    expect(ask(host, "operations")).toEqual([]);
  });

  it("a stop that was asked for shows", () => {
    const host = new MiniHost();
    host.join("i1", [{ topics: ["a"], slots: 3 }]);
    const job = host.submit("a");
    host.send("stop", { id: idOf(host, job) });
    expect(ask(host, "job", { id: idOf(host, job) })).toMatchObject({ state: "active", stopRequested: true });
  });
});
