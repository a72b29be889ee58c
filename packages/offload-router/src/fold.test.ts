import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { brokenRoundTrips } from "./round-trip-check.ts";
import { digestOf, MiniHost } from "./testing/mini-host.ts";

type Action = (host: MiniHost) => void;

const LIMITS = { tripsMax: 6, guestsMax: 5, reclaimAfterMs: 40_000, stopGraceMs: 2_000, triesMax: 2, failedKeepMs: 3_000, unservedMs: 1_500, routesMax: 2 };
const cluster = fc.constantFrom("far", "off");
const small = fc.integer({ min: 1, max: 4 });
const blobs = fc.subarray(["a", "b", "c"], { maxLength: 2 }).map((letters) => letters.map((letter) => ({ name: letter, principal: "p", digest: digestOf(letter), bytes: 3 })));
const end = fc.constantFrom("succeeded", "error", "stopped", null);

const handOver = fc.tuple(small, small, cluster, blobs).map(([job, attempt, to, inputs]): Action => (host) => void host.handOver(job, { attempt, cluster: to, inputs }));
const stop = fc.tuple(small, small, fc.boolean()).map(([job, attempt, isGone]): Action => (host) => void host.send("stop", { shard: "main", job, attempt, reason: "r", isGone }, "actor"));
const answer = fc.tuple(small, cluster, fc.boolean()).map(([trip, from, yes]): Action => (host) => void host.peer("answer", { trip, ...(yes ? {} : { code: "no", message: "m" }) }, from));
const report = fc.tuple(small, cluster).map(([trip, from]): Action => (host) => void host.peer("report", { trip, report: { attempt: trip, log: ["x"] } }, from));
const returns = fc.tuple(small, cluster, end, blobs).map(([trip, from, how, out]): Action => (host) => void host.peer("return", { trip, end: how, result: null, blobs: out, reason: null, error: null }, from));
const offer = fc.tuple(small, cluster, blobs).map(([trip, from, listed]): Action => (host) => void host.offer(trip, { blobs: listed }, from));
const letGo = fc.tuple(small, cluster, fc.constantFrom("cancel", "release")).map(([trip, from, verb]): Action => (host) => void host.peer(verb, { trip, ...(verb === "cancel" ? { reason: "r" } : {}) }, from));
const guestEnded = fc.tuple(small, fc.constantFrom("succeeded", "error"), blobs).map(([guest, how, outputs]): Action => (host) => void host.send("guestEnded", { guest, end: how, outputs }, "actor"));
const guestReport = fc.tuple(small, fc.constantFrom("queued", "active")).map(([guest, state]): Action => (host) => void host.send("guestReport", { guest, report: { state } }, "actor"));
const guestRefused = fc.tuple(small, fc.constantFrom("queue/moved", "queue/full")).map(([guest, code]): Action => (host) => void host.send("guestRefused", { guest, code, message: "m", shard: "films" }, "actor"));
const moved = fc.tuple(small, fc.constantFrom<("stage" | "fetch" | "collect" | "import")[]>("stage", "fetch", "collect", "import"), fc.constantFrom(undefined, undefined, "missing", "unreachable"))
  .map(([number, step, kind]): Action => (host) => void host.moved(step, number, kind === undefined ? undefined : { kind, message: "m" }));
const removed = fc.subarray(["a", "b", "c"]).map((letters): Action => (host) => void host.send("removed", { digests: letters.map(digestOf) }, "hello"));
const operate = fc.tuple(cluster, fc.constantFrom("drain", "resume")).map(([to, verb]): Action => (host) => void host.send(verb, { cluster: to }, "operate"));
const reclaim = small.map((trip): Action => (host) => void host.send("reclaim", { trip }, "operate"));
const route = fc.tuple(cluster, fc.boolean()).map(([to, there]): Action => (host) => void (there ? host.route(to) : host.send("routeLost", { cluster: to }, "hello")));
const own = fc.constantFrom(["media/*"], [], ["film"]).map((topics): Action => (host) => void host.send("own", { topics, shards: ["main", "films"] }, "hello"));
const time = fc.constantFrom(1, 500, 2_000, 45_000).map((ms): Action => (host) => host.advance(ms));

const action = fc.oneof(
  { weight: 5, arbitrary: handOver }, stop, { weight: 2, arbitrary: answer }, report, { weight: 3, arbitrary: returns }, { weight: 4, arbitrary: offer }, { weight: 3, arbitrary: letGo },
  { weight: 3, arbitrary: guestEnded }, guestRefused, { weight: 2, arbitrary: guestReport }, { weight: 6, arbitrary: moved }, removed, operate, reclaim, route, own, { weight: 2, arbitrary: time },
);

function world(): MiniHost {
  const host = new MiniHost({ limits: LIMITS });
  host.route("far");
  host.route("off");
  return host;
}

describe("the fold", () => {
  it("P12 holds of one history, whatever is said in whatever order, and bounds are kept", () => {
    let ends = 0;
    fc.assert(fc.property(fc.array(action, { minLength: 60, maxLength: 120, size: "max" }), (steps) => {
      const host = world();
      for (const act of steps) {
        act(host);
        expect(host.state.trips.size).toBeLessThanOrEqual(LIMITS.tripsMax);
        expect(host.state.guests.size).toBeLessThanOrEqual(LIMITS.guestsMax);
        expect(host.due() ?? host.at + 1).toBeGreaterThan(host.at);
      }
      // What other clusters say here is made up: only what this one writes is judged.
      const alone = brokenRoundTrips([{ cluster: "home", router: host.events, queues: {} }]);
      expect(alone).toEqual([]);
      ends += host.all("TripEnded").length + host.all("PayloadReleased").length;
    }), { numRuns: 100, seed: 1 });
    expect(ends).toBeGreaterThan(300);
  });

  it("P8 a host that restarts from snapshots decides and folds the same, whatever happens", () => {
    fc.assert(fc.property(fc.array(fc.tuple(action, fc.boolean()), { maxLength: 40, size: "max" }), (steps) => {
      const [steady, restarting] = [world(), world()];
      for (const [act, restarts] of steps) {
        act(steady);
        if (restarts) restarting.restart();
        act(restarting);
      }
      expect(restarting.events).toEqual(steady.events);
      expect(restarting.sent).toEqual(steady.sent);
      expect(restarting.hash()).toBe(steady.hash());
    }), { numRuns: 50, seed: 1 });
  });

  it("P8 a commit without room settles the rest in the next ones", () => {
    fc.assert(fc.property(fc.array(action, { maxLength: 30, size: "max" }), fc.integer({ min: 1, max: 2 }), (steps, room) => {
      const [wide, narrow] = [world(), world()];
      narrow.room = room;
      for (const act of steps) for (const host of [wide, narrow]) act(host);
      expect(narrow.events).toEqual(wide.events);
    }), { numRuns: 100, seed: 1 });
  });

  it("P8 who only folds the events has the same state, to the byte", () => {
    fc.assert(fc.property(fc.array(action, { maxLength: 60, size: "max" }), (steps) => {
      const host = world();
      for (const act of steps) act(host);
      const follower = host.actor.initial();
      host.events.forEach((event, i) => host.actor.evolve(follower, event, host.instants[i]!));
      expect(host.hash(follower)).toBe(host.hash());
    }), { numRuns: 100, seed: 1 });
  });
});
