import { describe, expect, it } from "vitest";
import { Statistics } from "./statistics.ts";
import { MiniHost } from "./testing/mini-host.ts";

/** One job through a queue: waits so long, runs so long, ends so. */
function run(host: MiniHost, waitMs: number, runMs: number, end: "succeed" | "fail" | "cancel"): void {
  host.leave("i1", String(host.events.length));
  const job = host.submit("a");
  host.advance(waitMs);
  host.join("i1", [{ topics: ["a"], slots: 1 }], { incarnation: String(host.events.length) });
  host.advance(runMs);
  if (end === "succeed") host.succeed(job);
  else if (end === "fail") host.fail(job);
  else host.outcome(job, "canceled", "no");
  const { member } = host.state.instances.get("i1")!;
  if (member !== undefined) host.leave("i1", member.incarnation);
}

const of = (host: MiniHost) => host.state.queue("main").statistics.view();

describe("statistics", () => {
  it("ST-01 of a fresh queue everything is zero and nothing was ever done", () => {
    const host = new MiniHost();
    host.configure("q", { topics: ["a"] });
    expect(host.state.queue("q").statistics.view()).toEqual({
      queued: 0, active: 0, finished: 0, failed: 0, canceled: 0, processed: 0, lastActivatedAt: -1, lastFinishedAt: -1,
      averageWaitingMs: 0, averageProcessingMs: 0, since: host.at, started: 0,
    });
  });

  it("ST-02 queued is the whole backlog", () => {
    const host = new MiniHost();
    host.submit("a");
    host.submit("a", { delayMs: 1_000 });
    expect(of(host).queued).toBe(2);
    host.send("stop", { id: `main.${host.state.job(1).id}` });
    expect(of(host)).toMatchObject({ queued: 1, active: 0 });
  });

  it("ST-03 ST-07 averages are of successes and of starts", () => {
    const host = new MiniHost();
    run(host, 500, 300, "succeed");
    run(host, 700, 500, "succeed");
    expect(of(host)).toMatchObject({ finished: 2, processed: 2, averageWaitingMs: 600, averageProcessingMs: 400, lastFinishedAt: host.at });
  });

  it("ST-04 ST-08 ST-09 failures and cancellations count, and move neither averages nor the last finish", () => {
    const host = new MiniHost();
    run(host, 100, 200, "succeed");
    const { lastFinishedAt } = of(host);
    run(host, 100, 900, "cancel");
    run(host, 100, 900, "fail");
    expect(of(host)).toMatchObject({ finished: 1, failed: 1, canceled: 1, processed: 3, averageProcessingMs: 200, lastFinishedAt });
  });

  it("ST-05 the sum of two has the counters of both", () => {
    const a = new Statistics(1);
    const b = new Statistics(2);
    Object.assign(a, { queued: 1, active: 2, failed: 2, canceled: 2 });
    for (let i = 0; i < 5; i++) a.succeeded(10, 10);
    for (let i = 0; i < 2; i++) b.succeeded(20, 45);
    a.add(b);
    expect(a.view()).toMatchObject({ queued: 1, active: 2, finished: 7, canceled: 2, failed: 2, processed: 11, averageProcessingMs: 20, lastFinishedAt: 20, since: 1 });
  });

  it("ST-06 the beginning survives a restart", () => {
    const host = new MiniHost();
    run(host, 10, 10, "succeed");
    const before = of(host);
    host.restart();
    expect(of(host)).toEqual(before);
  });

  it("ST-10 ST-11 ST-12 ST-13 topics are counted too, without what waits and runs", () => {
    const host = new MiniHost();
    run(host, 100, 300, "succeed");
    run(host, 100, 300, "cancel");
    run(host, 100, 300, "fail");
    const { topics, all } = host.actor.query(host.state, { ask: "statistics" }, { role: "submit", principal: "ann" }, host.at) as Record<string, Record<string, unknown>>;
    expect(topics!["a"]).toEqual({
      finished: 1, failed: 1, canceled: 1, processed: 3, lastActivatedAt: expect.any(Number), lastFinishedAt: expect.any(Number), averageWaitingMs: 100, averageProcessingMs: 300, started: 3,
    });
    expect(all).toMatchObject({ finished: 1, failed: 1, canceled: 1, queued: 1 });
  });
});
