import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineJob, defineQueue, InvalidOption, isJob, LongshoreError, NotAvailableYet } from "./index.ts";
import { jobOptions } from "./options.ts";

const errorOf = (run: () => unknown): unknown => {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
};

describe("a job definition", () => {
  it("is a value that says what it is", () => {
    const job = defineJob("media/thumbnail", { input: z.object({}), retries: 3, timeoutMs: 60_000 });
    expect(job).toMatchObject({ kind: "job", topic: "media/thumbnail", defaults: { retries: 3, timeoutMs: 60_000 } });
    expect([isJob(job), isJob({}), isJob(null), isJob("media/thumbnail")]).toEqual([true, false, false, false]);
  });

  it("has a topic of tokens", () => {
    for (const topic of ["a", "a/b", "A-1/b_2/c"]) expect(defineJob(topic).topic).toBe(topic);
    for (const topic of ["", "/a", "a/", "a//b", "a.b", "a b", "a/*", "ä", "a".repeat(300)]) {
      expect(errorOf(() => defineJob(topic)), topic).toMatchObject({ code: "option/invalid", field: "topic" });
    }
  });

  it("refuses what it does not know, and says what is not there yet", () => {
    expect(errorOf(() => defineJob("a", { retires: 3 } as object))).toMatchObject({ code: "option/invalid", field: "retires" });
    for (const later of ["unique", "priority", "backoff", "startWithinMs", "dependsOn", "needs"]) {
      const error = errorOf(() => defineJob("a", { [later]: 1 } as object));
      expect(error, later).toBeInstanceOf(NotAvailableYet);
      expect(error).toMatchObject({ code: "feature/not-yet", message: expect.stringContaining(later) });
    }
  });

  it("checks its options", () => {
    const wrong: readonly (readonly [string, object])[] = [
      ["retries", { retries: -2 }], ["retries", { retries: 0.5 }], ["timeoutMs", { timeoutMs: -1 }], ["retryDelayMs", { retryDelayMs: Number.NaN }],
      ["queue", { queue: "" }], ["properties.a", { properties: { a: {} } }], ["input", { input: {} }], ["output", { output: 3 }], ["run", { run: 3 }],
    ];
    for (const [field, options] of wrong) expect(errorOf(() => defineJob("a", options)), JSON.stringify(options)).toMatchObject({ code: "option/invalid", field });
    expect(defineJob("a", { retries: -1, timeoutMs: 0, properties: { a: null, b: 1, c: "x", d: true } }).defaults.retries).toBe(-1);
  });
});

describe("the options of an add", () => {
  it("stand above those of the definition", () => {
    expect(jobOptions({ retries: 3, queue: "q" }, { retries: 5, delayMs: 10, id: "x" })).toEqual({ retries: 5, queue: "q", delayMs: 10 });
    expect(jobOptions({}, { notBefore: new Date(5_000) })).toEqual({ notBefore: 5_000 });
    expect([jobOptions({}, undefined), jobOptions({}, { id: "x" })]).toEqual([null, null]);
  });

  it("are checked", () => {
    const wrong: readonly (readonly [string, object])[] = [
      ["id", { id: "" }], ["id", { id: "a b" }], ["id", { id: "ä" }], ["id", { id: "x".repeat(201) }], ["delayMs", { delayMs: -1 }],
      ["notBefore", { notBefore: new Date(Number.NaN) }], ["notBefore", { notBefore: "tomorrow" }], ["dealy", { dealy: 1 }],
    ];
    for (const [field, options] of wrong) {
      const error = errorOf(() => jobOptions({}, options));
      expect(error, JSON.stringify(options)).toBeInstanceOf(InvalidOption);
      expect(error).toBeInstanceOf(LongshoreError);
      expect(error).toMatchObject({ field });
    }
    expect(errorOf(() => jobOptions({}, { priority: 1 } as object))).toBeInstanceOf(NotAvailableYet);
  });
});

describe("a queue definition", () => {
  it("names its topics by patterns", () => {
    expect(defineQueue("media", { topics: ["media/*", "a.", "b/c", "*"], type: "ordered" })).toMatchObject({ kind: "queue", name: "media" });
    for (const topics of [[], ["a//b"], ["**"], ["a/**"]]) expect(errorOf(() => defineQueue("q", { topics })), JSON.stringify(topics)).toMatchObject({ field: "topics" });
  });

  it("OFF-CFG-08 says which of its jobs other clusters may do, in words that are checked", () => {
    const offload = { when: "behind", backlog: 10, waitMs: 5_000, exclude: ["east"], prefer: ["west"], labels: { gpu: "a100" } } as const;
    expect(defineQueue("q", { topics: ["*"], offload }).config.offload).toEqual(offload);
    const wrong: readonly (readonly [string, object])[] = [
      ["offload.when", { when: "sometimes" }], ["offload.backlog", { when: "behind", backlog: -1 }], ["offload.waitMs", { when: "behind", waitMs: "1s" }],
      ["offload", { when: "behind" }], ["offload", { backlog: 3 }], ["offload.exclude", { exclude: ["a b"] }], ["offload.labels.gpu", { labels: { gpu: 1 } }], ["clusters", { clusters: ["west"] }],
    ];
    for (const [field, policy] of wrong) expect(errorOf(() => defineQueue("q", { topics: ["*"], offload: policy })), JSON.stringify(policy)).toMatchObject({ field });
  });

  it("refuses what it does not know, and says what is not there yet", () => {
    expect(errorOf(() => defineQueue("", { topics: ["*"] }))).toMatchObject({ field: "name" });
    expect(errorOf(() => defineQueue("q", { topics: ["*"], maxParalel: 3 } as never))).toMatchObject({ field: "maxParalel" });
    expect(errorOf(() => defineQueue("q", { topics: ["*"], type: "random" as never }))).toMatchObject({ field: "type" });
    expect(errorOf(() => defineQueue("q", { topics: ["*"], rate: 1 } as never))).toBeInstanceOf(NotAvailableYet);
    expect(errorOf(() => defineQueue("q", { topics: ["*"], type: "topic-round-robin" as never }))).toBeInstanceOf(NotAvailableYet);
  });
});
