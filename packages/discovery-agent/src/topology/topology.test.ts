import { describe, expect, it } from "vitest";
import { Diary } from "./testing/diary.ts";
import { cluster, member } from "./testing/models.ts";
import { OneInstance, settled, toldWrongly } from "./testing/one-instance.ts";
import { TestClock } from "./testing/test-clock.ts";
import { Topology } from "./topology.ts";

describe("listeners and the start", () => {
  it("VSM-01 bound, started, changing, settled: INIT", () => {
    const one = new OneInstance();
    const listener = one.bind();
    one.topology.start();
    one.propose();
    expect(listener.news()).toEqual([]);
    one.activate();
    expect(listener.news()).toEqual(["INIT 1"]);
    expect(toldWrongly(one, [listener])).toEqual([]);
  });

  it("VSM-02 a change before the start is none to a listener that knows no view", () => {
    const one = new OneInstance();
    const listener = one.bind();
    one.propose();
    one.topology.start();
    expect(listener.news()).toEqual([]);
    one.activate();
    expect(listener.news()).toEqual(["INIT 1"]);
    expect(toldWrongly(one, [listener])).toEqual([]);
  });

  it("VSM-03 a view from before the start is told at the start", () => {
    const one = new OneInstance();
    const listener = one.bind();
    one.propose();
    one.activate();
    expect(listener.news()).toEqual([]);
    one.topology.start();
    expect(listener.news()).toEqual(["INIT 1"]);
    expect(toldWrongly(one, [listener])).toEqual([]);
  });

  it("VSM-04 a view from before the start that is changing again is never told", () => {
    const one = new OneInstance();
    const listener = one.bind();
    one.propose();
    one.activate();
    one.propose();
    one.topology.start();
    expect(listener.news()).toEqual([]);
    one.activate();
    expect(listener.news()).toEqual(["INIT 2"]);
    expect(toldWrongly(one, [listener])).toEqual([]);
  });

  it("VSM-05 the same, when the first change was not noticed", () => {
    const one = new OneInstance();
    const listener = one.bind();
    one.activate();
    one.propose();
    one.topology.start();
    expect(listener.news()).toEqual([]);
    one.activate();
    expect(listener.news()).toEqual(["INIT 2"]);
    expect(toldWrongly(one, [listener])).toEqual([]);
  });

  it("VSM-06 bound after the start", () => {
    const one = new OneInstance();
    one.topology.start();
    const listener = one.bind();
    one.propose();
    expect(listener.news()).toEqual([]);
    one.activate();
    expect(listener.news()).toEqual(["INIT 1"]);
    expect(toldWrongly(one, [listener])).toEqual([]);
  });

  it("VSM-07 bound while changing: INIT, not CHANGED", () => {
    const one = new OneInstance();
    one.topology.start();
    one.propose();
    const listener = one.bind();
    expect(listener.news()).toEqual([]);
    one.activate();
    expect(listener.news()).toEqual(["INIT 1"]);
    expect(toldWrongly(one, [listener])).toEqual([]);
  });

  it("VSM-08 bound when settled: INIT at once", () => {
    const one = new OneInstance();
    one.topology.start();
    one.propose();
    one.activate();
    const listener = one.bind();
    expect(listener.news()).toEqual(["INIT 1"]);
    expect(toldWrongly(one, [listener])).toEqual([]);
  });

  it.each([["VSM-09 bound before and after the start", false], ["VSM-10 bound before the start and while changing", true]])("%s: INIT for both", (_name, isLate) => {
    const one = new OneInstance();
    const first = one.bind();
    one.topology.start();
    if (isLate) one.propose();
    const second = one.bind();
    if (!isLate) one.propose();
    one.activate();
    expect([first.news(), second.news()]).toEqual([["INIT 1"], ["INIT 1"]]);
    expect(toldWrongly(one, [first, second])).toEqual([]);
  });

  it("VSM-11 an equal view is no event", () => {
    const { one, listener } = settled();
    one.repeat();
    expect(listener.news()).toEqual([]);
    expect(toldWrongly(one, [listener])).toEqual([]);
  });

  it("VSM-12 an equal view is no event to a listener that came late either", () => {
    const { one, listener } = settled();
    const late = one.bind();
    one.repeat();
    expect([listener.news(), late.news()]).toEqual([[], ["INIT 1"]]);
    expect(toldWrongly(one, [listener, late])).toEqual([]);
  });

  it("VSM-13 an equal view is no event when no change was noticed before the first", () => {
    const one = new OneInstance();
    one.topology.start();
    one.activate();
    const listener = one.bind();
    one.repeat();
    expect(listener.news()).toEqual(["INIT 1"]);
    expect(toldWrongly(one, [listener])).toEqual([]);
  });

  it("VSM-14 a new view that nobody announced: CHANGING and CHANGED", () => {
    const { one, listener } = settled();
    one.activate(["a", "b"]);
    expect(listener.news()).toEqual(["CHANGING 1", "CHANGED 1>2"]);
    expect(toldWrongly(one, [listener])).toEqual([]);
  });
});

describe("stop and start again", () => {
  it("VSM-15 after a stop everything begins with INIT", () => {
    const { one, listener } = settled();
    one.topology.stop();
    one.propose();
    one.diary.bind(listener);
    one.topology.start();
    expect(listener.news()).toEqual([]);
    one.activate();
    expect(listener.news()).toEqual(["INIT 2"]);
  });

  it("VSM-16 a view that came while stopped is told at the start", () => {
    const { one, listener } = settled();
    one.topology.stop();
    one.activate(["a", "b"]);
    one.diary.bind(listener);
    one.topology.start();
    expect(listener.news()).toEqual(["INIT 2"]);
    one.activate();
    expect(listener.news()).toEqual(["CHANGING 2", "CHANGED 2>3"]);
  });

  it("VSM-17 a CHANGING from before the stop is not answered after it", () => {
    const { one, listener } = settled();
    one.propose();
    expect(listener.news()).toEqual(["CHANGING 1"]);
    one.topology.stop();
    one.diary.bind(listener);
    one.topology.start();
    one.propose();
    expect(listener.news()).toEqual([]);
    one.activate();
    expect(listener.news()).toEqual(["INIT 3"]);
  });

  it("VSM-18 bound twice is bound once; unbound twice is told apart", () => {
    const one = new OneInstance();
    const listener = one.diary.listener();
    expect([one.topology.bind(listener.handler), one.topology.bind(listener.handler)]).toEqual([true, false]);
    one.topology.start();
    expect(one.topology.bind(listener.handler)).toBe(false);
    one.activate();
    expect(listener.news()).toEqual(["INIT 1"]);
    expect([one.topology.unbind(listener.handler), one.topology.unbind(listener.handler), one.topology.unbind(() => undefined)]).toEqual([true, false, false]);
    one.activate();
    expect(listener.news()).toEqual([]);
  });
});

describe("properties", () => {
  it("VSM-19 other words of the same instances: PROPERTIES_CHANGED and nothing else", () => {
    const { one, listener } = settled();
    one.say("a", { foo: "bar1" });
    one.say("a", { foo: "bar2" });
    expect(listener.news()).toEqual(["PROPERTIES 1>1", "PROPERTIES 1>1"]);
    const { oldView, newView } = listener.events.at(-1)!;
    expect([oldView?.isCurrent, newView?.isCurrent, oldView?.localInstance?.properties, newView?.localInstance?.properties]).toEqual([false, true, { foo: "bar1" }, { foo: "bar2" }]);
    one.clock.advance(2_000);
    expect(listener.news()).toEqual([]);
    expect(one.violations()).toEqual([]);
  });

  it("VSM-20 words are never delayed: the clock is not even asked", () => {
    const diary = new Diary({
      self: member("a"), cluster: "main", stamp: () => 0, minEventDelayMs: 1_000,
      clock: { monotonicMs: () => 0, after: () => { throw new Error("asked for a timer"); } },
    });
    const listener = diary.bind(diary.listener());
    diary.topology.start();
    diary.read({ view: cluster(1, ["a"]) });
    diary.read({ view: cluster(1, [member("a", { properties: { foo: "bar" } })]) });
    expect(listener.news()).toEqual(["INIT 1", "PROPERTIES 1>1"]);
  });
});

describe("proposals in place of the original's sync services", () => {
  it("VSM-23 a proposal that is superseded is never told, and only the newest is owed", () => {
    const one = new OneInstance();
    one.topology.start();
    const listener = one.bind();
    one.propose();
    expect(one.topology.owedAck).toBe(1);
    one.propose(["a", "b"]);
    expect(one.topology.owedAck).toBe(2);
    one.activate(["a", "b"]);
    expect([one.diary.acks, one.topology.owedAck, listener.news()]).toEqual([[1, 2], undefined, ["INIT 2"]]);
  });

  it("a proposal that is gone without a view settles nothing: another one follows, even of the same members", () => {
    const { one, listener } = settled();
    one.propose(["a", "b"]);
    one.diary.read({ proposal: undefined });
    expect([listener.news(), one.topology.owedAck, one.topology.view().isCurrent, one.topology.doubts]).toEqual([["CHANGING 1"], undefined, false, ["changing"]]);
    one.propose();
    expect(one.topology.owedAck).toBe(3);
    one.activate();
    expect(listener.news()).toEqual(["CHANGED 1>3"]);
  });

  it("VSM-24 nothing is told between a proposal and its activation", () => {
    const one = new OneInstance();
    const listener = one.bind();
    one.topology.start();
    one.propose(["a", "b"]);
    expect(listener.news()).toEqual([]);
    one.activate(["a", "b"]);
    expect(listener.news()).toEqual(["INIT 1"]);
    one.propose();
    expect(listener.news()).toEqual(["CHANGING 1"]);
    one.repeat();
    expect(listener.news()).toEqual([]);
    one.activate();
    expect(listener.news()).toEqual(["CHANGED 1>2"]);
    expect(one.violations({ isAcknowledged: true })).toEqual([]);
  });

  it.each([["with", 1_000], ["without", 0]])("VSM-25 an instance that is not ready is in no view, so it disturbs nobody, %s a delay", (_name, minEventDelayMs) => {
    const { one, listener } = settled({ minEventDelayMs });
    for (let time = 0; time < 200; time++) one.repeat();
    expect(listener.news()).toEqual([]);
    one.activate(["a", "b"]);
    one.clock.advance(minEventDelayMs);
    expect(listener.news()).toEqual(["CHANGING 1", "CHANGED 1>2"]);
  });

  it("VSM-26 the activation of a superseded proposal settles nothing", () => {
    const { one, listener } = settled();
    one.propose(["a", "b"]);
    expect(listener.news()).toEqual(["CHANGING 1"]);
    one.propose(["a", "c"]);
    one.diary.read({ view: cluster(2, ["a", "b"]) });
    expect(listener.news()).toEqual([]);
    one.activate(["a", "c"]);
    expect(listener.news()).toEqual(["CHANGED 1>3"]);
  });
});

describe("many changes", () => {
  it("VSM-27 any number of random changes: each is told once", () => {
    for (const [steps, seed] of [[5, 1], [20, 2], [100, 3]] as const) {
      const { one, listener } = settled();
      expect(toldWrongly(one, [listener], { steps, seed })).toEqual([]);
    }
  });

  it("VSM-28 two instances, one of them cut off for a while", () => {
    let stamp = 0;
    const clock = new TestClock();
    const [a, b] = ["a", "b"].map((name) => new Diary({ self: member(name), cluster: "main", clock, stamp: () => stamp++ })) as [Diary, Diary];
    const [onA, onB] = [a.bind(a.listener()), b.bind(b.listener())];
    const proposal = { number: 1, members: [member("a"), member("b")] };
    for (const each of [a, b]) {
      each.read({ proposal });
      each.topology.start();
      each.read({ proposal });
    }
    expect([onA.news(), onB.news()]).toEqual([[], []]);
    a.read({ view: cluster(1, ["a", "b"]) });
    b.read({ view: cluster(1, ["a", "b"]) });
    expect([onA.news(), onB.news()]).toEqual([["INIT 1"], ["INIT 1"]]);

    // A is cut off for longer than its grace; B goes on alone.
    a.topology.raise("disconnected");
    clock.advance(2_000);
    expect(onA.news()).toEqual(["CHANGING 1"]);
    b.read({ proposal: { number: 2, members: [member("b")] } });
    b.read({ view: cluster(2, ["b"]) });
    expect(onB.news()).toEqual(["CHANGING 1", "CHANGED 1>2"]);

    // A comes back with another incarnation: this one hears nothing more.
    a.read({ view: cluster(2, ["b"]) });
    a.topology.clear("disconnected");
    expect([onA.news(), a.topology.view().isCurrent, a.topology.doubts]).toEqual([[], false, ["not-a-member"]]);
    const again = new Diary({ self: member("a", { incarnation: "a.2" }), cluster: "main", clock, stamp: () => stamp++ });
    const onAgain = again.bind(again.listener());
    again.topology.start();
    const both = [member("b"), member("a", { incarnation: "a.2" })];
    for (const each of [again, b]) each.read({ view: cluster(2, ["b"]), proposal: { number: 3, members: both } });
    for (const each of [again, b]) each.read({ view: cluster(3, both) });
    expect([onAgain.news(), onB.news()]).toEqual([["INIT 3"], ["CHANGING 2", "CHANGED 2>3"]]);
    expect([a, b, again].map(({ topology }) => topology.view().localCluster.leader.instance)).toEqual(["a", "b", "b"]);
  });
});

it("SGL-01 before anything is known the view is this instance alone, and not current", () => {
  const { topology } = new OneInstance();
  expect(topology).toBeInstanceOf(Topology);
  const view = topology.view();
  expect([view.isCurrent, view.instances.map(({ instance, isLocal, isLeader }) => [instance, isLocal, isLeader]), view.localCluster.clusterId]).toEqual([false, [["a", true, true]], "main"]);
  expect(view.localInstance?.properties["unknown"]).toBeUndefined();
  expect([topology.lastAnnouncedView(), topology.doubts]).toEqual([undefined, ["stopped", "no-view"]]);
});
