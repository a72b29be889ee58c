import { describe, expect, it } from "vitest";
import type { JobQueueEvent } from "./events.ts";
import { MiniHost } from "./testing/mini-host.ts";

const states = (host: MiniHost): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const job of host.state.jobs.from(0)) counts[job.state] = (counts[job.state] ?? 0) + 1;
  return counts;
};

describe("bulk operations", () => {
  it("a job in the place of one that was repeated and is gone can be repeated itself", () => {
    const host = new MiniHost();
    host.submit("a");
    const drop = (): void => void host.send("removeAll", {});
    drop();
    host.send("retryAll", {});
    drop();
    host.send("removeAll", { state: "history" });
    host.submit("a");
    host.submit("a");
    drop();
    host.send("retryAll", {});
    expect(states(host)).toEqual({ dropped: 2, queued: 2 });
  });

  it("stopAll ends what is queued and tells what runs", () => {
    const host = new MiniHost();
    host.join("i1", [{ topics: ["a"], slots: 2 }]);
    for (let i = 0; i < 10; i++) host.submit(i < 6 ? "a" : "b");
    expect(host.send("stopAll", { topic: "a" })).toMatchObject({ answer: { operation: 1 } });
    expect(states(host)).toEqual({ active: 2, stopped: 4, queued: 4 });
    expect(host.count("JobStopRequested")).toBe(2);
    expect(host.state.operations.size).toBe(0);
  });

  it("removeAll drops what is unfinished; of the history it removes for good", () => {
    const host = new MiniHost();
    for (let i = 0; i < 5; i++) host.submit("a");
    host.send("removeAll", {});
    expect(states(host)).toEqual({ dropped: 5 });
    host.send("removeAll", { state: "history" });
    expect(host.state.jobs.size).toBe(0);
  });

  it("retryAll repeats each job that ended without success, once", () => {
    const host = new MiniHost();
    host.join("i1", [{ topics: ["a"], slots: 10 }]);
    for (let i = 0; i < 4; i++) host.submit("a", { retries: 0 });
    for (const job of [1, 2]) host.fail(job);
    for (const job of [3, 4]) host.succeed(job);
    host.send("retryAll", {});
    host.send("retryAll", {});
    expect(host.running()).toEqual([5, 6]);
    expect(host.state.job(5).extra?.cause).toEqual([1, host.state.job(1).id]);
  });

  it("jobs that come while it runs are none of its business, and no commit is longer than its room", () => {
    const host = new MiniHost({ operationScanMax: 10 });
    for (let i = 0; i < 95; i++) host.submit("a");
    host.room = 7;
    const decision = host.actor.decide(host.state, { type: "OperateJobs", kind: "stop", filter: {}, principal: "olga" }, host.at);
    expect(decision).toMatchObject({ events: [{ type: "OperationStarted", upTo: 95 }] });
    host.actor.evolve(host.state, { type: "OperationStarted", operation: 1, kind: "stop", filter: {}, upTo: 95, principal: "olga" }, host.at);
    host.submit("a");
    expect(states(host)).toEqual({ stopped: 95, queued: 1 });
  });

  it("P8 an operation goes on after a restart in its middle", () => {
    const host = new MiniHost({ operationScanMax: 3 });
    for (let i = 0; i < 20; i++) host.submit("a");
    host.actor.evolve(host.state, { type: "OperationStarted", operation: 1, kind: "remove", filter: {}, upTo: 20, principal: "olga" }, host.at);
    const emit = (event: JobQueueEvent): boolean => {
      host.actor.evolve(host.state, event, host.at);
      return true;
    };
    for (let i = 0; i < 3; i++) host.actor.settle(host.state, host.at, emit);
    expect(host.state.operations.get(1)!.cursor).toBe(9);
    host.restart();
    host.settleAll();
    expect(states(host)).toEqual({ dropped: 20 });
  });

  it("there are only so many at a time, and only operators may", () => {
    const host = new MiniHost({ operationsMax: 0 });
    expect(host.send("stopAll", {})).toMatchObject({ rejection: { code: "operation/too-many" } });
    expect(host.send("stopAll", {}, "submit")).toMatchObject({ malformed: { code: "command/not-allowed" } });
  });

  it("a filter with a misspelt field is refused: it would have meant everything", () => {
    const host = new MiniHost();
    expect(host.send("removeAll", { topics: "a" })).toMatchObject({ malformed: { code: "command/malformed", field: "topics" } });
    expect(host.send("removeAll", { state: "running" })).toMatchObject({ malformed: { field: "state" } });
  });
});
