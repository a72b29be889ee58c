/** Messages between actors: numbered per receiver, one publish in flight, one effect each. */
import type { HostPorts, StoreAnswer } from "@longshore/kernel";
import { decodeTrusted, OUTBOX_LIMITS, streamsOf } from "@longshore/kernel";
import { describe, expect, test } from "vitest";
import { Gate, HostWorld } from "./host-world.ts";

type Store = HostPorts["wire"]["store"];

/** Puts something between an actor and the inbox it sends to. */
const withStore = (around: (store: Store) => Store) => (ports: HostPorts): HostPorts => {
  const { wire } = ports;
  const store = around((subject, data, done) => wire.store(subject, data, done));
  return {
    ...ports,
    wire: {
      publish: (subject, data) => wire.publish(subject, data), request: (subject, data, timeoutMs, done) => wire.request(subject, data, timeoutMs, done),
      subscribe: (subject, onMessage) => wire.subscribe(subject, onMessage), onReconnect: (handler) => wire.onReconnect(handler),
      store, get connected() { return wire.connected; }, maxPayloadBytes: wire.maxPayloadBytes,
    },
  };
};

describe("the outbox", () => {
  test("what one actor sends another applies, in order and once", () => {
    const world = new HostWorld();
    world.open();
    const receiver = world.open({ instance: "i2", actor: "other" });
    for (let i = 0; i < 20; i++) world.ask({ send: [["other", 1], ["other", 10]] });
    world.settle(1_000);
    expect(receiver.host.current.state).toMatchObject({ total: 220, additions: 40 });
  });

  test("acknowledgements that are lost or doubled change nothing at the receiver", () => {
    const world = new HostWorld();
    let call = 0;
    const lossy = withStore((store) => (subject, data, done) => {
      const kind = call++ % 4;
      if (kind === 0) return store(subject, data, () => done({ kind: "unknown" }));
      if (kind === 1) store(subject, data, () => undefined);
      if (kind === 2) return void world.clock.after(1, () => done({ kind: "unknown" }));
      store(subject, data, done);
    });
    const sender = world.open({ ports: lossy });
    const receiver = world.open({ instance: "i2", actor: "other" });
    for (let i = 0; i < 20; i++) {
      world.ask({ send: [["other", 1]] });
      world.settle(200);
    }
    world.settle(20_000);
    expect(receiver.host.current.state).toMatchObject({ total: 20, additions: 20 });
    expect(sender.host.current.kernel.outbox.get("t.counter.other")).toMatchObject({ acked: 20, pending: [] });
    expect(receiver.host.current.kernel.brokenLinks.size).toBe(0);
  });

  test("the next host sends again what was not acknowledged, under the same numbers", () => {
    const world = new HostWorld();
    const deaf = withStore((store) => (subject, data) => store(subject, data, () => undefined));
    const sender = world.open({ ports: deaf });
    const receiver = world.open({ instance: "i2", actor: "other" });
    world.ask({ send: [["other", 1], ["other", 2]] });
    world.settle(100);
    sender.host.close();
    world.open({ instance: "i3" });
    world.ask({ send: [["other", 4]] });
    world.settle(3_000);
    expect(receiver.host.current.state).toMatchObject({ total: 7, additions: 3 });
  });

  test("one publish per receiver is in flight, and a dead link holds back nobody else", () => {
    const world = new HostWorld();
    const inFlight = new Map<string, number>();
    let most = 0;
    const counted = withStore((store) => (subject, data, done) => {
      inFlight.set(subject, (inFlight.get(subject) ?? 0) + 1);
      most = Math.max(most, inFlight.get(subject)!);
      const answer = (result: StoreAnswer): void => {
        inFlight.set(subject, inFlight.get(subject)! - 1);
        done(result);
      };
      if (subject.includes(".dead.")) world.clock.after(300, () => answer({ kind: "unknown" }));
      else store(subject, data, answer);
    });
    world.open({ ports: counted });
    const alive = world.open({ instance: "i2", actor: "alive" });
    for (let i = 0; i < 10; i++) world.ask({ send: [["dead", 1], ["alive", 1]] });
    world.settle(500);
    expect(alive.host.current.state.total).toBe(10);
    expect(most).toBe(1);
  });

  test("a receiver that does not acknowledge is tried ever less often, and at once again after it did", () => {
    const world = new HostWorld();
    const triedAt: number[] = [];
    let isDown = true;
    const down = withStore((store) => (subject, data, done) => {
      triedAt.push(world.clock.monotonicMs());
      if (isDown) world.clock.after(0, () => done({ kind: "refused", cause: "no-stream" }));
      else store(subject, data, done);
    });
    world.open({ ports: down });
    const receiver = world.open({ instance: "i2", actor: "other" });
    world.ask({ send: [["other", 1]] });
    world.settle(3_600_000);
    const waits = triedAt.slice(1).map((at, i) => at - triedAt[i]!);
    expect(waits.slice(0, 6)).toEqual([500, 1_000, 2_000, 4_000, 8_000, 8_000]);
    expect(Math.max(...waits)).toBe(8_000);
    isDown = false;
    world.settle(8_000);
    expect(receiver.host.current.state.total).toBe(1);
    triedAt.length = 0;
    isDown = true;
    world.ask({ send: [["other", 1]] });
    world.settle(1_000);
    expect(triedAt[1]! - triedAt[0]!).toBe(500);
  });

  test("a publish is bounded by bytes and by count, and one message that is larger goes alone", () => {
    const world = new HostWorld();
    const sizes: number[] = [];
    let isDown = true;
    const counted = withStore((store) => (subject, data, done) => {
      if (isDown) return void world.clock.after(0, () => done({ kind: "unknown" }));
      sizes.push((decodeTrusted(data) as { add: unknown[] }).add.length);
      store(subject, data, done);
    });
    const sender = world.open({ ports: counted });
    for (let i = 0; i < 300; i++) world.ask({ send: [["other", 1]] });
    const { pending } = sender.host.current.kernel.outbox.get("t.counter.other")!;
    const large = (bytes: number): void => void pending.push({ number: pending.at(-1)!.number + 1, body: ["add", "x".repeat(bytes)], bytes: 0 });
    for (const bytes of [100_000, 100_000, 100_000, 300_000, 10]) large(bytes);
    isDown = false;
    world.settle(20_000);
    expect(sizes).toEqual([256, 46, 1, 1, 1]);
  });

  test("a message is not sent before the commit that owes it is stored", () => {
    const world = new HostWorld();
    const gate = new Gate();
    const sent: number[] = [];
    let isDown = true;
    const watched = withStore((store) => (subject, data, done) => {
      const message = decodeTrusted(data) as { first: number; add: number[] };
      message.add.forEach((_, i) => sent.push(message.first + i));
      if (isDown) world.clock.after(10, () => done({ kind: "unknown" }));
      else store(subject, data, done);
    });
    world.open({ ports: (ports) => watched(gate.ports(ports)) });
    world.ask({ send: [["other", 1]] });
    world.settle();
    gate.held = true;
    world.sendDirect({ send: [["other", 2]] });
    // The link's retry falls due while the second commit is in flight.
    world.settle(5_000);
    expect(Math.max(...sent)).toBe(1);
    isDown = false;
    gate.open();
    world.settle(5_000);
    expect(Math.max(...sent)).toBe(2);
  });
});

describe("an acknowledgement that comes while a commit is on its way", () => {
  test("is recorded with the next one, and what it acknowledges is not sent again meanwhile", () => {
    const world = new HostWorld();
    const gate = new Gate();
    const sent: number[] = [];
    const held: (() => void)[] = [];
    const late = withStore((store) => (subject, data, done) => {
      sent.push((decodeTrusted(data) as { first: number }).first);
      store(subject, data, (answer) => held.push(() => done(answer)));
    });
    const sender = world.open({ ports: (ports) => late(gate.ports(ports)) });
    const outbox = (): { readonly acked: number } => sender.host.current.kernel.outbox.get("t.counter.other")!;
    world.ask({ send: [["other", 1]] });
    world.settle();
    gate.held = true;
    world.sendDirect({ send: [["other", 2]] });
    world.settle();
    held.shift()!();
    world.settle();
    expect([outbox().acked, sent]).toEqual([0, [1]]);
    gate.open();
    world.settle();
    expect([outbox().acked, sent]).toEqual([1, [1, 2]]);
    held.shift()!();
    world.settle();
    expect([outbox().acked, sent, held.length]).toEqual([2, [1, 2], 0]);
  });
});

describe("what may be left out", () => {
  const { messagesMax } = OUTBOX_LIMITS;
  /** Number 1 of each item is worth 1; the newest word of level a is worth 1,000,000 times what is said. */
  const flood = (world: HostWorld): void => {
    for (let round = 0; round < 3; round++) for (let i = 0; i < 10; i++) world.ask({ say: Array.from({ length: messagesMax / 20 }, () => ["other", 1]) });
    for (const n of [1, 2, 3]) world.ask({ say: [["other", n * 1_000_000, "a"]] });
    world.ask({ send: [["other", 5]] });
  };

  test("is left out while the receiver takes nothing; what must arrive arrives, once and in order, and of a level the newest word", () => {
    const world = new HostWorld();
    let isDown = true;
    const down = withStore((store) => (subject, data, done) => (isDown ? void world.clock.after(0, () => done({ kind: "unknown" })) : store(subject, data, done)));
    const sender = world.open({ ports: down });
    const receiver = world.open({ instance: "i2", actor: "other" });
    flood(world);
    const outbox = sender.host.current.kernel.outbox.get("t.counter.other")!;
    expect([outbox.pending.length, outbox.withheld.size]).toEqual([messagesMax + 1, 1]);
    isDown = false;
    world.settle(60_000);
    expect(receiver.host.current.state).toMatchObject({ total: messagesMax + 5 + 3_000_000, additions: messagesMax + 2 });
    expect(outbox).toMatchObject({ pending: [], droppableBytes: 0, withheldBytes: 0 });
  });

  test("P8 the next host owes the same as the one before, to the number", () => {
    const world = new HostWorld();
    const deaf = withStore((store) => (subject, data) => store(subject, data, () => undefined));
    const sender = world.open({ ports: deaf });
    const receiver = world.open({ instance: "i2", actor: "other" });
    flood(world);
    const before = sender.host.current.kernel.outbox.get("t.counter.other")!;
    sender.host.close();
    const next = world.open({ instance: "i3", ports: deaf });
    expect(next.host.current.kernel.outbox.get("t.counter.other")).toEqual(before);
    next.host.close();
    world.open({ instance: "i4" });
    world.settle(60_000);
    expect(receiver.host.current.state).toMatchObject({ total: messagesMax + 5 + 3_000_000, additions: messagesMax + 2 });
  });
});

describe("links", () => {
  const link = (first: number, ...add: number[]): Record<string, unknown> => ({ from: "t.far", first, add });
  const peer = { role: "actor", principal: "far" } as const;

  test("a repeat is known by its number", () => {
    const world = new HostWorld();
    const { host } = world.open();
    for (const message of [link(1, 1, 1), link(1, 1, 1), link(2, 1, 1), link(4, 1)]) world.store(message, peer);
    world.settle(100);
    expect(host.current.state.total).toBe(4);
    expect(host.current.kernel.received.get("far/t.far")).toBe(4);
  });

  test("a skipped number stops that link and no other", () => {
    const world = new HostWorld();
    const { host } = world.open();
    for (const message of [link(1, 1), link(3, 100), link(2, 100)]) world.store(message, peer);
    world.store({ from: "t.near", first: 1, add: [1] }, { role: "actor", principal: "near" });
    world.settle(100);
    expect(host.current.state.total).toBe(2);
    expect(host.current.kernel.brokenLinks.get("far/t.far")).toEqual({ expected: 2, got: 3 });
  });

  test("only actors speak on links", () => {
    const world = new HostWorld();
    const { host } = world.open();
    world.store(link(1, 5), { role: "submit", principal: "mallory" });
    world.settle(100);
    expect(host.current.state.total).toBe(0);
  });

  test("a link's messages are kept in the peers' stream", () => {
    const world = new HostWorld();
    world.store(link(1, 5), peer);
    expect(world.server.stream(streamsOf("t").peers).last).toBe(1);
  });
});
