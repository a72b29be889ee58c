/** Which cluster a job goes to, and where it goes when that has changed: nothing is given to anybody before it starts. */
import { encode } from "@longshore/kernel";
import { describe, expect, it } from "vitest";
import { MiniHost } from "./testing/mini-host.ts";
import type { OffloadPolicy } from "./vocabulary.ts";
import { OUTCOME } from "./vocabulary.ts";

const TOPIC = "media/thumbnail";
const MEDIA = [{ topics: ["media/*"], slots: 2 }];

function world(offload: OffloadPolicy = {}): MiniHost {
  const host = new MiniHost();
  host.configure("media", { topics: ["media/**"], offload });
  return host;
}

const route = (host: MiniHost, cluster: string, pools: readonly object[] = MEDIA): unknown => host.send("route", { cluster, pools }, "actor", "host");
const topics = (host: MiniHost, instance: string, pools: readonly object[]): unknown => host.send("topics", { instance, incarnation: "1", pools }, "hello", "wendy");
const place = (host: MiniHost, job: number): string | undefined => (host.state.job(job).isActive ? host.state.job(job).instance : undefined);
const takenBack = (host: MiniHost, job: number): unknown => host.send("outcome", [job, host.state.job(job).attempt, OUTCOME.snoozed, 0], "actor", "host");
const why = (host: MiniHost, job: number): unknown => host.actor.query(host.state, { ask: "why", id: `main.${host.state.job(job).id}` }, { role: "operate", principal: "ann" }, host.at);

describe("the choice", () => {
  it("OFF-DST-08 goes by what each cluster has taken of what it can take: the idle one gets more", () => {
    const host = world();
    route(host, "far", [{ topics: ["media/*"], slots: 8 }]);
    route(host, "off", [{ topics: ["media/*"], slots: 2 }]);
    const places = Array.from({ length: 10 }, () => place(host, host.submit(TOPIC)));
    expect(places.filter((at) => at === "@far")).toHaveLength(8);
    expect(places.slice(0, 5).filter((at) => at === "@off")).toHaveLength(1);
  });

  it("OFF-DST-19 a cluster that takes a pattern takes what it matches, at its depth", () => {
    const host = world();
    route(host, "far", [{ topics: ["media/*"], slots: 2 }]);
    const [direct, deeper] = [host.submit(TOPIC), host.submit("media/film/cut")];
    expect([place(host, direct), place(host, deeper)]).toEqual(["@far", undefined]);
    route(host, "off", [{ topics: ["media/**"], slots: 2 }]);
    expect(place(host, deeper)).toBe("@off");
  });

  it("OFF-DST-10 a queue that prefers the instance of its job's creator does so before any other cluster", () => {
    const host = new MiniHost();
    host.configure("media", { topics: ["media/*"], placement: "creator", offload: { when: "behind", backlog: 9 } });
    route(host, "far");
    for (const instance of ["i1", "i2"]) host.join(instance, MEDIA);
    expect(place(host, host.submit(TOPIC, { creator: "i2" }))).toBe("i2");
  });

  it("OFF-DST-21 roles are of each job: while one of another cluster is here, one of here may be there", () => {
    const host = world();
    host.join("i1", [{ topics: ["film"], slots: 1 }]);
    route(host, "zoo");
    host.send("guest", { guest: 1, origin: "zoo", id: "zoo-1", topic: "film", input: encode(null), options: {} }, "actor", "host");
    const own = host.submit(TOPIC);
    expect([place(host, host.state.next.job - 2), place(host, own)]).toEqual(["i1", "@zoo"]);
  });

  it("OFF-ORG-03 OFF-DEV-04 OFF-DEV-05 what is away is found by its topic, and by its id how it ended; nobody needs to have given it one", () => {
    const host = world();
    route(host, "far");
    const job = host.submit(TOPIC);
    const ask = (question: object): unknown => host.actor.query(host.state, { ...question }, { role: "operate", principal: "ann" }, host.at);
    const id = `main.${host.state.job(job).id}`;
    expect(ask({ ask: "find", filter: { topic: TOPIC } })).toMatchObject({ jobs: [{ id, state: "active", instance: "@far" }] });
    host.send("outcome", [job, 1, OUTCOME.ended, "succeeded", encode(7), null, null], "actor", "host");
    expect(ask({ ask: "job", id })).toMatchObject({ state: "succeeded" });
  });

  it("OFF-DST-20 the same id given again is the same job, also while it is away", () => {
    const host = world();
    route(host, "far");
    const job = host.submit(TOPIC, { id: "one" });
    host.submit(TOPIC, { id: "one" });
    expect([host.count("JobAccepted"), host.sent.filter(([verb]) => verb === "handover").length, place(host, job)]).toEqual([1, 1, "@far"]);
  });

  it("OFF-DST-12 OFF-DEV-02 what is not accepted is refused with its reason, and goes nowhere", () => {
    const host = new MiniHost({ backlogMax: 0 });
    route(host, "far", [{ topics: ["**"], slots: 2 }]);
    expect(host.send("submit", { topic: TOPIC, input: {} }, "submit")).toMatchObject({ kind: "rejected", rejection: { code: "queue/backlog-full" } });
    expect(host.sent).toEqual([]);
  });
});

describe("a job that waits", () => {
  it("OFF-DST-15 OFF-ENB-26 is bound to nobody: when the instance that was to do it leaves, or takes its topic no more, another does it", () => {
    for (const goes of [(host: MiniHost) => host.leave("i1"), (host: MiniHost) => topics(host, "i1", [])]) {
      const host = world();
      host.join("i1", [{ topics: ["media/*"], slots: 1 }]);
      const [, waiting] = [host.submit(TOPIC), host.submit(TOPIC)];
      host.join("i2", [{ topics: ["film"], slots: 1 }]);
      expect(place(host, waiting)).toBeUndefined();
      goes(host);
      topics(host, "i2", MEDIA);
      expect(place(host, waiting)).toBe("i2");
    }
  });

  it("OFF-ENB-27 OFF-DST-24 with nobody left who may do it, it names no instance, and says so", () => {
    const host = world();
    route(host, "far");
    const job = host.submit(TOPIC);
    route(host, "far", []);
    takenBack(host, job);
    host.advance(1);
    expect([host.state.job(job).state, place(host, job)]).toEqual(["queued", undefined]);
    expect(why(host, job)).toMatchObject({ waits: "no-capable-instance" });
  });

  it("OFF-DST-23 a job that was taken back is done at home if somebody there can do it now", () => {
    const host = world();
    route(host, "far");
    const job = host.submit(TOPIC);
    expect(place(host, job)).toBe("@far");
    host.join("i1", MEDIA);
    takenBack(host, job);
    host.advance(1);
    expect([place(host, job), host.state.job(job).attempt]).toEqual(["i1", 2]);
  });
});

describe("a cluster that works for others", () => {
  const take = (host: MiniHost, guest: number, options: object = {}): number => {
    host.send("guest", { guest, origin: "zoo", id: `zoo-${guest}`, topic: TOPIC, input: encode(null), options: { retries: 5, retryDelayMs: 0, ...options } }, "actor", "host");
    return host.state.next.job - 1;
  };
  const reports = (host: MiniHost): readonly unknown[] => host.sent.filter(([verb]) => verb === "guestReport").map(([, item]) => item["report"]);

  it("OFF-DST-05 OFF-DST-06 gives a guest to whoever of its instances takes it, and spreads them", () => {
    const host = world();
    host.join("wb", [{ topics: ["film"], slots: 2 }]);
    host.join("wa", MEDIA);
    expect(place(host, take(host, 1))).toBe("wa");
    const both = world();
    for (const instance of ["wa", "wb"]) both.join(instance, MEDIA);
    expect([1, 2, 3, 4].map((guest) => place(both, take(both, guest)))).toEqual(["wa", "wb", "wa", "wb"]);
  });

  it("OFF-RUN-14 OFF-ORG-05 gives it to another instance when that one is gone; the attempts go on counting, and home hears of them", () => {
    const host = world();
    host.join("wa", MEDIA);
    const job = take(host, 1);
    host.join("wb", MEDIA);
    host.leave("wa");
    expect([place(host, job), host.state.job(job).attempt, host.state.job(job).failures]).toEqual(["wb", 2, 1]);
    expect(reports(host).at(-1)).toEqual({ state: "active", attempt: 2, failures: 1, instance: "wb" });
  });

  it("OFF-RUN-04 OFF-RUN-05 keeps to its own limits and its own suspension, whatever its origin has", () => {
    const host = new MiniHost();
    host.configure("media", { topics: ["media/*"], maxParallel: 1 });
    host.join("wa", MEDIA);
    const [first, second] = [take(host, 1), take(host, 2)];
    expect([place(host, first), place(host, second)]).toEqual(["wa", undefined]);
    host.send("suspend", { queue: "media" });
    host.succeed(first);
    expect(place(host, second)).toBeUndefined();
    host.send("resume", { queue: "media" });
    expect(place(host, second)).toBe("wa");
  });

  it("OFF-RUN-18 a guest that may fail for ever does, and has not ended", () => {
    const host = world();
    host.join("wa", MEDIA);
    const job = take(host, 1, { retries: -1 });
    for (let i = 0; i < 200; i++) host.fail(job);
    expect([host.state.job(job).isEnded, host.state.job(job).failures]).toEqual([false, 200]);
    expect(host.sent.some(([verb]) => verb === "guestEnded")).toBe(false);
  });

  it("OFF-RUN-10 OFF-RUN-17 a guest is held for as long as its handler takes, and its times are kept", () => {
    const host = world();
    host.join("wa", MEDIA);
    const job = take(host, 1);
    host.advance(86_400_000);
    expect(place(host, job)).toBe("wa");
    host.succeed(job);
    expect(host.sent.at(-1)).toMatchObject(["guestEnded", { guest: 1, end: "succeeded" }]);
    const view = host.actor.query(host.state, { ask: "job", id: `main.${host.state.job(job).id}` }, { role: "operate", principal: "ann" }, host.at) as { readonly startedAt: number; readonly endedAt: number };
    expect(view.endedAt - view.startedAt).toBe(86_400_000);
  });

  it("OFF-ENB-36 what was claimed before its topic was disabled is done: only claims ask who takes what", () => {
    const host = world();
    host.join("wa", MEDIA);
    const job = take(host, 1);
    topics(host, "wa", []);
    host.advance(600_000);
    expect(place(host, job)).toBe("wa");
    host.succeed(job);
    expect(host.stateOf(job)).toBe("succeeded");
  });

  it("OFF-CLN-09 its record leaves the history when its time is over, like that of the origin", () => {
    const host = world();
    host.join("wa", MEDIA);
    route(host, "far", [{ topics: ["media/film/*"], slots: 1 }]);
    const [guest, own] = [take(host, 1), host.submit("media/film/cut")];
    host.succeed(guest);
    host.send("outcome", [own, 1, OUTCOME.ended, "succeeded", encode(null), null, null], "actor", "host");
    expect([host.stateOf(guest), host.stateOf(own)]).toEqual(["succeeded", "succeeded"]);
    host.advance(3_600_000);
    expect([host.stateOf(guest), host.stateOf(own)]).toEqual([undefined, undefined]);
  });
});
