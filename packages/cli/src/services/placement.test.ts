import type { MemberRecord, TopologyAnswer } from "@longshore/discovery-agent";
import { hostsFor } from "@longshore/discovery-agent";
import { encode, subjectsOf } from "@longshore/kernel";
import { deferOn, MemoryBus, VirtualClock } from "@longshore/testkit";
import { describe, expect, it } from "vitest";
import type { InstanceService, TopologyWatcher } from "./instance/instance.ts";
import { type Permission, Placement } from "./placement.ts";

const member = (instance: string): MemberRecord => ({
  instance, incarnation: `${instance}-1`, principal: "host", joinedView: 1, propertiesVersion: 1, properties: {}, topics: [], slots: 0,
  kinds: ["job-queue"], endpoints: [], software: "", leaderPriority: 0, isReady: true,
});
/** The one that is to host the shard, who would after it, and the last. */
const [FIRST, SECOND, THIRD] = hostsFor(["a", "b", "c"].map(member), "job-queue", "main").map(({ instance }) => instance) as [string, string, string];
const SUBJECTS = subjectsOf("t");
const MAIN = { kind: "job-queue", actor: "main" } as const;

class FakeInstance implements Pick<InstanceService, "answer" | "incarnation" | "hasLeft" | "watch" | "leave"> {
  readonly incarnation: string;
  answer: TopologyAnswer | undefined;
  readonly gone = new Set<string>();
  private readonly watchers = new Set<TopologyWatcher>();

  constructor(name: string) {
    this.incarnation = `${name}-1`;
  }

  sees(...instances: readonly string[]): void {
    const view = { clusterId: "id", cluster: "t", number: (this.answer?.view?.number ?? 0) + 1, members: instances.map(member) };
    this.answer = { change: view.number, view, proposed: null, remote: [], conflicts: [] };
    for (const watcher of this.watchers) watcher(this.answer);
  }

  watch(watcher: TopologyWatcher): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  hasLeft(incarnation: string): boolean {
    return this.gone.has(incarnation);
  }

  leave(): Promise<void> {
    return Promise.resolve();
  }
}

function setup() {
  const clock = new VirtualClock();
  const bus = new MemoryBus(clock, deferOn(clock));
  const instance = (name: string): { readonly self: FakeInstance; readonly placement: Placement } => {
    const self = new FakeInstance(name);
    return { self, placement: new Placement({ wire: bus.wire("host"), clock }, { cluster: "t", principal: "host", instance: self as unknown as InstanceService }) };
  };
  const wants = (placement: Placement, isPrepared = true) => {
    const outcome: { permission?: Permission; standbys: number } = { standbys: 0 };
    const stop = new AbortController();
    void placement.mayOpen(MAIN, { isPrepared, signal: stop.signal, standingBy: () => outcome.standbys++ }).then((permission) => { outcome.permission = permission; });
    return outcome;
  };
  /** The promise's word comes in a microtask. */
  const advance = async (ms: number): Promise<void> => {
    clock.advance(ms);
    await Promise.resolve();
    await Promise.resolve();
  };
  const hostedBy = (incarnation: string): (() => void) =>
    bus.wire("host").subscribe(SUBJECTS.queries("job-queue", "main"), ({ reply }) => reply?.(encode({ answer: { incarnation } })));
  return { clock, bus, instance, wants, advance, hostedBy };
}

describe("who may open a shard", () => {
  it("is the one that the view chooses, as soon as nobody answers", async () => {
    const { instance, wants, advance } = setup();
    const { self, placement } = instance(FIRST);
    self.sees("a", "b", "c");
    const wanted = wants(placement);
    await advance(100);
    expect(wanted.permission).toEqual({ kind: "open", takeOver: false });
  });

  it("is nobody else, before 10 s have passed in which nobody answered; then the next in order", async () => {
    const { instance, wants, advance } = setup();
    const [second, third] = [instance(SECOND), instance(THIRD)];
    for (const { self } of [second, third]) self.sees("a", "b", "c");
    const [wantedBySecond, wantedByThird] = [wants(second.placement), wants(third.placement)];
    await advance(10_000);
    expect([wantedBySecond.permission, wantedByThird.permission]).toEqual([undefined, undefined]);
    await advance(800);
    expect(wantedBySecond.permission).toEqual({ kind: "open", takeOver: false });
    expect(wantedByThird.permission).toBeUndefined();
  });

  it("is whoever finds nobody, where there is no view", async () => {
    const { instance, wants, advance } = setup();
    const wanted = wants(instance(THIRD).placement);
    await advance(100);
    expect(wanted.permission).toEqual({ kind: "open", takeOver: false });
  });

  it("is the next one at once when the view is without the first", async () => {
    const { instance, wants, advance } = setup();
    const { self, placement } = instance(SECOND);
    self.sees("a", "b", "c");
    const wanted = wants(placement);
    await advance(1_000);
    self.sees(SECOND, THIRD);
    await advance(100);
    expect(wanted.permission).toEqual({ kind: "open", takeOver: false });
  });

  it("takes over from a host that has left the topology and still answers, also when that one never hands over", async () => {
    const { instance, wants, advance, hostedBy } = setup();
    hostedBy(`${FIRST}-1`);
    const { self, placement } = instance(SECOND);
    self.sees("a", "b", "c");
    const wanted = wants(placement);
    await advance(1_000);
    expect([wanted.permission, wanted.standbys]).toEqual([undefined, 1]);
    self.gone.add(`${FIRST}-1`);
    self.sees(SECOND, THIRD);
    await advance(1_000);
    expect(wanted.permission).toEqual({ kind: "open", takeOver: true });
  });

  it("does not wait for the answer of a host that is stuck once that has left the topology", async () => {
    const { clock, bus, instance, wants, advance } = setup();
    let isStuck = false;
    bus.wire("host").subscribe(SUBJECTS.queries("job-queue", "main"), ({ reply }) => { if (!isStuck) reply?.(encode({ answer: { incarnation: `${FIRST}-1` } })); });
    const { self, placement } = instance(SECOND);
    self.sees("a", "b", "c");
    const unprepared = wants(placement, false);
    await advance(1_000);
    isStuck = true;
    // A question is on its way, for a second.
    await advance(300);
    const fromMs = clock.monotonicMs();
    self.gone.add(`${FIRST}-1`);
    self.sees(SECOND, THIRD);
    await advance(0);
    expect(unprepared.permission).toEqual({ kind: "prepare" });
    const wanted = wants(placement);
    while (wanted.permission === undefined && clock.monotonicMs() < fromMs + 5_000) await advance(10);
    expect(wanted.permission).toEqual({ kind: "open", takeOver: true });
    expect(clock.monotonicMs() - fromMs).toBeLessThan(300);
  });

  it("does not wait for a hand-over from a host that hangs meanwhile and has left", async () => {
    const { clock, bus, instance, wants, advance, hostedBy } = setup();
    hostedBy(`${THIRD}-1`);
    bus.wire("host").subscribe(SUBJECTS.queries("job-queue-host", "main"), () => undefined);
    const { self, placement } = instance(FIRST);
    self.sees("a", "b", "c");
    const wanted = wants(placement);
    // The door of the host takes the question, and says nothing.
    await advance(1_000);
    const fromMs = clock.monotonicMs();
    self.gone.add(`${THIRD}-1`);
    self.sees(FIRST, SECOND);
    while (wanted.permission === undefined && clock.monotonicMs() < fromMs + 5_000) await advance(10);
    expect(wanted.permission).toEqual({ kind: "open", takeOver: true });
    expect(clock.monotonicMs() - fromMs).toBeLessThan(300);
  });

  it("folds the history before it asks a living host for the shard", async () => {
    const { instance, wants, advance, hostedBy } = setup();
    hostedBy(`${THIRD}-1`);
    const { self, placement } = instance(FIRST);
    self.sees("a", "b", "c");
    const wanted = wants(placement, false);
    await advance(100);
    expect(wanted.permission).toEqual({ kind: "prepare" });
  });
});

describe("handing a shard over", () => {
  it("is agreed to by a host whose own view chooses the one that asks, after it has closed", async () => {
    const { instance, wants, advance, hostedBy } = setup();
    const stopAnswering = hostedBy(`${THIRD}-1`);
    const [first, third] = [instance(FIRST), instance(THIRD)];
    third.self.sees(THIRD);
    let closes = 0;
    let closed: () => void = () => undefined;
    third.placement.handsOver(MAIN, () => false, (done) => {
      closes++;
      closed = done;
    });
    first.self.sees("a", "b", "c");
    const wanted = wants(first.placement);
    await advance(2_000);
    // The host has not seen the view that chooses another.
    expect([closes, wanted.permission]).toEqual([0, undefined]);
    third.self.sees("a", "b", "c");
    await advance(500);
    expect([closes, wanted.permission]).toEqual([1, undefined]);
    stopAnswering();
    closed();
    await advance(10);
    expect(wanted.permission).toEqual({ kind: "open", takeOver: false });
  });

  it("goes to another member when the host itself is leaving, and to nobody who is none", async () => {
    const { bus, instance, advance } = setup();
    const { self, placement } = instance(FIRST);
    self.sees("a", "b", "c");
    let isLeaving = false;
    let closes = 0;
    placement.handsOver(MAIN, () => isLeaving, (done) => {
      closes++;
      done();
    });
    const ask = (incarnation: string, role: "actor" | "operate" = "actor"): void =>
      bus.wire("host").request(SUBJECTS.query("job-queue-host", "main", role, "host"), encode({ ask: "hand-over", incarnation }), 1_000, () => undefined);
    ask(`${SECOND}-1`);
    await advance(100);
    expect(closes).toBe(0);
    isLeaving = true;
    ask("stranger-1");
    ask(`${SECOND}-1`, "operate");
    await advance(100);
    expect(closes).toBe(0);
    ask(`${SECOND}-1`);
    await advance(100);
    expect(closes).toBe(1);
  });
});
