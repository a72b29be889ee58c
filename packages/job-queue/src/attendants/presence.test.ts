import { encode } from "@longshore/kernel";
import { describe, expect, it } from "vitest";
import { ABORT, RUN } from "../vocabulary.ts";
import { PRESENCE, presence } from "./presence.ts";
import type { Departed, Roster } from "./roster.ts";
import { NO_ROSTER } from "./roster.ts";
import { FakeHost } from "./testing/fake-host.ts";

const HELLO = "ls.test.hi.wendy.i1.main";
const ADDRESS = "wk.wendy.i1.main";
const POOLS = [{ topics: ["t/a"], slots: 5 }];

/** A roster that the test moves. */
class TestRoster implements Roster {
  readonly order = NO_ROSTER.order;
  readonly onOrder = NO_ROSTER.onOrder;
  readonly disabled = new Set<string>();
  private readonly gone: ((who: Departed) => void)[] = [];
  private readonly changed: (() => void)[] = [];

  onGone(gone: (who: Departed) => void): () => void {
    this.gone.push(gone);
    return () => undefined;
  }

  onTopics(changed: () => void): () => void {
    this.changed.push(changed);
    return () => undefined;
  }

  readonly isEnabled = (_instance: string, pattern: string): boolean => !this.disabled.has(pattern);

  leaves(incarnation: string): void {
    for (const run of this.gone) run({ instance: "i1", incarnation });
  }

  change(...disabled: readonly string[]): void {
    this.disabled.clear();
    for (const topic of disabled) this.disabled.add(topic);
    for (const run of this.changed) run();
  }
}

function setup(roster?: Roster) {
  const host = new FakeHost(presence(roster === undefined ? {} : { roster }));
  const hello = (fields: object = {}, subject = HELLO) => host.say(subject, { incarnation: "a", processors: 2, pools: POOLS, epoch: host.epoch, received: 0, ...fields });
  const here = () => host.mini.state.instances.get("i1")?.member;
  /** Beats for a while, every second. */
  const beatFor = (ms: number, fields: object = {}): void => {
    for (let i = 0; i < ms; i += 1_000) {
      host.advance(1_000);
      hello(fields);
    }
  };
  return { host, hello, here, beatFor };
}

describe("a hello", () => {
  it("of a new incarnation makes it join, and is answered when that is stored", () => {
    const { host, hello, here } = setup();
    host.isSlow = true;
    expect(hello({ epoch: 0 })).toBeUndefined();
    host.decideWaiting();
    expect(here()?.incarnation).toBe("a");
    host.isSlow = false;
    expect(hello()).toMatchObject({ epoch: 3, told: 0, at: host.mini.at, member: here()!.number, proven: true });
  });

  it("of a later incarnation supersedes the one before, if it is the one that lives", () => {
    const { host, hello, here } = setup();
    hello();
    const before = here()!.number;
    hello({ incarnation: "b" });
    expect(here()!.number).toBe(before);
    expect(host.asked.map(({ subject }) => subject)).toEqual(["ls.test.ping.wendy.i1.main"]);
    host.asked[0]!.answer({ kind: "answer", data: encode({ incarnation: "b" }) });
    expect(here()).toMatchObject({ incarnation: "b" });
    expect(host.mini.events.map(({ type }) => type)).toEqual(["InstanceJoined", "InstanceLeft", "InstanceJoined"]);
  });

  it("that a dead process left on the way does not put out the one that lives", () => {
    const { host, hello, here } = setup();
    hello({ incarnation: "b" });
    hello({ incarnation: "a" });
    expect(hello({ incarnation: "a" })).toEqual({ epoch: 3, pending: true });
    host.asked[0]!.answer({ kind: "answer", data: encode({ incarnation: "b" }) });
    expect(here()?.incarnation).toBe("b");
    hello({ incarnation: "a" });
    host.asked[1]!.answer({ kind: "timeout" });
    expect(here()?.incarnation).toBe("b");
  });

  it("of a later incarnation is believed when nobody can be asked", () => {
    const { host, hello, here } = setup();
    hello();
    hello({ incarnation: "b" });
    host.asked[0]!.answer({ kind: "no-responders" });
    expect(here()?.incarnation).toBe("b");
  });

  it("does not announce the same instance twice while the first announcement is on its way", () => {
    const { host, hello } = setup();
    host.isSlow = true;
    hello();
    expect(hello()).toEqual({ epoch: 3, pending: true });
    host.decideWaiting();
    expect(host.mini.events).toHaveLength(1);
  });

  it("with other pools changes its topics, the same ones change nothing", () => {
    const { host, hello } = setup();
    hello();
    hello();
    hello({ pools: [{ topics: ["t/a", "t/b"], slots: 5 }] });
    hello({ pools: [{ topics: ["t/a", "t/b"], slots: 5 }] });
    expect(host.mini.events.map(({ type }) => type)).toEqual(["InstanceJoined", "TopicsChanged"]);
  });

  it("that drains and that leaves is taken at its word", () => {
    const { host, hello, here } = setup();
    hello();
    hello({ draining: true });
    expect(here()?.isDraining).toBe(true);
    expect(hello({ leaving: true })).toMatchObject({ left: true });
    expect(here()).toBeUndefined();
    expect(host.mini.events.map(({ type }) => type)).toEqual(["InstanceJoined", "InstanceDraining", "InstanceLeft"]);
  });

  it("of a leaving instance that is not here changes nothing", () => {
    const { host, hello } = setup();
    expect(hello({ leaving: true })).toEqual({ epoch: 3, left: true });
    expect(host.mini.events).toHaveLength(0);
  });

  it("of another principal for the same instance is refused", () => {
    const { hello, here } = setup();
    hello();
    expect(hello({}, "ls.test.hi.mallory.i1.main")).toMatchObject({ error: { code: "instance/not-yours" } });
    expect(hello({ incarnation: "m" }, "ls.test.hi.mallory.i1.main")).toMatchObject({ error: { code: "instance/not-yours" } });
    expect(here()?.principal).toBe("wendy");
  });

  it("that is malformed is answered with what is wrong, and nothing is recorded", () => {
    const { host } = setup();
    const wrong: readonly unknown[] = [
      7, "x", [], {}, { incarnation: 5 }, { incarnation: "a b" }, { incarnation: "a", pools: 3 }, { incarnation: "a", pools: [{}] },
      { incarnation: "a", pools: [{ topics: [1], slots: 1 }] }, { incarnation: "a", epoch: -1 }, { incarnation: "a", received: 0.5 },
    ];
    for (const message of wrong) expect(host.say(HELLO, message), JSON.stringify(message)).toMatchObject({ error: { code: "hello/malformed" } });
    expect(host.sayBytes(HELLO, new Uint8Array([0xc1]))).toMatchObject({ error: { code: "codec/refused" } });
    expect(host.sayBytes(HELLO, new Uint8Array(250).fill(0x91))).toMatchObject({ error: { code: "codec/refused" } });
    expect(host.say("ls.test.hi.wendy.i$1.main", { incarnation: "a" })).toMatchObject({ error: { code: "subject/unknown" } });
    for (const elsewhere of [`${HELLO}.more`, "ls.test.hi.wendy.i1", "ls.test.hi.wendy.i1.other"]) expect(host.say(elsewhere, { incarnation: "a" })).toBeUndefined();
    expect(host.say(HELLO, { incarnation: "a", processors: 1, pools: [{ topics: ["*"], slots: 1 }] })).toMatchObject({ error: expect.anything() });
    expect(host.mini.events).toHaveLength(0);
  });

  it("is a heartbeat that proves something only while an append was stored lately", () => {
    const { host, hello } = setup();
    hello();
    host.sinceStoredMs = PRESENCE.provenMs;
    expect(hello()).toMatchObject({ proven: false });
  });
});

describe("what an instance runs is told again", () => {
  function running() {
    const world = setup();
    world.hello();
    const jobs = [world.host.mini.submit("t/a"), world.host.mini.submit("t/a")];
    return { ...world, jobs };
  }

  it("when it has heard of another epoch only", () => {
    const { host, hello, jobs } = running();
    expect(hello({ epoch: 2, received: 17 })).toMatchObject({ again: true, told: 0 });
    expect(host.toldTo(ADDRESS).map(([kind, job, attempt]) => [kind, job, attempt])).toEqual(jobs.map((job) => [RUN, job, 1]));
  });

  it("when its hello changes its topics, too", () => {
    const { host, hello, jobs } = running();
    expect(hello({ epoch: 2, pools: [{ topics: ["t/a"], slots: 7 }] })).toMatchObject({ again: true });
    expect(host.toldTo(ADDRESS)).toHaveLength(jobs.length);
  });

  it("when it believes to be known under another number; the answer names what it runs", () => {
    const { host, hello, here, jobs } = running();
    const { number } = here()!;
    expect(hello({ member: number })).not.toHaveProperty("again");
    expect(hello({ member: number + 1 })).toMatchObject({ again: true, member: number, running: jobs.map((job) => [job, 1]) });
    expect(host.toldTo(ADDRESS)).toHaveLength(jobs.length);
  });

  it("when it misses numbers and says so", () => {
    const { host, hello } = running();
    hello({ gap: true });
    expect(host.toldTo(ADDRESS)).toHaveLength(2);
  });

  it("when it has not seen what it was told at the hello before", () => {
    const { host, hello } = running();
    hello({ gap: true });
    host.advance(1_000);
    expect(hello({ received: 0 })).toMatchObject({ told: 2 });
    host.advance(1_000);
    expect(hello({ received: 1 })).toMatchObject({ told: 2, again: true });
    expect(host.toldTo(ADDRESS)).toHaveLength(4);
  });

  it("not when it has seen everything", () => {
    const { host, hello } = running();
    hello({ gap: true });
    host.advance(1_000);
    hello({ received: 2 });
    host.advance(1_000);
    hello({ received: 2 });
    expect(host.toldTo(ADDRESS)).toHaveLength(2);
  });

  it("together with the stop that somebody has asked for", () => {
    const { host, hello, jobs } = running();
    const id = `main.${host.mini.state.job(jobs[0]!).id}`;
    host.send("stop", { id }, "operate");
    hello({ gap: true });
    expect(host.toldTo(ADDRESS).map(([kind, job]) => [kind, job])).toEqual([[RUN, jobs[0]], [ABORT, jobs[0]], [RUN, jobs[1]]]);
  });
});

describe("a silent instance", () => {
  it("is probed, and leaves when twice nobody is there", () => {
    const { host, hello, here, beatFor } = setup();
    hello();
    beatFor(12_000);
    host.advance(PRESENCE.probeAfterMs + 1_000);
    expect(host.asked.map(({ subject }) => subject)).toEqual(["ls.test.ping.wendy.i1.main"]);
    host.asked[0]!.answer({ kind: "no-responders" });
    host.advance(1_000);
    expect(here()).toBeDefined();
    host.asked[1]!.answer({ kind: "no-responders" });
    host.advance(1_000);
    expect(here()).toBeUndefined();
  });

  it("stays when it answers a probe", () => {
    const { host, hello, here, beatFor } = setup();
    hello();
    beatFor(12_000);
    for (let second = 0; second < 120; second++) {
      host.advance(1_000);
      for (const probe of host.asked.splice(0)) probe.answer({ kind: "answer", data: encode({ incarnation: "a" }) });
    }
    expect(here()).toBeDefined();
  });

  it("leaves after 30 s in which neither it nor anybody for it says a word", () => {
    const { host, hello, here } = setup();
    hello();
    for (let second = 0; second < 29; second++) {
      host.advance(1_000);
      for (const probe of host.asked.splice(0)) probe.answer({ kind: "timeout" });
    }
    expect(here()).toBeDefined();
    host.advance(2_000);
    expect(here()).toBeUndefined();
  });

  it("does not leave in the first 10 s of a host, which has heard nobody yet", () => {
    const { host, hello, here } = setup();
    hello();
    while (host.nowMs < PRESENCE.graceMs - 1_000) {
      host.advance(1_000);
      for (const probe of host.asked.splice(0)) probe.answer({ kind: "no-responders" });
      expect(here()).toBeDefined();
    }
    host.advance(2_000);
    expect(here()).toBeUndefined();
  });

  it("is not blamed for the time in which this host had no connection, or did not run", () => {
    const { host, hello, here, beatFor } = setup();
    hello();
    beatFor(12_000);
    host.connected = false;
    host.advance(60_000);
    host.reconnect();
    host.nowMs += 60_000;
    host.advance(2_000);
    expect(here()).toBeDefined();
    expect(host.asked).toHaveLength(0);
  });

  it("counts anew after a hello", () => {
    const { host, hello, here, beatFor } = setup();
    hello();
    beatFor(12_000);
    host.advance(4_000);
    host.asked[0]!.answer({ kind: "no-responders" });
    hello();
    host.advance(4_000);
    host.asked[1]!.answer({ kind: "no-responders" });
    host.advance(1_000);
    expect(here()).toBeDefined();
  });
});

describe("an idle host", () => {
  it("writes an empty commit now and then while attempts of an ordered queue run", () => {
    const { host, hello, beatFor } = setup();
    host.mini.configure("line", { topics: ["t/a"], type: "ordered" });
    hello();
    host.mini.submit("t/a");
    host.sinceStoredMs = PRESENCE.touchAfterMs + 1;
    beatFor(1_000);
    expect(host.touches).toBe(1);
  });

  it("writes nothing for the others", () => {
    const { host, hello, beatFor } = setup();
    hello();
    host.mini.submit("t/a");
    host.sinceStoredMs = 60_000;
    beatFor(5_000);
    expect(host.touches).toBe(0);
  });
});

describe("an instance of the topology", () => {
  it("that has left an activated view leaves here at once, and what it ran is queued again", () => {
    const roster = new TestRoster();
    const { host, hello, here } = setup(roster);
    hello();
    const job = host.mini.submit("t/a");
    expect(host.mini.state.job(job).state).toBe("active");
    roster.leaves("a");
    expect(here()).toBeUndefined();
    expect(host.mini.state.job(job)).toMatchObject({ state: "queued", attempt: 1 });
  });

  it("leaves also when another command about it was on its way", () => {
    const roster = new TestRoster();
    const { host, hello, here } = setup(roster);
    hello();
    host.isSlow = true;
    hello({ pools: [{ topics: ["t/b"], slots: 1 }] });
    roster.leaves("a");
    host.isSlow = false;
    host.decideWaiting();
    expect(here()?.incarnation).toBe("a");
    host.advance(PRESENCE.lookEveryMs);
    expect(here()).toBeUndefined();
  });

  it("leaves once: one that lives after all is here again with its next hello, and later incarnations are not meant", () => {
    const roster = new TestRoster();
    const { host, hello, here, beatFor } = setup(roster);
    hello();
    roster.leaves("a");
    hello();
    expect(here()?.incarnation).toBe("a");
    beatFor(3_000);
    expect(here()?.incarnation).toBe("a");
    roster.leaves("before-a");
    expect(here()?.incarnation).toBe("a");
    expect(host.mini.events.filter(({ type }) => type === "InstanceLeft")).toHaveLength(1);
  });

  it("gets no job of a topic that is disabled for it, goes on with what it runs, and gets more when it is enabled again", () => {
    const roster = new TestRoster();
    const { host, hello } = setup(roster);
    hello();
    const first = host.mini.submit("t/a");
    roster.change("t/a");
    const second = host.mini.submit("t/a");
    host.advance(1_000);
    hello();
    expect([first, second].map((job) => host.mini.state.job(job).state)).toEqual(["active", "queued"]);
    roster.change();
    expect(host.mini.state.job(second).state).toBe("active");
    expect(host.mini.state.instances.get("i1")?.member?.pools).toMatchObject([{ slots: 5, used: 2 }]);
  });

  it("that joins with a disabled topic is given none of it", () => {
    const roster = new TestRoster();
    roster.change("t/a");
    const { host, hello } = setup(roster);
    hello({ pools: [{ topics: ["t/a"], slots: 5 }, { topics: ["t/b", "t/a"], slots: 1 }] });
    const [disabled, enabled] = [host.mini.submit("t/a"), host.mini.submit("t/b")];
    expect([disabled, enabled].map((job) => host.mini.state.job(job).state)).toEqual(["queued", "active"]);
  });
});
