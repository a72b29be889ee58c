import { describe, expect, it } from "vitest";
import { remoteCluster } from "./testing/models.ts";
import { NAMES, numbersFrom, settled } from "./testing/one-instance.ts";

describe("the delay of CHANGED", () => {
  it("MED-01 a stop ends the delay: nothing is told afterwards and no timer is left", () => {
    const { one, listener } = settled({ minEventDelayMs: 2_000 });
    one.propose();
    one.activate(["a", "b"]);
    expect(listener.news()).toEqual(["CHANGING 1"]);
    one.clock.advance(4_000);
    expect(listener.news()).toEqual(["CHANGED 1>2"]);
    one.propose();
    one.activate();
    expect(listener.news()).toEqual(["CHANGING 2"]);
    one.topology.raise("disconnected");
    let stops = 0;
    one.topology.stop(() => stops++);
    expect([stops, one.clock.pending]).toEqual([1, 0]);
    one.clock.advance(5_000);
    expect(listener.news()).toEqual([]);
  });

  it("MED-02 random changes with pauses: each is told once, CHANGED when the delay is over", () => {
    const { one, listener } = settled({ minEventDelayMs: 1_000 });
    const numberBelow = numbersFrom(11);
    for (let step = 0; step < 28; step++) {
      const known = one.diary.facts.view!.number;
      if (numberBelow(2) === 0) one.propose();
      one.activate(["a", ...NAMES.slice(0, numberBelow(4))]);
      expect(listener.news()).toEqual([`CHANGING ${known}`]);
      one.clock.advance(1_500);
      expect(listener.news()).toEqual([`CHANGED ${known}>${one.diary.facts.view!.number}`]);
    }
    expect(one.violations()).toEqual([]);
  });

  it("OFF-TOP-10 CHANGING is told at once, and CHANGED after the delay", () => {
    const { one, listener } = settled({ minEventDelayMs: 2_000 });
    one.activate(["a", "b"]);
    expect(listener.news()).toEqual(["CHANGING 1"]);
    one.clock.advance(1_999);
    expect(listener.news()).toEqual([]);
    one.clock.advance(1);
    expect(listener.news()).toEqual(["CHANGED 1>2"]);
  });

  it("OFF-TOP-11 another change within the delay is told with it, in a single CHANGED", () => {
    const { one, listener } = settled({ minEventDelayMs: 2_000 });
    one.activate(["a", "b"]);
    one.clock.advance(1_500);
    one.activate(["a", "b", "c"]);
    one.clock.advance(2_000);
    expect(listener.news()).toEqual(["CHANGING 1", "CHANGED 1>3"]);
  });

  it("OFF-TOP-12 without a delay CHANGED is told at once; a negative one is refused", () => {
    const { one, listener } = settled({ minEventDelayMs: 0 });
    one.activate(["a", "b"]);
    expect([listener.news(), one.clock.pending]).toEqual([["CHANGING 1", "CHANGED 1>2"], 0]);
    expect(() => settled({ minEventDelayMs: -1 })).toThrow(/minEventDelayMs/);
  });

  it("MED-04 in the delay the old view is past already", () => {
    const { one, listener } = settled({ minEventDelayMs: 5_000 });
    const first = one.topology.view();
    one.activate(["a", "b"]);
    one.clock.advance(4_999);
    expect([listener.news(), first.isCurrent]).toEqual([["CHANGING 1"], false]);
  });

  it("MED-06 thousands of repeats cost one timer at a time, and one CHANGED for each real change", () => {
    const { one, listener } = settled({ minEventDelayMs: 1_000 });
    for (let change = 0; change < 3; change++) {
      one.activate(["a", "b"]);
      for (let time = 0; time < 1_000; time++) one.repeat();
      one.clock.advance(1_000);
    }
    expect(listener.news()).toEqual(["CHANGING 1", "CHANGED 1>2", "CHANGING 2", "CHANGED 2>3", "CHANGING 3", "CHANGED 3>4"]);
    expect([one.clock.pendingMost, one.clock.pending]).toEqual([1, 0]);
  });

  it("MED-07 the first view is never delayed", () => {
    const { one } = settled({ minEventDelayMs: 60_000 });
    expect(one.clock.pending).toBe(0);
  });

  it("MED-08 the delay counts from the first change, and ends with the newest view", () => {
    const { one, listener } = settled({ minEventDelayMs: 3_000 });
    one.activate(["a", "b"]);
    expect(listener.news()).toEqual(["CHANGING 1"]);
    one.clock.advance(1_000);
    one.activate(["a", "b", "c"]);
    one.clock.advance(1_900);
    one.activate(["a", "c"]);
    one.clock.advance(99);
    expect(listener.news()).toEqual([]);
    one.clock.advance(1);
    expect(listener.news()).toEqual(["CHANGED 1>4"]);
  });

  it("MED-09 a delay that ends while changing begins once more", () => {
    const { one, listener } = settled({ minEventDelayMs: 3_000 });
    one.activate(["a", "b"]);
    one.clock.advance(2_900);
    one.propose(["a", "c"]);
    one.clock.advance(2_100);
    one.activate(["a", "c"]);
    expect(listener.news()).toEqual(["CHANGING 1"]);
    one.clock.advance(999);
    expect(listener.news()).toEqual([]);
    one.clock.advance(1);
    expect(listener.news()).toEqual(["CHANGED 1>3"]);
  });

  it("MED-10 words that change in the delay are told with CHANGED", () => {
    const { one, listener } = settled({ minEventDelayMs: 3_000 });
    one.activate(["a", "b"]);
    one.say("b", { foo: "bar" });
    one.clock.advance(3_000);
    expect(listener.news()).toEqual(["CHANGING 1", "CHANGED 1>2"]);
    expect(listener.events.at(-1)!.newView?.instances[1]?.properties).toEqual({ foo: "bar" });
  });

  it("MED-11 what goes back in the delay is told as CHANGED all the same", () => {
    const { one, listener } = settled({ minEventDelayMs: 3_000 });
    one.remote(remoteCluster("two", 1, ["x"]));
    one.clock.advance(1_000);
    one.remote();
    expect(listener.news()).toEqual(["CHANGING 1"]);
    one.clock.advance(2_000);
    expect(listener.news()).toEqual(["CHANGED 1>1"]);
    expect(one.violations()).toEqual([]);
  });

  it("TEV-02, TEV-03 in the delay `view` is newer than what was announced", () => {
    const { one } = settled({ minEventDelayMs: 3_000 });
    const first = one.topology.view();
    one.activate(["a", "b"]);
    expect([one.topology.view().isCurrent, one.topology.view().instances.length]).toEqual([true, 2]);
    expect([one.topology.lastAnnouncedView() === first, first.isCurrent]).toEqual([true, false]);
    one.clock.advance(3_000);
    expect(one.topology.lastAnnouncedView()).toBe(one.topology.view());
  });
});
