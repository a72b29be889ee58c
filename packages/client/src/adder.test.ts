import { encode } from "@longshore/kernel";
import { MemoryBlobs, sha256 } from "@longshore/testkit";
import { describe, expect, it } from "vitest";
import { startAdd } from "./adder.ts";
import { Client } from "./client.ts";
import type { Job } from "./define.ts";
import { defineJob } from "./define.ts";
import { InvalidInput, OutcomeUnknown, PayloadError, Rejected, ResultGone, Unavailable } from "./errors.ts";
import type { JobHandle } from "./handle.ts";
import type { FakeRequest } from "./internal/testing/fake-wire.ts";
import { fakeWorld, WALL_MS } from "./internal/testing/fake-wire.ts";
import type { AddOptions } from "./options.ts";

const echo = defineJob("t/echo", { retries: 3 });

type PutDone = (answer: { readonly kind: "stored"; readonly digest: string } | { readonly kind: "refused"; readonly message: string }) => void;

function setup() {
  const world = fakeWorld();
  const puts: PutDone[] = [];
  const client = new Client({
    ports: world.ports, hash: sha256, cluster: "c", principal: "alice", shard: "main", instance: "i", processors: 1,
    blobs: Object.assign(new MemoryBlobs((run) => void world.clock.after(0, run), () => 0), { put: (_principal: string, _bytes: Uint8Array, done: PutDone) => void puts.push(done) }),
    journal: () => { throw new Error("no journal here"); },
  });
  const add = (input: unknown, options?: AddOptions, job: Job = echo) => {
    const heard: { handle?: JobHandle; error?: unknown } = {};
    startAdd(client, job, input, options, { added: (handle) => { heard.handle = handle; }, failed: (error) => { heard.error = error; } });
    world.clock.advance(0);
    world.wire.open(".q.")[0]?.answer({ epoch: 1, commit: 1, answer: { at: WALL_MS } });
    return heard;
  };
  const inFlight = (): FakeRequest => {
    world.clock.advance(0);
    return world.wire.open(".cm.")[0]!;
  };
  return { ...world, client, puts, add, inFlight };
}

const done = { epoch: 1, commit: 2, count: 1 };

describe("an add", () => {
  it("sends a ULID, the topic, the encoded input and the options", () => {
    const { add, inFlight } = setup();
    const heard = add({ a: 1 }, { delayMs: 5, retries: 7 });
    const [[id, ...rest]] = inFlight().message["submit"] as [unknown[]];
    expect(id).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
    expect(rest).toEqual(["t/echo", encode({ a: 1 }), { retries: 7, delayMs: 5 }]);
    inFlight().answer(done);
    expect(heard.handle).toMatchObject({ id: `main.${String(id)}`, outcome: "created" });
  });

  it("says what the host says", () => {
    const { add, inFlight, clock } = setup();
    const rejected = add(1);
    inFlight().answer({ ...done, rejected: [[0, "queue/backlog-full", "too many", null]] });
    expect(rejected.error).toBeInstanceOf(Rejected);
    expect(rejected.error).toMatchObject({ code: "queue/backlog-full" });
    const same = add(1, { id: "x" });
    inFlight().answer({ ...done, answers: [[0, { deduplicated: "main.t~echo.x" }]] });
    expect(same.handle).toMatchObject({ id: "main.t~echo.x", outcome: "deduplicated" });
    const doubtful = add(1);
    inFlight().fail("timeout");
    clock.advance(100);
    inFlight().answer({ ...done, rejected: [[0, "session/unknown", "?", null]] });
    expect(doubtful.error).toBeInstanceOf(OutcomeUnknown);
  });

  it("that is aborted on its way may have taken effect, and says so", () => {
    const { add, inFlight } = setup();
    const stop = new AbortController();
    const heard = add(1, { signal: stop.signal });
    expect(inFlight()).toBeDefined();
    const reason = new Error("enough");
    stop.abort(reason);
    expect(heard.error).toBeInstanceOf(OutcomeUnknown);
    expect(heard.error).toMatchObject({ cause: reason });
    inFlight().answer(done);
    expect(heard.handle).toBeUndefined();
  });

  it("P1 whose outcome is unknown names its job, which finds out", async () => {
    const { add, inFlight, wire, clock, client } = setup();
    const results = [0, 1].map((input) => {
      const stop = new AbortController();
      const heard = add(input, { signal: stop.signal });
      const [[id]] = inFlight().message["submit"] as [[string]];
      stop.abort(new Error("enough"));
      inFlight().answer(done);
      expect((heard.error as OutcomeUnknown).message).toContain(id);
      const { job } = heard.error as OutcomeUnknown;
      expect(job).toMatchObject({ id: `main.${id}`, outcome: "unknown" });
      return { id, result: job!.result().catch((error: unknown) => error) };
    });
    const [added, missing] = results as [(typeof results)[0], (typeof results)[0]];
    wire.open(".wa.")[0]!.answer({ epoch: 1, told: 0, unknown: [], waiting: 1 });
    wire.open(".wa.")[0]!.answer({ epoch: 1, told: 0, unknown: [`main.${missing.id}`], waiting: 1 });
    wire.tell(`ls.c.re.alice.${client.name}`, [1, 1, [[`main.${added.id}`, "succeeded", encode(7), 1, null, null]]]);
    expect(await added.result).toBe(7);
    clock.advance(61_000);
    for (const request of wire.open(".wa.")) request.answer({ epoch: 1, told: 1, unknown: [`main.${missing.id}`], waiting: 0 });
    expect(await missing.result).toBeInstanceOf(ResultGone);
  });

  it("of a large payload goes by reference, and later ones wait behind it", () => {
    const { add, inFlight, puts, wire } = setup();
    const large = add("x".repeat(100_000));
    const small = add("y");
    expect(wire.open(".cm.")).toHaveLength(0);
    puts[0]!({ kind: "stored", digest: "d1" });
    wire.open(".q.")[0]?.answer({ epoch: 1, commit: 1, answer: { at: WALL_MS } });
    const [[, , reference]] = inFlight().message["submit"] as [unknown[]];
    expect(reference).toEqual(["alice", "d1", 100_005]);
    inFlight().answer(done);
    inFlight().answer(done);
    expect([large.handle?.outcome, small.handle?.outcome]).toEqual(["created", "created"]);
  });

  it("of a payload that cannot be kept fails, and holds back nobody", () => {
    const { add, inFlight, puts, wire } = setup();
    const large = add("x".repeat(100_000));
    add("y");
    puts[0]!({ kind: "refused", message: "full" });
    expect(large.error).toBeInstanceOf(PayloadError);
    wire.open(".q.")[0]?.answer({ epoch: 1, commit: 1, answer: { at: WALL_MS } });
    expect(inFlight().message["submit"]).toHaveLength(1);
    const huge = add("x".repeat(70_000_000));
    expect(huge.error).toMatchObject({ code: "payload/too-large" });
  });

  it("of what cannot travel fails before anything is sent, naming the place", () => {
    const { add, wire } = setup();
    const heard = add({ list: [{ when: new Date(Number.NaN) }] });
    expect(heard.error).toBeInstanceOf(InvalidInput);
    expect(heard.error).toMatchObject({ path: "input.list[0].when" });
    expect(wire.requests).toHaveLength(0);
  });

  it("with an asynchronous schema keeps its place in the order", async () => {
    const { add, inFlight, wire } = setup();
    let isSlow = true;
    const slow = defineJob("t/slow", { input: { "~standard": { version: 1, vendor: "test", validate: (value: unknown) => (isSlow ? Promise.resolve({ value }) : { value }) } } });
    add("first", undefined, slow);
    isSlow = false;
    add("second", undefined, slow);
    expect(wire.open(".cm.")).toHaveLength(0);
    await new Promise((resolve) => setImmediate(resolve));
    inFlight();
    wire.open(".q.")[0]?.answer({ epoch: 1, commit: 1, answer: { at: WALL_MS } });
    for (const input of ["first", "second"]) {
      expect((inFlight().message["submit"] as [string, string, Uint8Array][]).map(([, , bytes]) => bytes)).toEqual([encode(input)]);
      inFlight().answer(done);
    }
  });

  it("into a closed client fails", async () => {
    const { add, client } = setup();
    await client.close();
    expect(add(1).error).toBeInstanceOf(Unavailable);
  });
});
