/** The host of one actor: opening, group commit, and what may leave it when. */
import type { HostContext } from "@longshore/kernel";
import { decodeCommit, decodeTrusted } from "@longshore/kernel";
import { describe, expect, test } from "vitest";
import type { CounterState } from "../counter.ts";
import { Gate, HostWorld, hexOf } from "./host-world.ts";

const session = (number: number, birth = 1_000_000): Record<string, unknown> =>
  ({ session: `${birth.toString(36)}-abcdefgh`, first: number, unanswered: 0, notAfter: birth + 60_000 });

describe("opening", () => {
  test("the first host opens epoch 1 and serves", () => {
    const world = new HostWorld();
    const { host } = world.open();
    expect(world.ask({ add: [3] })).toMatchObject({ epoch: 1, count: 1 });
    expect(world.query()).toMatchObject({ epoch: 1, answer: { total: 3 } });
    host.close();
    expect(world.open({ instance: "i2" }).host.current.kernel.epoch).toBe(2);
  });

  test("direct commands are not served before the inbox is drained", () => {
    const world = new HostWorld();
    for (let i = 0; i < 600; i++) world.store({ add: [1] });
    const { host, serving } = world.start();
    world.clock.runUntil(() => serving.count > 0);
    world.settle();
    expect(host.current.state.total).toBe(600);
    expect(world.query()).toMatchObject({ answer: { total: 600 } });
  });

  test("a host that is closed and opened again within its own recovery does not act on the old one", () => {
    const world = new HostWorld();
    world.open().host.close();
    const { host, stops } = world.start({ instance: "i2" });
    world.clock.step();
    host.close();
    host.open();
    world.settle(1_000);
    expect(host.isServing).toBe(true);
    expect(stops).toEqual([{ kind: "closed" }]);
    expect(host.current.kernel.epoch).toBe(2);
  });

  test("a host opened again after a close that took long is not stopped by it", () => {
    const world = new HostWorld();
    const gate = new Gate();
    const { host, stops } = world.open({ ports: gate.ports });
    gate.held = true;
    world.sendDirect({ add: [1] });
    world.settle();
    host.close();
    gate.open();
    world.settle();
    expect(stops).toEqual([{ kind: "closed" }]);
    host.open();
    world.settle(20_000);
    expect(host.isServing).toBe(true);
    expect(stops).toHaveLength(1);
  });
});

describe("group commit", () => {
  test("commands that come while an append is in flight share the next commit", () => {
    const world = new HostWorld();
    world.open();
    const before = world.server.journal("counter", "main").commits().length;
    const answers = Array.from({ length: 50 }, () => world.sendDirect({ add: [1] }));
    world.settle();
    expect(answers.every((list) => list.length === 1)).toBe(true);
    const commits = world.server.journal("counter", "main").commits().slice(before);
    expect(commits).toHaveLength(2);
    expect(commits.map(({ bytes }) => decodeCommit(bytes).events.length)).toEqual([1, 49]);
  });

  test("a message larger than a commit takes several, and is answered once", () => {
    const world = new HostWorld();
    world.open({ limits: { commitEventsMax: 20 } });
    const answer = world.ask({ add: Array.from({ length: 95 }, () => 1), ...session(0) });
    expect(answer).toMatchObject({ count: 95 });
    expect(answer["rejected"]).toBeUndefined();
    expect(world.query()).toMatchObject({ answer: { total: 95 } });
    expect(world.replay().state.total).toBe(95);
  });

  test("settle writes into the commit of the commands it follows from", () => {
    const world = new HostWorld();
    world.open();
    const before = world.server.journal("counter", "main").commits().length;
    world.ask({ later: [[0, 5]] });
    const commits = world.server.journal("counter", "main").commits().slice(before);
    expect(commits.map(({ bytes }) => decodeCommit(bytes).events.map((event) => event[0]))).toEqual([[17, 18]]);
  });

  test("a host with something due wakes by itself", () => {
    const world = new HostWorld();
    const { host } = world.open();
    const at = world.server.serverTime.now() + 5_000;
    world.ask({ later: [[at, 5]] });
    expect(host.current.state.total).toBe(0);
    world.settle(5_000);
    expect(host.current.state.total).toBe(5);
    expect(decodeCommit(world.server.journal("counter", "main").lastNow()!.bytes).at).toBe(at);
  });

  test("a message larger than the mailbox is taken when nothing waits: it would never have more room", () => {
    const world = new HostWorld();
    const { host } = world.open({ limits: { mailboxCommandsMax: 10 } });
    expect(world.ask({ add: Array.from({ length: 12 }, () => 1) })["overloaded"]).toBeUndefined();
    expect(host.current.state.total).toBe(12);
  });

  test("a full mailbox pushes back and records nothing", () => {
    const world = new HostWorld();
    const gate = new Gate();
    world.open({ ports: gate.ports, limits: { mailboxCommandsMax: 10 } });
    gate.held = true;
    const answers = Array.from({ length: 14 }, () => world.sendDirect({ add: [1] }));
    world.settle();
    expect(answers.filter((list) => list[0]?.["overloaded"] === true)).toHaveLength(3);
    gate.open();
    world.settle();
    expect(world.query()).toMatchObject({ answer: { total: 11 } });
  });
});

describe("nothing leaves before its commit is stored", () => {
  test("an answer, a told item and a query answer wait for the append", () => {
    const world = new HostWorld();
    const gate = new Gate();
    world.open({ ports: gate.ports });
    const told: unknown[] = [];
    world.server.wire("alice").subscribe("ls.t.wk.alice.i1", (message) => told.push(decodeTrusted(message.data)));
    gate.held = true;
    const answers = world.sendDirect({ add: [7], tell: [["wk.alice.i1", "hello"]] });
    world.settle();
    const questions: unknown[] = [];
    world.server.wire("v").request("ls.t.q.counter.main.operate.v", new Uint8Array([0x80]), 1_000, (answer) => questions.push(answer));
    world.settle();
    expect([answers.length, told.length, questions.length]).toEqual([0, 0, 0]);
    gate.open();
    world.settle();
    expect([answers.length, questions.length]).toEqual([1, 1]);
    expect(told).toEqual([[1, 1, ["hello"]]]);
  });

  test("what an attendant tells while an event is folded waits for that event's commit", () => {
    const world = new HostWorld();
    const gate = new Gate();
    const stored: number[] = [];
    let context: HostContext<CounterState> | undefined;
    world.open({
      ports: gate.ports,
      attendants: [{
        serving: (given) => { context = given; },
        event: (_event, state) => {
          context?.tell("re.alice.c1", state.total);
          context?.whenStored(() => stored.push(state.total));
        },
        stopped: () => undefined,
      }],
    });
    const told: unknown[] = [];
    world.server.wire("alice").subscribe("ls.t.re.alice.c1", (message) => told.push(decodeTrusted(message.data)));
    gate.held = true;
    world.sendDirect({ add: [7] });
    world.settle();
    expect([told, stored]).toEqual([[], []]);
    gate.open();
    world.settle();
    expect([told, stored]).toEqual([[[1, 1, [7]]], [7]]);
  });

  test("a command that follows from an answer is not let out with the commit before it", () => {
    const world = new HostWorld();
    const gate = new Gate();
    const sender = { role: "operate", principal: "host" } as const;
    world.open({
      ports: gate.ports,
      attendants: [{
        serving: (context) => context.command("add", 1, sender, () => {
          gate.held = true;
          context.command("tell", ["wk.alice.i1", "too early"], sender);
        }),
        stopped: () => undefined,
      }],
    });
    const told: unknown[] = [];
    world.server.wire("alice").subscribe("ls.t.wk.alice.i1", (message) => told.push(decodeTrusted(message.data)));
    world.settle();
    expect(gate.waitingCount).toBe(1);
    expect(told).toEqual([]);
  });

  test("a host without an inbox holds back what it does on serving until that is stored", () => {
    const world = new HostWorld();
    const gate = new Gate();
    const sender = { role: "operate", principal: "host" } as const;
    const told: unknown[] = [];
    world.server.wire("alice").subscribe("ls.t.wk.alice.i1", (message) => told.push(decodeTrusted(message.data)));
    world.open({
      ports: (ports) => ({ ...gate.ports(ports), inboxes: [] }),
      attendants: [{
        serving: (context) => {
          gate.held = true;
          context.command("tell", ["wk.alice.i1", "too early"], sender);
        },
        stopped: () => undefined,
      }],
    });
    world.settle();
    expect(gate.waitingCount).toBe(1);
    expect(told).toEqual([]);
  });
});

describe("sessions", () => {
  test("a repeat gets the recorded outcome and changes nothing", () => {
    const world = new HostWorld();
    world.open();
    const message = { add: [5, -1, 2_000], ...session(0) };
    const first = world.ask(message);
    expect(first).toMatchObject({ rejected: [[1, "counter/negative", expect.any(String), null]], answers: [[2, { total: 2_005 }]] });
    const second = world.ask(message);
    expect(second["rejected"]).toEqual(first["rejected"]);
    expect(second["answers"]).toEqual(first["answers"]);
    expect(world.query()).toMatchObject({ answer: { total: 2_005 } });
  });

  test("a repeat at the next host gets the recorded outcome too", () => {
    const world = new HostWorld();
    const { host } = world.open();
    const message = { add: [5, -1, 2_000], ...session(0) };
    const first = world.ask(message);
    host.close();
    world.open({ instance: "i2" });
    expect(world.ask(message)).toMatchObject({ epoch: 2, rejected: first["rejected"], answers: first["answers"] });
  });

  test("a repeat after its notAfter still gets the outcome it had", () => {
    const world = new HostWorld();
    world.open();
    const message = { add: [5], ...session(0) };
    world.ask(message);
    world.ask({ add: [1], ...session(1), notAfter: 1_000_000 + 3_000_000 });
    world.settle(120_000);
    expect(world.ask(message)["rejected"]).toBeUndefined();
    expect(world.query()).toMatchObject({ answer: { total: 6 } });
  });

  test("a command first seen after its notAfter is refused and not decided", () => {
    const world = new HostWorld();
    world.open();
    world.ask({ add: [1], ...session(0), notAfter: 1_000_000 + 3_000_000 });
    world.settle(120_000);
    expect(world.ask({ add: [5], ...session(1) })).toMatchObject({ rejected: [[0, "session/expired", expect.any(String), null]] });
    expect(world.query()).toMatchObject({ answer: { total: 1 } });
  });

  test("a late repeat of a forgotten session is told that nobody knows, not that it was not decided", () => {
    const world = new HostWorld();
    world.open();
    const message = { add: [5], ...session(0) };
    world.ask(message);
    world.settle(120_000);
    world.ask({ add: [1], ...session(0), session: `${(1_100_000).toString(36)}-another-one`, notAfter: 1_300_000 });
    expect(world.ask(message)).toMatchObject({ rejected: [[0, "session/unknown", expect.any(String), null]] });
    expect(world.query()).toMatchObject({ answer: { total: 6 } });
  });

  test("a host that was overtaken says nothing about a session, not even a refusal", () => {
    const world = new HostWorld();
    const old = world.open();
    world.server.serverTime.offsetMs += 0;
    const next = world.start({ instance: "i2" });
    world.clock.runUntil(() => next.host.isServing);
    // Both listen: only the one that still holds the history may answer.
    const answers = world.sendDirect({ add: [5], ...session(0), notAfter: 1 });
    world.settle(200);
    expect(old.stops).toEqual([{ kind: "fenced" }]);
    expect(answers[0]).toMatchObject({ epoch: 2 });
  });
});

describe("replay", () => {
  test("the host's own state and a replay of its journal have one hash", () => {
    const world = new HostWorld();
    const { host } = world.open();
    world.ask({ add: [5, -1, 2_000], ...session(0) });
    world.ask({ nonsense: [1], ...session(3) });
    world.store({ add: [-7, 1] });
    world.storeBytes(new Uint8Array([0xc1]));
    world.ask({ send: [["other", 4]] });
    world.settle();
    expect(hexOf(world.replay().stateHash())).toBe(hexOf(host.current.stateHash()));
  });
});
