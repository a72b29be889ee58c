/** Poisoned commands, stepped clocks, rewound journals. */
import type { StoredCommit } from "@longshore/kernel";
import { decodeCommit, History, streamsOf } from "@longshore/kernel";
import { describe, expect, test } from "vitest";
import { CounterActor } from "../counter.ts";
import { sha256 } from "../memory/hash.ts";
import type { CounterHistory } from "./host-world.ts";
import { Gate, HostWorld, hexOf } from "./host-world.ts";

const session = (number: number): Record<string, unknown> =>
  ({ session: `${(1_000_000).toString(36)}-abcdefgh`, first: number, unanswered: 0, notAfter: 1_060_000 });

describe("poison", () => {
  test.each(["parse", "decide", "evolve", "encode"])("a command that makes %s throw is parked, and the host goes on", (where) => {
    const world = new HostWorld();
    const { host, stops } = world.open();
    world.ask({ add: [1] });
    world.ask({ break: [where], ...session(0) }, { timeoutMs: 1_000 });
    world.settle(1_000);
    expect(world.ask({ break: [where], ...session(0) })).toMatchObject({ rejected: [[0, "kernel/parked", expect.any(String), null]] });
    expect(world.ask({ add: [1] })["rejected"]).toBeUndefined();
    expect(stops).toEqual([]);
    expect(host.isServing).toBe(true);
    expect(world.query()).toMatchObject({ answer: { total: 2 } });
  });

  test.each(["parse", "decide", "evolve", "encode"])("an inbox message that makes %s throw stops no host, neither this nor the next", (where) => {
    const world = new HostWorld();
    world.store({ break: [where] });
    world.store({ add: [1] });
    const first = world.open();
    world.settle(2_000);
    first.host.close();
    const second = world.open({ instance: "i2" });
    world.settle(2_000);
    expect([first.stops, second.stops]).toEqual([[{ kind: "closed" }], []]);
    expect(world.query()).toMatchObject({ answer: { total: 1 } });
    expect(second.host.current.kernel.parked).toHaveLength(1);
  });

  test("a parked session command stays parked at the next host", () => {
    const world = new HostWorld();
    const { host } = world.open();
    world.ask({ break: ["evolve"], ...session(0) }, { timeoutMs: 1_000 });
    world.settle(2_000);
    host.close();
    const next = world.open({ instance: "i2" });
    expect(world.ask({ break: ["evolve"], ...session(0) })).toMatchObject({ epoch: 3, rejected: [[0, "kernel/parked", expect.any(String), null]] });
    expect(next.host.current.kernel.epoch).toBe(3);
    expect(next.host.current.kernel.parked).toHaveLength(1);
  });

  test("a spoiling command without a session does not silence its sender", () => {
    const world = new HostWorld();
    const { stops } = world.open();
    world.ask({ break: ["evolve"] }, { timeoutMs: 1_000 });
    world.settle(2_000);
    expect(world.ask({ add: [1] })["rejected"]).toBeUndefined();
    expect(stops).toEqual([]);
  });

  test.each([["in a session", session(0)], ["without a session", {}]])("what a host parks at its opening (%s) it folds as everybody will", (_where, meta) => {
    const world = new HostWorld();
    const { host } = world.open();
    world.ask({ add: [1] });
    world.ask({ break: ["evolve"], ...meta }, { timeoutMs: 1_000 });
    world.settle(2_000);
    expect(host.current.kernel.parked).toHaveLength(1);
    const replayed: CounterHistory = new History(new CounterActor("t"), sha256);
    for (const commit of world.server.journal("counter", "main").commits()) replayed.fold(commit);
    expect(hexOf(replayed.stateHash())).toBe(hexOf(host.current.stateHash()));
  });

  test("commands of the same commit as a spoiling one are decided once", () => {
    const world = new HostWorld();
    const gate = new Gate();
    world.open({ ports: gate.ports });
    gate.held = true;
    world.sendDirect({ add: [1] });
    world.settle();
    const answers = [world.sendDirect({ add: [10], ...session(0) }), world.sendDirect({ break: ["evolve"], ...session(1) }), world.sendDirect({ add: [100], ...session(2) })];
    world.settle();
    gate.open();
    world.settle(2_000);
    for (const [i, item] of [{ add: [10] }, { break: ["evolve"] }, { add: [100] }].entries()) {
      if (answers[i]![0]?.["overloaded"] === true || answers[i]!.length === 0) world.ask({ ...item, ...session(i) });
    }
    expect(world.query()).toMatchObject({ answer: { total: 111, additions: 3 } });
  });
});

describe("time", () => {
  test("a server clock that is stepped makes the host reopen and record it", () => {
    const world = new HostWorld();
    const { host, stops } = world.open();
    world.ask({ add: [1] });
    world.server.serverTime.offsetMs += 60_000;
    world.settle(10_000);
    expect(stops).toEqual([]);
    expect(host.isServing).toBe(true);
    expect(host.current.kernel.epoch).toBe(2);
    const events = world.server.journal("counter", "main").commits().flatMap(({ bytes }) => decodeCommit(bytes).events);
    expect(events.filter((event) => event[0] === 7)).toEqual([[7, expect.any(Number), expect.any(Number)]]);
  });

  test("time goes on, and never back, when the server's clock was set back", () => {
    const world = new HostWorld();
    const { host } = world.open();
    world.ask({ add: [1] });
    const before = host.current.kernel.at;
    world.server.serverTime.offsetMs -= 600_000;
    world.settle(10_000);
    world.ask({ later: [[before + 20_000, 5]] });
    world.settle(30_000);
    expect(host.current.state.total).toBe(6);
    const instants = world.server.journal("counter", "main").commits().map(({ bytes }) => decodeCommit(bytes).at);
    expect(instants).toEqual([...instants].sort((a, b) => a - b));
  });

  test("a successor whose server answers a little behind never writes an earlier instant", () => {
    const world = new HostWorld();
    const { host } = world.open();
    world.ask({ add: [1] });
    host.close();
    world.server.serverTime.offsetMs -= 3_000;
    world.open({ instance: "i2" });
    world.ask({ add: [1] });
    const instants = world.server.journal("counter", "main").commits().map(({ bytes }) => decodeCommit(bytes).at);
    expect(instants).toEqual([...instants].sort((a, b) => a - b));
  });

  test("a step while an append is in flight loses nothing and keeps the host", () => {
    const world = new HostWorld();
    const gate = new Gate();
    const { host, stops } = world.open({ ports: gate.ports });
    world.settle(4_000);
    gate.held = true;
    const answers = world.sendDirect({ add: [7], ...session(0) });
    world.server.serverTime.offsetMs += 60_000;
    world.settle(3_000);
    gate.open();
    world.settle(10_000);
    expect(stops).toEqual([]);
    expect(host.isServing).toBe(true);
    expect(answers.length).toBeGreaterThan(0);
    expect(world.replay().state.total).toBe(7);
  });
});

describe("a journal that lost what it had confirmed", () => {
  const rewound = (world: HostWorld): void => {
    const { host } = world.open();
    for (let i = 0; i < 10; i++) world.ask({ add: [1] });
    world.settle(2_000);
    host.close();
    const commits = world.server.journal("counter", "main").commits();
    world.server.journalStream.rewindTo(commits[5]!.version);
  };

  test("is not served while it ends below the high-water mark", () => {
    const world = new HostWorld();
    rewound(world);
    const { stops } = world.start({ instance: "i2" });
    world.settle(60_000);
    expect(stops).toMatchObject([{ kind: "rewound", message: expect.stringContaining("--accept-rewind") }]);
    expect(world.server.journal("counter", "main").commits()).toHaveLength(6);
  });

  test("is not served when it was written on after the loss", () => {
    const world = new HostWorld();
    rewound(world);
    const marks = world.server.marksOf("counter", "main");
    const kept = marks.places.map((place) => place.mark);
    for (const place of marks.places) place.mark = undefined;
    const forger = world.open({ instance: "i2" });
    for (let i = 0; i < 10; i++) world.ask({ add: [100] });
    forger.host.close();
    marks.places.forEach((place, i) => { place.mark = kept[i]; });
    const { stops } = world.start({ instance: "i3" });
    world.settle(60_000);
    expect(stops).toMatchObject([{ kind: "rewound" }]);
  });

  test("is served once an operator accepts it, also by later hosts", () => {
    const world = new HostWorld();
    rewound(world);
    const { host } = world.open({ instance: "i2", acceptRewind: "restored from backup" });
    world.ask({ add: [1] });
    world.settle(2_000);
    host.close();
    expect(world.open({ instance: "i3" }).stops).toEqual([]);
    expect(world.replay().kernel.epoch).toBe(3);
  });

  test("is served once accepted although a snapshot reaches beyond its end", () => {
    const world = new HostWorld();
    const { host } = world.open();
    for (let i = 0; i < 10; i++) world.ask({ add: [1] });
    world.settle(2_000);
    world.server.snapshotsOf("counter", "main").saved = world.replay().snapshot();
    host.close();
    world.server.journalStream.rewindTo(world.server.journal("counter", "main").commits()[5]!.version);
    const refused = world.start({ instance: "i2" });
    world.settle(60_000);
    expect(refused.stops).toMatchObject([{ kind: "rewound" }]);
    const next = world.open({ instance: "i3", acceptRewind: "the operator looked" });
    world.ask({ add: [1] });
    world.settle(60_000);
    expect(next.stops).toEqual([]);
    expect(hexOf(world.replay().stateHash())).toBe(hexOf(next.host.current.stateHash()));
  });

  test("is served as it is when only a stale answer made it look short", () => {
    const world = new HostWorld();
    const { host } = world.open();
    for (let i = 0; i < 10; i++) world.ask({ add: [1] });
    world.settle(2_000);
    host.close();
    let staleReads = 2;
    const next = world.start({
      instance: "i2",
      ports: (ports) => ({
        ...ports,
        journal: {
          append: (bytes, expected, done) => ports.journal.append(bytes, expected, done),
          last: (done) => ports.journal.last(done),
          get: (version, done) => ports.journal.get(version, done),
          purge: (below, done) => ports.journal.purge(below, done),
          size: (done) => ports.journal.size(done),
          read: (after, onCommit, done) => {
            if (staleReads-- <= 0) return ports.journal.read(after, onCommit, done);
            // A replica that is behind ends early.
            const commits: StoredCommit[] = [];
            ports.journal.read(after, (commit) => commits.push(commit), () => {
              for (const commit of commits.slice(0, 3)) onCommit(commit);
              done({ kind: "end", last: commits[2]?.version ?? 0 });
            });
          },
        },
      }),
    });
    world.settle(20_000);
    expect(next.stops).toEqual([]);
    expect(next.host.isServing).toBe(true);
  });

  test("a host in service that sees it end below its own last commit stops, but only after half a minute", () => {
    const world = new HostWorld();
    const { host, stops } = world.open();
    for (let i = 0; i < 5; i++) world.ask({ add: [1] });
    const commits = world.server.journal("counter", "main").commits();
    world.server.journalStream.rewindTo(commits[2]!.version);
    world.sendDirect({ add: [1] });
    world.settle(20_000);
    expect(stops).toEqual([]);
    world.settle(20_000);
    expect(stops).toMatchObject([{ kind: "rewound" }]);
    expect(host.isServing).toBe(false);
    expect(world.server.journal("counter", "main").commits()).toHaveLength(3);
  });

  test("a changed commit in the middle breaks the chain", () => {
    const world = new HostWorld();
    const { host } = world.open();
    for (let i = 0; i < 5; i++) world.ask({ add: [1] });
    host.close();
    const commits = world.server.journal("counter", "main").commits();
    const bytes = commits[2]!.bytes.slice();
    bytes[bytes.length - 1]! ^= 1;
    world.server.journalStream.damage(commits[2]!.version, bytes);
    const { stops } = world.start({ instance: "i2" });
    world.settle(60_000);
    expect(stops).toMatchObject([{ kind: "broken" }]);
  });
});

describe("snapshots", () => {
  test("from the start and from every snapshot the state hash is the same", () => {
    const world = new HostWorld();
    const { host } = world.open();
    const snapshots: ReturnType<HostWorld["replay"]>[] = [];
    for (let i = 0; i < 12; i++) {
      world.ask({ add: [i, -1], ...session(i * 2) });
      world.ask({ later: [[1_500_000 + i, 1]], send: [["other", i]] });
      snapshots.push(world.replay());
    }
    const whole = hexOf(world.replay().stateHash());
    expect(hexOf(host.current.stateHash())).toBe(whole);
    for (const replayed of snapshots) {
      const history: CounterHistory = new History(new CounterActor("t"), sha256);
      expect(history.restore(replayed.snapshot())).toBe(true);
      for (const commit of world.server.journal("counter", "main").commits()) if (commit.version > history.version) history.fold(commit);
      expect(hexOf(history.stateHash())).toBe(whole);
    }
  });

  test.each(["schema", "hash", "chunk"])("a snapshot with another %s is ignored", (what) => {
    const world = new HostWorld();
    const { host } = world.open();
    world.ask({ add: [1] });
    const good = world.replay().snapshot();
    host.close();
    world.server.snapshotsOf("counter", "main").saved = {
      ...good,
      ...(what === "schema" && { schema: good.schema + 1 }), ...(what === "hash" && { stateHash: new Uint8Array(32) }),
      ...(what === "chunk" && { chunks: [new Uint8Array([0, 0, 0, 1, 0xc0])] }),
    };
    world.open({ instance: "i2" });
    expect(world.query()).toMatchObject({ answer: { total: 1 } });
    expect(world.server.telemetry.map(({ event }) => event)).toContain("snapshot.ignored");
  });

  test("a purged journal is served from its snapshot, and not without", () => {
    const world = new HostWorld();
    const { host } = world.open();
    world.ask({ add: [1, 1, 1, 1, 1] });
    world.server.snapshotsOf("counter", "main").saved = world.replay().snapshot();
    world.ask({ add: [1] });
    world.server.journal("counter", "main").purgeNow(Infinity);
    host.close();
    const second = world.open({ instance: "i2" });
    expect(world.query()).toMatchObject({ answer: { total: 6 } });
    second.host.close();
    world.server.snapshotsOf("counter", "main").saved = undefined;
    const third = world.start({ instance: "i3" });
    world.settle(60_000);
    expect(third.stops).toMatchObject([{ kind: "broken" }]);
  });
});

describe("the store is full", () => {
  test("new commands are pushed back, nothing is lost, and it goes on when there is room", () => {
    const world = new HostWorld();
    const { host } = world.open();
    world.server.stream(streamsOf("t").journal).setFull(true);
    const first = world.sendDirect({ add: [1], ...session(0) });
    world.settle(1_000);
    expect(world.ask({ add: [1], ...session(1) })).toEqual({ overloaded: true, retryInMs: expect.any(Number) });
    expect(first).toEqual([]);
    world.server.stream(streamsOf("t").journal).setFull(false);
    world.settle(1_000);
    expect(first).toMatchObject([{ epoch: 1, count: 1 }]);
    expect(host.current.state.total).toBe(1);
  });
});
