import { encode } from "@longshore/kernel";
import { describe, expect, it } from "vitest";
import { digestOf, INPUT, MiniHost } from "./testing/mini-host.ts";

const ORIGIN = "far.offload-router.main";
const QUEUE = "home.job-queue.main";
const RESULT = encode("done");
const blob = (name: string, letter: string) => ({ name, principal: "ann", digest: digestOf(letter), bytes: 9 });
const types = (answer: ReturnType<MiniHost["send"]>): readonly string[] => (answer.kind === "malformed" ? [answer.malformed.field] : answer.events.map(({ type }) => type));
const ends = (host: MiniHost, guest: number, fields: object = {}): ReturnType<MiniHost["send"]> => host.send("guestEnded", { guest, end: "succeeded", result: RESULT, ...fields }, "actor");
const missing = { kind: "missing", message: "x is not there" };

/** Guest 1 with its input verified, in its queue. */
function submitted(fields: Readonly<Record<string, unknown>> = {}, limits: object = {}): MiniHost {
  const host = new MiniHost({ limits });
  host.offer(5, fields);
  host.moved("fetch", 1);
  return host;
}

/** Guest 1 on its way home, with an input and an output. */
function returned(limits: object = {}, end = "succeeded"): MiniHost {
  const host = submitted({ blobs: [blob("in", "a")] }, limits);
  ends(host, 1, { end, outputs: [blob("out", "b")] });
  host.moved("collect", 1);
  return host;
}

describe("an offer", () => {
  it("OFF-RUN-01 OFF-RUN-02 OFF-RUN-03 OFF-TRN-10 becomes a job of this cluster that says whose it is", () => {
    const host = new MiniHost();
    expect(types(host.offer(5, { options: { retries: 2, timeoutMs: 900, properties: { b: true, a: 1 } } }))).toEqual(["GuestAccepted", "InputVerified"]);
    expect(host.owed(ORIGIN)).toEqual([["answer", { trip: 5 }]]);
    expect(host.owed(QUEUE)).toEqual([["guest", {
      guest: 1, origin: "far", id: "far-5", topic: "media/thumbnail", input: INPUT, options: { retries: 2, timeoutMs: 900, properties: { a: 1, b: true, "offload.job": "main.j5" } },
    }]]);
  });

  it("OFF-TRN-21 that comes twice is one job, also when the job is long gone", () => {
    const host = new MiniHost();
    host.offer(5);
    expect(types(host.offer(5))).toEqual([]);
    ends(host, 1);
    host.peer("release", { trip: 5 });
    expect(host.state.guests.size).toBe(0);
    expect(types(host.offer(5))).toEqual([]);
    expect(types(host.offer(5, {}, "off"))).toEqual(["GuestAccepted", "InputVerified"]);
  });

  it("OFF-CFG-02 OFF-ENB-11 is refused where nobody works on its topic, or there are too many", () => {
    const host = new MiniHost({ limits: { guestsMax: 1 } });
    host.send("own", { topics: ["film/*"], shards: ["main"] }, "hello");
    expect(types(host.offer(5))).toEqual(["OfferRefused"]);
    expect(host.owed(ORIGIN)).toEqual([["answer", { trip: 5, code: "offload/topic-disabled", message: 'nobody here works on topic "media/thumbnail"' }]]);
    host.offer(6, { topic: "film/cut" });
    expect(types(host.offer(7, { topic: "film/cut" }))).toEqual(["OfferRefused"]);
  });

  it("OFF-WFO-44 OFF-ENB-28 a topic that is disabled later changes nothing of what was taken in", () => {
    const host = submitted();
    host.send("own", { topics: ["film/*"], shards: ["main"] }, "hello");
    expect(types(ends(host, 1))).toEqual(["GuestEnded", "GuestReturned"]);
  });
});

describe("inputs", () => {
  it("OFF-TRN-02 OFF-TRN-13 no job before all of them are here and verified; a large one lies in this store", () => {
    const host = new MiniHost();
    host.offer(5, { input: ["ann", digestOf("a"), 300_000], blobs: [blob("photo", "b")] });
    expect(host.owed(QUEUE)).toEqual([]);
    expect(host.work()).toEqual(["fetch 1"]);
    expect(types(host.moved("fetch", 1))).toEqual(["InputVerified"]);
    expect(host.owed(QUEUE)).toMatchObject([["guest", { input: ["offload-guest", digestOf("a"), 300_000], inputs: [["photo", "offload-guest", digestOf("b"), 9]] }]]);
  });

  it("OFF-TRN-24 one that is not what its digest says is fetched again, the origin sees why, and in the end the job is an error", () => {
    const host = new MiniHost({ limits: { triesMax: 2 } });
    host.offer(5, { blobs: [blob("photo", "b")] });
    expect(types(host.moved("fetch", 1, { kind: "corrupt", message: "photo differs" }))).toEqual(["GuestTroubled"]);
    expect(host.owed(ORIGIN).at(-1)).toEqual(["report", { trip: 5, report: { trouble: "fetch: photo differs" } }]);
    expect(types(host.moved("fetch", 1, { kind: "corrupt", message: "photo differs" }))).toEqual(["GuestTroubled", "GuestEnded", "GuestReturned"]);
    expect(host.owed(ORIGIN).at(-1)).toMatchObject(["return", { trip: 5, end: "error", reason: "offload/input-corrupt: photo differs" }]);
    expect(host.owed(QUEUE)).toEqual([]);
  });

  it("OFF-TRN-16 one that cannot be reached is waited for", () => {
    const host = new MiniHost({ limits: { triesMax: 2 } });
    host.offer(5, { blobs: [blob("photo", "b")] });
    for (let i = 0; i < 9; i++) host.moved("fetch", 1, { kind: "unreachable", message: "the link is down" });
    expect(host.work()).toEqual([]);
    host.advance(60_000);
    expect(host.work()).toEqual(["fetch 1"]);
    expect(types(host.moved("fetch", 1))).toEqual(["InputVerified"]);
  });
});

describe("what the queue says", () => {
  it("OFF-RUN-06 OFF-RUN-08 OFF-RUN-11 is told to the origin: attempts, failures, progress, log", () => {
    const host = submitted();
    const report = { state: "active", attempt: 2, failures: 1, instance: "w1", error: { name: "E", message: "m" }, progress: [0.5, null], log: ["a"] };
    expect(types(host.send("guestReport", { guest: 1, report }, "actor"))).toEqual(["GuestReported"]);
    const { error, log, ...standing } = report;
    expect(host.sent.slice(-3).map(({ item, how }) => [item, how])).toEqual([
      [{ trip: 5, report: { ...standing, trouble: null } }, { mayDrop: true, levelOf: "trip 5" }],
      [{ trip: 5, report: { error } }, { mayDrop: true, levelOf: "error of trip 5" }],
      [{ trip: 5, report: { log } }, { mayDrop: true }],
    ]);
  });

  it("OFF-RUN-06 said again it is no news; what changes later is told as the whole of how the job stands", () => {
    const host = submitted();
    const says = (report: object): readonly string[] => types(host.send("guestReport", { guest: 1, report }, "actor"));
    says({ state: "active", attempt: 1, failures: 0, instance: "w1" });
    expect(says({ state: "active", attempt: 1, failures: 0, instance: "w1" })).toEqual([]);
    expect(says({ state: "active", attempt: 1, failures: 0, instance: "w1", progress: [0.25, null] })).toEqual(["GuestReported"]);
    expect(host.all("GuestReported").at(-1)!.report).toEqual({ progress: [0.25, null] });
    expect(host.owed(ORIGIN).at(-1)).toEqual(["report", { trip: 5, report: { state: "active", attempt: 1, failures: 0, instance: "w1", progress: [0.25, null], trouble: null } }]);
    says({ log: ["a", "b"] });
    expect(host.state.guest(1).report).not.toHaveProperty("log");
  });

  it("a shard that does not have the queue says where it lives, and the job goes there", () => {
    const host = submitted();
    expect(types(host.send("guestRefused", { guest: 1, code: "queue/moved", message: "there", shard: "films" }, "actor"))).toEqual(["GuestMoved"]);
    expect(host.owed("home.job-queue.films")).toMatchObject([["guest", { guest: 1 }]]);
    host.peer("cancel", { trip: 5, reason: "no" });
    expect(host.owed("home.job-queue.films").at(-1)).toEqual(["stopGuest", { id: "films.media~thumbnail.far-5", reason: "no" }]);
  });

  it("OFF-WFO-32 one that was called back before its queue was found is in none, and ends as stopped", () => {
    const host = submitted();
    host.peer("cancel", { trip: 5, reason: "no" });
    expect(types(host.send("guestRefused", { guest: 1, code: "queue/moved", message: "there", shard: "films" }, "actor"))).toEqual(["GuestEnded", "GuestReturned"]);
    expect(host.owed("home.job-queue.films")).toEqual([]);
    expect(host.owed(ORIGIN).at(-1)).toMatchObject(["return", { trip: 5, end: "stopped", reason: "no" }]);
  });

  it("a refusal goes home as not done, so that the job is done elsewhere", () => {
    const host = submitted();
    expect(types(host.send("guestRefused", { guest: 1, code: "queue/backlog-full", message: "full" }, "actor"))).toEqual(["GuestEnded", "GuestReturned"]);
    expect(host.owed(ORIGIN).at(-1)).toMatchObject(["return", { trip: 5, end: null, reason: "queue/backlog-full: full" }]);
  });
});

describe("a guest that nobody takes up", () => {
  const own = (host: MiniHost, topics: readonly string[]): unknown => host.send("own", { topics, shards: ["main"] }, "hello");
  const asked = (host: MiniHost): number => host.owed(QUEUE).filter(([verb]) => verb === "handBack").length;
  const says = (host: MiniHost, state: string): unknown => host.send("guestReport", { guest: 1, report: { state, attempt: 1, failures: 0 } }, "actor");

  it("OFF-RUN-12 is asked back from its queue when its last consumer is gone for a minute, and goes home as not done", () => {
    const host = submitted();
    says(host, "queued");
    own(host, []);
    host.advance(59_999);
    expect(asked(host)).toBe(0);
    host.advance(1);
    expect(host.owed(QUEUE).at(-1)).toEqual(["handBack", { guest: 1, id: "main.media~thumbnail.far-5" }]);
    expect(types(host.send("guestRefused", { guest: 1, code: "offload/no-consumer", message: "nobody" }, "actor"))).toEqual(["GuestEnded", "GuestReturned"]);
    expect(host.owed(ORIGIN).at(-1)).toMatchObject(["return", { trip: 5, end: null, reason: "offload/no-consumer: nobody" }]);
    host.advance(600_000);
    expect(asked(host)).toBe(1);
  });

  it("OFF-RUN-12 a worker that restarts within the minute changes nothing", () => {
    const host = submitted();
    for (let i = 0; i < 5; i++) {
      own(host, []);
      host.advance(59_000);
      own(host, ["media/*"]);
      host.advance(1_000);
    }
    expect(host.all("GuestUnserved")).toEqual([]);
    host.advance(3_600_000);
    expect(host.all("GuestUnserved")).toEqual([]);
  });

  it("OFF-ENB-28 one that runs is finished here, however long that takes", () => {
    const host = submitted();
    says(host, "active");
    own(host, []);
    host.advance(180_000);
    // Its queue is asked, and says nothing: it knows that it runs, and the router may not have heard the last word.
    expect(asked(host)).toBe(3);
    expect(types(ends(host, 1))).toEqual(["GuestEnded", "GuestReturned"]);
  });

  it("OFF-ENB-29 one that fails after its topic was disabled is asked back within a minute, also when the word that it waits again was left out", () => {
    const host = submitted();
    says(host, "active");
    own(host, []);
    host.advance(300_000);
    const before = asked(host);
    host.advance(60_000);
    expect(asked(host)).toBe(before + 1);
  });

  it("OFF-RUN-12 it starts just then: what it ends with counts, and until then its queue is asked once a minute, one message at a time", () => {
    const host = submitted();
    own(host, []);
    host.advance(180_000);
    expect(asked(host)).toBe(3);
    expect(host.sent.filter(({ verb }) => verb === "handBack").map(({ how }) => how)).toEqual([1, 2, 3].map(() => ({ mayDrop: true, levelOf: "hand back 1" })));
    expect(types(ends(host, 1))).toEqual(["GuestEnded", "GuestReturned"]);
    expect(host.owed(ORIGIN).at(-1)).toMatchObject(["return", { end: "succeeded" }]);
    expect(types(host.send("guestRefused", { guest: 1, code: "offload/no-consumer", message: "nobody" }, "actor"))).toEqual([]);
  });

  it("one that its origin has called back is stopped, not given back", () => {
    const host = submitted();
    own(host, []);
    host.peer("cancel", { trip: 5, reason: "no" });
    host.advance(600_000);
    expect(asked(host)).toBe(0);
  });
});

describe("the outcome", () => {
  it("OFF-RET-02 OFF-RET-07 OFF-RUN-07 goes home at once, and where there are outputs as soon as they are kept", () => {
    const host = submitted();
    expect(types(ends(host, 1, { reason: "fine", result: ["w", digestOf("c"), 300_000], outputs: [blob("out", "b")] }))).toEqual(["GuestEnded"]);
    expect(host.work()).toEqual(["collect 1"]);
    expect(types(host.moved("collect", 1))).toEqual(["OutputStaged", "GuestReturned"]);
    expect(host.owed(ORIGIN).at(-1)).toEqual(["return", {
      trip: 5, end: "succeeded", result: ["offload-guest", digestOf("c"), 300_000], reason: "fine", error: null,
      blobs: [{ name: ".result", principal: "offload-guest", digest: digestOf("c"), bytes: 300_000 }, { name: "out", principal: "offload-guest", digest: digestOf("b"), bytes: 9 }],
    }]);
  });

  it("OFF-RET-12 of a job whose output is not there is an error, whatever its handler says", () => {
    const host = submitted({}, { triesMax: 1 });
    ends(host, 1, { outputs: [blob("out", "b")] });
    expect(types(host.moved("collect", 1, missing))).toEqual(["GuestTroubled", "GuestReturned"]);
    expect(host.owed(ORIGIN).at(-1)).toMatchObject(["return", { end: "error", result: null, blobs: [], reason: "offload/output-missing: x is not there" }]);
  });

  it("OFF-RET-09 OFF-RET-10 is said once, and kept until the origin has it", () => {
    const host = returned();
    expect(types(ends(host, 1))).toEqual([]);
    host.advance(30 * 86_400_000);
    expect(host.state.guests.size).toBe(1);
    expect(host.owed(ORIGIN).filter(([verb]) => verb === "return")).toHaveLength(1);
  });
});

describe("a cancel", () => {
  it("OFF-WFO-32 before the job is in a queue ends it at once", () => {
    const host = new MiniHost();
    host.offer(5, { blobs: [blob("in", "a")] });
    expect(types(host.peer("cancel", { trip: 5, reason: "no" }))).toEqual(["GuestStopRequested", "GuestEnded", "GuestReturned"]);
    expect(types(host.moved("fetch", 1))).toEqual([]);
    expect(host.owed(QUEUE)).toEqual([]);
  });

  it("in a queue stops it there, and the end comes from there; said again, or too late, it changes nothing", () => {
    const host = submitted();
    expect(types(host.peer("cancel", { trip: 5, reason: "no" }))).toEqual(["GuestStopRequested"]);
    expect(types(host.peer("cancel", { trip: 5, reason: "no" }))).toEqual([]);
    expect(host.owed(QUEUE).at(-1)).toEqual(["stopGuest", { id: "main.media~thumbnail.far-5", reason: "no" }]);
    ends(host, 1, { end: "stopped", result: null });
    expect(types(host.peer("cancel", { trip: 5, reason: "no" }))).toEqual([]);
    expect(types(host.peer("cancel", { trip: 99, reason: "no" }))).toEqual([]);
  });

  it("of another cluster does not reach it", () => {
    expect(types(submitted().peer("cancel", { trip: 5, reason: "no" }, "off"))).toEqual([]);
  });
});

describe("cleaning up", () => {
  it("OFF-CLN-01 OFF-CLN-03 OFF-CLN-08 only after the origin has the outcome; all that was brought here goes, however often that is asked for", () => {
    const host = returned();
    expect(host.work()).toEqual([]);
    expect(types(host.peer("release", { trip: 5 }))).toEqual(["GuestReleased", "PayloadReleased"]);
    expect(types(host.peer("release", { trip: 5 }))).toEqual([]);
    expect(host.work()).toEqual(["remove 0"]);
    expect(types(host.send("removed", { digests: [digestOf("a"), digestOf("f")] }, "hello"))).toEqual(["PayloadRemoved"]);
    expect([...host.state.removing]).toEqual([digestOf("b")]);
    expect(types(host.send("removed", { digests: [digestOf("a")] }, "hello"))).toEqual([]);
  });

  it("OFF-CLN-06 OFF-CLN-07 touches only what was brought here under the router's own name, and tells nobody", () => {
    const host = returned();
    host.sent.length = 0;
    host.peer("release", { trip: 5 });
    const [move] = host.ask<readonly { readonly digests: readonly string[]; readonly blobs: readonly unknown[] }[]>("work");
    expect(move).toMatchObject({ step: "remove", blobs: [], digests: [digestOf("a"), digestOf("b")] });
    host.send("removed", { digests: [digestOf("a"), digestOf("b")] }, "hello");
    expect(host.sent).toEqual([]);
  });

  it("a release before the outcome has gone home lets nothing go", () => {
    expect(types(submitted().peer("release", { trip: 5 }))).toEqual([]);
  });

  it("OFF-CLN-02 a router may be told to leave payload where it is", () => {
    const host = new MiniHost({ removesPayloads: false });
    host.offer(5, { blobs: [blob("in", "a")] });
    host.moved("fetch", 1);
    ends(host, 1);
    host.peer("release", { trip: 5 });
    expect(host.all("PayloadReleased")).toMatchObject([{ digests: [] }]);
    expect(host.work()).toEqual([]);
  });

  it("OFF-CLN-04 the payload of what did not succeed stays for an hour", () => {
    const host = returned({}, "error");
    expect(types(host.peer("release", { trip: 5 }))).toEqual(["GuestReleased"]);
    host.advance(3_599_999);
    expect(host.all("PayloadReleased")).toEqual([]);
    host.advance(1);
    expect(host.all("PayloadReleased")).toMatchObject([{ digests: [digestOf("a"), digestOf("b")] }]);
  });

  it("OFF-CLN-05 what another job needs stays until that is released too", () => {
    const host = returned();
    host.offer(6, { blobs: [blob("in", "a")] }, "off");
    host.peer("release", { trip: 5 });
    expect(host.all("PayloadReleased")).toMatchObject([{ digests: [digestOf("b")] }]);
    host.moved("fetch", 2);
    ends(host, 2, { outputs: [] });
    host.peer("release", { trip: 6 }, "off");
    expect(host.all("PayloadReleased")[1]).toMatchObject({ digests: [digestOf("a")] });
  });

  it("what is on its way out of the store is not relied on: it is fetched again when it is gone", () => {
    const host = returned();
    host.peer("release", { trip: 5 });
    host.offer(6, { blobs: [blob("in", "a")] });
    expect(host.work()).toEqual(["remove 0"]);
    expect(types(host.moved("fetch", 2))).toEqual([]);
    host.send("removed", { digests: [digestOf("a"), digestOf("b")] }, "hello");
    expect(host.work()).toEqual(["fetch 2"]);
    expect(types(host.moved("fetch", 2))).toEqual(["InputVerified"]);
  });
});
