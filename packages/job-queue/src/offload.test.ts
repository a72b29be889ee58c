import { encode } from "@longshore/kernel";
import { describe, expect, it } from "vitest";
import { MiniHost } from "./testing/mini-host.ts";
import type { OffloadPolicy } from "./vocabulary.ts";
import { OUTCOME } from "./vocabulary.ts";
import { writeWantedQueue } from "./wanted.ts";

const TOPIC = "media/thumbnail";
const NIL = encode(null);

interface Given {
  readonly offload?: OffloadPolicy;
  readonly type?: "ordered" | "unordered";
}

/** A shard that knows two other clusters, each with one instance for the topic. */
function world({ offload, type = "unordered" }: Given = {}): MiniHost {
  const host = new MiniHost();
  host.configure("media", { topics: ["media/*"], type, ...(offload === undefined ? {} : { offload }) });
  for (const cluster of ["far", "off"]) route(host, cluster);
  return host;
}

const route = (host: MiniHost, cluster: string, pools: readonly object[] = [{ topics: ["media/*"], slots: 2 }]): unknown => host.send("route", { cluster, pools }, "actor", "host");
const local = (host: MiniHost, slots = 1): unknown => host.join("i1", [{ topics: ["media/**"], slots }]);
const instanceOf = (host: MiniHost, job: number): string | undefined => (host.state.job(job).isActive ? host.state.job(job).instance : undefined);
const handovers = (host: MiniHost): readonly unknown[] => host.sent.filter(([verb]) => verb === "handover").map(([, item]) => item);
const returned = (host: MiniHost, job: number, ...words: readonly unknown[]): ReturnType<MiniHost["send"]> =>
  host.send("outcome", [job, host.state.job(job).attempt, ...words], "actor", "host");
const why = (host: MiniHost, job: number): unknown => host.actor.query(host.state, { ask: "why", id: `main.${host.state.job(job).id}` }, { role: "operate", principal: "ann" }, host.at);

describe("jobs that leave", () => {
  it("OFF-DST-02 OFF-DST-13 OFF-DEV-03 OFF-ORG-01 nobody here takes it: it is an attempt in another cluster, handed over once, and why says where", () => {
    const host = world();
    const job = host.submit(TOPIC, { input: { width: 3 }, retries: 4, timeoutMs: 500, properties: { a: 1 } });
    expect(instanceOf(host, job)).toBe("@far");
    expect(handovers(host)).toEqual([{
      shard: "main", job, attempt: 1, id: `main.${host.state.job(job).id}`, topic: TOPIC, cluster: "far", input: encode({ width: 3 }), options: { retries: 4, timeoutMs: 500, properties: { a: 1 } },
    }]);
    expect(host.told).toEqual([]);
    expect(why(host, job)).toMatchObject({ state: "active", text: expect.stringContaining('cluster "far"'), detail: { cluster: "far", attempt: 1 } });
  });

  it("P8 who only folds the history owes the same handover, although nobody hears what it tells", () => {
    const away = new MiniHost();
    for (const cluster of ["far", "off"]) route(away, cluster);
    away.submit(TOPIC);
    const follower = away.actor.initial();
    const owed: unknown[] = [];
    away.events.forEach((event, i) => {
      away.actor.evolve(follower, event, away.instants[i]!);
      away.actor.react(follower, event, { isUnheard: true, tell: () => undefined, send: (_to, body) => void owed.push(body) });
    });
    expect(owed).toEqual(away.sent);
    expect(owed).toMatchObject([["handover", { cluster: "far" }]]);
  });

  it("OFF-DST-01 OFF-DST-03 somebody here takes it: it stays, however long it waits", () => {
    const host = world();
    local(host);
    const [first, second] = [host.submit(TOPIC), host.submit(TOPIC)];
    expect([instanceOf(host, first), instanceOf(host, second)]).toEqual(["i1", undefined]);
    host.advance(3_600_000);
    expect(handovers(host)).toEqual([]);
  });

  it("OFF-DST-04 two clusters take it: they get half each; with all slots taken it waits here", () => {
    const host = world();
    const jobs = [1, 2, 3, 4, 5].map(() => host.submit(TOPIC));
    expect(jobs.map((job) => instanceOf(host, job))).toEqual(["@far", "@off", "@far", "@off", undefined]);
    expect(why(host, jobs[4]!)).toMatchObject({ waits: "limit", text: expect.stringContaining("all 4 slots"), detail: { clusters: ["far", "off"], slots: 4, used: 4 } });
  });

  it.each<[string, Given, string]>([
    ["its queue lets nothing go", { offload: { when: "never" } }, 'queue "media" lets no job go to another'],
    ["every cluster is excluded", { offload: { exclude: ["far", "off"] } }, "neither does another cluster that it may go to (far, off)"],
    ["nobody has the labels", { offload: { labels: { gpu: "a100" } } }, "neither does another cluster"],
  ])("OFF-ADM-07 a job that nobody anywhere may do says so, and is found by it: %s", (_, given, text) => {
    const host = world(given);
    const [job, taken] = [host.submit(TOPIC), host.submit("other")];
    expect(why(host, job)).toMatchObject({ waits: "no-capable-instance", text: expect.stringContaining(text) });
    const found = host.actor.query(host.state, { ask: "find", filter: { where: [{ "job.waits": "no-capable-instance" }] } }, { role: "operate", principal: "ann" }, host.at);
    expect(found).toMatchObject({ jobs: [{ number: job, topic: TOPIC }, { number: taken, topic: "other" }] });
    local(host, 1);
    expect(instanceOf(host, job)).toBe("i1");
  });

  it("OFF-DST-11 OFF-DST-25 OFF-ENB-24 OFF-ENB-25 nobody anywhere: it waits, and goes as soon as a cluster takes its topic", () => {
    const host = world();
    const job = host.submit("media/film/cut");
    expect(instanceOf(host, job)).toBeUndefined();
    route(host, "off", [{ topics: ["media/film/*"], slots: 1 }]);
    expect(instanceOf(host, job)).toBe("@off");
  });

  it("OFF-DST-18 OFF-CFG-01 a queue may keep its jobs", () => {
    const host = world({ offload: { when: "never" } });
    expect(instanceOf(host, host.submit(TOPIC))).toBeUndefined();
  });

  it("a queue may send its jobs away always, before anybody here claims them", () => {
    const host = world({ offload: { when: "always", exclude: ["far"] } });
    local(host, 9);
    expect([1, 2, 3].map(() => instanceOf(host, host.submit(TOPIC)))).toEqual(["@off", "@off", "i1"]);
  });

  it("a queue may send what it cannot do in time: behind a backlog, or after a wait", () => {
    const host = world({ offload: { when: "behind", backlog: 2 } });
    local(host);
    expect([1, 2, 3, 4].map(() => instanceOf(host, host.submit(TOPIC)))).toEqual(["i1", undefined, undefined, undefined]);
    expect(host.state.members.get(host.state.job(2).member)?.isRoute).toBe(true);
    const slow = world({ offload: { when: "behind", waitMs: 1_000 } });
    local(slow);
    slow.submit(TOPIC);
    const waits = slow.submit(TOPIC);
    slow.advance(999);
    expect(instanceOf(slow, waits)).toBeUndefined();
    slow.advance(1);
    expect(instanceOf(slow, waits)).toBe("@far");
  });

  it("a queue prefers clusters, and asks for labels", () => {
    const preferring = world({ offload: { prefer: ["off"] } });
    expect([1, 2, 3].map(() => instanceOf(preferring, preferring.submit(TOPIC)))).toEqual(["@off", "@off", "@far"]);
    const host = world({ offload: { prefer: ["off"], labels: { gpu: "yes" } } });
    const job = host.submit(TOPIC);
    expect(instanceOf(host, job)).toBeUndefined();
    route(host, "far", [{ topics: ["media/*"], slots: 1, labels: { gpu: "yes" } }]);
    expect(instanceOf(host, job)).toBe("@far");
    route(host, "off", [{ topics: ["media/*"], slots: 1, labels: { gpu: "yes", room: "3" } }]);
    route(host, "far", [{ topics: ["media/*"], slots: 2, labels: { gpu: "yes" } }]);
    expect(instanceOf(host, host.submit(TOPIC))).toBe("@off");
  });

  it("OFF-ENB-28 OFF-DST-14 what runs elsewhere goes on there when that cluster takes nothing more", () => {
    const host = world();
    const job = host.submit(TOPIC);
    for (const cluster of ["far", "off"]) route(host, cluster, []);
    local(host);
    host.advance(86_400_000);
    expect(instanceOf(host, job)).toBe("@far");
    expect(returned(host, job, OUTCOME.ended, "succeeded", NIL, null, null)).toMatchObject({ kind: "accepted" });
    expect(host.stateOf(job)).toBe("succeeded");
  });

  it("OFF-DST-09 P5 an ordered queue has one job away at a time", () => {
    const host = world({ type: "ordered" });
    const [first, second] = [host.submit(TOPIC), host.submit(TOPIC)];
    expect([instanceOf(host, first), instanceOf(host, second)]).toEqual(["@far", undefined]);
    returned(host, first, OUTCOME.ended, "error", null, "no", null);
    expect(instanceOf(host, second)).toBe("@off");
  });
});

describe("jobs that come home", () => {
  it.each(["succeeded", "given-up", "error", "stopped"] as const)("P2 OFF-RET-05 OFF-RET-18 %s there is the one end here, with its reason", (state) => {
    const host = world();
    const job = host.submit(TOPIC);
    expect(returned(host, job, OUTCOME.ended, state, state === "succeeded" ? NIL : null, "because", null)).toMatchObject({ kind: "accepted" });
    expect(host.state.job(job)).toMatchObject({ state, end: { reason: "because" } });
    expect(returned(host, job, OUTCOME.ended, "succeeded", NIL, null, null)).toMatchObject({ rejection: { code: "job/stale-attempt" } });
  });

  it("OFF-RET-11 P3 P4 what was taken back is another attempt, and the one before is refused", () => {
    const host = world();
    const job = host.submit(TOPIC);
    returned(host, job, OUTCOME.snoozed, 0);
    expect(host.state.job(job)).toMatchObject({ attempt: 2, failures: 0 });
    expect(instanceOf(host, job)).toBe("@off");
    expect(host.send("outcome", [job, 1, OUTCOME.ended, "succeeded", NIL, null, null], "actor", "host")).toMatchObject({ rejection: { code: "job/stale-attempt" } });
  });

  it("P14 nobody but the router ends a job that is away, and only a router ends jobs in so many words", () => {
    const host = world();
    const job = host.submit(TOPIC);
    expect(host.send("outcome", [job, 1, OUTCOME.succeeded, NIL], "outcome", "wendy")).toMatchObject({ rejection: { code: "job/not-yours" } });
    expect(host.send("outcome", [job, 1, OUTCOME.ended, "succeeded", NIL], "outcome", "wendy")).toMatchObject({ malformed: { code: "command/malformed" } });
    expect(host.send("route", { cluster: "far", pools: [] }, "operate")).toMatchObject({ malformed: { code: "command/not-allowed" } });
    expect(host.join("@far", [])).toMatchObject({ malformed: { field: "instance" } });
  });

  it("OFF-ORG-05 OFF-RUN-06 progress and log of the other cluster are the job's own", () => {
    const host = world();
    const job = host.submit(TOPIC);
    host.send("progress", [job, 1, 0.5, "half"], "actor", "host");
    host.send("log", [job, 1, ["a line"]], "actor", "host");
    expect(host.state.job(job).extra).toMatchObject({ progress: { fraction: 0.5, message: "half" }, log: ["a line"] });
  });

  it("a stop asks the router, a removal lets the attempt go at once, and both end the job once", () => {
    const host = world();
    const [stopped, removed] = [host.submit(TOPIC), host.submit(TOPIC)];
    host.send("stop", { id: `main.${host.state.job(stopped).id}`, reason: "enough" });
    host.send("remove", { id: `main.${host.state.job(removed).id}` });
    expect(host.sent.filter(([verb]) => verb === "stop").map(([, item]) => item)).toEqual([
      { shard: "main", job: stopped, attempt: 1, reason: "enough", isGone: false }, { shard: "main", job: removed, attempt: 1, reason: "removed", isGone: true },
    ]);
    returned(host, stopped, OUTCOME.snoozed, 0);
    expect([host.stateOf(stopped), host.stateOf(removed)]).toEqual(["stopped", "dropped"]);
  });

  it("P8 the state from a snapshot goes on the same", () => {
    const host = world({ offload: { labels: { gpu: "yes" } } });
    route(host, "far", [{ topics: ["media/*"], slots: 1, labels: { gpu: "yes" } }]);
    const [job, next] = [host.submit(TOPIC, { timeoutMs: 100 }), host.submit(TOPIC)];
    const before = host.digest();
    host.restart();
    expect(host.digest()).toBe(before);
    host.advance(60_000);
    expect(instanceOf(host, job)).toBe("@far");
    returned(host, job, OUTCOME.ended, "succeeded", NIL, null, null);
    expect(instanceOf(host, next)).toBe("@far");
  });
});

describe("jobs of other clusters", () => {
  const take = (host: MiniHost, guest = 7, fields: object = {}): ReturnType<MiniHost["send"]> =>
    host.send("guest", { guest, origin: "zoo", id: `far-${guest}`, topic: TOPIC, input: NIL, options: { retries: 1, retryDelayMs: 0 }, ...fields }, "actor", "host");

  it("OFF-RUN-01 OFF-RUN-08 its router hears of every attempt and of its one end", () => {
    const host = new MiniHost();
    local(host);
    take(host);
    host.fail(1);
    host.send("progress", [1, 2, 0.25, null], "outcome", "wendy");
    host.succeed(1, { done: true });
    expect(host.sent).toEqual([
      ["guestReport", { guest: 7, report: { state: "queued" } }],
      ["guestReport", { guest: 7, report: { state: "active", attempt: 1, failures: 0, instance: "i1" } }],
      ["guestReport", { guest: 7, report: { state: "queued", attempt: 1, failures: 1 } }],
      ["guestReport", { guest: 7, report: { error: { name: "Error", message: "it broke" } } }],
      ["guestReport", { guest: 7, report: { state: "active", attempt: 2, failures: 1, instance: "i1" } }],
      ["guestReport", { guest: 7, report: { state: "active", attempt: 2, failures: 1, instance: "i1", progress: [0.25, null] } }],
      ["guestEnded", { guest: 7, end: "succeeded", result: encode({ done: true }) }],
    ]);
  });

  it("OFF-TRN-21 the same one twice is one job", () => {
    const host = new MiniHost();
    take(host);
    take(host);
    expect(host.count("JobAccepted")).toBe(1);
  });

  it("OFF-DST-22 OFF-RUN-16 OFF-WFO-40 it is never sent on, nor does it hold up those that may leave", () => {
    const host = world();
    take(host);
    const own = host.submit(TOPIC);
    expect([instanceOf(host, 1), instanceOf(host, own)]).toEqual([undefined, "@far"]);
  });

  it("P5 ordered queues of two clusters never wait for each other: no head leaves before a guest, and no guest waits for a head that is away", () => {
    const host = world({ type: "ordered" });
    take(host);
    const own = host.submit(TOPIC);
    expect(instanceOf(host, own)).toBeUndefined();
    host.send("stopGuest", { id: "main.media~thumbnail.far-7", reason: "no" }, "actor", "host");
    expect(instanceOf(host, own)).toBe("@far");
    take(host, 8);
    expect(host.sent.at(-1)).toMatchObject(["guestRefused", { guest: 8, code: "queue/away" }]);
    take(host, 9, { origin: "away" });
    expect(host.sent.at(-1)).toMatchObject(["guestReport", { guest: 9 }]);
  });

  it("what is refused or cannot be read is an event, because its router waits for it", () => {
    const host = new MiniHost({ backlogMax: 0 });
    take(host);
    take(host, 8, { topic: "no topic" });
    expect(host.sent).toMatchObject([["guestRefused", { guest: 7, code: "queue/backlog-full" }], ["guestRefused", { guest: 8, code: "command/malformed" }]]);
    host.send("want", { queue: "media", revision: 1, value: writeWantedQueue({ config: { topics: ["media/*"], shard: "elsewhere" }, since: undefined, former: [] }) }, "hello");
    take(host, 9);
    expect(host.sent[2]).toMatchObject(["guestRefused", { guest: 9, code: "queue/moved", shard: "elsewhere" }]);
  });

  it("OFF-RUN-12 OFF-ENB-29 one that nobody here takes is given back; one that runs, or that somebody takes, is not", () => {
    const host = new MiniHost();
    const handBack = (guest: number): unknown => host.send("handBack", { guest, id: `main.media~thumbnail.far-${guest}` }, "actor", "host");
    local(host);
    take(host);
    take(host, 8);
    for (const guest of [7, 8, 99]) handBack(guest);
    expect(host.count("JobEnded")).toBe(0);
    host.send("topics", { instance: "i1", incarnation: "1", pools: [] }, "hello", "wendy");
    for (const guest of [7, 8, 8]) handBack(guest);
    expect(host.sent.filter(([verb]) => verb === "guestRefused")).toEqual([["guestRefused", { guest: 8, code: "offload/no-consumer", message: "handed back: nobody here works on its topic" }]]);
    host.fail(1);
    handBack(7);
    expect(host.sent.at(-1)).toMatchObject(["guestRefused", { guest: 7 }]);
    expect([host.state.job(1).state, host.state.job(2).state]).toEqual(["dropped", "dropped"]);
    expect(host.count("AttemptStarted")).toBe(1);
  });

  it("OFF-WFO-32 its router stops it", () => {
    const host = new MiniHost();
    take(host);
    host.send("stopGuest", { id: "main.media~thumbnail.far-7", reason: "its origin gave it up" }, "actor", "host");
    expect(host.sent.at(-1)).toEqual(["guestEnded", { guest: 7, end: "stopped", reason: "its origin gave it up" }]);
  });
});
