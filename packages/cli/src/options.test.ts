import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { QueueView } from "longshore";
import { readServerState } from "longshore/internal";
import { describe, expect, test } from "vitest";
import { merged } from "./commands/queues.ts";
import { accessTo, findPlace } from "./connection.ts";
import { fakeIo } from "./fake-io.ts";
import { filterOf, requireFilter } from "./filters.ts";
import { removeServerState, writeServerState } from "./server-state.ts";

const NOTHING = { json: false, help: false, server: undefined, cluster: undefined, shard: undefined, user: undefined, creds: undefined };

describe("a filter", () => {
  test("holds what was given and nothing else", () => {
    expect(filterOf({ state: "history", topic: undefined, queue: "q", where: ["a=1", "b<2"] })).toEqual({ state: "history", queue: "q", where: [{ a: 1, "<b": 2 }] });
  });
  test("that is empty changes nothing", () => {
    expect(() => requireFilter(filterOf({ state: undefined, topic: undefined, queue: undefined, where: [] }), "stop")).toThrow("needs a job's id, or a filter");
  });
});

test("configuring a queue changes what is given and keeps the rest", () => {
  const given = { topic: [], type: undefined, maxParallel: undefined, retries: 0, retryDelay: undefined, keepJobs: "no", keepIds: 5_000, keepIdsCount: undefined, ranking: undefined, inShard: undefined, partitions: undefined, placement: undefined };
  const before = { config: { topics: ["a/*"], type: "ordered", retries: 3, keepIds: { ms: 1, count: 7 } } } as unknown as QueueView;
  expect(merged(before, given)).toEqual({ topics: ["a/*"], type: "ordered", retries: 0, keepJobs: false, keepIds: { ms: 5_000, count: 7 } });
  expect(merged(undefined, { ...given, topic: ["b"] })).toMatchObject({ topics: ["b"], keepIds: { ms: 5_000, count: 100_000 } });
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
    const env = { XDG_STATE_HOME: await mkdtemp(join(tmpdir(), "longshore-state-")) };
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
