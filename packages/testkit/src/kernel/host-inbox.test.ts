/** The durable way in: each inbox message is applied exactly once, whatever crashes when. */
import { decodeCommit, streamsOf } from "@longshore/kernel";
import { describe, expect, test } from "vitest";
import { Gate, HostWorld, hexOf } from "./host-world.ts";

const INBOX = streamsOf("t").inbox;

describe("exactly once", () => {
  test("a crash at any step leaves each message applied once", () => {
    for (let steps = 1; steps < 120; steps += 1) {
      const world = new HostWorld();
      for (let i = 0; i < 30; i++) world.store({ add: [1, 1] });
      const first = world.start({ limits: { commitEventsMax: 8, inboxReadMax: 7 } });
      for (let i = 0; i < steps; i++) world.clock.step();
      // A crash: nothing of the host runs any more, but what it has sent may still arrive.
      world.clock.advance(0);
      crash(first.host);
      world.open({ instance: "i2", limits: { commitEventsMax: 10, inboxReadMax: 5 } });
      world.settle(500);
      expect(world.query(), `crash after ${steps} steps`).toMatchObject({ answer: { total: 60, additions: 60 } });
      expect(world.replay().state.additions).toBe(60);
    }
  });

  test("a message that is decided in part is gone on with by the next host", () => {
    const world = new HostWorld();
    const gate = new Gate();
    world.store({ add: Array.from({ length: 25 }, () => 1) });
    const { host } = world.start({ limits: { commitEventsMax: 20 }, ports: gate.ports });
    world.clock.runUntil(() => host.current.state.additions === 10);
    gate.held = true;
    world.settle();
    expect(host.current.state.additions).toBe(20);
    const last = decodeCommit(world.server.journal("counter", "main").lastNow()!.bytes);
    expect(last.inbox).toMatchObject([{ sequence: 0, index: 10 }]);
    crash(host);
    world.open({ instance: "i2" });
    world.settle();
    expect(world.query()).toMatchObject({ answer: { additions: 25 } });
  });

  test("a message that spoils the state is parked, and those after it are applied once", () => {
    const world = new HostWorld();
    world.store({ add: [1] });
    world.store({ break: ["evolve"] });
    for (let i = 0; i < 10; i++) world.store({ add: [1] });
    const { host, stops } = world.open();
    world.settle(1_000);
    expect(stops).toEqual([]);
    expect(host.current.state).toMatchObject({ total: 11, additions: 11 });
    expect(host.current.kernel.parked).toMatchObject([{ source: { kind: "inbox", sequence: 2, index: 0 } }]);
    expect(hexOf(world.replay().stateHash())).toBe(hexOf(host.current.stateHash()));
  });

  test("messages that arrive while the host serves are applied once", () => {
    const world = new HostWorld();
    const { host } = world.open();
    for (let i = 0; i < 40; i++) {
      world.store({ add: [1] });
      world.settle(i % 3);
    }
    world.settle(3_000);
    expect(host.current.state.additions).toBe(40);
  });

  test("what the commits have covered is purged, and nothing else", () => {
    const world = new HostWorld();
    world.open();
    world.store({ add: [1] });
    world.settle(3_000);
    expect(world.server.stream(INBOX).read(0, () => true)).toEqual([]);
  });
});

describe("a stream that was deleted and made anew", () => {
  test("is read from its start", () => {
    const world = new HostWorld();
    const { host } = world.open();
    for (let i = 0; i < 20; i++) world.store({ add: [1] });
    world.settle(3_000);
    world.server.recreate(INBOX, ["ls.t.in.*.*.submit.*"]);
    world.store({ add: [100] });
    world.settle(5_000);
    expect(host.current.state.total).toBe(120);
  });

  test("is not purged up to where the old one was covered", () => {
    const world = new HostWorld();
    const { host } = world.open();
    for (let i = 0; i < 50; i++) world.store({ add: [1] });
    world.settle(3_000);
    host.close();
    world.server.recreate(INBOX, ["ls.t.in.*.*.submit.*"]);
    for (let i = 0; i < 20; i++) world.store({ add: [100] });
    let away = true;
    const next = world.start({
      instance: "i2",
      ports: (ports) => ({
        ...ports,
        inboxes: ports.inboxes.map((inbox, i) => i > 0 ? inbox : {
          stream: inbox.stream,
          read: (after, max, done) => inbox.read(after, max, (answer) => done(away ? { kind: "unavailable" } : answer)),
          onArrival: (hint) => inbox.onArrival(hint), purge: (upTo) => inbox.purge(upTo),
        }),
      }),
    });
    // The inbox is away for a while, and commits for the other way in are written meanwhile.
    world.store({ from: "t.far", first: 1, add: [1] }, { role: "actor", principal: "far" });
    world.settle(3_000);
    away = false;
    world.settle(5_000);
    expect(next.host.current.state.total).toBe(50 + 1 + 2_000);
  });
});

describe("what cannot be read", () => {
  test.each([
    ["bytes that are no msgpack", new Uint8Array([0xc1, 1, 2])],
    ["a map without a command", new Uint8Array([0x80])],
    ["a bomb", new Uint8Array([0xdd, 0x01, 0xff, 0xff, 0xff])],
  ])("%s leave a recorded rejection and hold up nothing", (_name, bytes) => {
    const world = new HostWorld();
    const { host, stops } = world.open();
    world.storeBytes(bytes);
    world.store({ add: [1] });
    world.settle(1_000);
    expect(stops).toEqual([]);
    expect(host.current.state.total).toBe(1);
    const events = world.server.journal("counter", "main").commits().flatMap(({ bytes: stored }) => decodeCommit(stored).events);
    expect(events.filter((event) => event[0] === 3)).toHaveLength(1);
  });

  test("a JSON message is read like a msgpack one", () => {
    const world = new HostWorld();
    const { host } = world.open();
    world.storeBytes(new TextEncoder().encode('{"add":[4,5]}'), {}, true);
    world.settle(100);
    expect(host.current.state.total).toBe(9);
  });
});

describe("a refused message", () => {
  const late = { session: `${(1_000_000).toString(36)}-abcdefgh`, first: 0, unanswered: 0, notAfter: 1_000_001 };

  test.each<[string, Record<string, unknown>, string]>([
    ["that comes after its notAfter", { ...late, add: [1, 2, 3] }, "session/unknown"],
    ["of more commands than a session has", { ...late, notAfter: 9e12, add: Array.from({ length: 1_025 }, () => 1) }, "session/window"],
    ["of a session nobody remembers", { ...late, session: "1-abcdefgh", notAfter: 9e12, add: [1] }, "session/unknown"],
  ])("%s leaves one recorded rejection: durable is never silent", (_name, message, code) => {
    const world = new HostWorld();
    world.server.serverTime.offsetMs += 10_000_000;
    const { host } = world.open();
    world.store(message);
    world.settle(500);
    expect(host.current.state.total).toBe(0);
    const events = world.server.journal("counter", "main").commits().flatMap(({ bytes }) => decodeCommit(bytes).events);
    expect(events.filter((event) => event[0] === 3)).toEqual([[3, [INBOX, 1, 0], code, expect.any(String), expect.anything() as unknown]].map(([a, b, c, d]) => [a, b, c, d, Array.isArray(message["add"]) && message["add"].length > 1 ? { commands: message["add"].length } : null]));
  });
});

describe("a message stored twice, because nobody knew whether it was stored", () => {
  const message = { session: `${(1_000_000).toString(36)}-abcdefgh`, first: 7, add: [1_000, 500] };

  test("is applied once by its numbers, however late it is read, also when the copies come apart", () => {
    const world = new HostWorld();
    world.server.serverTime.offsetMs += 10_000_000;
    world.store(message);
    const { host } = world.open();
    world.settle(500);
    expect(host.current.state).toMatchObject({ total: 1_500, additions: 2 });
    world.store(message);
    world.settle(500);
    expect(host.current.state).toMatchObject({ total: 1_500, additions: 2 });
  });

  test("is refused outside an inbox: a direct message says until when it may be decided", () => {
    const world = new HostWorld();
    world.open();
    world.settle(500);
    const answers = world.sendDirect(message);
    world.settle(500);
    expect(answers).toEqual([{ error: { code: "message/malformed", message: expect.stringContaining("notAfter") as unknown } }]);
  });
});

describe("order of one sender", () => {
  test("a direct command that names an inbox sequence is decided after that message", () => {
    const world = new HostWorld();
    const gate = new Gate();
    let away = false;
    const { host } = world.open({
      ports: (ports) => ({
        ...gate.ports(ports),
        inboxes: ports.inboxes.map((inbox) => ({
          stream: inbox.stream,
          read: (after, max, done) => inbox.read(after, max, (answer) => done(away ? { kind: "unavailable" } : answer)),
          onArrival: (hint) => inbox.onArrival(hint), purge: (upTo) => inbox.purge(upTo),
        })),
      }),
    });
    away = true;
    const after = world.store({ add: [1_500] });
    const answers = world.sendDirect({ add: [2_000], after });
    world.settle(500);
    expect(answers).toEqual([]);
    away = false;
    world.settle(3_000);
    expect(answers[0]).toMatchObject({ answers: [[0, { total: 3_500 }]] });
    expect(host.current.state.additions).toBe(2);
  });
});

/** Everything of a host stops where it stands: its callbacks find it closed. */
function crash(host: { close(): void }): void {
  const closing = host as unknown as { dropEverything(): void };
  closing.dropEverything();
}
