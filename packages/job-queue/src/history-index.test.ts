import { describe, expect, it } from "vitest";
import type { JobQueueEvent } from "./events.ts";
import { HistoryIndex } from "./history-index.ts";

type Accepted = Extract<JobQueueEvent, { type: "JobAccepted" }>;
type Ended = Extract<JobQueueEvent, { type: "JobEnded" }>;

/** The index looks at these fields only. */
const accepted = (job: number, id: string, topic = "a/b"): Accepted => ({ type: "JobAccepted", job, id, topic, queue: "main" }) as Accepted;
const ended = (job: number, state: Ended["state"] = "succeeded"): Ended => ({ type: "JobEnded", job, state }) as Ended;
const removed = (job: number): JobQueueEvent => ({ type: "JobRemoved", job }) as JobQueueEvent;

const all = { states: undefined, topic: undefined, queue: undefined, limit: 10, after: undefined };

describe("HistoryIndex", () => {
  it("knows every commit that speaks of a job, once and in order", () => {
    const index = new HistoryIndex(10);
    index.event(accepted(1, "x"), 5, 100);
    index.event(accepted(2, "y"), 5, 100);
    for (const version of [5, 7, 7, 9, 12]) index.event({ type: "JobProgressed", job: 1 } as unknown as JobQueueEvent, version, 110);
    index.event(ended(1), 12, 120);
    expect(index.byId("x")).toEqual({ number: 1, id: "x", topic: "a/b", queue: "main", versions: [5, 7, 9, 12], end: { state: "succeeded", at: 120 } });
    expect(index.byId("y")).toMatchObject({ versions: [5], end: undefined });
  });

  it("lists ended jobs latest first, in pages, by state and topic", () => {
    const index = new HistoryIndex(10);
    for (let job = 1; job <= 6; job++) {
      index.event(accepted(job, `j${job}`, job % 2 === 0 ? "even" : "odd"), job, job);
      index.event(ended(job, job === 4 ? "error" : "succeeded"), job + 10, job + 10);
    }
    const first = index.findEnded({ ...all, limit: 2 });
    expect(first.jobs.map((job) => job.number)).toEqual([6, 5]);
    expect(index.findEnded({ ...all, after: first.next }).jobs.map((job) => job.number)).toEqual([4, 3, 2, 1]);
    expect(index.findEnded({ ...all, topic: "even", states: ["succeeded"] }).jobs.map((job) => job.number)).toEqual([6, 2]);
  });

  it("forgets the oldest ended jobs beyond its bound, and pages stay right while more end", () => {
    const index = new HistoryIndex(3);
    const endOne = (job: number): void => {
      index.event(accepted(job, `j${job}`), job, job);
      index.event(ended(job), job, job);
    };
    for (let job = 1; job <= 5; job++) endOne(job);
    expect(index.size).toBe(3);
    expect(index.byId("j2")).toBeUndefined();
    const page = index.findEnded({ ...all, limit: 1 });
    endOne(6);
    expect(page.jobs.map((job) => job.number)).toEqual([5]);
    expect(index.findEnded({ ...all, after: page.next }).jobs.map((job) => job.number)).toEqual([4]);
  });

  it("means the latest job of an id that came again, and forgets a removed one", () => {
    const index = new HistoryIndex(10);
    index.event(accepted(1, "same"), 1, 1);
    index.event(ended(1), 2, 2);
    index.event(accepted(2, "same"), 3, 3);
    expect(index.byId("same")?.number).toBe(2);
    index.event(removed(1), 4, 4);
    expect(index.byId("same")?.number).toBe(2);
    index.event(removed(2), 5, 5);
    expect(index.byId("same")).toBeUndefined();
    expect(index.size).toBe(0);
    expect(index.findEnded(all).jobs).toEqual([]);
  });
});
