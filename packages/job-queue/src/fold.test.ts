import { encode } from "@longshore/kernel";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkInvariants } from "./testing/invariants.ts";
import { digestOf, MiniHost } from "./testing/mini-host.ts";
import { OUTCOME } from "./vocabulary.ts";

const TOPICS = ["a/x", "a/y", "a/b/c", "b", "o/1", "o/2", "nobody"];
const POOLS = [
  [{ topics: ["a/**", "o/*"], slots: 2 }],
  [{ topics: ["a/x"], slots: 1 }, { topics: ["a/**", "b"], slots: 1 }],
  [{ topics: ["o/1", "b"], slots: 3 }],
  [{ topics: ["nobody/**"], slots: 3 }],
];

const FILE = ["file", "ann", "a".repeat(64), 7];

type Action = (host: MiniHost) => void;

/** A running or any job, chosen by a number. */
const pick = (numbers: readonly number[], n: number): number | undefined => (numbers.length === 0 ? undefined : numbers[n % numbers.length]);
const anyJob = (host: MiniHost, n: number): string | undefined => {
  const number = pick([...host.state.jobs.from(0)].map((job) => job.number), n);
  return number === undefined ? undefined : `main.${host.state.job(number).id}`;
};

const submit = fc.record({
  topic: fc.constantFrom(...TOPICS), input: fc.constantFrom(1, "two", { three: 3 }, [4]), id: fc.option(fc.constantFrom("u1", "u2", "u3"), { nil: undefined }),
  retries: fc.option(fc.integer({ min: -1, max: 2 }), { nil: undefined }), retryDelayMs: fc.option(fc.constantFrom(0, 1_000), { nil: undefined }),
  timeoutMs: fc.option(fc.constantFrom(500, 3_000), { nil: undefined }), delayMs: fc.option(fc.constantFrom(0, 700, 5_000), { nil: undefined }),
  properties: fc.option(fc.constantFrom({ p: 1 }, { p: "x", q: null }), { nil: undefined }),
  inputs: fc.option(fc.constantFrom([FILE], [FILE, ["another", "bob", "b".repeat(64), 7]]), { nil: undefined }),
}).map((fields): Action => (host) => void host.send("submit", Object.fromEntries(Object.entries(fields).filter(([, v]) => v !== undefined)), "submit"));

const DETAILS: Readonly<Record<keyof typeof OUTCOME, readonly unknown[]>> = {
  succeeded: [new Uint8Array([0xc0]), null, [FILE]], failed: [{ name: "E", message: "m" }, null, [FILE]], canceled: ["no"], snoozed: [1_500], released: [], timedOut: [], ended: ["succeeded"],
};

const outcome = fc.tuple(fc.nat(), fc.constantFrom(...(Object.keys(OUTCOME) as (keyof typeof OUTCOME)[]))).map(([n, kind]): Action => (host) => {
  const job = pick(host.running(), n);
  if (job !== undefined) host.outcome(job, kind, ...DETAILS[kind]);
});

const saying = fc.tuple(fc.nat(), fc.constantFrom("progress", "log", "property", "extend")).map(([n, verb]): Action => (host) => {
  const job = pick(host.running(), n);
  if (job === undefined) return;
  const words = { progress: [0.5, "half"], log: [["a line"]], property: ["p", 2], extend: [] }[verb]!;
  host.send(verb, [job, host.state.job(job).attempt, ...words], "outcome", "wendy");
});

const FAR_POOLS = [[], [{ topics: ["a/**", "nobody"], slots: 2 }], [{ topics: ["a/**", "b"], slots: 1, labels: { gpu: "yes" } }, { topics: ["b"], slots: 3 }]] as const;
const route = fc.tuple(fc.constantFrom("far", "off"), fc.constantFrom(...FAR_POOLS)).map(([cluster, pools]): Action => (host) => void host.send("route", { cluster, pools }, "actor"));
const guest = fc.tuple(fc.nat(), fc.constantFrom(...TOPICS, "no topic")).map(([n, topic]): Action => (host) =>
  void host.send("guest", { guest: n + 1, origin: n % 2 === 0 ? "far" : "zoo", id: `far-${n}`, topic, input: new Uint8Array([0xc0]), options: { retries: 1 } }, "actor"));
const routed = fc.tuple(fc.nat(), fc.constantFrom<readonly unknown[]>([OUTCOME.ended, "given-up", null, "why", { name: "E", message: "m" }], [OUTCOME.snoozed, 700])).map(([n, words]): Action => (host) => {
  const job = pick(host.running(), n);
  if (job !== undefined) host.send("outcome", [job, host.state.job(job).attempt, ...words], "actor", "host");
});

const single = fc.tuple(fc.nat(), fc.constantFrom("stop", "remove", "retry")).map(([n, verb]): Action => (host) => {
  const id = anyJob(host, n);
  if (id !== undefined) host.send(verb, { id });
});

const bulk = fc.tuple(fc.constantFrom("stopAll", "removeAll", "retryAll"), fc.constantFrom({}, { topic: "a/x" }, { queue: "ordered" }, { where: [{ p: 1 }] }))
  .map(([verb, filter]): Action => (host) => void host.send(verb, filter));

const queue = fc.constantFrom<Action>(
  (host) => void host.send("suspend", { queue: "main" }), (host) => void host.send("resume", { queue: "main" }),
  (host) => void host.send("suspend", { queue: "ordered" }), (host) => void host.send("resume", { queue: "ordered" }),
  (host) => void host.configure("ordered", { topics: ["o/*"], type: "ordered", retries: 1 }),
  (host) => void host.configure("ordered", { topics: ["o/*"], type: "unordered", retries: 1 }),
  (host) => void host.configure("ordered", { topics: ["o/*"], type: "ordered", retries: 1, offload: { when: "always" } }),
  (host) => void host.configure("limited", { topics: ["a/*"], maxParallel: 2, offload: { when: "behind", backlog: 1, waitMs: 400, prefer: ["off"] } }),
  (host) => void host.configure("limited", { topics: ["a/*"], maxParallel: 1, keepIds: { ms: 3_000, count: 2 } }),
);

const instance = fc.tuple(fc.constantFrom("i1", "i2", "i3"), fc.constantFrom("1", "2"), fc.constantFrom("join", "join", "leave", "drain", "topics"), fc.constantFrom(...POOLS))
  .map(([name, incarnation, verb, pools]): Action => (host) => {
    if (verb === "join") host.join(name, pools, { incarnation });
    else host.send(verb, { instance: name, incarnation, pools, reason: "test" }, "hello");
  });

const time = fc.constantFrom(1, 400, 2_000, 10_000, 30_000).map((ms): Action => (host) => host.advance(ms));

const action = fc.oneof({ weight: 6, arbitrary: submit }, { weight: 5, arbitrary: outcome }, saying, single, bulk, queue, route, guest, routed, { weight: 2, arbitrary: instance }, { weight: 2, arbitrary: time });

const LIMITS = { endedMax: 12, endedKeepMs: 20_000, keepIdsMs: 25_000, keepIdsMax: 3, operationScanMax: 4, findScanMax: 5 };

function world(): MiniHost {
  const host = new MiniHost(LIMITS);
  host.configure("ordered", { topics: ["o/*"], type: "ordered", retries: 1 });
  host.join("i1", POOLS[0]!);
  return host;
}

describe("the fold", () => {
  it("a snapshot of a shard where nothing has happened is one like any other", () => {
    const host = new MiniHost();
    host.restart();
    expect(host.digest()).toBe(new MiniHost().digest());
    host.submit("a");
    expect(host.state.queue("main").statistics.since).toBe(host.at);
  });

  it("a snapshot comes in values that are bounded, however much there is", () => {
    const host = new MiniHost();
    for (let i = 0; i < 40; i++) host.submit("a", { input: "x".repeat(i % 3 === 0 ? 100_000 : 10) });
    const values = [...host.actor.snapshot(host.state)].map((value) => encode(value).length);
    expect(Math.max(...values)).toBeLessThan(512 * 1_024);
    host.restart();
    expect([...host.actor.snapshot(host.state)].map((value) => encode(value).length)).toEqual(values);
  });

  it("P8 a job in the place of one that is gone keeps nothing of it", () => {
    const [steady, restarted] = [new MiniHost({ endedMax: 0 }), new MiniHost({ endedMax: 0 })];
    for (const host of [steady, restarted]) {
      host.join("i1", [{ topics: ["a"], slots: 1 }]);
      const first = host.submit("a", { timeoutMs: 5, retries: 3, retryDelayMs: 7, id: "x", properties: { p: 1 } });
      host.fail(first);
      host.advance(7);
      host.succeed(first, "a result");
    }
    restarted.restart();
    for (const host of [steady, restarted]) host.submit("a", { delayMs: 1_000 });
    expect(restarted.digest()).toBe(steady.digest());
  });

  it("P8 a host that restarts from snapshots decides and folds the same, whatever happens", () => {
    fc.assert(fc.property(fc.array(fc.tuple(action, fc.boolean()), { maxLength: 60 }), (steps) => {
      const steady = world();
      const restarting = world();
      for (const [act, restarts] of steps) {
        act(steady);
        if (restarts) restarting.restart();
        act(restarting);
        checkInvariants(steady.state);
      }
      expect(restarting.events).toEqual(steady.events);
      expect(restarting.digest()).toBe(steady.digest());
    }), { numRuns: 100, seed: 1 });
  });

  it("P8 who only folds the events has the same state, to the byte", () => {
    fc.assert(fc.property(fc.array(action, { maxLength: 60 }), (steps) => {
      const host = world();
      for (const act of steps) act(host);
      const follower = host.actor.initial();
      host.events.forEach((event, i) => host.actor.evolve(follower, event, host.instants[i]!));
      checkInvariants(follower);
      expect(digestOf(host.actor, follower)).toBe(host.digest());
    }), { numRuns: 100, seed: 1 });
  });

  it("P8 a commit without room settles the rest in the next ones", () => {
    fc.assert(fc.property(fc.array(action, { maxLength: 40 }), fc.integer({ min: 1, max: 3 }), (steps, room) => {
      const host = world();
      host.room = room;
      for (const act of steps) {
        act(host);
        checkInvariants(host.state);
        const due = host.due();
        expect(due === undefined || due > host.at).toBe(true);
      }
    }), { numRuns: 100, seed: 1 });
  });
});
