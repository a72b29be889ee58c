import { Candidate } from "@longshore/discovery-agent";
import type { StopReason } from "@longshore/kernel";
import { encode } from "@longshore/kernel";
import { deferOn, MemoryBus, VirtualClock } from "@longshore/testkit";
import { describe, expect, it } from "vitest";

const SUBJECT = "ls.t.q.discovery-agent.main.actor.host";

/** Candidates of one cluster; whoever opens answers for the history until it stops. */
function setup() {
  const clock = new VirtualClock();
  const bus = new MemoryBus(clock, deferOn(clock));
  const opened: { readonly name: string; readonly atMs: number }[] = [];
  const stops = new Map<string, (reason: StopReason) => void>();
  const told: string[] = [];
  const accused = new Set<string>();
  const candidate = (name: string, rank: number | undefined, chance = 0.5): { readonly candidate: Candidate; readonly wire: ReturnType<typeof bus.wire> } => {
    const wire = bus.wire(name);
    const made = new Candidate({ wire, clock }, {
      querySubject: SUBJECT, rank: () => rank, chance: () => chance, isAccused: (incarnation) => accused.has(incarnation), telemetry: (event) => told.push(event),
      open: (stopped) => {
        opened.push({ name, atMs: clock.monotonicMs() });
        const unsubscribe = wire.subscribe(SUBJECT, ({ reply }) => reply?.(encode({ answer: {} })));
        const stop = (reason: StopReason): void => {
          unsubscribe();
          stopped(reason);
        };
        stops.set(name, stop);
        return { close: () => stop({ kind: "closed" }) };
      },
    });
    made.start();
    return { candidate: made, wire };
  };
  const names = (): readonly string[] => opened.map(({ name }) => name);
  /** A host in another process; once it is stuck it listens and says nothing. */
  const host = (incarnation: string): { isStuck: boolean } => {
    const state = { isStuck: false };
    bus.wire(incarnation).subscribe(SUBJECT, ({ reply }) => { if (!state.isStuck) reply?.(encode({ answer: { incarnation } })); });
    return state;
  };
  return { clock, bus, opened, names, stops, told, accused, candidate, host };
}

describe("a candidate for the topology's history", () => {
  it("opens at once as the first of a view when nobody answers, and the others look on", () => {
    const { clock, opened, candidate } = setup();
    for (const [rank, name] of ["a", "b", "c"].entries()) candidate(name, rank);
    clock.advance(60_000);
    expect(opened).toEqual([{ name: "a", atMs: 0 }]);
  });

  it("waits 500 ms for each that stands before it", () => {
    const { clock, opened, candidate } = setup();
    candidate("c", 2);
    clock.advance(5_000);
    expect(opened).toEqual([{ name: "c", atMs: 1_000 }]);
  });

  it("waits a part of 500 ms, by chance, when it knows no view", () => {
    const { clock, opened, candidate } = setup();
    candidate("late", undefined, 0.9);
    candidate("early", undefined, 0.2);
    clock.advance(5_000);
    expect(opened).toEqual([{ name: "early", atMs: 100 }]);
  });

  it("goes on when the host is gone: the next in line first", () => {
    const { clock, names, stops, candidate } = setup();
    for (const [rank, name] of ["a", "b", "c"].entries()) candidate(name, rank);
    clock.advance(3_000);
    // Its process is dead: it answers no more and looks no more.
    stops.get("a")!({ kind: "rewound", message: "lost" });
    clock.advance(5_000);
    expect(names()).toEqual(["a", "b"]);
  });

  it("opens after 10 s in which the host is there and says nothing, not earlier", () => {
    const { clock, bus, opened, candidate } = setup();
    bus.wire("stuck").subscribe(SUBJECT, () => undefined);
    candidate("a", 0);
    clock.advance(9_900);
    expect(opened).toEqual([]);
    clock.advance(2_000);
    expect(opened).toHaveLength(1);
  });

  it("opens without waiting where the process that says nothing is accused, the first of those who may before the next", () => {
    const { clock, opened, accused, candidate, host } = setup();
    const stuck = host("h-1");
    for (const [rank, name] of ["a", "b"].entries()) candidate(name, rank);
    clock.advance(3_000);
    stuck.isStuck = true;
    clock.advance(3_500);
    expect(opened).toEqual([]);
    accused.add("h-1");
    clock.advance(1_000);
    expect(opened.map(({ name }) => name)).toEqual(["a"]);
    clock.advance(20_000);
    expect(opened).toHaveLength(1);
  });

  it("goes on waiting for a host that says nothing where nothing is held against its process, and for one that answers whatever is held", () => {
    const { clock, opened, accused, candidate, host } = setup();
    const stuck = host("h-1");
    candidate("a", 0);
    accused.add("another");
    clock.advance(1_000);
    stuck.isStuck = true;
    clock.advance(9_000);
    expect(opened).toEqual([]);
    stuck.isStuck = false;
    accused.add("h-1");
    clock.advance(20_000);
    expect(opened).toEqual([]);
  });

  it("counts no silence while it has no connection", () => {
    const { clock, opened, candidate } = setup();
    const { wire } = candidate("a", 1);
    wire.disconnect();
    clock.advance(60_000);
    expect(opened).toEqual([]);
    wire.reconnect();
    clock.advance(5_000);
    expect(opened).toHaveLength(1);
  });

  it("that is fenced looks on without a word, and is there when it is needed again", () => {
    const { clock, bus, names, stops, told, candidate } = setup();
    candidate("a", 0);
    clock.advance(1_000);
    const leave = bus.wire("other").subscribe(SUBJECT, ({ reply }) => reply?.(encode({ answer: {} })));
    stops.get("a")!({ kind: "fenced" });
    clock.advance(30_000);
    expect(names()).toEqual(["a"]);
    leave();
    clock.advance(1_000);
    expect(names()).toEqual(["a", "a"]);
    expect(told).toEqual([]);
  });

  it("that cannot serve the history says why, and tries again after half a minute", () => {
    const { clock, names, stops, told, candidate } = setup();
    candidate("a", 0);
    clock.advance(100);
    stops.get("a")!({ kind: "broken", message: "the chain is broken" });
    clock.advance(29_000);
    expect(names()).toEqual(["a"]);
    clock.advance(2_000);
    expect(names()).toEqual(["a", "a"]);
    expect(told).toEqual(["discovery.stopped"]);
  });

  it("that ends closes what it hosts, and opens no more", () => {
    const { clock, names, candidate } = setup();
    const { candidate: ending } = candidate("a", 0);
    clock.advance(100);
    let isClosed = false;
    ending.close(() => { isClosed = true; });
    clock.advance(60_000);
    expect([isClosed, ending.isHosting, names()]).toEqual([true, false, ["a"]]);
  });
});
