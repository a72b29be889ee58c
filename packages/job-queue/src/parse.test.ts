import type { Role } from "@longshore/kernel";
import { decodeTrusted, encode } from "@longshore/kernel";
import { describe, expect, it } from "vitest";
import { jobQueue } from "./job-queue.ts";

const actor = jobQueue({ cluster: "c", shard: "main" });
const parse = (verb: string, item: unknown, role: Role = "operate") => actor.parse(verb, item, { role, principal: "ann" }, () => "gen1");
const command = (verb: string, item: unknown, role?: Role): Record<string, unknown> => {
  const parsed = parse(verb, item, role);
  if (parsed.kind === "malformed") throw new Error(JSON.stringify(parsed.malformed));
  return parsed.command as unknown as Record<string, unknown>;
};
const malformed = (verb: string, item: unknown, role?: Role): { code: string; field: string } => {
  const parsed = parse(verb, item, role);
  if (parsed.kind === "command") throw new Error("it was understood");
  expect(parsed.malformed.remedy).toMatch(/\S+/);
  return { code: parsed.malformed.code, field: parsed.malformed.field };
};
const bytes = encode({ a: 1 });

describe("submit", () => {
  it("takes the array form with its bytes untouched", () => {
    const got = command("submit", [null, "a/b", bytes, null], "submit");
    expect(got).toMatchObject({ type: "SubmitJob", id: "gen1", idGiven: false, topic: "a/b", options: undefined, principal: "ann" });
    expect(got["input"]).toBe(bytes);
    expect(command("submit", [null, "a/b", bytes])).toMatchObject({ id: "gen1" });
  });

  it("names the job it would make, whatever it is", () => {
    const ulid = "01M82M0MBNHVVJMAK20KJ056NS";
    const items = [[ulid, "a/b", bytes], ["mine", "a/b", bytes], { id: "mine", topic: "a/b" }, [null, "a/b"], { topic: "a/b" }, ["x", "no topic!"], ["x".repeat(10_000), "a/b"], 7, null, []];
    expect(items.map((item) => actor.nameOf!("submit", item))).toEqual([ulid, "a~b.mine", "a~b.mine", ...Array<undefined>(7).fill(undefined)]);
    expect(actor.nameOf!("stop", { id: ulid })).toBeUndefined();
  });

  it("takes a payload by reference", () => {
    const digest = "0".repeat(64);
    expect(command("submit", [null, "a", ["ann", digest, 9], null])["input"]).toEqual({ principal: "ann", digest, bytes: 9 });
    expect(malformed("submit", [null, "a", ["ann", "x", 9], null])).toEqual({ code: "command/malformed", field: "input.digest" });
  });

  it("takes the object form, its input as a value", () => {
    const got = command("submit", { topic: "a", input: { b: [1] }, retries: 3, properties: { p: "x" } });
    expect(got["options"]).toEqual({ retries: 3, properties: { p: "x" } });
    expect(decodeTrusted(got["input"] as Uint8Array)).toEqual({ b: [1] });
    expect(decodeTrusted(command("submit", { topic: "a" })["input"] as Uint8Array)).toBeNull();
  });

  it("scopes a user's id by its topic; a ULID in the array form stands for itself", () => {
    expect(command("submit", { topic: "a/b", id: "7" })).toMatchObject({ id: "a~b.7", idGiven: true });
    expect(command("submit", ["7", "a/b", bytes])).toMatchObject({ id: "a~b.7", idGiven: true });
    const ulid = "01HF0000000000000000000001";
    expect(command("submit", [ulid, "a/b", bytes])).toMatchObject({ id: ulid, idGiven: false });
    expect(command("submit", { topic: "a/b", id: ulid })).toMatchObject({ id: `a~b.${ulid}`, idGiven: true });
  });

  it.each([
    ["topic", { topic: "a.b" }], ["topic", { input: 1 }], ["id", { topic: "a", id: "" }], ["id", { topic: "a", id: "a b" }], ["id", { topic: "a", id: 7 }],
    ["id", { topic: "a", id: "x".repeat(201) }],
    ["retries", { topic: "a", retries: -2 }], ["retries", { topic: "a", retries: 1.5 }], ["timeoutMs", { topic: "a", timeoutMs: "1s" }],
    ["notBefore", { topic: "a", notBefore: "2024-01-01" }], ["delayMs", { topic: "a", delayMs: -1 }], ["queue", { topic: "a", queue: 1 }],
    ["properties", { topic: "a", properties: [] }], ["properties.p", { topic: "a", properties: { p: {} } }], ["properties.p", { topic: "a", properties: { p: "x".repeat(5_000) } }],
    ["retrys", { topic: "a", retrys: 1 }], ["input", { topic: "a", input: new Map() }], ["input", { topic: "a", input: "x".repeat(300_000) }],
    ["input", [null, "a", "text"]], ["input", [null, "a", new Uint8Array(0)]], ["submit", [null, "a", bytes, null, 5]], ["options", [null, "a", bytes, 5]], ["submit", "a"],
  ])("names %s when it is wrong: %j", (field, item) => expect(malformed("submit", item)).toEqual({ code: "command/malformed", field }));

  it.each(["priority", "unique", "needs", "dependsOn", "startWithinMs", "backoff"])("says that %s is not available yet", (option) => {
    expect(malformed("submit", { topic: "a", [option]: 1 })).toEqual({ code: "command/not-yet", field: option });
    expect(malformed("submit", [null, "a", bytes, { [option]: 1 }])).toEqual({ code: "command/not-yet", field: option });
  });

  it.each(["slingevent:x", ":slingevent:x", "event.job.retries", "job.attempt", "<x", ">=x", "=x"])("keeps the name %s for itself", (name) => {
    expect(malformed("submit", { topic: "a", properties: { [name]: 1 } }).field).toBe("properties");
    expect(malformed("property", [1, 1, name, 1], "outcome").field).toBe("name");
    expect(command("property", [1, 1, `x${name}`, 1], "outcome")).toMatchObject({ name: `x${name}` });
  });
});

describe("words of workers", () => {
  it("reads every kind of outcome", () => {
    const outcome = (...rest: unknown[]) => command("outcome", [7, 2, ...rest], "outcome")["outcome"];
    expect(outcome(0, bytes, "fine")).toEqual({ kind: "succeeded", result: bytes, message: "fine" });
    expect(outcome(0)).toEqual({ kind: "succeeded", result: undefined, message: undefined });
    expect(outcome(1, { name: "E", message: "m", stack: "s" }, 500)).toEqual({ kind: "failed", error: { name: "E", message: "m", stack: "s" }, retryInMs: 500 });
    expect(outcome(2, "no")).toEqual({ kind: "canceled", reason: "no" });
    expect(outcome(3, 1_000)).toEqual({ kind: "snoozed", delayMs: 1_000 });
    expect(outcome(4)).toEqual({ kind: "released" });
    expect(outcome(5)).toEqual({ kind: "timed-out" });
  });

  it("cuts long texts instead of refusing the outcome they came with", () => {
    const got = command("outcome", [7, 2, 1, { name: "E", message: "m".repeat(10_000), stack: "s".repeat(100_000) }], "outcome");
    const { error } = got["outcome"] as { error: { message: string; stack: string } };
    expect(error.message).toHaveLength(2_000);
    expect(error.stack).toHaveLength(8_000);
  });

  it.each([
    ["outcome", "kind", [1, 1, 9]], ["outcome", "job", [0, 1, 0]], ["outcome", "attempt", [1, 0, 0]], ["outcome", "result", [1, 1, 0, "x"]],
    ["outcome", "error", [1, 1, 1, "x"]], ["outcome", "ms", [1, 1, 3, -1]], ["outcome", "reason", [1, 1, 2]], ["outcome", "outcome", { job: 1 }],
    ["progress", "fraction", [1, 1, 2, null]], ["progress", "message", [1, 1, 0, 5]], ["log", "lines", [1, 1, []]], ["log", "lines", [1, 1, [5]]], ["property", "name", [1, 1, "", 1]], ["property", "value", [1, 1, "a", []]],
    ["extend", "job", ["1", 1]],
  ])("%s names %s when it is wrong", (verb, field, item) => expect(malformed(verb, item, "outcome").field).toBe(field));

  it("reads progress, log and extend", () => {
    expect(command("progress", [1, 1, 0.5, "half"], "outcome")).toMatchObject({ fraction: 0.5, message: "half" });
    expect(command("progress", [1, 1, null, null], "outcome")).toMatchObject({ fraction: null, message: null });
    expect(command("log", [1, 1, ["a", "b"]], "outcome")).toMatchObject({ lines: ["a", "b"] });
    expect(command("extend", [1, 1], "outcome")).toMatchObject({ type: "ExtendAttempt", job: 1, attempt: 1 });
  });
});

describe("words of owners and operators", () => {
  it("an owner's command is bound to the owner's jobs, an operator's is not", () => {
    expect(command("stop", { id: "main.x", reason: "r" }, "submit")).toEqual({ type: "StopJob", id: "x", reason: "r", owner: "ann" });
    expect(command("stop", { id: "main.a~b.7" }, "operate")).toEqual({ type: "StopJob", id: "a~b.7", reason: "stopped by ann", owner: undefined });
    expect(command("retry", { id: "main.x" }, "submit")).toEqual({ type: "RetryJob", id: "x", newId: "gen1", principal: "ann", owner: "ann" });
    expect(command("remove", { id: "main.x" }, "submit")).toEqual({ type: "RemoveJob", id: "x", owner: "ann" });
  });

  it("an id of another shard is refused by name", () => {
    expect(malformed("stop", { id: "other.x" })).toEqual({ code: "command/malformed", field: "id" });
    expect(malformed("stop", { id: "main.x", force: true })).toEqual({ code: "command/malformed", field: "force" });
  });

  it("reads a whole configuration, and refuses what is unknown, wrong or not there yet", () => {
    const config = { topics: ["a"], type: "ordered", maxParallel: 0.5, retries: 2, retryDelayMs: 3, keepJobs: true, keepIds: { ms: 4, count: 5 }, ranking: 6 };
    expect(command("configure", { queue: "q 1", ...config })).toEqual({ type: "ConfigureQueue", queue: "q 1", config });
    expect(malformed("configure", { queue: "a[b]", topics: [] }).field).toBe("queue");
    expect(malformed("configure", { queue: "q", topics: "a" }).field).toBe("topics");
    expect(malformed("configure", { queue: "q", topics: ["a"], type: "drop" }).field).toBe("type");
    expect(malformed("configure", { queue: "q", topics: ["a"], retires: 1 }).field).toBe("retires");
    for (const later of ["rate", "perKey"]) {
      expect(malformed("configure", { queue: "q", topics: ["a"], [later]: 1 })).toEqual({ code: "command/not-yet", field: later });
    }
    expect(malformed("configure", { queue: "q", topics: ["a"], type: "topic-round-robin" })).toEqual({ code: "command/not-yet", field: "type" });
  });

  it.each([["submit", "outcome"], ["outcome", "submit"], ["configure", "submit"], ["removeAll", "submit"], ["join", "submit"], ["join", "operate"], ["join", "actor"], ["stop", "outcome"]] as const)(
    "P14 %s is not for the role %s", (verb, role) => expect(malformed(verb, {}, role)).toEqual({ code: "command/not-allowed", field: verb }));

  it("an unknown verb is refused by name", () => expect(malformed("sumbit", {})).toEqual({ code: "command/unknown", field: "sumbit" }));

  it.each([
    ["instance", { instance: "a b" }], ["incarnation", { incarnation: "" }], ["processors", { processors: 0 }],
    ["pools", { pools: {} }], ["topics", { pools: [{ topics: ["*"], slots: 1 }] }], ["slots", { pools: [{ topics: ["a"], slots: -1 }] }],
  ])("join names %s when it is wrong", (field, wrong) => {
    expect(malformed("join", { instance: "i", incarnation: "1", principal: "p", processors: 1, pools: [], ...wrong }, "hello").field).toBe(field);
  });
});
