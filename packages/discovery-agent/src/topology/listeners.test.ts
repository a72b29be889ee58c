import { describe, expect, it } from "vitest";
import type { TopologyEvent } from "./event.ts";
import type { TopologyOptions } from "./options.ts";
import type { Listener } from "./testing/diary.ts";
import { Later } from "./testing/later.ts";
import { member, remoteCluster } from "./testing/models.ts";
import { OneInstance } from "./testing/one-instance.ts";
import { Topology } from "./topology.ts";

function settled(options: ConstructorParameters<typeof OneInstance>[0] = {}): OneInstance {
  const one = new OneInstance(options);
  one.topology.start();
  one.activate();
  return one;
}

const releaseAll = (listener: Listener): void => {
  while (listener.isBusy) listener.release();
};

describe("one queue for each listener", () => {
  it("G9, CLU-12 a slow listener delays only itself, and hears the same in the same order", () => {
    const one = settled();
    const [slow, fast] = [one.bind({ isSlow: true, barrier: false }), one.bind()];
    one.activate(["a", "b"]);
    one.say("a", { p: "1" });
    expect([slow.heard, fast.heard]).toEqual([["INIT 1"], ["INIT 1", "CHANGING 1", "CHANGED 1>2", "PROPERTIES 2>2"]]);
    releaseAll(slow);
    expect(slow.heard).toEqual(fast.heard);
    expect(slow.events.map(({ newView }) => newView)).toEqual(fast.events.map(({ newView }) => newView));
    expect(slow.events.map(({ newView }) => newView === undefined || fast.events.some((event) => event.newView === newView))).not.toContain(false);
    expect(one.violations()).toEqual([]);
  });

  it("G5 CHANGED is told to those who wait for it before INIT is told to others", () => {
    const one = settled();
    const order: string[] = [];
    const handler = (name: string) => ({ type }: TopologyEvent): void => void order.push(`${name} ${type}`);
    one.topology.bind(handler("first"));
    one.propose(["a", "b"]);
    one.topology.bind(handler("late"));
    one.activate(["a", "b"]);
    expect(order).toEqual(["first TOPOLOGY_INIT", "first TOPOLOGY_CHANGING", "first TOPOLOGY_CHANGED", "late TOPOLOGY_INIT"]);
  });

  it("G10 a listener that throws, or whose promise is rejected, has returned, and that is reported", () => {
    const one = settled();
    const heard: string[] = [];
    const given: Later[] = [];
    one.topology.bind(({ type }) => {
      heard.push(type);
      if (type === "TOPOLOGY_INIT") throw new Error("thrown");
      given.push(new Later());
      return given.at(-1);
    });
    one.activate(["a", "b"]);
    given[0]?.reject("rejected");
    given[1]?.reject("rejected");
    expect(heard).toEqual(["TOPOLOGY_INIT", "TOPOLOGY_CHANGING", "TOPOLOGY_CHANGED"]);
    expect(one.diary.faults).toEqual([new Error("thrown"), "rejected", "rejected"]);
    one.propose();
    expect(one.topology.owedAck).toBeUndefined();
    given[2]?.reject("rejected");
    expect(one.topology.owedAck).toBe(3);
  });

  it("a listener returns once, however often its promise says so", () => {
    const one = settled();
    const first = new Later();
    const types: string[] = [];
    one.topology.bind(({ type }) => {
      types.push(type);
      return type === "TOPOLOGY_INIT" ? first : new Later();
    });
    one.activate(["a", "b"]);
    first.resolve();
    first.reject("and yet");
    expect([types, one.diary.faults]).toEqual([["TOPOLOGY_INIT", "TOPOLOGY_CHANGING"], []]);
  });

  it("a real promise is waited for", async () => {
    const one = settled();
    let done = (): void => undefined;
    const types: string[] = [];
    one.topology.bind(({ type }) => {
      types.push(type);
      return new Promise<void>((resolve) => (done = resolve));
    });
    one.propose();
    expect([types, one.topology.owedAck]).toEqual([["TOPOLOGY_INIT"], undefined]);
    done();
    await Promise.resolve();
    expect([types, one.topology.owedAck]).toEqual([["TOPOLOGY_INIT", "TOPOLOGY_CHANGING"], undefined]);
    done();
    await Promise.resolve();
    expect(one.topology.owedAck).toBe(2);
  });

  it("a listener may bind, unbind and look while it is told something", () => {
    const one = settled();
    const inner = one.diary.listener();
    const seen: boolean[] = [];
    const outer = ({ type }: TopologyEvent): void => {
      seen.push(one.topology.view().isCurrent);
      if (type === "TOPOLOGY_INIT") one.diary.bind(inner);
      if (type === "TOPOLOGY_CHANGED") one.topology.unbind(outer);
    };
    one.topology.bind(outer);
    one.propose();
    one.activate();
    one.activate();
    expect([inner.heard, seen]).toEqual([["INIT 1", "CHANGING 1", "CHANGED 1>2", "CHANGING 2", "CHANGED 2>3"], [true, false, true]]);
  });
});

describe("unbinding and stopping", () => {
  it("nothing is told after the unbinding is done, which waits for what is in hand", () => {
    const one = settled();
    const slow = one.bind({ isSlow: true });
    one.activate(["a", "b"]);
    let isUnbound = false;
    expect(one.topology.unbind(slow.handler, () => (isUnbound = true))).toBe(true);
    expect(isUnbound).toBe(false);
    slow.release();
    expect([isUnbound, slow.heard]).toEqual([true, ["INIT 1"]]);
    one.activate();
    expect(slow.heard).toEqual(["INIT 1"]);
  });

  it("an idle listener is unbound at once", () => {
    const one = settled();
    const listener = one.bind();
    let isUnbound = false;
    one.topology.unbind(listener.handler, () => (isUnbound = true));
    expect(isUnbound).toBe(true);
  });

  it("bound again, it hears INIT only when it has returned from what it had in hand", () => {
    const one = settled();
    const slow = one.bind({ isSlow: true });
    one.diary.unbind(slow);
    one.diary.bind(slow);
    expect(slow.heard).toEqual(["INIT 1"]);
    slow.release();
    expect(slow.heard).toEqual(["INIT 1", "INIT 1"]);
  });

  it("bound again and unbound again, it is done when the first has returned", () => {
    const one = settled();
    const slow = one.bind({ isSlow: true });
    one.diary.unbind(slow);
    one.diary.bind(slow);
    let isUnbound = false;
    expect(one.topology.unbind(slow.handler, () => (isUnbound = true))).toBe(true);
    expect(isUnbound).toBe(false);
    slow.release();
    expect([isUnbound, slow.heard]).toEqual([true, ["INIT 1"]]);
  });

  it("G11 what is queued is told after the stop; the stop is done when all have returned", () => {
    const one = settled();
    const slow = one.bind({ isSlow: true });
    one.activate(["a", "b"]);
    let stops = 0;
    one.topology.stop(() => stops++);
    slow.release();
    slow.release();
    expect([slow.heard, stops]).toEqual([["INIT 1", "CHANGING 1", "CHANGED 1>2"], 0]);
    slow.release();
    expect(stops).toBe(1);
    one.topology.stop(() => stops++);
    expect(stops).toBe(2);
  });

  it("G11 unbinding after the stop drops what is queued", () => {
    const one = settled();
    const slow = one.bind({ isSlow: true });
    one.activate(["a", "b"]);
    one.topology.stop();
    let isUnbound = false;
    expect(one.topology.unbind(slow.handler, () => (isUnbound = true))).toBe(true);
    releaseAll(slow);
    expect([slow.heard, isUnbound, one.topology.unbind(slow.handler)]).toEqual([["INIT 1"], true, false]);
  });
});

describe("acknowledgements", () => {
  it("SYN-15 a proposal is acknowledged when every barrier listener has returned from CHANGING", () => {
    const one = settled();
    const [slow, watcher] = [one.bind({ isSlow: true }), one.bind({ isSlow: true, barrier: false })];
    slow.release();
    one.propose(["a", "b"]);
    expect([slow.heard.at(-1), one.topology.owedAck, one.diary.acks]).toEqual(["CHANGING 1", undefined, []]);
    slow.release();
    expect([one.topology.owedAck, one.diary.acks, watcher.isBusy]).toEqual([2, [2], true]);
    one.repeat();
    expect(one.diary.acks).toEqual([2]);
    one.activate(["a", "b"]);
    expect(one.topology.owedAck).toBeUndefined();
    expect(one.violations({ isAcknowledged: true })).toEqual([]);
  });

  it("SYN-17 a listener that is still in CHANGING holds the next proposal too, and hears no second CHANGING", () => {
    const one = settled();
    const slow = one.bind({ isSlow: true });
    slow.release();
    one.propose(["a", "b"]);
    one.propose(["a", "c"]);
    expect(one.topology.owedAck).toBeUndefined();
    slow.release();
    expect([one.diary.acks, slow.heard]).toEqual([[3], ["INIT 1", "CHANGING 1"]]);
  });

  it("a listener that has left holds it until it has returned", () => {
    const one = settled();
    const slow = one.bind({ isSlow: true });
    one.propose();
    one.diary.unbind(slow);
    expect(one.topology.owedAck).toBeUndefined();
    slow.release();
    expect(one.topology.owedAck).toBe(2);
  });

  it("an instance that is proposed away tells CHANGING and acknowledges nothing", () => {
    const one = settled();
    const listener = one.bind();
    one.propose(["b"]);
    expect([listener.heard, one.topology.owedAck, one.diary.acks]).toEqual([["INIT 1", "CHANGING 1"], undefined, []]);
    one.activate(["b"]);
    expect([listener.heard.length, one.topology.view().isCurrent, one.topology.doubts]).toEqual([2, false, ["not-a-member"]]);
  });

  it("another incarnation of the same instance is somebody else", () => {
    const one = settled();
    one.diary.read({ proposal: { number: 2, members: [member("a", { incarnation: "a.2" })] } });
    expect(one.topology.owedAck).toBeUndefined();
  });

  it("a stopped instance acknowledges nothing, a started one at once", () => {
    const one = new OneInstance();
    one.propose();
    expect(one.topology.owedAck).toBeUndefined();
    one.topology.start();
    expect(one.diary.acks).toEqual([1]);
  });
});

describe("trust lost and found", () => {
  it.each([["disconnected", 2_000], ["behind", 1_000]] as const)("%s counts when it lasts longer than %i ms", (doubt, graceMs) => {
    const one = settled();
    const listener = one.bind();
    const first = one.topology.view();
    one.topology.raise(doubt);
    one.clock.advance(graceMs - 1);
    one.topology.raise(doubt);
    expect([listener.heard.length, first.isCurrent]).toEqual([1, true]);
    one.clock.advance(1);
    expect([listener.heard.at(-1), first.isCurrent, one.topology.doubts]).toEqual(["CHANGING 1", false, [doubt]]);
    one.topology.clear(doubt);
    expect([listener.heard.at(-1), one.topology.view().isCurrent, one.topology.view() === first, one.topology.doubts]).toEqual(["CHANGED 1>1", true, false, []]);
    expect(one.violations()).toEqual([]);
  });

  it("a sign that is gone in time is none", () => {
    const one = settled();
    const listener = one.bind();
    one.topology.raise("disconnected");
    one.clock.advance(1_999);
    one.topology.clear("disconnected");
    one.clock.advance(5_000);
    expect([listener.heard, one.clock.pending]).toEqual([["INIT 1"], 0]);
  });

  it("its own sign of life unrenewed counts at once", () => {
    const one = settled();
    const listener = one.bind();
    one.topology.raise("unrenewed");
    one.topology.raise("unrenewed");
    expect(listener.heard).toEqual(["INIT 1", "CHANGING 1"]);
  });

  it("two doubts must both be gone, and what was activated meanwhile is told once", () => {
    const one = settled();
    const listener = one.bind();
    one.topology.raise("unrenewed");
    one.topology.raise("behind");
    one.clock.advance(1_000);
    one.activate(["a", "b"]);
    one.topology.clear("unrenewed");
    one.activate(["a", "b", "c"]);
    expect(listener.heard).toEqual(["INIT 1", "CHANGING 1"]);
    one.topology.clear("behind");
    expect(listener.heard).toEqual(["INIT 1", "CHANGING 1", "CHANGED 1>3"]);
  });

  it("a doubt that is still in its grace tells nothing when it is stopped", () => {
    const one = settled();
    const listener = one.bind();
    one.topology.raise("disconnected");
    one.topology.stop();
    expect([listener.heard, one.clock.pending, one.topology.doubts]).toEqual([["INIT 1"], 0, ["disconnected", "stopped"]]);
  });

  it("INV-10 a history that shows another cluster, or an older view, is not trusted", () => {
    const one = settled();
    one.activate();
    const listener = one.bind();
    const view = one.diary.facts.view!;
    one.diary.read({ view: { ...view, clusterId: "other", number: 9 } });
    expect([listener.heard, one.topology.doubts]).toEqual([["INIT 2", "CHANGING 2"], ["rewound"]]);
    one.diary.read({ view: { ...view, number: 1 } });
    expect(one.topology.doubts).toEqual(["rewound"]);
    one.diary.read({ view });
    expect(listener.heard.at(-1)).toBe("CHANGED 2>2");
  });

  it("other clusters change without an acknowledgement: CHANGING and CHANGED, or words alone", () => {
    const one = settled();
    const listener = one.bind();
    one.remote(remoteCluster("two", 1, ["x"]));
    one.remote(remoteCluster("two", 2, [member("x", { properties: { p: "1" } })]));
    one.remote();
    expect(listener.heard).toEqual(["INIT 1", "CHANGING 1", "CHANGED 1>1", "PROPERTIES 1>1", "CHANGING 1", "CHANGED 1>1"]);
    expect([one.diary.acks, one.violations()]).toEqual([[], []]);
  });
});

describe("bounds", () => {
  const folded = (queuedMax: number, change: (one: OneInstance) => void): readonly string[] => {
    const one = settled({ queuedMax });
    const slow = one.bind({ isSlow: true });
    change(one);
    releaseAll(slow);
    expect(one.violations()).toEqual([]);
    expect(slow.events.at(-1)?.newView).toBe(one.topology.lastAnnouncedView());
    return slow.heard;
  };

  it("what a slow listener has not begun to hear is folded at the bound", () => {
    expect(folded(1, (one) => [1, 2, 3].forEach(() => one.activate()))).toEqual(["INIT 1", "CHANGING 1", "CHANGED 1>4"]);
    expect(folded(2, (one) => [1, 2, 3].forEach(() => one.activate()))).toEqual(["INIT 1", "CHANGING 1", "CHANGED 1>4"]);
    expect(folded(3, (one) => [1, 2, 3].forEach(() => one.activate()))).toEqual(["INIT 1", "CHANGING 1", "CHANGED 1>2", "CHANGING 2", "CHANGED 2>4"]);
    expect(folded(9, (one) => [1, 2, 3].forEach(() => one.activate()))).toHaveLength(7);
  });

  it("words are folded into words, and into the change before them", () => {
    expect(folded(1, (one) => ["1", "2", "3"].forEach((p) => one.say("a", { p })))).toEqual(["INIT 1", "PROPERTIES 1>1"]);
    expect(folded(2, (one) => void [one.activate(), one.say("a", { p: "1" })])).toEqual(["INIT 1", "CHANGING 1", "CHANGED 1>2"]);
    expect(folded(1, (one) => void [one.say("a", { p: "1" }), one.activate()])).toEqual(["INIT 1", "CHANGING 1", "CHANGED 1>2"]);
  });

  it("an INIT that was never begun becomes a later INIT", () => {
    for (const change of [(one: OneInstance) => one.activate(), (one: OneInstance) => one.say("a", { p: "1" })]) {
      const one = settled({ queuedMax: 1 });
      const slow = one.bind({ isSlow: true });
      one.diary.unbind(slow);
      one.diary.bind(slow);
      change(one);
      releaseAll(slow);
      expect(slow.heard).toEqual(["INIT 1", `INIT ${one.diary.facts.view!.number}`]);
      expect(slow.events.at(-1)?.newView).toBe(one.topology.view());
    }
  });

  it("listeners are bounded, those that have not returned included", () => {
    const one = settled({ listenersMax: 2 });
    const slow = one.bind({ isSlow: true });
    one.bind();
    expect(() => one.bind()).toThrow("2 listeners are bound or have not returned yet");
    one.diary.unbind(slow);
    expect(() => one.bind()).toThrow(expect.objectContaining({ code: "topology/too-many-listeners" }));
    slow.release();
    expect(one.bind().heard).toEqual(["INIT 1"]);
  });

  it.each([
    ["an option that there is not", { minEventDelay: 3 }, "no option `minEventDelay`; there are"],
    ["a delay below nothing", { minEventDelayMs: -1 }, "`minEventDelayMs` must be a whole number from 0"],
    ["no room in a queue", { queuedMax: 0 }, "`queuedMax`"],
    ["no listeners", { listenersMax: 0.5 }, "`listenersMax`"],
    ["a doubt that there is not", { graces: { late: 1 } }, "`graces` has no option `late`"],
    ["an endless grace", { graces: { behind: Number.POSITIVE_INFINITY } }, "`graces.behind`"],
  ])("%s is refused", (_name, options, message) => {
    expect(() => new OneInstance(options as ConstructorParameters<typeof OneInstance>[0])).toThrow(message);
  });

  it("what there must be is asked for by name", () => {
    expect(() => new Topology({ self: member("a"), cluster: "main" } as unknown as TopologyOptions)).toThrow("Topology: `clock` is missing");
  });

  it("what is said to a listener is checked", () => {
    const { topology } = new OneInstance();
    expect(() => topology.bind(() => undefined, { barier: false } as { barrier?: boolean })).toThrow("listen has no option `barier`; there are barrier");
    expect(() => topology.bind(() => undefined, { barrier: "no" as unknown as boolean })).toThrow("true or false");
    expect(() => topology.bind(undefined as unknown as () => void)).toThrow("the handler must be a function");
  });
});
