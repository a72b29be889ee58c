import type { QueueView } from "longshore";
import { readServerState } from "longshore/internal";
import { describe, expect, onTestFinished, test } from "vitest";
import { merged } from "./commands/queues.ts";
import { accessTo, findPlace } from "./connection.ts";
import { fakeIo } from "./fake-io.ts";
import { filterOf, requireFilter } from "./filters.ts";
import { offloadOf } from "./offload-options.ts";
import { removeServerState, writeServerState } from "./server-state.ts";
import { tempFolder } from "./testing/temp-folder.ts";

const NOTHING = { json: false, help: false, server: undefined, cluster: undefined, shard: undefined, user: undefined, creds: undefined };

const NO_OFFLOAD = { offload: undefined, offloadBacklog: undefined, offloadWait: undefined, offloadPrefer: [], offloadExclude: [], offloadLabel: [] };

describe("a filter", () => {
  test("holds what was given and nothing else", () => {
    expect(filterOf({ state: "history", topic: undefined, queue: "q", where: ["a=1", "b<2"] })).toEqual({ state: "history", queue: "q", where: [{ a: 1, "<b": 2 }] });
  });
  test("that is empty changes nothing", () => {
    expect(() => requireFilter(filterOf({ state: undefined, topic: undefined, queue: undefined, where: [] }), "stop")).toThrow("needs a job's id, or a filter");
  });
});

test("configuring a queue changes what is given and keeps the rest", () => {
  const given = { ...NO_OFFLOAD, topic: [], type: undefined, maxParallel: undefined, retries: 0, retryDelay: undefined, keepJobs: "no", keepIds: 5_000, keepIdsCount: undefined, ranking: undefined, inShard: undefined, partitions: undefined, placement: undefined };
  const before = { config: { topics: ["a/*"], type: "ordered", retries: 3, keepIds: { ms: 1, count: 7 } } } as unknown as QueueView;
  expect(merged(before, given)).toEqual({ topics: ["a/*"], type: "ordered", retries: 0, keepJobs: false, keepIds: { ms: 5_000, count: 7 } });
  expect(merged(undefined, { ...given, topic: ["b"] })).toMatchObject({ topics: ["b"], keepIds: { ms: 5_000, count: 100_000 } });
});

test("OFF-CFG-08 a queue's offloading is changed by what is given: a bound means behind, another word ends the bounds, none empties a list", () => {
  expect(offloadOf(undefined, NO_OFFLOAD)).toEqual({});
  expect(offloadOf(undefined, { ...NO_OFFLOAD, offload: "always" })).toEqual({ offload: { when: "always" } });
  const behind = { when: "behind", backlog: 10, prefer: ["west"] } as const;
  expect(offloadOf(undefined, { ...NO_OFFLOAD, offloadBacklog: 10, offloadPrefer: ["west"] })).toEqual({ offload: behind });
  expect(offloadOf(behind, { ...NO_OFFLOAD, offloadWait: 5_000 })).toEqual({ offload: { ...behind, waitMs: 5_000 } });
  expect(offloadOf(behind, { ...NO_OFFLOAD, offloadExclude: ["east"], offloadPrefer: ["none"], offloadLabel: ["gpu=1"] })).toEqual({ offload: { when: "behind", backlog: 10, prefer: [], exclude: ["east"], labels: { gpu: "1" } } });
  expect(offloadOf(behind, { ...NO_OFFLOAD, offload: "never" })).toEqual({ offload: { when: "never", prefer: ["west"] } });
  expect(offloadOf(behind, NO_OFFLOAD)).toEqual({ offload: behind });
  expect(() => offloadOf(undefined, { ...NO_OFFLOAD, offload: "always", offloadBacklog: 3 })).toThrow("has no bounds");
});

describe("where NATS is", () => {
  test("the option comes first, then the variable; a login in the address is taken apart", async () => {
    const io = fakeIo({ env: { NATS_URL: "nats://ada:p%40ss@b:4222", XDG_STATE_HOME: "/nowhere" } });
    expect(await findPlace({ ...NOTHING, server: "nats://a:1" }, io)).toMatchObject({ url: "nats://a:1", from: "--server", cluster: "main" });
    const place = await findPlace({ ...NOTHING, cluster: "eu" }, io);
    expect(place).toMatchObject({ url: "nats://b:4222", from: "NATS_URL", cluster: "eu", shard: "main" });
    expect(accessTo(place, NOTHING, io)).toEqual({ principal: "ada", servers: "nats://b:4222", user: "ada", password: "p@ss" });
    expect(accessTo(place, { ...NOTHING, user: "eve" }, fakeIo({ env: { LONGSHORE_PASSWORD: "x" } }))).toMatchObject({ principal: "eve", password: "x" });
  });

  test("the server of `longshore up` is found while its process lives, and forgotten by its own process only", async () => {
    const env = { XDG_STATE_HOME: await tempFolder(onTestFinished) };
    await writeServerState(env, { url: "nats://up:1", pid: process.pid, cluster: "home" });
    expect(await findPlace(NOTHING, fakeIo({ env }))).toMatchObject({ url: "nats://up:1", from: "longshore up", cluster: "home" });
    await removeServerState(env, process.pid + 1);
    expect(await readServerState(env)).toBeDefined();
    await removeServerState(env, process.pid);
    await expect(findPlace(NOTHING, fakeIo({ env }))).rejects.toMatchObject({ code: "nats/unreachable" });
    // No process has that number: the highest is below it.
    await writeServerState(env, { url: "nats://up:1", pid: 2 ** 30, cluster: "home" });
    expect(await readServerState(env)).toBeUndefined();
  });
});
